"""One coefficient of a weighted regression, with the CR2 variance of its clusters.

Bell and McCaffrey (2002), Survey Methodology 28:169; Pustejovsky and Tipton (2018), Journal of
Business & Economic Statistics 36:672, with an identity working model.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats, kish_effective_items

SMALLEST_EIGENVALUE = 1e-9
LARGEST_EXACT = 2000
"""Up to this many rows the degrees of freedom are Satterthwaite's; beyond, Kish's of the loads."""


@dataclass(frozen=True)
class Slope:
    """The coefficient of the regressor; its t interval has `degrees` degrees of freedom."""

    value: float
    standard_error: float
    degrees: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """The two-sided t interval."""
        half = float(scipy.stats.t.ppf(0.5 + confidence / 2, self.degrees)) * self.standard_error
        return self.value - half, self.value + half


def slope_within(
    values: Floats,
    regressor: Floats,
    *,
    strata: NDArray[np.int64],
    weights: Floats,
    clusters: NDArray[np.int64],
) -> Slope | None:
    """The regressor's coefficient beside one constant per stratum; None where it cannot be told.

    `strata` and `clusters` number each row's from 0. It cannot be told where the regressor does
    not vary inside any stratum, or where fewer than three clusters bear on it.
    """
    kept = _varying(regressor, strata)
    if np.unique(clusters[kept]).size < 3:  # noqa: PLR2004 - a spread needs two more than the mean
        return None
    values, regressor, weights = values[kept], regressor[kept], weights[kept]
    _, cells = np.unique(strata[kept], return_inverse=True)
    _, codes = np.unique(clusters[kept], return_inverse=True)
    design = np.column_stack([regressor, np.eye(int(cells.max()) + 1)[cells]])
    return _cr2(values, design, weights=weights, codes=codes)


def _varying(regressor: Floats, strata: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The rows of strata in which the regressor takes several values: only these bear on it."""
    size = int(strata.max()) + 1 if strata.size else 0
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, strata, regressor)
    np.maximum.at(high, strata, regressor)
    varies: NDArray[np.bool_] = (high > low)[strata]
    return varies


def _cr2(values: Floats, design: Floats, *, weights: Floats, codes: NDArray[np.int64]) -> Slope:
    weighted = design * weights[:, None]
    bread = np.linalg.pinv(design.T @ weighted)
    projection = bread @ weighted.T
    residuals = values - design @ (projection @ values)
    meat = bread @ (weighted.T @ weighted) @ bread
    loads = projection[0]
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    carried = np.zeros_like(values)  # A_g' applied to the cluster's loads
    for own in groups:
        hat = design[own] @ projection[:, own]
        spread = np.eye(own.size) - hat - hat.T + design[own] @ meat @ design[own].T
        carried[own] = _inverse_root(spread) @ loads[own]
    parts = np.array([carried[own] @ residuals[own] for own in groups])
    return Slope(
        value=float(loads @ values),
        standard_error=math.sqrt(float(np.square(parts).sum())),
        degrees=_degrees(carried, design, projection, codes=codes),
    )


def _inverse_root(matrix: Floats) -> Floats:
    if matrix.size == 1:
        only = matrix[0, 0]
        return np.array([[1 / math.sqrt(only) if only > SMALLEST_EIGENVALUE else 0.0]])
    eigenvalues, vectors = np.linalg.eigh(matrix)
    kept = eigenvalues > SMALLEST_EIGENVALUE
    root: Floats = (vectors[:, kept] / np.sqrt(eigenvalues[kept])) @ vectors[:, kept].T
    return root


def _degrees(
    carried: Floats, design: Floats, projection: Floats, *, codes: NDArray[np.int64]
) -> float:
    """Satterthwaite's for independent errors of one variance; at least 1."""
    if carried.size > LARGEST_EXACT:
        return max(1.0, kish_effective_items(np.bincount(codes, weights=carried**2)) - 1)
    by_cluster = np.zeros((carried.size, int(codes.max()) + 1))
    by_cluster[np.arange(carried.size), codes] = carried
    spread = by_cluster - projection.T @ (design.T @ by_cluster)
    products = spread.T @ spread
    total = float(np.square(products).sum())
    return max(1.0, float(np.trace(products)) ** 2 / total) if total > 0 else 1.0
