"""Confidence against accuracy, in words and rows for people."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.reports.wording import AGGREGATE

NOT_GIVEN: Final = "not given"


def confidence_sentences(curves: pl.DataFrame) -> list[str]:
    """One per arm and subset of CONFIDENCE_CURVES; one per arm that states no confidence."""
    return list(_sentences(curves))


def _sentences(curves: pl.DataFrame) -> Iterator[str]:
    for (arm,), own in curves.partition_by("arm", as_dict=True, maintain_order=True).items():
        if set(own["state"]) == {"not_given"}:
            yield (
                f"{arm} '{own['system_id'][0]}': confidence {NOT_GIVEN}. Name a field or a pattern "
                "under its `confidence`; a judge's score is not the system's confidence."
            )
            continue
        for rows in _by_subset(own):
            yield f"{arm} '{rows[0]['system_id']}', {rows[0]['subset']}: {_finding(rows)}"


def curve_rows(curves: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per arm and subset: what it answers by itself at the supported threshold, or at 0."""
    return [
        next((row for row in rows if row["supported"]), rows[0])
        for own in curves.partition_by("arm", maintain_order=True)
        for rows in _by_subset(own)
    ]


def _by_subset(own: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """'all' first, then the subsets by name; thresholds ascending."""
    names = sorted(set(own["subset"]), key=lambda name: (name != AGGREGATE, name))
    for name in names:
        yield own.filter(pl.col("subset") == name).sort("threshold").to_dicts()


def _finding(rows: list[dict[str, Any]]) -> str:
    first = rows[0]
    supported = next((row for row in rows if row["supported"]), None)
    if supported is not None:
        return (
            f"what it says with confidence {supported['threshold']:g} or more may be answered by "
            f"itself: {_share(supported, 'accuracy')} right of {supported['answered']}, "
            f"{_share(supported, 'coverage')} of {supported['items']} items; the rest is escalated."
        )
    told = (
        f"without a threshold it answers {_share(first, 'coverage')} of {first['items']} items, "
        f"{_share(first, 'accuracy')} of them right"
    )
    if first["state"] == "no_target":
        return f"{told}; no target is set under `escalation.minimum_accuracy`."
    shown = f"no threshold is shown to reach {first['target']:.0%}"
    if first["items_needed"] is None:
        return f"{shown}: at none is the accuracy seen above it; {told}."
    return f"{shown}: about {first['items_needed']:,} items are needed; {told}."


def _share(row: dict[str, Any], name: str) -> str:
    value, lower, upper = row[name], row[f"{name}_lower"], row[f"{name}_upper"]
    return "none" if value is None else f"{value:.0%} ({lower:.0%} to {upper:.0%})"
