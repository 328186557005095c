"""The week as one self-contained page for the product owner, and the same as JSON."""

import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.inert_text import markdown_list
from eval_pipeline.monitoring.weekly.evidence import WeekEvidence
from eval_pipeline.monitoring.weekly.missing import week_missing
from eval_pipeline.monitoring.weekly.panel import panel_shares
from eval_pipeline.monitoring.weekly.summary import headline, needs, next_steps
from eval_pipeline.monitoring.weekly.truth_figures import ceilings
from eval_pipeline.reports import (
    drift_attribution,
    gate_audit_section,
    judge_quality,
    page_rows,
    wording,
)
from eval_pipeline.reports.agreement_plots import agreement_forest
from eval_pipeline.reports.decomposition_words import moved
from eval_pipeline.reports.missing import reason_words
from eval_pipeline.reports.monitor_plots import monitor_panels
from eval_pipeline.reports.outcome_plots import FINDING_WORDS, prediction_timeline
from eval_pipeline.reports.page_filters import report_environment
from eval_pipeline.reports.weekly_plots import panel_chart

MAXIMUM_ROWS: Final = 100
SCHEMA_VERSION: Final = 1
ALERT_COLUMNS: Final = (
    "source", "metric", "subset", "value", "lower", "upper", "since_week", "weeks", "sentence",
    "next_step",
)  # fmt: skip
TRACKING_COLUMNS: Final = (
    "subset", "weeks", "inside", "coverage_lower", "coverage_upper", "bias", "bias_lower",
    "bias_upper", "finding", "since_week", "sentence",
)  # fmt: skip


def weekly_page(report: pl.DataFrame, known: WeekEvidence) -> str:
    """The page of a week: headline and what needs a person first, then each part of the week.

    `report` holds WEEKLY_REPORT rows. It shows counts, names and figures, and no text of anybody.
    """
    told = {
        **_first(report, known),
        **_sample(known),
        **_panel(known),
        **_people(known),
        **_judges(known),
        **_drift(known),
        **_production(known),
        **_outcomes(known),
        **gate_audit_section.section(known.of_week(known.audit), known.audit),
        "decisions": [_decision(one.decision) for one in known.decisions][:MAXIMUM_ROWS],
        "golden": known.golden,
        "missing": _missing(known),
        "not_made": list(known.not_made),
    }
    return report_environment().get_template("weekly.html.jinja").render(told)


def week_json(report: pl.DataFrame, known: WeekEvidence) -> str:
    """Headline, needs, figures and what is missing, in key order: equal weeks are equal files."""
    told = {
        "schema_version": SCHEMA_VERSION,
        "week": known.week,
        "headline": headline(known),
        "needs_a_person": [vars(need) for need in needs(known)],
        "next_steps": [vars(step) for step in next_steps(known)],
        "figures": report.to_dicts(),
        "missing": week_missing(known).to_dicts(),
        "golden_version": None if known.golden is None else known.golden.version,
    }
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _first(report: pl.DataFrame, known: WeekEvidence) -> dict[str, Any]:
    rows = {(row["metric"], row["about"]): row for row in report.iter_rows(named=True)}
    return {
        "week": known.week,
        "headline": wording.one_line(headline(known)),
        "needs": needs(known),
        "steps": next_steps(known),
        "figure": {metric: row for (metric, about), row in rows.items() if about == "all"},
        "interval_name": f"{100 * known.confidence:g} % interval",
    }


def _sample(known: WeekEvidence) -> dict[str, Any]:
    frame = [] if known.frame is None else known.frame.sort("stratum").to_dicts()
    masked = 0
    if known.masking is not None:
        spans = known.masking.filter(
            pl.col("measure") == "masked_spans", pl.col("dimension") == "week"
        )
        masked = int(spans["value"].sum())
    return {
        "frame": frame[:MAXIMUM_ROWS],
        "quarantined": known.quarantined,
        "masked": masked if known.masking is not None else None,
    }


def _panel(known: WeekEvidence) -> dict[str, Any]:
    now = _shares(known.quality, known)
    before = _shares(known.quality_before, known)
    if now is None:
        return {"panel_rows": [], "panel_chart": None}
    earlier = {} if before is None else {row["subset"]: row for row in before.to_dicts()}
    rows = [{**row, "before": earlier.get(row["subset"])} for row in now.to_dicts()]
    return {
        "panel_rows": rows[:MAXIMUM_ROWS],
        "panel_chart": page_rows.drawn(panel_chart(now, before)),
    }


def _shares(quality: pl.DataFrame | None, known: WeekEvidence) -> pl.DataFrame | None:
    return None if quality is None else panel_shares(quality, confidence=known.confidence)


def _people(known: WeekEvidence) -> dict[str, Any]:
    agreement = None
    if known.agreement is not None and ceilings(known.agreement):
        agreement = page_rows.drawn(agreement_forest(known.agreement))
    return {"agreement": agreement, "tasks": _tasks(known)}


