"""The scale on which a figure's weeks are alike, and its sampling error there.

Shares are compared as angles, counts, latencies, lengths and cost as logarithms: there a usual
week strays as far down as up. Everything else is compared as it is.

An angle, 2 arcsin of the square root (Anscombe 1948, Biometrika 35:246), has the same sampling
error whatever the share. Log odds do not: from no case in weeks to a quarter of all calls is five
of their sampling errors and forty of the angle's.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from eval_pipeline.statistics.proportions import normal_quantile

Floats = NDArray[np.float64]

Scale = Literal["share", "count", "ratio", "level"]
"""ratio: positive figures that change by a factor. level: compared by their difference."""

CONFIDENCE: Final = 0.95
LEAST: Final = 1e-9
"""Stands for 0 under a logarithm: less than any latency in seconds, cost or length."""
LEAST_COUNT: Final = 0.5
COARSENESS: Final = 0.0045
"""Added to the error of a logarithm: a quantile is told from a bucket 1 % wide, and a step into the
next bucket is to stay under any cut-off (.00995 / .0045 = 2.2)."""


@dataclass(frozen=True)
class Figures:
    """Values of one metric with their intervals and how many interactions each rests on; NaN: none.

    All arrays have one shape.
    """

    value: Floats
    lower: Floats
    upper: Floats
    measured: Floats


def on_scale(figures: Figures, scale: Scale) -> Floats:
    """The values on their scale; Anscombe's three eighths of a case stand beside a share's own."""
    if scale == "share":
        cases = figures.value * figures.measured
        return np.asarray(2 * np.arcsin(np.sqrt((cases + 0.375) / (figures.measured + 0.75))))
    if scale == "count":
        return np.asarray(np.log(np.maximum(figures.value, LEAST_COUNT)))
    if scale == "ratio":
        return np.asarray(np.log(np.maximum(figures.value, LEAST)))
    return figures.value


def from_scale(values: Floats, scale: Scale) -> Floats:
    """The figures that stand there on the scale; a share's three eighths of a case are left in."""
    if scale == "share":
        return np.asarray(np.square(np.sin(np.clip(values, 0, np.pi) / 2)))
    return np.asarray(np.exp(values)) if scale in {"count", "ratio"} else values


def sampling_error(figures: Figures, scale: Scale, *, median: Floats) -> Floats:
    """The standard error on the scale that chance alone gives a figure of this size.

    Of a share it follows from how many cases there are, of a count from the median, of a mean or
    quantile from the figure's own interval. NaN where there is none.
    """
    if scale == "share":
        return np.asarray(1 / np.sqrt(figures.measured + 0.5))
    if scale == "count":
        return np.asarray(np.exp(-median / 2))
    reach = 2 * normal_quantile(CONFIDENCE)
    if scale == "level":
        return np.asarray((figures.upper - figures.lower) / reach)
    logarithms = np.log(figures.upper) - np.log(figures.lower)
    relative = (figures.upper - figures.lower) / figures.value
    chance = np.where(figures.lower > 0, logarithms, relative) / reach
    return np.asarray(np.hypot(chance, COARSENESS))


def rare_by_chance(figures: Figures, scale: Scale, *, median: Floats, tail: Floats) -> Floats:
    """Whether counting alone, exactly, would stray so far with at most `tail` to either side.

    Few cases are skewed on any scale. Of a share the binomial's tail decides, of a count
    Poisson's; anything else is 1.
    """
    if scale == "share":
        cases = np.round(figures.value * figures.measured)
        usual = from_scale(median, scale)
        above = scipy.stats.binom.sf(cases - 1, figures.measured, usual)
        below = scipy.stats.binom.cdf(cases, figures.measured, usual)
    elif scale == "count":
        above = scipy.stats.poisson.sf(figures.value - 1, np.exp(median))
        below = scipy.stats.poisson.cdf(figures.value, np.exp(median))
    else:
        return np.ones_like(median)
    return np.asarray(np.minimum(above, below) <= tail, dtype=np.float64)


def change_of(value: float, usual: float, scale: Scale) -> float | None:
    """Relative to the usual figure where the scale is one of factors, else the difference."""
    if scale in {"share", "level"}:
        return value - usual
    return value / usual - 1 if usual > 0 and math.isfinite(value / usual) else None
