"""The interval of a proportion."""

import math

import scipy


def normal_quantile(confidence: float) -> float:
    """How many standard errors a two-sided interval reaches to each side."""
    return float(scipy.stats.norm.ppf(0.5 + confidence / 2))


def wilson(rate: float, effective_count: float, *, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a rate from `effective_count` > 0 observations, whole or not."""
    z = normal_quantile(confidence)
    spread = z * math.sqrt(rate * (1 - rate) / effective_count + z**2 / (4 * effective_count**2))
    centre = rate + z**2 / (2 * effective_count)
    scale = 1 + z**2 / effective_count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def newcombe(
    first: tuple[float, float, float], second: tuple[float, float, float]
) -> tuple[float, float]:
    """The interval of first minus second, of two independent rates as (rate, lower, upper).

    Newcombe (1998), "Interval estimation for the difference between independent proportions",
    method 10: from the Wilson interval of each, at the confidence that those have.
    """
    rate, lower, upper = first
    other, other_lower, other_upper = second
    difference = rate - other
    return (
        difference - math.hypot(rate - lower, other_upper - other),
        difference + math.hypot(upper - rate, other - other_lower),
    )


def clopper_pearson(count: int, runs: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a share (Clopper and Pearson, 1934); 0 to 1 without runs."""
    if not runs:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    beta = scipy.stats.beta
    lower = float(beta.ppf(tail, count, runs - count + 1)) if count else 0.0
    upper = float(beta.isf(tail, count + 1, runs - count)) if count < runs else 1.0
    return lower, upper
