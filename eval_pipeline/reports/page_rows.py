"""Rows and charts that the pages of decision and week share."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from eval_pipeline.reports import judge_quality, wording
from eval_pipeline.reports.agreement_plots import agreement_forest, ceiling_rows
from eval_pipeline.reports.decomposition_plots import waterfall
from eval_pipeline.reports.decomposition_words import STEPS
from eval_pipeline.reports.drift_timeline import drift_timeline
from eval_pipeline.tables import DRIFT_REPORT


def drawn(svg: str) -> Markup:
    """A chart of our own as a page takes it."""
    return Markup(svg)  # noqa: S704 - our own SVG, its texts escaped


def drift_rows(drift: pl.DataFrame | None) -> list[dict[str, Any]]:
    """The newest week's rows: all drift, and the newest version's figures on all items."""
    if drift is None or drift.is_empty():
        return []
    if "week" in drift.columns:
        drift = drift.filter(pl.col("week") == pl.col("week").max())
    columns = list(DRIFT_REPORT.schema)
    order = {name: place for place, name in enumerate((*STEPS, "total"))}
    place = pl.col("component").replace_strict(order, default=len(order))
    rows = drift.select(columns).sort(*DRIFT_REPORT.key[:-1], place, "component").to_dicts()
    newest = {row["system_id"]: row["golden_version"] for row in rows}
    return [
        row
        for row in rows
        if row["finding"] == "drift"
        or (row["subset"], row["golden_version"]) == (wording.AGGREGATE, newest[row["system_id"]])
    ]


def waterfall_chart(drift: pl.DataFrame | None) -> Markup | None:
    """What moved the score, part by part; null without a re-run."""
    if drift is None or drift.is_empty():
        return None
    return drawn(waterfall(drift))


def timeline(drift: pl.DataFrame | None, signals: pl.DataFrame | None) -> Markup | None:
    """The parts by week with the alarms; null where there is one week only."""
    if drift is None or "week" not in drift.columns or drift["week"].n_unique() <= 1:
        return None
    return drawn(drift_timeline(drift, signals=signals))


def ceiling_chart(decision: Mapping[str, Any]) -> Markup | None:
    """How far people agree on what is gated; null where nobody measured it."""
    gated = [
        row
        for row in (decision["aggregate"], *decision["subsets"])
        if row["state"] != "reported" and row.get("human_agreement") is not None
    ]
    return drawn(agreement_forest(ceiling_rows(gated))) if gated else None


def judge_chart(quality: pl.DataFrame | None) -> Markup | None:
    """The judges' agreement with people; null where nothing was measured."""
    if not judge_quality.page_rows(quality) or quality is None:
        return None
    return drawn(judge_quality.agreement_chart(quality))


def reliability(bins: pl.DataFrame | None) -> Markup | None:
    """The judges' reliability diagram; null without graded verdicts over all rubrics."""
    if bins is None:
        return None
    whole = bins.filter(pl.col("rubric_id") == judge_quality.ALL_RUBRICS)
    return None if whole.is_empty() else drawn(judge_quality.reliability_diagram(bins))


def provenance(decision: Mapping[str, Any], golden: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What reproduces the decision: every plain value of decision and manifest, in key order."""
    known = {"schema_version", "verdict", "reasons", "aggregate", "subsets"}
    pairs = [(f"decision · {key}", decision[key]) for key in sorted(set(decision) - known)]
    pairs += [(f"golden · {key}", golden[key]) for key in sorted(golden)]
    return [
        (wording.one_line(name), wording.clipped(wording.one_line(str(value)), 160))
        for name, value in pairs
        if isinstance(value, str | int | float)
    ][:60]
