"""The week's figures per route, from counts, exact sums and histograms that the log engine made.

No row of the logs comes here: shares and means rest on exact counts and sums, quantiles on
histograms whose buckets grow by one percent.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import (
    NOT_LOGGED,
    Buckets,
    Measured,
    mean_of_sums,
    quantile_of_buckets,
    rate_of,
)
from eval_pipeline.monitoring.scales import CONFIDENCE, Scale
from eval_pipeline.statistics.proportions import normal_quantile

ALL: Final = "all"
GROWTH: Final = 1.01
"""Each bucket of `sql/traffic_histogram.sql` ends this many times where it begins."""
QUANTILE_ERROR: Final = math.sqrt(GROWTH) - 1
"""The largest relative error of a value told from its bucket: just under .005."""
LATENCY: Final = "latency_seconds"
LEAST_BUCKET: Final = -1390
MOST_EXACT: Final = 1000


@dataclass(frozen=True)
class WeekTraffic:
    """What the statements `sql/traffic_*.sql` say of a week.

    `characters` is null where the responses' lengths were not measured.
    """

    by_route: pl.DataFrame
    histogram: pl.DataFrame
    finish_reasons: pl.DataFrame
    errors: pl.DataFrame
    characters: pl.DataFrame | None = None


@dataclass(frozen=True)
class RouteTraffic:
    """A route's rows, or all routes', of those statements."""

    counts: pl.DataFrame
    histogram: pl.DataFrame
    characters: pl.DataFrame | None

    def count(self, column: str) -> int:
        """The sum of a column of counts."""
        return int(self.counts[column].sum())

    def rate(self, column: str, *, among: str) -> Measured:
        """One count among another."""
        return rate_of(self.count(column), self.count(among), confidence=CONFIDENCE)

    def mean(self, name: str) -> Measured:
        """The mean of what has `<name>s`, `<name>_sum` and `<name>_squares`."""
        sums = (self._sum(f"{name}_sum"), self._sum(f"{name}_squares"))
        return mean_of_sums(self.count(f"{name}s"), sums, confidence=CONFIDENCE)

    def quantile(self, metric: str, quantile: float) -> Measured:
        """An order statistic of the histogram."""
        return _quantile(self.histogram.filter(pl.col("metric") == metric), metric, quantile)

    def characters_quantile(self, quantile: float) -> Measured:
        """An order statistic of the responses' lengths."""
        if self.characters is None:
            return NOT_LOGGED
        return _quantile(self.characters, "characters", quantile)

    def characters_mean(self) -> Measured:
        """The mean of the responses' lengths."""
        if self.characters is None:
            return NOT_LOGGED
        sums = (
            _exact_sum(self.characters["characters_sum"]),
            _exact_sum(self.characters["characters_squares"]),
        )
        count = int(self.characters["interactions"].sum())
        return mean_of_sums(count, sums, confidence=CONFIDENCE)

    def interactions(self) -> Measured:
        """A count with the normal interval of a Poisson's."""
        count = self.count("interactions")
        half = normal_quantile(CONFIDENCE) * math.sqrt(count)
        return Measured(float(count), count - half, count + half, count)

    def _sum(self, column: str) -> Fraction:
        return _exact_sum(self.counts[column])


@dataclass(frozen=True)
class Metric:
    """How a figure is measured and compared; `whole_week`: a part of a week says nothing of it."""

    scale: Scale
    measure: Callable[[RouteTraffic], Measured]
    whole_week: bool = False


METRICS: Final[Mapping[str, Metric]] = MappingProxyType({
    "interactions": Metric("count", RouteTraffic.interactions, whole_week=True),
    # A null error means that the call did not fail, so every interaction counts.
    "error_share": Metric("share", lambda week: week.rate("errors", among="interactions")),
    "refusal_share": Metric("share", lambda week: week.rate("refusals", among="finish_reasons")),
    "latency_p50_seconds": Metric("ratio", lambda week: week.quantile(LATENCY, 0.50)),
    "latency_p95_seconds": Metric("ratio", lambda week: week.quantile(LATENCY, 0.95)),
    "latency_p99_seconds": Metric("ratio", lambda week: week.quantile(LATENCY, 0.99)),
    "median_input_tokens": Metric("ratio", lambda week: week.quantile("input_tokens", 0.50)),
    "mean_input_tokens": Metric("ratio", lambda week: week.mean("input_token")),
    "median_output_tokens": Metric("ratio", lambda week: week.quantile("output_tokens", 0.50)),
    "p95_output_tokens": Metric("ratio", lambda week: week.quantile("output_tokens", 0.95)),
    "mean_output_tokens": Metric("ratio", lambda week: week.mean("output_token")),
    "median_response_characters": Metric("ratio", lambda week: week.characters_quantile(0.50)),
    "mean_response_characters": Metric("ratio", RouteTraffic.characters_mean),
    "cost_per_interaction_usd": Metric("ratio", lambda week: week.mean("cost")),
    "feedback_mean": Metric("level", lambda week: week.mean("feedback")),
    "escalation_share": Metric(
        "share", lambda week: week.rate("escalations", among="escalations_known")
    ),
    "outcome_mean": Metric("level", lambda week: week.mean("outcome")),
})  # fmt: skip
"""Every figure of a route that is watched, by name; the mixes stand in `mixes.py`."""


def measures_characters(
    by_route: pl.DataFrame,
    *,
    when: Literal["where_tokens_are_missing", "always", "never"],
    scans_texts: bool,
) -> bool:
    """Whether the responses' lengths are worth a scan of their texts, by an engine that can.

    Tokens are missing where fewer than half of the interactions log how many were put out.
    """
    if when == "where_tokens_are_missing":
        logged, of_all = (int(by_route[name].sum()) for name in ("output_tokens", "interactions"))
        return scans_texts and 2 * logged < of_all
    return scans_texts and when == "always"


def by_route(week: WeekTraffic) -> Iterator[tuple[str, RouteTraffic]]:
    """All routes together, and each by its name.

    A route named 'all' in the logs is told as part of all routes and is not shown apart.
    """
    yield ALL, RouteTraffic(week.by_route, week.histogram, week.characters)
    for route in week.by_route["route"].drop_nulls().unique().sort():
        if route != ALL:
            own = pl.col("route") == route
            yield (
                route,
                RouteTraffic(
                    week.by_route.filter(own),
                    week.histogram.filter(own),
                    None if week.characters is None else week.characters.filter(own),
                ),
            )


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


def _quantile(histogram: pl.DataFrame, metric: str, quantile: float) -> Measured:
    found = histogram.group_by("bucket").agg(pl.col("interactions").sum()).sort("bucket")
    return quantile_of_buckets(buckets_of(metric, found), quantile, confidence=CONFIDENCE)


def _exact_sum(column: pl.Series) -> Fraction:
    """Decimals of 38 digits are more than Python's own decimals add up exactly."""
    return sum(map(Fraction, column.drop_nulls()), Fraction())
