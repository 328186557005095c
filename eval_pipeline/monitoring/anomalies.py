"""The week's figures per route against their own history: robust z with cut-offs by its length.

Methods 6: z = (value - median) / (1.4826 MAD), the spread never below the sampling error, over at
most the last 26 weeks; with few weeks the cut-off is higher, because a short history's MAD is
often too small by chance.

No row of the logs comes here: rates and means rest on exact counts and sums per route, quantiles
on histograms.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import (
    Buckets,
    Measured,
    mean_of_sums,
    quantile_of_buckets,
    rate_of,
)
from eval_pipeline.statistics.proportions import normal_quantile
from eval_pipeline.tables import PRODUCTION_MONITOR

ALL: Final = "all"
CONFIDENCE: Final = 0.95
LEAST_WEEKS: Final = 4
MOST_WEEKS: Final = 26
CUT_OFFS: Final = ((26, 4.3), (12, 5.6), (0, 8.0))
"""From this many weeks of history, a robust z beyond this is unusual (simulated, methods 6)."""
MAD_TO_SD: Final = 1.4826

GROWTH: Final = 1.01
"""Each bucket of `sql/traffic_histogram.sql` ends this many times where it begins."""
QUANTILE_ERROR: Final = math.sqrt(GROWTH) - 1
"""The largest relative error of a value told from its bucket: just under .005."""
LATENCY: Final = "latency_seconds"
LEAST_BUCKET: Final = -1390
MOST_EXACT: Final = 1000


@dataclass(frozen=True)
class _Traffic:
    """A route's rows, or all routes', of the two statements."""

    counts: pl.DataFrame
    histogram: pl.DataFrame

    def count(self, column: str) -> int:
        return int(self.counts[column].sum())

    def rate(self, column: str, *, among: str) -> Measured:
        return rate_of(self.count(column), self.count(among), confidence=CONFIDENCE)

    def mean(self, name: str) -> Measured:
        total, squares = (self._exact_sum(f"{name}_{column}") for column in ("sum", "squares"))
        return mean_of_sums(self.count(f"{name}s"), (total, squares), confidence=CONFIDENCE)

    def quantile(self, metric: str, quantile: float) -> Measured:
        found = (
            self.histogram.filter(pl.col("metric") == metric)
            .group_by("bucket")
            .agg(pl.col("interactions").sum())
            .sort("bucket")
        )
        return quantile_of_buckets(buckets_of(metric, found), quantile, confidence=CONFIDENCE)

    def _exact_sum(self, column: str) -> Fraction:
        """Decimals of 38 digits are more than Python's own decimals add up exactly."""
        return sum(map(Fraction, self.counts[column].drop_nulls()), Fraction())


def monitor_week(
    traffic: pl.DataFrame, histogram: pl.DataFrame, *, history: Sequence[pl.DataFrame]
) -> pl.DataFrame:
    """The PRODUCTION_MONITOR of a week; `history`: earlier weeks' frames in order.

    `traffic` and `histogram` have the grain of `sql/traffic_by_route.sql` and
    `sql/traffic_histogram.sql`. Rates and means are exact. Quantiles are order statistics, told to
    within `QUANTILE_ERROR` of their value; token counts up to 1000 are exact.

    A column that the logs lack, or that is null throughout, gives `not_logged`. A route named
    'all' in the logs would be told as part of all routes and is not shown apart.
    """
    past = _past_values(history)
    rows = []
    for route, own in _by_route(traffic, histogram):
        for metric, measure in _METRICS.items():
            measured = measure(own)
            rows.append(
                {
                    "route": route,
                    "metric": metric,
                    "value": measured.value,
                    "lower": measured.lower,
                    "upper": measured.upper,
                    "interactions": own.count("interactions"),
                    **_against_history(measured, past.get((route, metric), [])),
                }
            )
    return PRODUCTION_MONITOR.conform(pl.DataFrame(rows, schema=PRODUCTION_MONITOR.schema))


def buckets_of(metric: str, histogram: pl.DataFrame) -> Buckets:
    """What the `bucket` numbers of a metric mean; a frame with its `interactions`, ascending.

    A latency under a microsecond, and whatever is negative, is told as 0.
    """
    numbers = histogram["bucket"].cast(pl.Int64).to_numpy()
    if metric == LATENCY:
        exact, powers, unit = numbers <= LEAST_BUCKET, numbers, 1
    else:
        exact, powers, unit = numbers <= MOST_EXACT, numbers - MOST_EXACT - 1, MOST_EXACT
    themselves = np.maximum(0, numbers).astype(np.float64)
    lowest, middle, highest = (
        np.where(exact, themselves, unit * np.power(GROWTH, np.where(exact, 0, powers) + ahead))
        for ahead in (0, 0.5, 1)
    )
    return Buckets(lowest, middle, highest, histogram["interactions"].cast(pl.Int64).to_numpy())


def _by_route(traffic: pl.DataFrame, histogram: pl.DataFrame) -> Iterator[tuple[str, _Traffic]]:
    yield ALL, _Traffic(traffic, histogram)
    for route in traffic["route"].drop_nulls().unique().sort():
        if route != ALL:
            own = pl.col("route") == route
            yield route, _Traffic(traffic.filter(own), histogram.filter(own))


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


def _interactions(week: _Traffic) -> Measured:
    """A count with the normal interval of a Poisson's."""
    count = week.count("interactions")
    half = normal_quantile(CONFIDENCE) * math.sqrt(count)
    return Measured(float(count), count - half, count + half, count)


_METRICS: Final[dict[str, Callable[[_Traffic], Measured]]] = {
    "interactions": _interactions,
    # A null error means that the call did not fail, so every interaction counts.
    "error_share": lambda week: week.rate("errors", among="interactions"),
    "refusal_share": lambda week: week.rate("refusals", among="finish_reasons"),
    "latency_p50_seconds": lambda week: week.quantile(LATENCY, 0.50),
    "latency_p95_seconds": lambda week: week.quantile(LATENCY, 0.95),
    "median_output_tokens": lambda week: week.quantile("output_tokens", 0.50),
    "cost_per_interaction_usd": lambda week: week.mean("cost"),
    "feedback_mean": lambda week: week.mean("feedback"),
    "escalation_share": lambda week: week.rate("escalations", among="escalations_known"),
    "outcome_mean": lambda week: week.mean("outcome"),
}
"""Every figure that is watched, by name."""
