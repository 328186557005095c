"""What a success costs: money over the worth of the scores, its interval, and a ratio of two.

A success is a score's worth: two answers of score 0.5 are one. A failed call costs what it costs
and is no success. A call whose price or score is not known is in neither sum: its money without
its worth, or the other way round, would move the figure.
"""

import math

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import NOT_LOGGED, Measured
from eval_pipeline.statistics.proportions import normal_quantile


def cost_per_success(calls: pl.DataFrame, *, confidence: float) -> Measured:
    """All money over all scores; by linearisation over clusters, on the log scale.

    Needs `cluster_id`, `item_id`, `trial`, `status`, `score`, `cost_usd`. `count` is the calls that
    are in both sums; no bounds from a single cluster.
    """
    known = _countable(calls)
    sums = _by_cluster(known)
    money, successes = float(sums["cost"].sum()), float(sums["score"].sum())
    if money <= 0 or successes <= 0:
        return NOT_LOGGED
    shares = (sums["cost"] / money - sums["score"] / successes).to_numpy()
    return _exponential(money / successes, _error(shares), confidence, known.height)


def cost_ratio(candidate: pl.DataFrame, baseline: pl.DataFrame, *, confidence: float) -> Measured:
    """The candidate's over the baseline's, paired by cluster.

    Both arms answer the same items, so what they share cancels.
    """
    known = _countable(candidate)
    paired = _by_cluster(known).join(
        _by_cluster(_countable(baseline)),
        on="cluster_id",
        how="full",
        coalesce=True,
        suffix="_before",
    )
    paired = paired.fill_null(0.0).sort("cluster_id")
    sums = {name: float(paired[name].sum()) for name in paired.columns if name != "cluster_id"}
    if min(sums.values(), default=0) <= 0:
        return NOT_LOGGED
    shares = (
        paired["cost"] / sums["cost"]
        - paired["score"] / sums["score"]
        - paired["cost_before"] / sums["cost_before"]
        + paired["score_before"] / sums["score_before"]
    ).to_numpy()
    ratio = (sums["cost"] / sums["score"]) / (sums["cost_before"] / sums["score_before"])
    return _exponential(ratio, _error(shares), confidence, known.height)


def _countable(calls: pl.DataFrame) -> pl.DataFrame:
    failed = pl.col("status") == "failed"
    known = pl.col("cost_usd").is_not_null() & pl.col("score").is_not_null()
    return calls.filter(failed | known)


def _by_cluster(calls: pl.DataFrame) -> pl.DataFrame:
    return (
        calls.sort("cluster_id", "item_id", "trial")
        .group_by("cluster_id", maintain_order=True)
        .agg(pl.col("cost_usd").sum().alias("cost"), pl.col("score").sum())
    )


def _error(shares: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The standard error of a log ratio from its linearised cluster sums; needs two clusters."""
    if shares.size == 1:
        return math.inf
    return math.sqrt(float(np.square(shares).sum()) * shares.size / (shares.size - 1))


def _exponential(value: float, error: float, confidence: float, count: int) -> Measured:
    reach = normal_quantile(confidence) * error
    if math.isinf(reach):
        return Measured(value, None, None, count)
    return Measured(value, value * math.exp(-reach), value * math.exp(reach), count)
