"""What scores on a golden version say of a week's live traffic, with an interval.

The interval counts what the items leave open (CR2 over cells, clustered by conversation) and what
the week's sample leaves open about the cells' shares. Two pseudo-conversations, one all right and
one all wrong, keep the variance above zero, as in the paired test (methods 2.3).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from eval_pipeline.statistics.bounded_means import bounded_interval
from eval_pipeline.statistics.cell_means import cell_sum
from eval_pipeline.statistics.clusters import Floats, cluster_codes, kish_effective_items


@dataclass(frozen=True)
class LiveEstimate:
    """The mean score of the week's traffic; `unweighted` is the version's own mean.

    `missing_items` have a weight and no score, `missing_share` is their weight. Scores are taken
    to lie in 0-1. `lower` and `upper` are None with fewer than two conversations.
    """

    mean: float
    lower: float | None
    upper: float | None
    unweighted: float
    items: int
    missing_items: int
    missing_share: float
    effective_items: float


def live_estimate(
    weights: pl.DataFrame, scores: pl.DataFrame, *, confidence: float = 0.95
) -> LiveEstimate | None:
    """From GOLDEN_WEIGHTS and one row per item with `item_id` and `score`, null where missing.

    An unscored item's weight goes to the scored items of its cell, a cell's without any to all
    others. None where no weighted item has a score.
    """
    weighed = weights.filter(pl.col("live_weight").is_not_null())
    joined = weighed.join(scores.select("item_id", "score"), on="item_id", how="left")
    rows = joined.filter(pl.col("score").is_not_null()).sort("item_id")
    missing = joined.filter(pl.col("score").is_null())
    if rows.is_empty():
        return None
    masses = weighed.group_by("cell").agg(mass=pl.col("live_weight").sum())
    first = pl.col("stratum", "stratum_share", "traffic_effective", "cell_share").first()
    cells = rows.group_by("cell").agg(first).join(masses, on="cell").sort("cell")
    coefficients = cells["mass"].to_numpy() / cells["mass"].sum()
    places = {name: place for place, name in enumerate(cells["cell"])}
    codes = np.array([places[name] for name in rows["cell"]], dtype=np.int64)
    values = rows["score"].to_numpy()
    share = (coefficients / np.bincount(codes))[codes]
    conversations = cluster_codes(values.size, rows["conversation_key"].to_list())
    means = np.bincount(codes, weights=values) / np.bincount(codes)
    mean = float(coefficients @ means)
    lower, upper = None, None
    if conversations.max() > 0:
        measured = cell_sum(values, cells=codes, coefficients=coefficients, clusters=conversations)
        variance = measured.standard_error**2 + _share_variance(cells, coefficients, means)
        effective = kish_effective_items(np.bincount(conversations, weights=share))
        lower, upper = bounded_interval(
            mean,
            variance,
            effective=effective,
            degrees=measured.degrees,
            confidence=confidence,
        )
    return LiveEstimate(
        mean=mean,
        lower=lower,
        upper=upper,
        unweighted=float(values.mean()),
        items=values.size,
        missing_items=missing.height,
        missing_share=float(missing["live_weight"].sum()),
        effective_items=kish_effective_items(share),
    )


def _share_variance(cells: pl.DataFrame, coefficients: Floats, means: Floats) -> float:
    """Of the cells' shares inside each stratum, drawn as conversations are (multinomial)."""
    total = 0.0
    frame = cells.with_columns(w=pl.Series(coefficients), y=pl.Series(means))
    exact = frame["stratum_share"].n_unique() > 1 or frame["stratum_share"][0] < 1
    for own in frame.partition_by("stratum") if exact else [frame]:
        mass = float(own["w"].sum())
        inside, y = own["w"].to_numpy() / mass, own["y"].to_numpy()
        spread = max(0.0, float(inside @ np.square(y) - (inside @ y) ** 2))
        total += mass**2 * spread / float(own["traffic_effective"][0])
    return total
