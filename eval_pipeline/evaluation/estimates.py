"""Means with honest intervals: Wilson for rates, Hajek with cluster-robust variance for weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval; `effective_items` is what the weights and clusters leave."""

    mean: float
    lower: float
    upper: float
    items: int
    effective_items: float
    clusters: int
    method: str


def wilson_interval(
    mean: float, effective_items: float, *, confidence: float
) -> tuple[float, float]:
    """Wilson's score interval of a rate; `effective_items` need not be whole."""
    if effective_items <= 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    spread = z * math.sqrt(mean * (1 - mean) / effective_items + z**2 / (4 * effective_items**2))
    centre = mean + z**2 / (2 * effective_items)
    scale = 1 + z**2 / effective_items
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def rate(successes: int, items: int, *, confidence: float) -> Estimate:
    """The share of successes among `items` > 0 independent items, with Wilson's interval."""
    share = successes / items
    lower, upper = wilson_interval(share, items, confidence=confidence)
    return Estimate(share, lower, upper, items, float(items), items, "wilson")


def kish_effective_items(weights: ArrayLike) -> float:
    """(sum of weights) squared over the sum of squared weights (Kish 1965)."""
    values = np.asarray(weights, dtype=np.float64)
    return float(values.sum() ** 2 / np.square(values).sum())


def weighted_mean(
    values: Sequence[float] | Floats,
    *,
    confidence: float,
    weights: Sequence[float] | Floats | None = None,
    clusters: Sequence[str] | NDArray[np.int64] | None = None,
) -> Estimate:
    """The Hajek mean under design weights, t interval from cluster sums of its linearisation.

    `clusters` names each value's cluster; without it every value stands alone. The variance is
    CR2 for an intercept (Bell and McCaffrey 2002); with one cluster the interval is unbounded.
    """
    observed = np.asarray(values, dtype=np.float64)
    mass = np.ones_like(observed) if weights is None else np.asarray(weights, dtype=np.float64)
    codes = cluster_codes(observed.size, clusters)
    mean = float(mass @ observed / mass.sum())
    masses = np.bincount(codes, weights=mass)
    effective = kish_effective_items(masses)
    if masses.size == 1:
        return Estimate(mean, -math.inf, math.inf, observed.size, effective, 1, "hajek_cr2")
    error = math.sqrt(cluster_variance(observed - mean, weights=mass, codes=codes))
    half = float(stats.t.ppf(0.5 + confidence / 2, max(effective - 1, 1e-9))) * error
    return Estimate(
        mean, mean - half, mean + half, observed.size, effective, masses.size, "hajek_cr2"
    )


def cluster_codes(
    size: int, clusters: Sequence[str] | NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Whole numbers from 0 that say which cluster each of `size` values belongs to."""
    if clusters is None:
        return np.arange(size, dtype=np.int64)
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
    return codes.astype(np.int64)


def cluster_variance(residuals: Floats, *, weights: Floats, codes: NDArray[np.int64]) -> float:
    """CR2 variance of a weighted mean, closed form for an intercept; needs two clusters.

    V = sum over g of u_g^2 / (1 - W_g/W) / W^2 with u_g the cluster's weighted residual sum.
    """
    total = weights.sum()
    sums = np.bincount(codes, weights=weights * residuals)
    shares = np.bincount(codes, weights=weights) / total
    return float((np.square(sums) / (1 - shares)).sum() / total**2)
