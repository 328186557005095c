"""The interval of a rate that people would give, from judges' scores and labels of a few."""

import math

import numpy as np

from eval_pipeline.statistics.label_strata import TwoPhaseSample, effective_items, stratum_fit
from eval_pipeline.statistics.proportions import wilson


def mover_wilson(sample: TwoPhaseSample, *, confidence: float) -> tuple[float, float, float]:
    """The rate that people would give, with its interval: (rate, lower, upper), within 0 and 1.

    The stratified mean of labels that are 0 or 1; each stratum's Wilson interval at its labels,
    joined by MOVER (Zou and Donner 2008, Statistics in Medicine 27:1693) with that of a census of
    these items, which are a sample themselves. Where all scores of a stratum are equal, as they
    are where judges agree, the rate is that of `two_phase_mean`.
    """
    codes = np.unique(sample.strata)
    fits = [stratum_fit(sample, sample.strata == code, tuned=False)[0] for code in codes]
    rate = sum(fit.share * fit.label_mean for fit in fits)
    everyone = effective_items(sample, np.ones_like(sample.labelled))
    lower, upper = wilson(rate, everyone, confidence=confidence)
    below, above = (rate - lower) ** 2, (upper - rate) ** 2
    for code, fit in zip(codes, fits, strict=True):
        left = 1 - fit.labels / fit.items
        if left <= 0:
            continue
        chosen = (sample.strata == code) & sample.labelled
        lower, upper = 0.0, 1.0
        if fit.labels:
            count = effective_items(sample, chosen) / left
            lower, upper = wilson(fit.label_mean, count, confidence=confidence)
        below += (fit.share * (fit.label_mean - lower)) ** 2
        above += (fit.share * (upper - fit.label_mean)) ** 2
    return rate, max(0.0, rate - math.sqrt(below)), min(1.0, rate + math.sqrt(above))
