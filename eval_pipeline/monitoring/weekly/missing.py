"""What a week had to do without, by whom and why: counts, never scores."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.weekly.evidence import WeekEvidence
from eval_pipeline.tables.outcomes import with_kind

WEEK_MISSING: Final = pl.Schema(
    {"what": pl.String, "who": pl.String, "code": pl.String, "missing": pl.Int64, "of": pl.Int64}
)
"""One row per kind of thing, who owed it and why it is missing. `of`: how many were owed; null
where nobody counted."""


def week_missing(known: WeekEvidence) -> pl.DataFrame:
    """WEEK_MISSING of a week, what is missing most first within each kind."""
    parts = (_quarantined, _shortfalls, _verdicts, _panel, _labels)
    rows = [row for part in parts for row in part(known)]
    return pl.DataFrame(rows, schema=WEEK_MISSING, orient="row")


Row = tuple[str, str, str, int, int | None]


def _quarantined(known: WeekEvidence) -> Iterator[Row]:
    counted = known.quarantined or {}
    total = sum(counted.values())
    if known.frame is not None:
        total += int(known.frame["interactions"].sum())
    for reason, count in sorted(counted.items(), key=lambda each: (-each[1], each[0])):
        yield "row of the logs", "logs", reason, count, total


def _shortfalls(known: WeekEvidence) -> Iterator[Row]:
    if known.frame is None:
        return
    for row in known.frame.filter(pl.col("shortfall") > 0).sort("stratum").iter_rows(named=True):
        yield "conversation", row["stratum"], row["reason"], row["shortfall"], row["wanted"]


def _verdicts(known: WeekEvidence) -> Iterator[Row]:
    if known.verdicts is None:
        return
    abstained = pl.col("verdict") == "abstain"
    told = with_kind(known.verdicts).with_columns(
        code=pl.when(abstained).then(pl.lit("abstained")).otherwise("outcome"),
        asked=pl.len().over("judge_id"),
    )
    without = told.filter(pl.col("verdict").is_null() | abstained)
    counted = without.group_by("judge_id", "code").agg(pl.len(), pl.col("asked").first())
    rows = counted.sort("judge_id", -pl.col("len").cast(pl.Int64), "code")
    for row in rows.iter_rows(named=True):
        yield "verdict", row["judge_id"], row["code"], row["len"], row["asked"]


def _panel(known: WeekEvidence) -> Iterator[Row]:
    if known.panel is None:
        return
    without = known.panel.filter(pl.col("panel_verdict").is_null())
    counted = without.group_by("reason").len().sort(-pl.col("len").cast(pl.Int64), "reason")
    for reason, count in counted.iter_rows():
        yield "panel verdict", "panel", reason, count, known.panel.height


def _labels(known: WeekEvidence) -> Iterator[Row]:
    if known.disputes is None:
        return
    asked = known.disputes.filter(pl.col("selection") != "gold_check")
    settled: list[Any] = []
    if known.adjudications is not None:
        settled = known.adjudications["interaction_id"].to_list()
    waiting = asked.filter(~pl.col("interaction_id").is_in(settled))
    for reason, count in waiting.group_by("reason").len().sort("reason").iter_rows():
        of = asked.filter(pl.col("reason") == reason).height
        yield "label", f"people, asked for {reason}", "not_settled", count, of
