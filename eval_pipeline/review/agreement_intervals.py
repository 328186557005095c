"""Intervals of measures of agreement: a bootstrap over clusters of tasks, Wilson's at the ends."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.fingerprint import seed_for
from eval_pipeline.statistics.clusters import cluster_codes
from eval_pipeline.statistics.weighted_agreement import effective_count, wilson

Floats = NDArray[np.float64]
Measure = Literal[
    "percent",
    "kappa",
    "fleiss",
    "alpha",
    "alpha_cannot_tell",
    "ac1",
    "ceiling",
    "cannot_tell",
]


@dataclass(frozen=True)
class AgreementEstimate:
    """A measure with its two-sided interval over the tasks that at least two people rated.

    Null where undefined: no such task, or no variation for kappa and alpha to correct by.
    """

    measure: Measure
    value: float | None
    lower: float | None
    upper: float | None
    tasks: int


@dataclass(frozen=True)
class Precision:
    """How an interval is made: `resamples=0` leaves it out; the same purpose draws the same."""

    purpose: str
    confidence: float
    resamples: int


@dataclass(frozen=True)
class Replicated:
    """Observed and chance agreement, one entry per replicate."""

    observed: Floats
    chance: Floats

    @property
    def corrected(self) -> Floats:
        """(observed - chance) / (1 - chance); not a number where chance agreement is certain."""
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected: Floats = np.where(
                self.chance < 1, (self.observed - self.chance) / (1 - self.chance), np.nan
            )
        return corrected


@dataclass(frozen=True)
class Units:
    """Tasks by columns that a statistic reads, and the cluster that each task belongs to."""

    columns: Floats
    codes: NDArray[np.int64]
    rated_twice: NDArray[np.bool_]


Statistic = Callable[[Floats, Floats], Replicated]
"""From units (tasks by columns) and weights (replicates by tasks)."""


def units_of(
    columns: Floats, *, ratings: Floats, clusters: Sequence[str] | None, at_least: int
) -> Units:
    """The tasks with `at_least` so many ratings."""
    counts = ratings.sum(axis=1)
    kept = counts >= at_least
    codes = cluster_codes(len(columns), clusters)[kept]
    return Units(columns[kept], np.unique(codes, return_inverse=True)[1], counts[kept] > 1)


def estimate(
    measure: Measure, units: Units, statistic: Statistic, precision: Precision
) -> AgreementEstimate:
    """The measure with its percentile interval, clusters of tasks drawn with replacement.

    Replicates without variation, of which a chance-corrected measure says nothing, are left out.
    Where all tasks agree, or none does, every replicate is the same and the bootstrap would claim
    certainty after five tasks: there the bounds are Wilson's at the same chance agreement, with the
    clusters' effective number.
    """
    tasks = int(units.rated_twice.sum())
    if not tasks:
        return AgreementEstimate(measure, None, None, None, tasks)
    point = statistic(units.columns, np.ones((1, len(units.columns))))
    value = float(point.corrected[0])
    if not math.isfinite(value):
        return AgreementEstimate(measure, None, None, None, tasks)
    if not precision.resamples:
        return AgreementEstimate(measure, value, None, None, tasks)
    observed, chance = float(point.observed[0]), float(point.chance[0])
    if observed in (0.0, 1.0):
        sizes = np.bincount(units.codes[units.rated_twice]).astype(np.float64)
        bounds = wilson(observed, effective_count(sizes), confidence=precision.confidence)
        lower, upper = ((bound - chance) / (1 - chance) for bound in bounds)
        return AgreementEstimate(measure, value, lower, upper, tasks)
    lower, upper = _percentiles(measure, units, statistic, precision)
    return AgreementEstimate(measure, value, lower, upper, tasks)


def _percentiles(
    measure: Measure, units: Units, statistic: Statistic, precision: Precision
) -> tuple[float, float]:
    clusters = int(units.codes.max()) + 1
    rng = np.random.default_rng(seed_for("agreement", measure, precision.purpose))
    draws = rng.multinomial(
        clusters, np.full(clusters, 1 / clusters), size=precision.resamples
    ).astype(np.float64)
    replicates = statistic(units.columns, draws[:, units.codes]).corrected
    tails = [(1 - precision.confidence) / 2, (1 + precision.confidence) / 2]
    lower, upper = np.quantile(replicates[np.isfinite(replicates)], tails).tolist()
    return lower, upper
