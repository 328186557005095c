"""What a series' own history calls usual: median, MAD, and a cut-off that keeps the budget.

z = (value - median) / spread, the spread being 1.4826 MAD and never below the sampling error, over
the last 26 usable weeks. How large a z is surprising depends on how many weeks the MAD rests on, so
the cut-off follows from their number and from the false alarms that the operator allows. Where the
sampling error is the larger of the two, the MAD's own luck matters less, and the cut-off is lower.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_WEEKS: Final = 26
MAD_TO_SD: Final = 1.4826
WEEKS_A_YEAR: Final = 52
HISTORIES: Final = 20_000
SEED: Final = 20_260_105
FREE_PART: Final = 0.9
"""Of a series' share of false alarms, spent where its MAD decides; the rest lowers the other."""
STRAYING: Final = (0.0, 0.35, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 16.0)
_LARGEST: Final = 1e6
_PLACES: Final = 100


@dataclass(frozen=True)
class Centre:
    """Of each series: the median of its usable weeks, 1.4826 MAD, and how many weeks they were."""

    median: Floats
    spread: Floats
    weeks: NDArray[np.int64]


def centre_of(past: Floats) -> Centre:
    """`past` is (series, weeks), oldest week first, NaN where a week is not usable.

    Median and spread are NaN for a series without a usable week.
    """
    usable = np.isfinite(past)
    newer = np.cumsum(usable[..., ::-1], axis=-1)[..., ::-1]
    recent = np.where(usable & (newer <= MOST_WEEKS), past, np.nan)
    # Sorting puts NaN last, so the median is where the count says, and nothing warns of empty rows.
    weeks = np.isfinite(recent).sum(axis=-1)
    median = _median(recent, weeks)
    spread = MAD_TO_SD * _median(np.abs(recent - median[..., None]), weeks)
    return Centre(median, spread, weeks)


def robust_z(now: Floats, centre: Centre, *, error: Floats) -> Floats:
    """How far from the median, in spreads; 0 at a median that never moved, infinite beside it."""
    spread = np.fmax(centre.spread, error)
    distance = now - centre.median
    with np.errstate(divide="ignore", invalid="ignore"):
        z = distance / spread
    return np.where((spread == 0) & (distance == 0), 0.0, z)


def weekly_share(false_alarms_per_year: float, *, series: int) -> float:
    """The chance of a false alarm that one series may have in one week.

    A metric's series share its budget, so that all of them together keep it (Bonferroni): they
    may move together or not.
    """
    return min(0.5, false_alarms_per_year / WEEKS_A_YEAR / max(series, 1))


@dataclass(frozen=True)
class CutOff:
    """The |robust z| beyond which a week is unusual, by what its spread is made of."""

    by_mad: float
    by_sampling: float


@lru_cache(maxsize=4096)
def cut_off(weeks: int, share: float) -> CutOff:
    """What a normal series of so many usable weeks passes with at most this probability a week.

    Whatever its weeks stray beyond their sampling error: the worst of `STRAYING` keeps the share.
    Rounded up to .01. The same everywhere, for the histories come from a fixed seed.
    """
    by_mad = _least(lambda limit: false_alarm_share(limit, weeks), FREE_PART * share, _LARGEST)

    def worst(limit: float) -> float:
        both = CutOff(by_mad, limit)
        return max(floored_alarm_share(both, weeks, straying=one) for one in STRAYING)

    return CutOff(by_mad, min(by_mad, _least(worst, share, by_mad)))


def false_alarm_share(limit: float, weeks: int) -> float:
    """How often a normal series strays beyond this many spreads of its MAD alone, by chance.

    Given a history's median m and spread s, a new week does so with probability
    P(|X - m| > limit s), which is exact; the mean is over `HISTORIES` of them (Rao-Blackwell).
    """
    median, spread = _normal_histories(weeks)
    return _beyond(median, limit * spread)


def floored_alarm_share(limit: CutOff, weeks: int, *, straying: float) -> float:
    """The same with the spread's floor at the sampling error, which is 1 here.

    `straying`: how far weeks stray beyond it, in sampling errors; independent of it and normal.
    """
    median, spread = _normal_histories(weeks)
    own = math.hypot(1.0, straying)
    reach = np.where(own * spread < 1, limit.by_sampling / own, limit.by_mad * spread)
    return _beyond(median, reach)


def cut_offs(weeks: NDArray[np.int64], share: float, *, floored: NDArray[np.bool_]) -> Floats:
    """Of each series; infinite without a week. `floored`: its MAD is below its error."""
    found = np.full(weeks.shape, np.inf)
    for count in np.unique(weeks[weeks > 0]):
        limit = cut_off(int(count), share)
        own = weeks == count
        found[own] = np.where(floored[own], limit.by_sampling, limit.by_mad)
    return found


def _beyond(median: Floats, reach: Floats) -> float:
    ndtr = scipy.special.ndtr
    return float((ndtr(median - reach) + ndtr(-median - reach)).mean())


def _least(chance: Callable[[float], float], share: float, highest: float) -> float:
    """The smallest limit, rounded up to .01, at which a falling chance is at most `share`."""
    low, high = 0, round(highest * _PLACES)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chance(middle / _PLACES) > share else (low, middle)
    return high / _PLACES


@lru_cache(maxsize=64)
def _normal_histories(weeks: int) -> tuple[Floats, Floats]:
    drawn = np.random.default_rng(SEED).standard_normal((HISTORIES, weeks))
    centre = centre_of(drawn)
    return centre.median, centre.spread


def _median(values: Floats, counts: NDArray[np.int64]) -> Floats:
    if not values.shape[-1]:
        return np.full(counts.shape, np.nan)
    ordered = np.sort(values, axis=-1)
    places = np.stack([np.maximum(counts - 1, 0) // 2, counts // 2], axis=-1)
    places = np.minimum(places, values.shape[-1] - 1)
    middle: Floats = np.take_along_axis(ordered, places, axis=-1).mean(axis=-1)
    return np.where(counts > 0, middle, np.nan)
