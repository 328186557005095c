"""Whether a slice loses again and again: evidence multiplied over candidates and weeks.

An e-value is what a bet against "the candidate is no worse here" has made of 1. It may be looked at
after every candidate: under the null the product ever exceeds 1 / a with probability a at most
(Ville). So S slices share an error rate a at the bound S / a, however often somebody looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from eval_pipeline.statistics.clusters import Floats

BETS: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Shares of the stake put on a loss; their mean is as valid as each of them."""
NOISE_BOUND: Final = 1 / 0.2

Recurrence = Literal["systematic", "watch", "noise"]


@dataclass(frozen=True)
class Evidence:
    """The product so far, the largest it has been, and over how many candidates."""

    product: float
    largest: float
    times: int


def e_value(cluster_means: Floats) -> float:
    """Of one candidate's clusters in a slice, each the mean difference, -1 to 1; 1 without any.

    The mean over `BETS` of the product of 1 - bet x difference: 1 on average if no cluster's
    expected difference is below 0.
    """
    if not cluster_means.size:
        return 1.0
    logs = np.array([np.log1p(-bet * cluster_means).sum() for bet in BETS])
    largest = float(logs.max())
    return float(np.exp(largest) * np.exp(logs - largest).mean())


def over_candidates(values: Sequence[float]) -> Evidence:
    """The e-values of one slice multiplied in the order of the candidates."""
    products = np.cumprod(np.asarray([1.0, *values]))
    return Evidence(float(products[-1]), float(products.max()), len(values))


def recurrence_of(evidence: Evidence, *, slices: int, error_rate: float) -> Recurrence:
    """Systematic where it ever was beyond slices / error_rate, noise where never beyond 5."""
    if evidence.largest >= slices / error_rate:
        return "systematic"
    return "watch" if evidence.largest > NOISE_BOUND else "noise"
