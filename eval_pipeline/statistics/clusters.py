"""What weights and clusters leave of a mean: effective items, and a cluster-robust variance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
DENSE_CODES = 32
"""Codes up to so many times the number of values are counted in an array of all of them."""


def kish_effective_items(weights: ArrayLike) -> float:
    """(sum of weights) squared over the sum of squared weights (Kish 1965)."""
    values = np.asarray(weights, dtype=np.float64)
    return float(values.sum() ** 2 / np.square(values).sum())


def cluster_codes(
    size: int, clusters: Sequence[str] | NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Whole numbers from 0 that say which cluster each of `size` values belongs to.

    Counted in the order in which clusters first occur: what they are called changes no figure.
    """
    if clusters is None:
        return np.arange(size, dtype=np.int64)
    named = np.asarray(clusters)
    if named.dtype.kind == "i" and _is_dense(named):
        return _dense_codes(named)
    _, first, codes = np.unique(named, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes].astype(np.int64)


def _is_dense(named: NDArray[np.int64]) -> bool:
    return bool(named.size and named.min() >= 0 and named.max() <= DENSE_CODES * named.size)


def _dense_codes(named: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same without sorting the values: the last of several writes stays, so the first does."""
    first = np.full(int(named.max()) + 1, -1, dtype=np.int64)
    first[named[::-1]] = np.arange(named.size - 1, -1, -1)
    starts = np.zeros(named.size, dtype=np.int64)
    starts[first[first >= 0]] = 1
    return (np.cumsum(starts) - 1)[first[named]]


def cluster_variance(residuals: Floats, *, weights: Floats, codes: NDArray[np.int64]) -> float:
    """CR2 variance of a weighted mean, closed form for an intercept; needs two clusters.

    V = sum over g of u_g^2 / (1 - W_g/W) / W^2 with u_g the cluster's weighted residual sum.
    """
    total = weights.sum()
    sums = np.bincount(codes, weights=weights * residuals)
    shares = np.bincount(codes, weights=weights) / total
    return float((np.square(sums) / (1 - shares)).sum() / total**2)
