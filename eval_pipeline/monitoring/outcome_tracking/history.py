"""What earlier predictions leave to learn from: which weeks count, and which were broken."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.outcome_tracking.detectors import (
    Break,
    Limits,
    breaks_in,
    broken_places,
    limits_for,
)
from eval_pipeline.monitoring.outcome_tracking.link import ALL, MOST_WEEKS, Past

_NEEDED: Final = ("offline", "offline_se", "outcome", "outcome_se", "outcome_effective")
_ERRORS: Final = ("week", "subset", "error_score")


def since(history: pl.DataFrame, link_from: str | None) -> pl.DataFrame:
    """The weeks from which a person has the link learned, in order; all, if null."""
    kept = history if link_from is None else history.filter(pl.col("week") >= link_from)
    return kept.sort("week", "subset")


def limits_of(subset: str, *, subsets: int, false_warnings_per_year: float) -> Limits:
    """Half of the false warnings are those of all traffic, half those of all subsets together."""
    among = 1 if subset == ALL else max(subsets, 1)
    return limits_for(false_warnings_per_year / 2, among=among)


def breaks_of(
    history: pl.DataFrame, *, false_warnings_per_year: float
) -> dict[str, tuple[list[str], list[Break]]]:
    """By subset its weeks, in order, and the times in them that missed the predictions.

    `history`: OUTCOME_PREDICTIONS with `week`.
    """
    streams: dict[str, list[tuple[str, float | None]]] = {}
    for week, subset, score in history.sort("week").select(_ERRORS).iter_rows():
        streams.setdefault(subset, []).append((week, score))
    others = len(streams.keys() - {ALL})
    return {
        subset: (
            [week for week, _ in rows],
            breaks_in(
                [score for _, score in rows],
                limits_of(subset, subsets=others, false_warnings_per_year=false_warnings_per_year),
            ),
        )
        for subset, rows in streams.items()
    }


def past_of(
    history: pl.DataFrame, *, bases: Mapping[str, str | None], false_warnings_per_year: float
) -> dict[str, Past]:
    """The weeks that a subset's link is learned from: at most the newest 52.

    They have a score of the basis that `bases` names, and an outcome, and lie in no time in which
    the subset's predictions or those of all traffic had begun to miss: what is broken must not
    become what is usual.
    """
    breaks = breaks_of(history, false_warnings_per_year=false_warnings_per_year)
    broken = {
        subset: {weeks[place] for place in broken_places(found, len(weeks))}
        for subset, (weeks, found) in breaks.items()
    }
    everywhere = broken.get(ALL, set())
    rows: dict[str, list[dict[str, Any]]] = {}
    columns = ("subset", "week", "basis", "kept", *_NEEDED)
    for row in history.sort("week").select(columns).iter_rows(named=True):
        rows.setdefault(row["subset"], []).append(row)
    return {
        subset: _past(own, basis=bases[subset], without=broken.get(subset, set()) | everywhere)
        for subset, own in rows.items()
        if bases.get(subset) is not None
    }


def _past(rows: Sequence[Mapping[str, Any]], *, basis: str | None, without: set[str]) -> Past:
    counted: list[tuple[str, float, Mapping[str, Any]]] = []
    kept = 1.0
    for row in rows:
        kept *= row["kept"] or 0.0
        if row["basis"] != basis or row["week"] in without:
            continue
        if all(row[name] is not None for name in _NEEDED):
            counted.append((row["week"], kept, row))
            kept = 1.0
    counted = counted[-MOST_WEEKS:]

    def column(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([row[name] for _, _, row in counted], dtype=np.float64)

    return Past(
        weeks=tuple(week for week, _, _ in counted),
        score=column("offline"),
        score_se=column("offline_se"),
        kept=np.array([share for _, share, _ in counted], dtype=np.float64),
        outcome=column("outcome"),
        outcome_se=column("outcome_se"),
        effective=column("outcome_effective"),
    )
