"""Intervals of what production shows: rates, means, quantiles and ratios."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from eval_pipeline.statistics.proportions import wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A figure with its interval; all null where the logs do not say, bounds where unbounded."""

    value: float | None
    lower: float | None
    upper: float | None
    count: int = 0


NOT_LOGGED = Measured(None, None, None)


def rate_of(successes: int, count: int, *, confidence: float) -> Measured:
    """A share with Wilson's interval."""
    if count == 0:
        return NOT_LOGGED
    share = successes / count
    return Measured(share, *wilson(share, count, confidence=confidence), count)


def mean_of(values: ArrayLike, *, confidence: float) -> Measured:
    """A mean with its t interval; a single value has no bounds."""
    observed = np.asarray(values, dtype=np.float64)
    if observed.size == 0:
        return NOT_LOGGED
    mean = float(observed.mean())
    if observed.size == 1:
        return Measured(mean, None, None, 1)
    error = float(observed.std(ddof=1)) / math.sqrt(observed.size)
    half = float(scipy.stats.t.ppf(0.5 + confidence / 2, observed.size - 1)) * error
    return Measured(mean, mean - half, mean + half, observed.size)


def mean_of_sums(count: int, sums: tuple[Fraction, Fraction], *, confidence: float) -> Measured:
    """As `mean_of`, from the exact sum of the values and that of their squares."""
    if count == 0:
        return NOT_LOGGED
    total, squares = sums
    mean = float(total / count)
    if count == 1:
        return Measured(mean, None, None, 1)
    variance = float((squares - total * total / count) / (count - 1))
    half = float(scipy.stats.t.ppf(0.5 + confidence / 2, count - 1)) * math.sqrt(variance / count)
    return Measured(mean, mean - half, mean + half, count)


def quantile_of(values: ArrayLike, quantile: float, *, confidence: float) -> Measured:
    """An order statistic with the distribution-free interval of ranks from Binomial(n, quantile).

    A bound is null where no rank reaches the confidence: p95 needs 72 values for both bounds at
    95 %, p50 six.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    each_once = Buckets(ordered, ordered, ordered, np.ones(ordered.size, dtype=np.int64))
    return quantile_of_buckets(each_once, quantile, confidence=confidence)


@dataclass(frozen=True)
class Buckets:
    """Where each bucket begins and ends, what stands for it, and how much it holds; ascending."""

    lowest: Floats
    middle: Floats
    highest: Floats
    counts: NDArray[np.int64]


def quantile_of_buckets(buckets: Buckets, quantile: float, *, confidence: float) -> Measured:
    """As `quantile_of`: the middle of the order statistic's bucket, the far edges of the bounds'.

    So the interval covers at least as often as that of the values themselves, and is never
    narrower than a bucket.
    """
    reached = np.cumsum(buckets.counts)
    count = int(reached[-1]) if reached.size else 0
    if count == 0:
        return NOT_LOGGED

    def at_rank(values: Floats, rank: int) -> float:
        return float(values[np.searchsorted(reached, rank)])

    low, high = _ranks(count, quantile, tail=(1 - confidence) / 2)
    return Measured(
        at_rank(buckets.middle, min(count, max(1, math.ceil(quantile * count)))),
        at_rank(buckets.lowest, low) if low >= 1 else None,
        at_rank(buckets.highest, high) if high <= count else None,
        count,
    )


def _ranks(count: int, quantile: float, *, tail: float) -> tuple[int, int]:
    """The ranks, from 1, that bound a quantile; outside 1 to `count` where none does."""
    low = int(scipy.stats.binom.ppf(tail, count, quantile))
    while low > 0 and scipy.stats.binom.cdf(low - 1, count, quantile) > tail:
        low -= 1
    return low, int(scipy.stats.binom.ppf(1 - tail, count, quantile)) + 1


def log_ratio(candidate: Measured, baseline: Measured) -> Measured:
    """Candidate over baseline of two positive figures; MOVER on the log scale for the bounds."""
    if not candidate.value or not baseline.value:
        return NOT_LOGGED
    ratio = candidate.value / baseline.value
    bounds = (candidate.lower, candidate.upper, baseline.lower, baseline.upper)
    if any(bound is None or bound <= 0 for bound in bounds):
        return Measured(ratio, None, None, candidate.count)
    low = math.hypot(
        math.log(candidate.value / float(candidate.lower or 1)),
        math.log(float(baseline.upper or 1) / baseline.value),
    )
    high = math.hypot(
        math.log(float(candidate.upper or 1) / candidate.value),
        math.log(baseline.value / float(baseline.lower or 1)),
    )
    return Measured(ratio, ratio * math.exp(-low), ratio * math.exp(high), candidate.count)
