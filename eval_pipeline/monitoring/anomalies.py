"""The week's figures per route against their own history: robust z with cut-offs by its length.

Methods 6: z = (value - median) / (1.4826 MAD), the spread never below the sampling error, over at
most the last 26 weeks; with few weeks the cut-off is higher, because a short history's MAD is
often too small by chance.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import (
    Measured,
    mean_of,
    normal_quantile,
    quantile_of,
    rate_of,
)
from eval_pipeline.tables import INTERACTION_SCHEMA, PRODUCTION_MONITOR

ALL: Final = "all"
CONFIDENCE: Final = 0.95
LEAST_WEEKS: Final = 4
MOST_WEEKS: Final = 26
CUT_OFFS: Final = ((26, 4.3), (12, 5.6), (0, 8.0))
"""From this many weeks of history, a robust z beyond this is unusual (simulated, methods 6)."""
MAD_TO_SD: Final = 1.4826
REFUSED: Final = ("content_filter", "refusal", "safety")

_COLUMNS: Final = (
    "route", "error", "finish_reason", "latency_seconds", "output_tokens", "cost_usd", "feedback",
    "escalated", "outcome",
)  # fmt: skip


def monitor_week(interactions: pl.DataFrame, *, history: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The PRODUCTION_MONITOR of a week's narrow columns; `history`: earlier weeks' frames in order.

    A column that the logs lack, or that is null throughout, gives `not_logged`. A route named
    'all' in the logs would be told as part of all routes and is not shown apart.
    """
    week = _with_all_columns(interactions)
    frames = {ALL: week}
    for (route,), own in week.group_by("route", maintain_order=True):
        if route is not None and route != ALL:
            frames[str(route)] = own
    past = _past_values(history)
    rows = []
    for route in sorted(frames):
        for metric, measure in _METRICS.items():
            measured = measure(frames[route])
            rows.append(
                {
                    "route": route,
                    "metric": metric,
                    "value": measured.value,
                    "lower": measured.lower,
                    "upper": measured.upper,
                    "interactions": frames[route].height,
                    **_against_history(measured, past.get((route, metric), [])),
                }
            )
    return PRODUCTION_MONITOR.conform(pl.DataFrame(rows, schema=PRODUCTION_MONITOR.schema))


def cut_off(weeks: int) -> float:
    """The robust z beyond which a figure is unusual, given so many weeks of history."""
    return next(limit for least, limit in CUT_OFFS if weeks >= least)


def _against_history(measured: Measured, past: list[float]) -> dict[str, object]:
    recent = np.array(past[-MOST_WEEKS:], dtype=np.float64)
    median = float(np.median(recent)) if recent.size else None
    known = {"baseline_median": median, "baseline_weeks": int(recent.size), "robust_z": None}
    if measured.value is None:
        return {**known, "finding": "not_logged"}
    if median is None or recent.size < LEAST_WEEKS:
        return {**known, "finding": "too_little_history"}
    spread = MAD_TO_SD * float(np.median(np.abs(recent - median)))
    scale = max(spread, _sampling_error(measured))
    distance = measured.value - median
    if scale == 0:
        return {**known, "finding": "unusual" if distance else "usual"}
    z = distance / scale
    finding = "unusual" if abs(z) > cut_off(recent.size) else "usual"
    return {**known, "robust_z": z, "finding": finding}


def _sampling_error(measured: Measured) -> float:
    if measured.lower is None or measured.upper is None:
        return 0.0
    return (measured.upper - measured.lower) / (2 * normal_quantile(CONFIDENCE))


def _past_values(history: Sequence[pl.DataFrame]) -> dict[tuple[str, str], list[float]]:
    past: dict[tuple[str, str], list[float]] = {}
    for week in history:
        logged = week.filter(pl.col("value").is_not_null())
        for route, metric, value in logged.select("route", "metric", "value").iter_rows():
            past.setdefault((route, metric), []).append(value)
    return past


def _with_all_columns(interactions: pl.DataFrame) -> pl.DataFrame:
    lacking = [name for name in _COLUMNS if name not in interactions.columns]
    return interactions.with_columns(
        pl.lit(None, dtype=INTERACTION_SCHEMA[name]).alias(name) for name in lacking
    ).select(_COLUMNS)


def _count(week: pl.DataFrame) -> Measured:
    """A count with the normal interval of a Poisson's."""
    half = normal_quantile(CONFIDENCE) * math.sqrt(week.height)
    return Measured(float(week.height), week.height - half, week.height + half, week.height)


def _error_share(week: pl.DataFrame) -> Measured:
    """Null means that the call did not fail, so every interaction counts."""
    return rate_of(week["error"].count(), week.height, confidence=CONFIDENCE)


def _share_of(column: str, condition: pl.Expr) -> Callable[[pl.DataFrame], Measured]:
    def measure(week: pl.DataFrame) -> Measured:
        logged = week.filter(pl.col(column).is_not_null())
        return rate_of(logged.filter(condition).height, logged.height, confidence=CONFIDENCE)

    return measure


def _mean_of(column: str) -> Callable[[pl.DataFrame], Measured]:
    return lambda week: mean_of(_logged(week, column), confidence=CONFIDENCE)


def _quantile_of(column: str, quantile: float) -> Callable[[pl.DataFrame], Measured]:
    return lambda week: quantile_of(_logged(week, column), quantile, confidence=CONFIDENCE)


def _logged(week: pl.DataFrame, column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return week[column].drop_nulls().cast(pl.Float64).to_numpy()


_METRICS: Final[dict[str, Callable[[pl.DataFrame], Measured]]] = {
    "interactions": _count,
    "error_share": _error_share,
    "refusal_share": _share_of("finish_reason", pl.col("finish_reason").is_in(REFUSED)),
    "latency_p50_seconds": _quantile_of("latency_seconds", 0.50),
    "latency_p95_seconds": _quantile_of("latency_seconds", 0.95),
    "median_output_tokens": _quantile_of("output_tokens", 0.50),
    "cost_per_interaction_usd": _mean_of("cost_usd"),
    "feedback_mean": _mean_of("feedback"),
    "escalation_share": _share_of("escalated", pl.col("escalated")),
    "outcome_mean": _mean_of("outcome"),
}
"""Every figure that is watched, by name."""
