"""Truth, judge and provider: means over the paired items, in this order, and Shapley's values.

The three telescope: their sum is the paired items' value now less their value then (methods 5.1).
"""

from collections.abc import Mapping
from itertools import permutations
from typing import Final

import polars as pl

from eval_pipeline.evaluation.decomposition.paired_items import (
    CELLS,
    FROZEN,
    NOW,
    OTHER_TRUTH_FROZEN,
    THEN,
)
from eval_pipeline.evaluation.decomposition.part import PAIRED, Part
from eval_pipeline.evaluation.paired_tests import augmented_mean
from eval_pipeline.statistics.clusters import Floats, cluster_codes

PLACES: Final = {"provider": 0, "judge": 1, "truth": 2}
"""Where each component's bit stands in the name of a cell."""


def paired_parts(paired: pl.DataFrame, *, weights: Floats | None) -> dict[str, Part]:
    """The three parts from paired items, at least one; without `weights`: all items weigh the same.

    Mean and standard error are of the augmented CR2 t, clustered by conversation, at the weights
    as they are: where nothing changed, no shares of traffic make a change of it.
    """
    moves = _moves(paired)
    fair = shapley_values(paired, weights)
    return {
        name: _part(moves[name], paired, weights=weights, shapley=fair.get(name)) for name in PAIRED
    }


def _moves(paired: pl.DataFrame) -> dict[str, Floats]:
    """Per paired item what each component did to its score.

    Where a model judges a revised item, the frozen answer was judged under both truths this week:
    the judge's part comes first there, since the old judge never saw the new truth.
    """
    from_truth = pl.when(pl.col("by_model")).then(OTHER_TRUTH_FROZEN).otherwise(THEN)
    truth = pl.when("revised").then(pl.col(FROZEN) - from_truth).otherwise(0.0)
    told = paired.select(
        truth=truth,
        judge=pl.col(FROZEN) - pl.col(THEN) - truth,
        provider=pl.col(NOW) - pl.col(FROZEN),
    )
    return {name: told[name].to_numpy() for name in PAIRED}


def _part(
    moved: Floats,
    paired: pl.DataFrame,
    *,
    weights: Floats | None,
    shapley: float | None,
) -> Part:
    keys = paired["conversation_key"].to_list()
    codes = cluster_codes(moved.size, keys)
    found = augmented_mean(moved, clusters=codes, weights=weights)
    return Part(
        difference=_mean(moved, weights),
        standard_error=found.standard_error,
        degrees=found.degrees,
        centre=found.centre,
        items=moved.size,
        clusters=int(codes.max()) + 1,
        shapley=shapley,
    )


def _mean(values: Floats, weights: Floats | None) -> float:
    return float(values.mean()) if weights is None else float(weights @ values / weights.sum())


def shapley_values(paired: pl.DataFrame, weights: Floats | None) -> Mapping[str, float]:
    """Each component's mean marginal effect over the six orders; empty if any cell is unfilled.

    phi_a = sum over S of |S|! (2 - |S|)! / 3! [V(S with a) - V(S)] (methods 5.1). It differs from
    the ordered part by the interaction of the components.
    """
    if paired.select(pl.any_horizontal(pl.col(CELLS).is_null().any())).item():
        return {}
    values = {cell: _mean(paired[cell].to_numpy(), weights) for cell in CELLS}
    found = dict.fromkeys(PAIRED, 0.0)
    orders = list(permutations(PAIRED))
    for order in orders:
        cell = "000"
        for name in order:
            place = PLACES[name]
            moved = f"{cell[:place]}1{cell[place + 1 :]}"
            found[name] += (values[moved] - values[cell]) / len(orders)
            cell = moved
    return found
