"""A mean of what people would say, from cheap scores of all and labels of a few chosen at random.

The stratified difference estimator of two-phase sampling (Saerndal, Swensson and Wretman 1992,
chapter 9), which prediction-powered inference (Angelopoulos et al. 2023, Science 382:669) is a case
of: scores of everything, plus what the labelled ones say the scores get wrong. Inside a stratum
labels are a simple random sample, so every probability to be labelled is known and not zero.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy

from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.statistics.label_strata import (
    StratumFit,
    TwoPhaseSample,
    effective_items,
    label_spread,
    stratum_fit,
)


@dataclass(frozen=True)
class TwoPhaseMean:
    """The mean that people would give, with the parts it is made of.

    `variance` is of the first phase (which items there are) plus `rectifier_variance` (which were
    labelled). `human_variance` is what the labels alone, drawn at random, would have had.
    """

    value: float
    score_mean: float
    rectifier: float
    first_variance: float
    score_variance: float
    rectifier_variance: float
    human_variance: float
    degrees: float
    rectifier_degrees: float
    labels: int
    strata: tuple[StratumFit, ...]

    @property
    def variance(self) -> float:
        """Of the mean, both phases."""
        return self.first_variance + self.rectifier_variance

    @property
    def variance_ratio(self) -> float:
        """Below 1 the scores helped: the variance over that of the labels alone."""
        return self.variance / self.human_variance

    @property
    def added_variance(self) -> float:
        """What the rectifier adds to the variance of the scores' own mean.

        The second phase, and the spread that labels have and scores do not show; never negative,
        so that scores which vary more than labels do not narrow anything.
        """
        return self.rectifier_variance + max(0.0, self.first_variance - self.score_variance)

    def interval(self, confidence: float) -> tuple[float, float]:
        """The two-sided t interval, not cut to any bounds."""
        half = float(scipy.stats.t.ppf(0.5 + confidence / 2, self.degrees))
        half *= math.sqrt(self.variance)
        return self.value - half, self.value + half


def two_phase_mean(sample: TwoPhaseSample, *, tuned: bool = False) -> TwoPhaseMean:
    """The stratified difference estimate; with `tuned` scores weigh as they have earned.

    Tuning fits each stratum's weight of the scores, from 0 to 1, where it has 100 labels or more;
    else it is 1. Two pseudo-residuals per stratum, one `step` to each side, keep the variance of
    few labels from being zero (Bonett and Price 2012, generalised). Labels of one conversation
    count as one draw. Of a stratum without a label the scores stand.
    """
    fits, loads, errors = [], np.zeros_like(sample.scores), np.zeros_like(sample.scores)
    for code in np.unique(sample.strata):
        inside = sample.strata == code
        fit, residuals = stratum_fit(sample, inside, tuned=tuned)
        chosen = inside & sample.labelled
        fits.append(fit)
        if not fit.labels:
            continue
        own = sample.mass[chosen] / sample.mass[chosen].sum()
        loads[chosen] = fit.share * own * _correction(fit)
        errors[chosen] = residuals - float(own @ residuals)
    added = sum(_pseudo_variance(fit, step=sample.step) for fit in fits)
    spread = _cluster_sums(loads * errors, sample) + added
    score_mean = float(np.average(sample.scores, weights=sample.mass))
    rectifier = sum(fit.share * fit.rectifier for fit in fits)
    spread_of_labels = label_spread(fits, step=sample.step)
    effective = effective_items(sample, np.ones_like(sample.labelled))
    effective_labels = effective_items(sample, sample.labelled)
    score_spread = float(np.average(np.square(sample.scores - score_mean), weights=sample.mass))
    degrees = _degrees(fits, step=sample.step)
    first = spread_of_labels / effective
    return TwoPhaseMean(
        value=score_mean + rectifier,
        score_mean=score_mean,
        rectifier=rectifier,
        first_variance=first,
        score_variance=score_spread / effective,
        rectifier_variance=spread,
        human_variance=(spread_of_labels + 2 * sample.step**2 / effective_labels)
        / effective_labels,
        degrees=welch_degrees(((first, effective - 1), (spread, degrees))),
        rectifier_degrees=degrees,
        labels=int(sample.labelled.sum()),
        strata=tuple(fits),
    )


def welch_degrees(parts: tuple[tuple[float, float], ...]) -> float:
    """Satterthwaite's degrees of freedom of a sum of (variance, degrees); at least 1."""
    total = sum(variance for variance, _ in parts)
    if total <= 0:
        return 1.0
    return max(1.0, total**2 / sum(var**2 / max(1.0, degrees) for var, degrees in parts if var > 0))


def _correction(fit: StratumFit) -> float:
    """For n + 2 augmented residuals about one mean, and for items that cannot be drawn again."""
    return math.sqrt((1 - fit.labels / fit.items) * fit.labels / (fit.labels + 1))


def _pseudo_variance(fit: StratumFit, *, step: float) -> float:
    """What the two pseudo-residuals add to the squared loads of the stratum."""
    if not fit.labels:
        return (fit.share * step) ** 2
    return 2 * (fit.share * step * _correction(fit) / fit.labels) ** 2


def _cluster_sums(values: Floats, sample: TwoPhaseSample) -> float:
    codes = cluster_codes(values.size, sample.clusters)
    return float(np.square(np.bincount(codes, weights=values)).sum())


def _degrees(fits: list[StratumFit], *, step: float) -> float:
    parts = tuple(
        (
            (fit.share * _correction(fit)) ** 2 * fit.residual_variance / max(1, fit.labels)
            + _pseudo_variance(fit, step=step),
            fit.labels + 1.0,
        )
        for fit in fits
    )
    return welch_degrees(parts)
