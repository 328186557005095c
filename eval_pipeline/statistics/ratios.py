"""The ratio of two means of the same items, by cluster, with Fieller's interval."""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats, kish_effective_items

LEAST_CLUSTERS = 2


@dataclass(frozen=True)
class Ratio:
    """Bounds are null where the interval has none: the denominator may be zero."""

    value: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class PairedMeans:
    """Two weighted means with their cluster-robust (CR2) covariance, and the t's degrees."""

    numerator: float
    denominator: float
    covariance: NDArray[np.float64]
    degrees: float


def paired_means(
    numerators: Floats, denominators: Floats, *, weights: Floats, codes: NDArray[np.int64]
) -> PairedMeans | None:
    """None with fewer than two clusters of some weight.

    The denominator lies in [-1, 1]: one pseudo-observation at each bound keeps its variance above
    zero, as in the paired test (methods 2.3).
    """
    values = np.column_stack([numerators, denominators])
    total = weights.sum()
    if total <= 0:
        return None
    means = weights @ values / total
    shares = np.bincount(codes, weights=weights) / total
    if np.count_nonzero(shares) < LEAST_CLUSTERS:
        return None
    effective = kish_effective_items(shares[shares > 0])
    sums = np.column_stack(
        [np.bincount(codes, weights=weights * part) for part in (values - means).T]
    )
    covariance = (sums / (1 - shares)[:, None]).T @ sums / total**2
    pseudo = 1 / effective
    covariance[1, 1] += pseudo**2 * (2 + 2 * means[1] ** 2) / (1 + 2 * pseudo) ** 2
    return PairedMeans(float(means[0]), float(means[1]), covariance, max(1.0, effective - 1))


def fieller(means: PairedMeans, *, confidence: float) -> Ratio:
    """Fieller (1954): all r for which numerator - r x denominator is not shown to differ from 0.

    That set is an interval only where the denominator is shown to differ from 0.
    """
    top, bottom = means.numerator, means.denominator
    square = float(scipy.special.stdtrit(means.degrees, 0.5 + confidence / 2)) ** 2
    (var_top, shared), (_, var_bottom) = means.covariance
    a = bottom**2 - square * var_bottom
    b = top * bottom - square * shared
    c = top**2 - square * var_top
    value = top / bottom if bottom else None
    if a <= 0 or b**2 < a * c:
        return Ratio(value, None, None)
    half = math.sqrt(b**2 - a * c)
    return Ratio(value, (b - half) / a, (b + half) / a)


def mean_interval(
    value: float, variance: float, *, degrees: float, confidence: float
) -> tuple[float, float]:
    """The t interval of a mean without bounds."""
    half = float(scipy.special.stdtrit(degrees, 0.5 + confidence / 2)) * math.sqrt(variance)
    return value - half, value + half
