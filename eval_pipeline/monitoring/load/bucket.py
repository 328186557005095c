"""The rate limit behind what was let pass: a bucket of tokens, fitted to every single arrival.

Most limits are token buckets: `rate` tokens a second flow in, `burst` at most are held, a request
takes one or is refused. Throughput alone mistakes a burst for the rate, and the first refusal
mistakes a small bucket for a low rate. So each arrival is held against what a bucket would have
done. A request that passed where the bucket held less than a token, or was refused where it held
one, is a violation of so many tokens; the bucket is then put right and goes on. The fit is the
rate and burst of the least sum of violations. While requests are refused, a rate that is too
high by e adds e tokens of violation a second, and one that is too low as many, so the sum has a
sharp minimum, and jitter of arrival times moves it little.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.fingerprint import seed_for
from eval_pipeline.monitoring.load.steps import Arrivals

Floats = NDArray[np.float64]
BURSTS: Final = np.array(
    [1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 90, 120, 170, 230, 320, 450, 640, 1000.0]
)
COARSE_RATES: Final = 96
FINE_RATES: Final = 401
FINE_SPAN: Final = 0.3
BLOCKS: Final = 40
REPLICATES: Final = 2000
ONE_TOKEN: Final = 1.0
"""What the bucket held at the first arrival, and at each refusal, is known to one token."""

POOR_FIT: Final = 0.4
"""Tokens of violation per request that passed, above which the limiter is no bucket of tokens."""

LONGEST_REFUSAL: Final = 3.0
LONGEST_STALL_SECONDS: Final = 0.3
"""A bucket refuses for no longer than one token takes to come. What refuses for that many, and for
longer than a busy machine holds arrivals up, is none."""

LEAST_REFUSALS: Final = 2
TIES: Final = 1e-9


@dataclass(frozen=True)
class BucketFit:
    """Requests a second for good and how many may come at once, each with an interval.

    `violation` is tokens per request that passed: near 0 for a bucket, more with jitter.
    `longest_refusal_seconds` is how long every request was refused.
    """

    rate: float
    lower: float
    upper: float
    burst: float
    burst_lower: float
    burst_upper: float
    violation: float
    longest_refusal_seconds: float

    @property
    def is_bucket(self) -> bool:
        """Whether the limiter behaves as a bucket of tokens does."""
        patience = max(LONGEST_STALL_SECONDS, LONGEST_REFUSAL / self.rate)
        return self.violation <= POOR_FIT and self.longest_refusal_seconds <= patience


def fit_bucket(arrivals: Arrivals, *, confidence: float) -> BucketFit | None:
    """The bucket behind the arrivals; None where too few were refused to tell one.

    The rate's interval is that of a block bootstrap over the arrivals' violations, and at least all
    rates within one token of the best; the burst's are all that are, on a grid.
    """
    passed = int((arrivals.passed & arrivals.random).sum())
    if int((~arrivals.passed & arrivals.random).sum()) < LEAST_REFUSALS or not passed:
        return None
    rates = _coarse_rates(arrivals)
    sums = _violations(arrivals, rates[:, None], BURSTS[None, :])
    row, column = np.unravel_index(int(sums.argmin()), sums.shape)
    bursts = BURSTS[sums.min(axis=0) <= sums.min() + ONE_TOKEN]
    nearby = np.unique(np.linspace(*_neighbours(BURSTS, int(column)), num=25).round())
    fine = rates[row] * np.geomspace(1 / (1 + FINE_SPAN), 1 + FINE_SPAN, FINE_RATES)
    sums = _violations(arrivals, fine[:, None], nearby[None, :])
    burst = float(nearby[np.unravel_index(int(sums.argmin()), sums.shape)[1]])
    curves = _violations_by_block(arrivals, fine, burst)
    whole = curves.sum(axis=0)
    rate = _least(fine, whole)
    near = fine[whole <= whole.min() + ONE_TOKEN]
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(_resampled(fine, curves), [tail, 1 - tail])
    return BucketFit(
        rate=rate,
        lower=float(min(lower, near[0])),
        upper=float(max(upper, near[-1])),
        burst=burst,
        burst_lower=min(burst, float(bursts[0])),
        burst_upper=max(burst, float(bursts[-1])),
        violation=float(whole.min()) / passed,
        longest_refusal_seconds=_longest_refusal(arrivals),
    )


def _longest_refusal(arrivals: Arrivals) -> float:
    """Seconds of the longest row of refusals, as far as they are certain.

    From the reply to its first until its last was sent: where a busy machine held replies up,
    nobody knows that the limiter refused for so long.
    """
    passes = np.flatnonzero(arrivals.passed)
    starts = np.concatenate(([0], passes + 1))
    ends = np.concatenate((passes - 1, [arrivals.passed.size - 1]))
    rows = ends >= starts
    spans = arrivals.sent_at[ends[rows]] - arrivals.replied_at[starts[rows]]
    return float(spans.max(initial=0.0))


def _coarse_rates(arrivals: Arrivals) -> Floats:
    """From well below what passed on average, to above the fastest that passed for long."""
    at = arrivals.sent_at
    passed = max(1.0, float(arrivals.passed.sum()))
    span = max(float(at[-1] - at[0]), 1e-3)
    shortest = float(np.diff(at).min(initial=span))
    quickest = passed / max(span / 50, shortest)
    return np.geomspace(0.2 * passed / span, quickest, COARSE_RATES)


def _neighbours(grid: Floats, place: int) -> tuple[float, float]:
    return float(grid[max(0, place - 1)]), float(grid[min(grid.size - 1, place + 1)])


def _violations(arrivals: Arrivals, rates: Floats, bursts: Floats) -> Floats:
    """The sum of violations for every rate with every burst."""
    shape = np.broadcast_shapes(rates.shape, bursts.shape)
    whole = _walk(arrivals, np.broadcast_to(rates, shape), np.broadcast_to(bursts, shape))
    last: Floats = whole[-1]
    return last


def _violations_by_block(arrivals: Arrivals, rates: Floats, burst: float) -> Floats:
    """By block of consecutive arrivals, the violations at every rate."""
    sums = _walk(arrivals, rates, np.full(rates.shape, burst), blocks=BLOCKS)
    found: Floats = np.diff(sums, axis=0, prepend=0.0)
    return found


def _walk(arrivals: Arrivals, rates: Floats, bursts: Floats, *, blocks: int = 1) -> Floats:
    """Violations so far at the end of each block, for all buckets side by side."""
    tokens = bursts.copy()
    total = np.zeros(rates.shape)
    count = arrivals.passed.size
    ends = {round(count * (block + 1) / blocks) - 1 for block in range(blocks)}
    gaps = np.diff(arrivals.sent_at, prepend=arrivals.sent_at[0])
    kept = []
    seen = zip(gaps, arrivals.passed, arrivals.random, strict=True)
    for place, (gap, passed, counts) in enumerate(seen):
        flowed = tokens + rates * gap
        if passed:
            tokens = np.minimum(flowed, bursts) - 1
            total += counts * np.maximum(-tokens, 0)
            tokens = np.maximum(tokens, 0)
        else:
            # What a full bucket spills counts too: else none that is always full could be wrong.
            total += counts * np.maximum(flowed - 1, 0)
            tokens = np.minimum(flowed, 1)
        if place in ends:
            kept.append(total.copy())
    return np.stack(kept)


def _resampled(rates: Floats, curves: Floats) -> Floats:
    """The best rate of each bootstrap replicate; the same arrivals give the same ones."""
    seed = seed_for("bucket-fit", str(curves.shape[0]), f"{curves.sum():.6f}")
    draws = np.random.default_rng(seed).multinomial(
        curves.shape[0], np.full(curves.shape[0], 1 / curves.shape[0]), size=REPLICATES
    )
    sums = draws @ curves
    lowest = sums.min(axis=1, keepdims=True) + TIES
    first = (sums <= lowest).argmax(axis=1)
    last = sums.shape[1] - 1 - (sums <= lowest)[:, ::-1].argmax(axis=1)
    middle: Floats = (rates[first] + rates[last]) / 2
    return middle


def _least(rates: Floats, sums: Floats) -> float:
    """The middle of the rates at the least sum."""
    best = rates[sums <= sums.min() + TIES]
    return float((best[0] + best[-1]) / 2)
