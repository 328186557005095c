"""The gate's audit in words: a row a fault for people, and what stands on pages."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.reports import wording

FAULT_WORDS: Final = {
    "nothing": "nothing planted",
    "regression": "regression",
    "dropped_rows": "rows gone at random",
    "dropped_failures": "failures dropped",
    "swapped_labels": "labels swapped",
    "biased_judge": "a judge hides the loss",
    "model_change": "the model changed silently",
}
MEASURE_WORDS: Final = {
    "false_block": "verdict: block",
    "false_inconclusive": "verdict: inconclusive",
    "invalid": "verdict: could not be evaluated",
    "blocked": "subset blocked",
    "undecided": "subset not certified",
    "missed": "missed: certified all the same",
    "missed_without_people": "missed where nobody labels the candidate",
    "passed": "whole verdict: pass",
    "unnoticed": "not noticed",
    "false_alarm": "drift alarm for nothing",
}
FINDING_WORDS: Final = {
    "kept": "kept",
    "exceeded": "proven above its limit",
    "told": "no limit",
    "not_made": "not made",
}
_TIMES: Final = ("regression", "dropped_failures", "biased_judge")
COLUMNS: Final = ("fault", "what happened", "subset", "planted", "rate", "allowed", "finding")
ON_PAGES: Final = (
    "false_block", "false_inconclusive", "missed", "missed_without_people", "unnoticed",
    "false_alarm",
)  # fmt: skip
"""Measures that pages show; the table in the lake and the command have all."""


def audit_in_words(audit: pl.DataFrame) -> pl.DataFrame:
    """GATE_AUDIT with a line a row: what was planted, how often it went wrong, what is allowed."""
    rows = [_in_words(row) for row in _ordered(audit).iter_rows(named=True)]
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String))


def page_rows(audit: pl.DataFrame | None) -> list[dict[str, Any]]:
    """What a page shows of an audit: the rates that speak of the gate, worst findings marked."""
    if audit is None:
        return []
    shown = audit.filter(pl.col("measure").is_in(list(ON_PAGES)))
    return [
        {**_in_words(row), "exceeded": row["finding"] == "exceeded"}
        for row in _ordered(shown).iter_rows(named=True)
    ]


def _ordered(audit: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("fault").replace_strict(
        {name: place for place, name in enumerate(FAULT_WORDS)}, return_dtype=pl.Int64
    )
    return audit.sort(rank, "measure", pl.col("subset") != wording.AGGREGATE, "subset", "size")


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fault": FAULT_WORDS[row["fault"]],
        "what happened": MEASURE_WORDS[row["measure"]],
        "subset": "all items" if row["subset"] == wording.AGGREGATE else row["subset"],
        "planted": _planted(row),
        "rate": _rate(row),
        "allowed": "—" if row["allowed"] is None else f"{100 * row['allowed']:g} %",
        "finding": FINDING_WORDS[row["finding"]],
    }


def _planted(row: Mapping[str, Any]) -> str:
    if row["planted"] is None:
        return "—"
    if row["fault"] in _TIMES:
        return f"{row['size']:g} times its tolerance, {100 * row['planted']:.1f} points"
    unit = "points" if row["fault"] == "model_change" else "%"
    return f"{100 * row['planted']:.1f} {unit}"


def _rate(row: Mapping[str, Any]) -> str:
    if not row["runs"]:
        return row["note"] or "not made"
    return (
        f"{row['count']} of {row['runs']} ({100 * row['lower']:.0f} to {100 * row['upper']:.0f} %)"
    )
