"""Label strata of a two-phase sample: what the labels of each say of its scores."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats, cluster_codes, kish_effective_items

LEAST_TO_TUNE: Final = 100
"""Labels of a stratum from which on its weight of the scores may be fitted (methods 3.1)."""


@dataclass(frozen=True)
class TwoPhaseSample:
    """All items with their scores, and the labels of some.

    `labels` is NaN where an item has none; `strata` numbers each item's label stratum, `clusters`
    its conversation. `step` is half the range of a label: 1 for differences of pairs, 1/2 for
    rates. `weights` are design weights of the items. At least one label.
    """

    scores: Floats
    labels: Floats
    strata: NDArray[np.int64]
    step: float
    weights: Floats | None = None
    clusters: NDArray[np.int64] | None = None

    @cached_property
    def mass(self) -> Floats:
        """The items' weights; one each without weights."""
        return np.ones_like(self.scores) if self.weights is None else self.weights

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """Which items have a label."""
        return ~np.isnan(self.labels)


@dataclass(frozen=True)
class StratumFit:
    """One stratum: its share of the mass, items, labels, and what its labels say.

    `rectifier` is the labelled items' mean label less `tuning` times their score, plus what the
    scores of all items of the stratum keep: (tuning - 1) times their mean.
    """

    share: float
    items: int
    labels: int
    rectifier: float
    label_mean: float
    tuning: float
    label_variance: float
    residual_variance: float


def stratum_fit(
    sample: TwoPhaseSample, inside: NDArray[np.bool_], *, tuned: bool
) -> tuple[StratumFit, Floats]:
    """The stratum, and the residuals of its labelled items in their order."""
    chosen = inside & sample.labelled
    of_all = float(np.average(sample.scores[inside], weights=sample.mass[inside]))
    if not chosen.any():
        return _unlabelled(sample, inside, of_all), np.array([])
    labels, scores, mass = sample.labels[chosen], sample.scores[chosen], sample.mass[chosen]
    tuning = _tuning(labels, scores) if tuned else 1.0
    residuals = labels - tuning * scores
    label_mean = float(np.average(labels, weights=mass))
    mean_residual = float(np.average(residuals, weights=mass))
    fit = StratumFit(
        share=float(sample.mass[inside].sum() / sample.mass.sum()),
        items=int(inside.sum()),
        labels=int(chosen.sum()),
        rectifier=mean_residual + (tuning - 1) * of_all,
        label_mean=label_mean,
        tuning=tuning,
        label_variance=float(np.average(np.square(labels - label_mean), weights=mass)),
        residual_variance=float(np.average(np.square(residuals - mean_residual), weights=mass)),
    )
    return fit, residuals


def _unlabelled(sample: TwoPhaseSample, inside: NDArray[np.bool_], mean: float) -> StratumFit:
    """A stratum of which nobody said anything: its scores stand, as unsure as one label is."""
    return StratumFit(
        share=float(sample.mass[inside].sum() / sample.mass.sum()),
        items=int(inside.sum()),
        labels=0,
        rectifier=0.0,
        label_mean=mean,
        tuning=1.0,
        label_variance=sample.step**2,
        residual_variance=sample.step**2,
    )


def _tuning(labels: Floats, scores: Floats) -> float:
    if labels.size < LEAST_TO_TUNE or np.ptp(scores) == 0:
        return 1.0
    covariance = np.cov(labels, scores)
    return float(np.clip(covariance[0, 1] / covariance[1, 1], 0.0, 1.0))


def label_spread(fits: list[StratumFit], *, step: float) -> float:
    """The variance of labels over all items: inside strata by n - 1, and between them."""
    mean = sum(fit.share * fit.label_mean for fit in fits)
    inside = sum(
        fit.share * fit.label_variance * fit.labels / (fit.labels - 1)
        if fit.labels > 1
        else fit.share * step**2
        for fit in fits
    )
    return inside + sum(fit.share * (fit.label_mean - mean) ** 2 for fit in fits)


def effective_items(sample: TwoPhaseSample, chosen: NDArray[np.bool_]) -> float:
    """Of the chosen items, Kish's, by the masses of their conversations."""
    clusters = None if sample.clusters is None else sample.clusters[chosen]
    codes = cluster_codes(int(chosen.sum()), clusters)
    return kish_effective_items(np.bincount(codes, weights=sample.mass[chosen]))
