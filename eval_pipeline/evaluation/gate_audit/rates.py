"""From counts of what the gate got wrong to GATE_AUDIT: rates, exact intervals, and findings.

A rate is held against its limit by the one-sided exact bound of Clopper and Pearson (1934). All
rates of one audit that have a limit share its error equally (Bonferroni), so an audit in which
every true rate keeps its limit says 'exceeded' of any with a chance of at most 1 - confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.statistics.proportions import clopper_pearson
from eval_pipeline.tables import GATE_AUDIT

KEPT: Final = "kept"
EXCEEDED: Final = "exceeded"
TOLD: Final = "told"
NOT_MADE: Final = "not_made"
INTERVAL: Final = 0.95


@dataclass(frozen=True)
class Count:
    """How often something happened; without `runs` it could not be made, and `note` says why.

    `planted` is the true drop or share; `allowed` is the largest true rate, null where the rate is
    only told.
    """

    fault: str
    measure: str
    subset: str
    size: float = 0.0
    planted: float | None = None
    count: int = 0
    runs: int = 0
    allowed: float | None = None
    note: str | None = None


def audit_rows(
    counts: Sequence[Count], *, confidence: float, golden_version: int | None, basis: str | None
) -> pl.DataFrame:
    """GATE_AUDIT of all counts of one audit, whose limits share 1 - `confidence`."""
    limited = sum(1 for one in counts if one.allowed is not None and one.runs)
    error = (1 - confidence) / max(1, limited)
    rows = [
        _row(one, error=error) | {"golden_version": golden_version, "basis": basis}
        for one in counts
    ]
    return GATE_AUDIT.conform(pl.DataFrame(rows, schema=GATE_AUDIT.schema))


def _row(one: Count, *, error: float) -> dict[str, Any]:
    lower, upper = clopper_pearson(one.count, one.runs, confidence=INTERVAL)
    bound = None
    if one.runs and one.allowed is not None:
        bound = clopper_pearson(one.count, one.runs, confidence=1 - 2 * error)[0]
    return {
        "fault": one.fault,
        "measure": one.measure,
        "subset": one.subset,
        "size": one.size,
        "planted": one.planted,
        "count": one.count,
        "runs": one.runs,
        "rate": one.count / one.runs if one.runs else None,
        "lower": lower,
        "upper": upper,
        "allowed": one.allowed,
        "proven_above": bound,
        "finding": _finding(one, bound),
        "note": one.note,
    }


def _finding(one: Count, bound: float | None) -> str:
    if not one.runs:
        return NOT_MADE
    if bound is None or one.allowed is None:
        return TOLD
    return EXCEEDED if bound > one.allowed else KEPT
