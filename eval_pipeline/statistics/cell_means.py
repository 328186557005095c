"""A weighted sum of cell means, with the CR2 variance of regression on the cells' dummies.

Bell and McCaffrey (2002), Survey Methodology 28:169, with an identity working model; a cluster may
reach over several cells.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats, cluster_codes, kish_effective_items

SMALLEST_EIGENVALUE = 1e-9
LEAST_CLUSTERS = 2


@dataclass(frozen=True)
class CellSum:
    """The sum over cells of coefficient times mean; `degrees` are Satterthwaite's."""

    value: float
    standard_error: float
    degrees: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """The two-sided t interval, not cut to any bounds."""
        half = float(scipy.stats.t.ppf(0.5 + confidence / 2, self.degrees)) * self.standard_error
        return self.value - half, self.value + half


def cell_sum(
    values: Floats,
    *,
    cells: NDArray[np.int64],
    coefficients: Floats,
    clusters: NDArray[np.int64] | None = None,
    left: Floats | None = None,
    collapse: bool = False,
) -> CellSum:
    """`cells` and `clusters` number each value's cell and cluster, both from 0.

    Every cell of `coefficients` holds a value. A cell of one cluster says nothing of its own
    spread: its residual is taken from the mean of all values, which can only widen the interval;
    with `collapse` from the mean of its own and the next cell's (the last one's: the one before),
    which for two cells of one value each is Cochran's collapsed stratum. `left` is, by cell, the
    share of its population that was not observed, where the sum is to be that of this population:
    1 - n/N multiplies its variance. Needs two clusters.
    """
    codes = cluster_codes(values.size, clusters)
    sizes = np.bincount(cells, minlength=coefficients.size).astype(np.float64)
    means = np.bincount(cells, weights=values, minlength=coefficients.size) / sizes
    lone = lone_cells(cells, codes, coefficients.size)
    beside, pooled = _with_neighbours(means, sizes) if collapse else (values.mean(), np.inf)
    centres = np.where(lone, beside, means)
    residuals = values - centres[cells]
    unseen = np.ones_like(coefficients) if left is None else np.sqrt(left)
    loads = (coefficients * unseen / sizes)[cells]
    leverage = np.where(lone, 1 / pooled, 1 / sizes)
    parts = _cluster_parts(residuals, loads, cells=cells, codes=codes, leverage=leverage)
    squares = np.square(coefficients / sizes)[cells]
    masses: Floats = np.bincount(codes, weights=squares).astype(np.float64)
    return CellSum(
        value=float(coefficients @ means),
        standard_error=math.sqrt(float(np.square(parts).sum())),
        degrees=_degrees(coefficients, cells, codes, masses),
    )


def lone_cells(cells: NDArray[np.int64], codes: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Which cells hold one cluster alone."""
    return _clusters_in(cells, codes, size) < LEAST_CLUSTERS


def _with_neighbours(means: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Mean and size of each cell together with the one beside it."""
    place = np.arange(means.size)
    other = np.where(place + 1 < means.size, place + 1, np.maximum(place - 1, 0))
    together = sizes + sizes[other]
    return (means * sizes + means[other] * sizes[other]) / together, together


def _clusters_in(
    cells: NDArray[np.int64], codes: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    pairs = np.unique(np.stack([cells, codes]), axis=1)
    return np.bincount(pairs[0], minlength=size)


def _cluster_parts(
    residuals: Floats,
    loads: Floats,
    *,
    cells: NDArray[np.int64],
    codes: NDArray[np.int64],
    leverage: Floats,
) -> Floats:
    """Per cluster: loads times (I - H)^(-1/2) times residuals."""
    order = np.argsort(codes, kind="stable")
    bounds = np.flatnonzero(np.diff(codes[order])) + 1
    return np.array(
        [
            _part(residuals[own], loads[own], cells=cells[own], leverage=leverage)
            for own in np.split(order, bounds)
        ]
    )


def _part(residuals: Floats, loads: Floats, *, cells: NDArray[np.int64], leverage: Floats) -> float:
    own = leverage[cells]
    if residuals.size == 1:
        return float(loads[0] * residuals[0] / math.sqrt(1 - own[0]))
    hat = np.where(cells[:, None] == cells[None, :], own[:, None], 0.0)
    values, vectors = np.linalg.eigh(np.eye(residuals.size) - hat)
    kept = values > SMALLEST_EIGENVALUE
    root = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    return float(loads @ root @ residuals)


def _degrees(
    coefficients: Floats,
    cells: NDArray[np.int64],
    codes: NDArray[np.int64],
    masses: Floats,
) -> float:
    """Satterthwaite's over cells of equal variance, at most those of the clusters; at least 1."""
    groups = np.maximum(_clusters_in(cells, codes, coefficients.size), LEAST_CLUSTERS)
    shares = np.square(coefficients) / groups
    if shares.sum() == 0:
        return 1.0
    by_cell = float(shares.sum() ** 2 / (np.square(shares) / (groups - 1)).sum())
    return max(1.0, min(by_cell, kish_effective_items(masses) - 1))
