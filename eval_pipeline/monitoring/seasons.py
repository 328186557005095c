"""The yearly pattern of a series, taken out where two full years show that there is one.

STL (Cleveland et al. 1990, Journal of Official Statistics 6:3) with robust weights, from
statsmodels. A week's pattern is the mean of three neighbouring weeks of the year: a calendar moves
by a day a year, and three weeks say more than one.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

YEAR: Final = 52
LEAST_YEARS: Final = 2
LEAST_KNOWN: Final = 0.9
"""Of all weeks; the others are bridged by straight lines to find the pattern, and for that only."""
NEIGHBOURS: Final = 3


@dataclass(frozen=True)
class Season:
    """What the yearly pattern adds to each week of the past and to this week.

    `widening`: how much more a new week strays from a pattern that it did not help to find.
    """

    past: Floats
    now: float
    widening: float


def season_of(past: Floats, *, strength: float) -> Season | None:
    """The pattern of one series on its scale; null where history is short or shows none.

    `past` has every calendar week, oldest first and the week before this one last, NaN where not
    usable. The pattern counts where its share of the variation around the trend, of Wang, Smith
    and Hyndman (2006), is at least `strength`.
    """
    usable = np.isfinite(past)
    if strength >= 1 or past.size < LEAST_YEARS * YEAR or usable.mean() < LEAST_KNOWN:
        return None
    places = np.arange(past.size)
    bridged = np.interp(places, places[usable], past[usable])
    pattern, rest = _decomposed(bridged)
    shown = float(np.var((pattern + rest)[usable]))
    if shown <= 0 or 1 - float(np.var(rest[usable])) / shown < strength:
        return None
    years = past.size // YEAR
    # The mean of `years` times three weeks, one of which is the week itself.
    weight = 1 / (years * NEIGHBOURS)
    return Season(pattern, float(pattern[-YEAR]), math.sqrt((1 + weight) / (1 - weight)))


def _decomposed(values: Floats) -> tuple[Floats, Floats]:
    """Pattern and what neither pattern nor trend explains."""
    from statsmodels.tsa.seasonal import STL  # noqa: PLC0415 - slow, and few histories need it

    smoother = _periodic(values.size)
    found = STL(values, period=YEAR, seasonal=smoother, seasonal_deg=0, robust=True).fit()
    raw = np.asarray(found.seasonal, dtype=np.float64)
    kernel = np.full(NEIGHBOURS, 1 / NEIGHBOURS)
    pattern = np.convolve(np.pad(raw, NEIGHBOURS // 2, mode="wrap"), kernel, mode="valid")
    return pattern, np.asarray(values - found.trend - pattern, dtype=np.float64)


def _periodic(weeks: int) -> int:
    """A seasonal smoother so long that every year has the same pattern; odd, as STL needs it."""
    return 10 * (weeks // YEAR) + 1
