"""Estimates of a mean over a population: value, interval, and everything that qualifies both.

Methods 1.4: Hajek's weighted mean and the post-stratified mean over strata of known size. Intervals
are cluster-robust (CR2) t's. Values lie in `bounds`; two pseudo-observations, one at each bound,
keep the variance above zero, as in the paired test (methods 2.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.statistics.bounded_means import bounded_interval
from eval_pipeline.statistics.cell_means import LEAST_CLUSTERS, cell_sum, lone_cells
from eval_pipeline.statistics.clusters import (
    Floats,
    cluster_codes,
    cluster_variance,
    kish_effective_items,
)
from eval_pipeline.statistics.design_effect import design_effect, intraclass_correlation
from eval_pipeline.statistics.weights import ROUNDING

CONFIDENCE: Final = 0.95
RATES: Final = (0.0, 1.0)
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval; `lower` and `upper` are None with fewer than two clusters.

    `effective_items` is items over `design_effect`, which is what weights and clusters cost.
    `uncovered` is the share of the population that no item stands for: the estimate says nothing
    of it. `collapsed` counts strata of one cluster, whose spread was taken from a neighbour's.
    """

    value: float
    lower: float | None
    upper: float | None
    items: int
    effective_items: float
    clusters: int
    design_effect: float
    uncovered: float
    collapsed: int
    method: str


@dataclass(frozen=True)
class _Sample:
    """The values that count: each with its mass, its cluster and what its stratum leaves of it."""

    values: Floats
    mass: Floats
    codes: Codes
    residuals: Floats

    @property
    def can_vary(self) -> bool:
        return int(self.codes.max()) + 1 >= LEAST_CLUSTERS

    @property
    def effective_clusters(self) -> float:
        return kish_effective_items(np.bincount(self.codes, weights=self.mass))


@dataclass(frozen=True)
class _Strata:
    """Each value's stratum, and by stratum its share and how much of it was not observed."""

    codes: Codes
    shares: Floats
    left: Floats


def hajek_mean(
    values: Floats,
    *,
    weights: Floats,
    clusters: Sequence[str] | None = None,
    confidence: float = CONFIDENCE,
    bounds: tuple[float, float] = RATES,
) -> Estimate | None:
    """Sum of weight times value over the sum of weights; the CR2 t of its linearisation.

    u_i = w_i (y_i - mean) / sum w, summed by cluster. Values are finite; those of weight 0 are
    left out; None where nothing is left.
    """
    kept = weights > 0
    if not kept.any():
        return None
    own, mass = values[kept], weights[kept]
    mean = float(mass @ own / mass.sum())
    sample = _Sample(own, mass, _codes(clusters, kept), own - mean)
    interval = None
    if sample.can_vary:
        interval = bounded_interval(
            mean,
            cluster_variance(sample.residuals, weights=mass, codes=sample.codes),
            effective=sample.effective_clusters,
            degrees=max(1.0, sample.effective_clusters - 1),
            confidence=confidence,
            bounds=bounds,
        )
    return _estimate(mean, interval, sample, method="hajek_cr2_t")


def stratified_mean(
    values: Floats,
    *,
    strata: Sequence[str],
    population: Mapping[str, float],
    clusters: Sequence[str] | None = None,
    realised: bool = False,
    confidence: float = CONFIDENCE,
    bounds: tuple[float, float] = RATES,
) -> Estimate | None:
    """Sum over strata of W_h times the stratum's mean, W_h = N_h / N of the strata with values.

    `strata` names each value's; `population` has N_h of every stratum, alike ones beside each
    other. A stratum of the population without values is uncovered, and values of strata that the
    population lacks are left out. `realised`: the claim is about this very population, so each
    stratum's variance is multiplied by 1 - n_h / N_h; left off where it is about traffic to come.
    A stratum of one cluster is collapsed for its spread: it is taken from the mean of itself and
    the stratum beside it. None where no value is of the population.
    """
    total = sum(population.values())
    kept = np.array([population.get(name, 0) > 0 for name in strata], dtype=np.bool_)
    if not kept.any():
        return None
    inside = [name for name in strata if population.get(name, 0) > 0]
    covered = [name for name in population if name in set(inside)]
    places = {name: place for place, name in enumerate(covered)}
    codes = np.array([places[name] for name in inside], dtype=np.int64)
    known = np.array([population[name] for name in covered], dtype=np.float64)
    counts = np.bincount(codes)
    left = np.maximum(0.0, 1 - counts / known) if realised else np.ones(known.size)
    cells = _Strata(codes, known / known.sum(), left)
    own, mass = values[kept], (cells.shares / counts)[codes]
    residuals = own - (np.bincount(codes, weights=own) / counts)[codes]
    sample = _Sample(own, mass, _codes(clusters, kept), residuals)
    uncovered = 1 - float(known.sum()) / total
    return _estimate(
        float(mass @ own),
        _stratified_interval(sample, cells, confidence=confidence, bounds=bounds),
        sample,
        method="stratified_cr2_t",
        uncovered=uncovered if uncovered > ROUNDING else 0.0,
        collapsed=int(lone_cells(codes, sample.codes, known.size).sum()),
    )


def _stratified_interval(
    sample: _Sample, strata: _Strata, *, confidence: float, bounds: tuple[float, float]
) -> tuple[float, float] | None:
    """What the population leaves open weighs the pseudo-observations too: a census leaves none."""
    if not sample.can_vary:
        return None
    measured = cell_sum(
        sample.values,
        cells=strata.codes,
        coefficients=strata.shares,
        clusters=sample.codes,
        left=strata.left,
        collapse=True,
    )
    spread = np.square(strata.shares) / np.bincount(strata.codes)
    left = float(spread @ strata.left) / float(spread.sum())
    return bounded_interval(
        measured.value,
        measured.standard_error**2,
        effective=sample.effective_clusters / left if left > 0 else np.inf,
        degrees=measured.degrees,
        confidence=confidence,
        bounds=bounds,
    )


def _codes(clusters: Sequence[str] | None, kept: NDArray[np.bool_]) -> Codes:
    named = None if clusters is None else [clusters[int(place)] for place in np.flatnonzero(kept)]
    return cluster_codes(int(kept.sum()), named)


def _estimate(
    value: float,
    interval: tuple[float, float] | None,
    sample: _Sample,
    *,
    method: str,
    uncovered: float = 0.0,
    collapsed: int = 0,
) -> Estimate:
    correlation = intraclass_correlation(sample.residuals, codes=sample.codes)
    effect = design_effect(weights=sample.mass, codes=sample.codes, correlation=correlation)
    lower, upper = (None, None) if interval is None else interval
    return Estimate(
        value=value,
        lower=lower,
        upper=upper,
        items=sample.values.size,
        effective_items=sample.values.size / effect,
        clusters=int(sample.codes.max()) + 1,
        design_effect=effect,
        uncovered=uncovered,
        collapsed=collapsed,
        method=method,
    )
