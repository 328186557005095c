"""The noise floor: how far one run's mean moves when nothing has changed (methods 5.2).

A pinned system answers each item K times. Its mean moves from run to run by the items' own noise,
which is far less than the binomial noise of the scores: an item that is always right adds none.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import scipy

from eval_pipeline.statistics.clusters import Floats

ITEM: Final = ("item_id", "item_revision")
LEAST_RUNS: Final = 2
BATCH_EFFECT_P: Final = 0.01


@dataclass(frozen=True)
class NoiseFloor:
    """What one more run of these items is expected to score, and how far it may be from that.

    `sigma` is the standard deviation of a run's mean, `runs` the harmonic mean of the items' runs.
    """

    mu0: float
    sigma: float
    runs: float
    items: int

    @property
    def reference_error(self) -> float:
        """The standard error of `mu0` itself."""
        return self.sigma / float(np.sqrt(self.runs))


def item_noise(reference: pl.DataFrame) -> pl.DataFrame:
    """Per item revision its mean, variance and number of scored runs, from DRIFT_REFERENCE rows.

    Columns item_id, item_revision, mean, variance, runs; the variance is the unbiased one, which
    for scores of 0 and 1 is K/(K-1) p(1-p), and null below two scored runs.
    """
    return (
        reference.filter(pl.col("score").is_not_null())
        .group_by(*ITEM)
        .agg(
            pl.col("score").mean().alias("mean"),
            pl.col("score").var(ddof=1).alias("variance"),
            pl.len().cast(pl.Int64).alias("runs"),
        )
        .sort(*ITEM)
    )


def noise_floor(means: Floats, variances: Floats, runs: Floats) -> NoiseFloor:
    """The floor of the mean of these items, one entry each, with at least two runs each.

    sigma² = sum of the items' variances / n². However steady all runs were, the sum is never taken
    for less than one item that differs in one run would give, 1/K: where nothing moved in n K
    answers, the next one still may.
    """
    if means.size == 0 or float(runs.min()) < LEAST_RUNS:
        raise ValueError("a noise floor needs items, each with at least two scored runs")
    items = int(means.size)
    harmonic = items / float(np.sum(1 / runs))
    total = max(float(variances.sum()), 1 / harmonic)
    return NoiseFloor(float(means.mean()), float(np.sqrt(total)) / items, harmonic, items)


def batch_effect(reference: pl.DataFrame, floor: NoiseFloor) -> float:
    """By how much runs differ more than their items' own noise explains, as a factor of sigma.

    `reference`: the floor's DRIFT_REFERENCE rows. Answers of one hour share a server's state, so
    the means of runs can move together. 1.0 unless the runs' means are too far apart for the floor
    (chi-squared, p < 0.01); else their standard deviation over the floor's. Runs in which an item
    has no score are left out; below three whole runs nothing is seen.
    """
    means = (
        reference.filter(pl.col("score").is_not_null())
        .group_by("run")
        .agg(pl.col("score").mean().alias("mean"), pl.len().alias("items"))
        .filter(pl.col("items") == floor.items)
        .sort("run")["mean"]
        .to_numpy()
    )
    if means.size <= LEAST_RUNS:
        return 1.0
    ratio = float(means.var(ddof=1)) / floor.sigma**2
    freedom = means.size - 1
    if ratio <= 1 or scipy.stats.chi2.sf(freedom * ratio, freedom) >= BATCH_EFFECT_P:
        return 1.0
    return float(np.sqrt(ratio))
