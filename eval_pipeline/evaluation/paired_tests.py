"""Tests of candidate minus baseline on the same items: Tango's score test, augmented CR2 t, Holm.

Differences are candidate minus baseline, so a regression is negative.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import (
    Floats,
    cluster_codes,
    cluster_variance,
    kish_effective_items,
)

BISECTIONS = 45
"""Enough for 13 decimals; more are rounding."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class DiscordantPairs:
    """Binary pairs: how often the candidate alone succeeded, and the baseline alone, among `items`.

    Statistic and interval: Tango (1998), Statistics in Medicine 17:891.
    """

    wins: int
    losses: int
    items: int

    @property
    def method(self) -> str:
        """The name that reports give this test."""
        return "tango"

    def statistic(self, difference: float) -> float:
        """Tango's T at a hypothetical difference; at 0 it is McNemar's."""
        return tango_statistic(self.wins, self.losses, self.items, difference)

    def p_above(self, difference: float) -> float:
        """One-sided p of the null that the true difference is `difference` or less."""
        return float(scipy.special.ndtr(-self.statistic(difference)))

    def p_below(self, difference: float) -> float:
        """One-sided p of the null that the true difference is `difference` or more."""
        return float(scipy.special.ndtr(self.statistic(difference)))

    def interval(self, confidence: float) -> tuple[float, float]:
        """The differences that the two-sided test at `confidence` does not reject."""
        z = float(scipy.special.ndtri(0.5 + confidence / 2))
        observed = (self.wins - self.losses) / self.items
        lower = _crossing(lambda value: self.statistic(value) > z, -1.0, observed)
        upper = _crossing(lambda value: self.statistic(value) > -z, observed, 1.0)
        return lower, upper

    @property
    def effective_items(self) -> float:
        """Every pair counts once."""
        return float(self.items)


def tango_statistic(wins: float, losses: float, items: float, difference: float) -> float:
    """T = (w - l - nD) / sqrt(n (2q + D(1 - D))), q the loss rate's maximum likelihood under D."""
    a = 2.0 * items
    b = -wins - losses + (2 * items - wins + losses) * difference
    c = -losses * difference * (1 - difference)
    loss_rate = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = items * (2 * loss_rate + difference * (1 - difference))
    distance = wins - losses - items * difference
    if variance <= ROUNDING**2 * items:
        return math.copysign(math.inf, distance) if abs(distance) > ROUNDING else 0.0
    return distance / math.sqrt(variance)


def _crossing(is_left: Callable[[float], bool], left: float, right: float) -> float:
    for _ in range(BISECTIONS):
        middle = (left + right) / 2
        if is_left(middle):
            left = middle
        else:
            right = middle
    return (left + right) / 2


@dataclass(frozen=True)
class AugmentedMean:
    """The mean difference with two pseudo-clusters, +1 and -1, so its variance is never zero.

    A generalised Bonett and Price (2012): `centre` and `standard_error` are of the augmented
    data; `effective_items` is Kish's over cluster weights, without the pseudo-clusters.
    """

    centre: float
    standard_error: float
    degrees: float
    effective_items: float

    @property
    def method(self) -> str:
        """The name that reports give this test."""
        return "augmented_cr2_t"

    def statistic(self, difference: float) -> float:
        """The distance from a hypothetical difference in standard errors."""
        return (self.centre - difference) / self.standard_error

    def p_above(self, difference: float) -> float:
        """One-sided p of the null that the true difference is `difference` or less."""
        return float(scipy.special.stdtr(self.degrees, -self.statistic(difference)))

    def p_below(self, difference: float) -> float:
        """One-sided p of the null that the true difference is `difference` or more."""
        return float(scipy.special.stdtr(self.degrees, self.statistic(difference)))

    def interval(self, confidence: float) -> tuple[float, float]:
        """The two-sided t interval, cut to what differences of scores can be."""
        quantile = float(scipy.special.stdtrit(self.degrees, 0.5 + confidence / 2))
        half = quantile * self.standard_error
        return max(-1.0, self.centre - half), min(1.0, self.centre + half)


PairedTest = DiscordantPairs | AugmentedMean


def augmented_mean(
    differences: Floats,
    *,
    clusters: NDArray[np.int64] | None = None,
    weights: Floats | None = None,
) -> AugmentedMean:
    """The augmented CR2 t of at least one difference; a pseudo-cluster has the mean weight."""
    mass = np.ones_like(differences) if weights is None else weights
    codes = cluster_codes(differences.size, clusters)
    extra = np.full(2, mass.mean())
    first = int(codes.max()) + 1
    all_values = np.concatenate([differences, [1.0, -1.0]])
    all_mass = np.concatenate([mass, extra])
    all_codes = np.concatenate([codes, [first, first + 1]])
    centre = float(all_mass @ all_values / all_mass.sum())
    variance = cluster_variance(all_values - centre, weights=all_mass, codes=all_codes)
    return AugmentedMean(
        centre=centre,
        standard_error=math.sqrt(variance),
        degrees=kish_effective_items(np.bincount(all_codes, weights=all_mass)) - 1,
        effective_items=kish_effective_items(np.bincount(codes, weights=mass)),
    )


def paired_test(
    differences: Floats,
    *,
    binary: bool,
    clusters: NDArray[np.int64],
    weights: Floats | None = None,
) -> PairedTest:
    """Tango's test for binary scores with one item per cluster and no weights, else the t."""
    codes = cluster_codes(differences.size, clusters)
    if binary and weights is None and int(codes.max()) + 1 == differences.size:
        return DiscordantPairs(
            wins=int((differences > 0).sum()),
            losses=int((differences < 0).sum()),
            items=differences.size,
        )
    return augmented_mean(differences, clusters=codes, weights=weights)


def holm(p_values: Mapping[str, float], *, beside: int = 0) -> dict[str, float]:
    """Holm's adjusted p-values by name: valid under any dependence, so for overlapping subsets.

    `beside` further claims belong to the family and are decided elsewhere: they count as if
    nothing spoke for them, so what is rejected here is among what Holm rejects over all.
    """
    adjusted: dict[str, float] = {}
    running = 0.0
    ordered = sorted(p_values.items(), key=lambda pair: (pair[1], pair[0]))
    for rank, (name, p_value) in enumerate(ordered):
        running = max(running, min(1.0, (len(ordered) + beside - rank) * p_value))
        adjusted[name] = running
    return adjusted
