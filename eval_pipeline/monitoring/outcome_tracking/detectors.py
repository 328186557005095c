"""Whether predictions have begun to miss: sums that alarm, at a declared rate of false warnings.

While the link holds, each week's error is a new draw from a standard normal distribution, because
every prediction is made from the weeks before it alone (recursive residuals: Brown, Durbin and
Evans 1975, Journal of the Royal Statistical Society B 37:149). Two CUSUMs (Page 1954) add up what
falls below and above, a third (the likelihood ratio of a spread three times as wide) what misses to
either side. No week counts for more than `LARGEST`, so none can warn alone.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import scipy

WEEKS_A_YEAR: Final = 52
SLACK: Final = 0.75
"""In standard deviations: tuned to a shift of one and a half."""
LARGEST: Final = 3.5
WIDE: Final = 3.0
"""How many times as wide errors are under what the third sum looks for."""
OVERSHOOT: Final = 1.166
"""By which a discrete sum passes its threshold (Siegmund 1985, "Sequential Analysis", 2.5)."""
SHARE_OF_SPREAD: Final = 0.2
ENDED: Final = 0.5
"""A warning ends when its sum has fallen to this part of its threshold."""

Way = Literal["below", "above", "apart"]


@dataclass(frozen=True)
class Limits:
    """Where the sums warn."""

    shift: float
    spread: float


@dataclass(frozen=True)
class Break:
    """A time of missing: places in the sequence; `end` is the first after it, null while it lasts.

    It begins in the week after the sum was last zero, and was `noticed` when it warned.
    """

    way: Way
    start: int
    noticed: int
    end: int | None


def limits_for(false_warnings_per_year: float, *, among: int = 1) -> Limits:
    """Of one of `among` streams that share the rate.

    A CUSUM's average run length is (exp(2 k b) - 2 k b - 1) / (2 k^2) with b = h + 1.166 (Siegmund
    1985); that of the sum of likelihood ratios is at least exp(h) (Lorden 1971).
    """
    weekly = false_warnings_per_year / among / WEEKS_A_YEAR
    length = 2 / (weekly * (1 - SHARE_OF_SPREAD))
    return Limits(shift=_shift_limit(length), spread=math.log(1 / (weekly * SHARE_OF_SPREAD)))


@functools.cache
def _shift_limit(length: float) -> float:
    def too_short(limit: float) -> float:
        reach = 2 * SLACK * (limit + OVERSHOOT)
        return (math.expm1(reach) - reach) / (2 * SLACK**2) - length

    return float(scipy.optimize.brentq(too_short, 0.0, 40.0)) if too_short(0.0) < 0 else 0.0


def breaks_in(scores: Sequence[float | None], limits: Limits) -> list[Break]:
    """All times of missing in a sequence of normal scores of errors, nulls where not measured."""
    found = [
        *_breaks("below", [None if s is None else -_cut(s) - SLACK for s in scores], limits.shift),
        *_breaks("above", [None if s is None else _cut(s) - SLACK for s in scores], limits.shift),
        *_breaks("apart", [None if s is None else _spread(s) for s in scores], limits.spread),
    ]
    return sorted(found, key=lambda one: (one.start, one.noticed, one.way))


def broken_places(breaks: Sequence[Break], size: int) -> set[int]:
    """The places that lie in any of the times."""
    return {
        place for one in breaks for place in range(one.start, size if one.end is None else one.end)
    }


def _cut(score: float) -> float:
    return max(-LARGEST, min(LARGEST, score))


def _spread(score: float) -> float:
    """The logarithm of N(0, 3^2) over N(0, 1)."""
    return _cut(score) ** 2 / 2 * (1 - 1 / WIDE**2) - math.log(WIDE)


def _breaks(way: Way, steps: Sequence[float | None], limit: float) -> Iterator[Break]:
    total, start = 0.0, 0
    noticed: int | None = None
    for place, step in enumerate(steps):
        if step is None:
            continue
        if total == 0.0:
            start = place
        total = min(max(0.0, total + step), limit)
        if noticed is None and total >= limit:
            noticed = place
        elif noticed is not None and total <= ENDED * limit:
            yield Break(way, start, noticed, place + 1)
            total, noticed = 0.0, None
    if noticed is not None:
        yield Break(way, start, noticed, None)