def _tasks(known: WeekEvidence) -> list[dict[str, Any]]:
    """By why people were asked: how many, settled how, and what they said."""
    if known.disputes is None:
        return []
    asked = known.disputes.filter(pl.col("selection") != "gold_check")
    columns = ["interaction_id", "settled_by", "label"]
    settled = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    if known.adjudications is not None:
        settled = known.adjudications.select(columns)
    joined = asked.join(settled, on="interaction_id", how="left")
    counted = joined.group_by("selection", "reason").agg(
        asked=pl.len(),
        agreed=(pl.col("settled_by") == "agreement").sum(),
        adjudicated=(pl.col("settled_by") == "adjudication").sum(),
        passed=(pl.col("label") == "pass").sum(),
        failed=(pl.col("label") == "fail").sum(),
        waiting=pl.col("label").is_null().sum(),
    )
    return counted.sort("selection", "reason").to_dicts()


def _judges(known: WeekEvidence) -> dict[str, Any]:
    return {
        "judges": judge_quality.page_rows(known.judges)[:MAXIMUM_ROWS],
        "judge_columns": judge_quality.COLUMNS,
        "judge_chart": page_rows.judge_chart(known.judges),
        "reliability": page_rows.reliability(known.reliability),
    }


def _drift(known: WeekEvidence) -> dict[str, Any]:
    report, signals = known.of_week(known.drift), known.of_week(known.signals)
    through = None if report is None else known.drift
    return {
        "drift": page_rows.drift_rows(report)[:MAXIMUM_ROWS],
        "moved": [] if report is None else moved(report),
        "attributions": drift_attribution.attribution_sentences(signals),
        "waterfall": page_rows.waterfall_chart(report),
        "timeline": page_rows.timeline(through, known.signals),
    }


def _production(known: WeekEvidence) -> dict[str, Any]:
    monitor = known.of_week(known.monitor)
    unusual: list[dict[str, Any]] = []
    if monitor is not None:
        found = monitor.filter(pl.col("finding") == "unusual").sort("route", "metric")
        unusual = found.to_dicts()[:MAXIMUM_ROWS]
    return {
        "monitored": monitor is not None,
        "unusual": unusual,
        "monitor_chart": None
        if monitor is None or known.monitor is None
        else page_rows.drawn(monitor_panels(known.monitor)),
        "alerts": _table(known.alerts, ALERT_COLUMNS),
        "alerts_looked_at": known.alerts is not None,
    }


def _outcomes(known: WeekEvidence) -> dict[str, Any]:
    chart = None if known.predictions is None else prediction_timeline(known.predictions)
    return {
        "outcomes": [] if known.outcomes is None else known.outcomes.sort("subset").to_dicts(),
        "tracking": _table(known.tracking, TRACKING_COLUMNS),
        "prediction_chart": None if chart is None else page_rows.drawn(chart),
        "finding_words": FINDING_WORDS,
    }


def _table(frame: pl.DataFrame | None, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows with these columns; one that the frame does not have is null."""
    rows = [] if frame is None else frame.head(MAXIMUM_ROWS).to_dicts()
    return [{name: row.get(name) for name in columns} for row in rows]


def _decision(decision: Mapping[str, Any]) -> dict[str, Any]:
    blocked = [row["subset"] for row in decision["subsets"] if row["state"] == "blocked"]
    return {
        "candidate": decision["candidate"],
        "verdict": decision["verdict"],
        "waived": decision.get("waived", False),
        "aggregate": decision["aggregate"],
        "blocked": blocked,
        "headline": wording.headline(decision),
        "page": f"../../gate_decision/candidate={decision['candidate']}/decision.html",
    }


def _missing(known: WeekEvidence) -> list[dict[str, Any]]:
    rows = week_missing(known).head(MAXIMUM_ROWS).to_dicts()
    return [{**row, "why": reason_words(row["code"])} for row in rows]


def needs_in_words(known: WeekEvidence) -> str:
    """What needs a person as a Markdown list."""
    return markdown_list(need.sentence for need in needs(known)) or "Nothing."


def missing_in_words(known: WeekEvidence) -> pl.DataFrame:
    """WEEK_MISSING with the reasons in words."""
    rows = week_missing(known)
    return rows.with_columns(
        why=pl.Series([reason_words(code) for code in rows["code"]], dtype=pl.String)
    ).drop("code")


def charts(known: WeekEvidence) -> dict[str, str]:
    """The page's charts by name, as far as the week has what they draw."""
    now = _shares(known.quality, known)
    before = _shares(known.quality_before, known)
    drawn = {
        "panel": None if now is None else panel_chart(now, before),
        "production": None if known.monitor is None else monitor_panels(known.monitor),
        "outcomes": None if known.predictions is None else prediction_timeline(known.predictions),
        "drift": page_rows.timeline(known.drift, known.signals),
        "agreement": _people(known)["agreement"],
        "judges": page_rows.judge_chart(known.judges),
        "reliability": page_rows.reliability(known.reliability),
    }
    return {name: str(svg) for name, svg in drawn.items() if svg is not None}
