"""By how much weights and clusters widen an interval, against as many items drawn one by one."""

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats, kish_effective_items

LEAST_CLUSTERS = 2
NO_SPREAD = 1e-12


def intraclass_correlation(values: Floats, *, codes: NDArray[np.int64]) -> float | None:
    """How alike values of one cluster are, 0 to 1, by the one-way analysis of variance.

    (MSB - MSW) / (MSB + (m0 - 1) MSW) with m0 = (n - sum m^2 / n) / (G - 1), below 0 told as 0;
    Donner (1986), International Statistical Review 54:67. None where no cluster holds two values,
    where there is one cluster, or where nothing varies. `codes` number the clusters from 0.
    """
    sizes = np.bincount(codes)
    clusters, items = sizes.size, values.size
    if clusters < LEAST_CLUSTERS or clusters == items:
        return None
    means = np.bincount(codes, weights=values) / sizes
    between = float((sizes * np.square(means - values.mean())).sum()) / (clusters - 1)
    within = float(np.square(values - means[codes]).sum()) / (items - clusters)
    usual = (items - float(np.square(sizes).sum()) / items) / (clusters - 1)
    spread = between + (usual - 1) * within
    if spread <= NO_SPREAD:
        return None
    return min(1.0, max(0.0, (between - within) / spread))


def mean_cluster_size(codes: NDArray[np.int64]) -> float:
    """The size of the cluster that a value stands in, on average: sum m^2 / sum m."""
    sizes = np.bincount(codes)
    return float(np.square(sizes).sum() / sizes.sum())


def design_effect(
    *, weights: Floats | None, codes: NDArray[np.int64], correlation: float | None
) -> float:
    """The weights' design effect times that of the clusters: n / n_eff x [1 + (m - 1) ICC].

    Kish (1987), "Weighting in Deft2", The Survey Statistician, June. At least 1; `correlation` None
    counts as 0.
    """
    of_weights = 1.0 if weights is None else weights.size / kish_effective_items(weights)
    return max(1.0, of_weights * (1 + (mean_cluster_size(codes) - 1) * (correlation or 0.0)))
