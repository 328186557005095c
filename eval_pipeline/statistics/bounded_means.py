"""The interval of a mean of bounded values, which is never of width zero for want of variation."""

import math

import scipy


def bounded_interval(
    mean: float,
    variance: float,
    *,
    effective: float,
    degrees: float,
    confidence: float,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float]:
    """The t interval with two pseudo-observations, one at each bound, cut to the bounds.

    `effective` are the independent observations of equal weight behind the mean; each pseudo has
    the weight of one (Agresti and Caffo 2000; Bonett and Price 2012). Infinite: no pseudo.
    """
    low, high = bounds
    pseudo = 1 / effective
    centre = (mean + pseudo * (low + high)) / (1 + 2 * pseudo)
    extra = pseudo**2 * ((centre - low) ** 2 + (high - centre) ** 2)
    error = math.sqrt(variance + extra) / (1 + 2 * pseudo)
    half = float(scipy.special.stdtrit(degrees, 0.5 + confidence / 2)) * error
    return max(low, centre - half), min(high, centre + half)
