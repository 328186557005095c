"""What the gate says of cost and latency."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings

ALL: Final = "all"
SUBJECTS: Final = {
    "latency_p95_ratio": "The p95 latency",
    "cost_per_success_ratio": "The cost per success",
}


def limit_grounds(operations: pl.DataFrame | None, policy: GateSettings) -> Grounds:
    """A breach that the interval proves blocks; one that it leaves open passes nothing.

    A figure within its limit whose interval reaches over it is a note, and passes nothing either
    where the policy wants its limits proven.
    """
    proven, open_ones, near = [], [], []
    for subset, metric, limit in _limits(policy):
        row = _row_of(operations, subset, metric)
        if row is None or row["value"] is None:
            open_ones.append(
                f"{_subject(metric, subset)} was not measured in both arms, and the policy "
                "limits it."
            )
        elif row["lower"] is not None and row["lower"] > limit:
            proven.append(_over(row, subset, metric, limit=limit, certainty=""))
        elif row["value"] > limit:
            certainty = ", but not beyond doubt"
            open_ones.append(_over(row, subset, metric, limit=limit, certainty=certainty))
        elif row["upper"] is None or row["upper"] > limit:
            near.append(_near(row, subset, metric, limit=limit))
    if policy.prove_limits:
        return Grounds(blocking=tuple(proven), unknown=(*open_ones, *near))
    return Grounds(blocking=tuple(proven), unknown=tuple(open_ones), notes=tuple(near))


def _limits(policy: GateSettings) -> Iterator[tuple[str, str, float]]:
    """Every limit of the policy: the subset, the metric and the largest ratio."""
    for subset in (ALL, *sorted(policy.subset_limits)):
        limits = policy.limits_in(subset)
        for metric, limit in zip(
            SUBJECTS, (limits.maximum_latency_ratio, limits.maximum_cost_ratio), strict=True
        ):
            if limit is not None:
                yield subset, metric, limit


def _row_of(operations: pl.DataFrame | None, subset: str, metric: str) -> dict[str, Any] | None:
    if operations is None:
        return None
    rows = operations.filter(pl.col("metric") == metric)
    if "subset" in rows.columns:
        rows = rows.filter(pl.col("subset") == subset)
    elif subset != ALL:
        # A decision of the time before subsets were told: its rows speak of all items.
        return None
    return rows.row(0, named=True) if rows.height else None


def _subject(metric: str, subset: str) -> str:
    return SUBJECTS[metric] if subset == ALL else f"{SUBJECTS[metric]} of '{subset}'"


def _over(row: dict[str, Any], subset: str, metric: str, *, limit: float, certainty: str) -> str:
    return f"{_told(row, subset, metric)}, over the limit of {limit:.2f}{certainty}."


def _near(row: dict[str, Any], subset: str, metric: str, *, limit: float) -> str:
    return f"{_told(row, subset, metric)}, within the limit of {limit:.2f}, but not beyond doubt."


def _told(row: dict[str, Any], subset: str, metric: str) -> str:
    span = (
        "no interval"
        if row["lower"] is None or row["upper"] is None
        else f"{row['lower']:.2f} to {row['upper']:.2f}"
    )
    return f"{_subject(metric, subset)} is {row['value']:.2f} times the baseline's ({span})"
