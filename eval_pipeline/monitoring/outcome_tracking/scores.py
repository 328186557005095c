"""The offline score of the system in production, by subset, in the week's mix of traffic.

From the newest re-run of golden items: each item weighs what its cell is of the week's live traffic
(GOLDEN_WEIGHTS for that week), and a subset's score is the weighted mean of its items. Where
nothing was re-run, what people said of the week's own sample stands in, as another basis.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.outcome_tracking.link import ALL
from eval_pipeline.monitoring.outcome_tracking.predictions import SCORED
from eval_pipeline.statistics.clusters import cluster_codes, cluster_variance, kish_effective_items
from eval_pipeline.tables import NAMES, OUTCOME_PREDICTIONS, schema_of

LEAST_CONVERSATIONS: Final = 5
SCORES: Final = pl.Schema(
    [(name, OUTCOME_PREDICTIONS.schema[name]) for name in ("subset", *SCORED)]
)


@dataclass(frozen=True)
class Rerun:
    """A re-run of a golden version on the system in production.

    `weights`: GOLDEN_WEIGHTS of the version for the predicted week. `scores`: by `item_id` the
    mean `score` and the item's `subsets`. `earlier_items`: those of the prediction before.
    """

    golden_version: int
    week: str
    weights: pl.DataFrame
    scores: pl.DataFrame
    earlier_items: Collection[str]


def offline_scores(
    rerun: Rerun | None, labelled: pl.DataFrame, *, subsets: Collection[str]
) -> pl.DataFrame:
    """`SCORES` for 'all' and `subsets`; null where fewer than five conversations have a score.

    `labelled`: the week's labels by people, with `value`, `weight`, `subsets` and
    `conversation_key`; it is read for what no re-run covers. An unscored item's weight goes to
    the scored items of its cell; a cell without any leaves the mean.
    """
    rows = _items(rerun)
    told = []
    for name in (ALL, *sorted(subsets)):
        measured = dict(_from_rerun(rows, rerun, name))
        told.append(
            {"subset": name, **dict.fromkeys(SCORED), **_NOTHING}
            | (measured or dict(_from_labels(labelled, name)))
        )
    return pl.DataFrame(told, schema=SCORES)


_NOTHING: Final[Mapping[str, Any]] = {"items": 0, "labelled": 0}
_COLUMNS: Final = schema_of(
    {
        "item_id": pl.String,
        "conversation_key": pl.String,
        "subsets": NAMES,
        "score": pl.Float64,
        "weight": pl.Float64,
    }
)


def _items(rerun: Rerun | None) -> pl.DataFrame:
    """The scored items with their weight, the whole of it shared out inside each cell."""
    if rerun is None:
        return pl.DataFrame(schema=_COLUMNS)
    weighed = rerun.weights.filter(pl.col("live_weight").is_not_null())
    mass = weighed.group_by("cell").agg(mass=pl.col("live_weight").sum())
    return (
        weighed.join(rerun.scores.drop_nulls("score"), on="item_id")
        .join(mass, on="cell")
        .with_columns(weight=pl.col("mass") / pl.len().over("cell"))
        .select(_COLUMNS.names())
        .sort("item_id")
    )


def members(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows of a subset; all of them for 'all'."""
    return rows if name == ALL else rows.filter(pl.col("subsets").list.contains(name))


def _from_rerun(rows: pl.DataFrame, rerun: Rerun | None, name: str) -> Iterator[tuple[str, Any]]:
    own = members(rows, name)
    if rerun is None or own["conversation_key"].n_unique() < LEAST_CONVERSATIONS:
        return
    mean, error = mean_and_error(own["score"], own["weight"], own["conversation_key"])
    known = own["item_id"].is_in(sorted(rerun.earlier_items)).to_numpy()
    weights = own["weight"].to_numpy()
    yield "basis", "rerun"
    yield "golden_version", rerun.golden_version
    yield "rerun_week", rerun.week
    yield "offline", mean
    yield "offline_se", error
    yield "items", own.height
    yield "kept", float(weights[known].sum() / weights.sum())


def _from_labels(labelled: pl.DataFrame, name: str) -> Iterator[tuple[str, Any]]:
    own = members(labelled, name)
    if own["conversation_key"].n_unique() < LEAST_CONVERSATIONS:
        return
    mean, error = mean_and_error(own["value"], own["weight"], own["conversation_key"])
    yield "basis", "labels"
    yield "offline", mean
    yield "offline_se", error
    yield "labelled", own.height
    yield "kept", 0.0


def mean_and_error(
    values: pl.Series, weights: pl.Series, conversations: pl.Series
) -> tuple[float, float]:
    """The weighted mean of values in 0 to 1, and its standard error by conversation (CR2).

    The error is that of the mean with two more conversations of average weight, one all right and
    one all wrong, so that it is never zero for want of variation (methods 2.3); the mean is not.
    """
    scores, loads = values.to_numpy().astype(np.float64), weights.to_numpy().astype(np.float64)
    codes = cluster_codes(scores.size, conversations.to_list())
    by_conversation = np.bincount(codes, weights=loads)
    typical = loads.sum() / kish_effective_items(by_conversation)
    first = int(codes.max()) + 1
    scores_more, loads_more = np.append(scores, [1.0, 0.0]), np.append(loads, [typical, typical])
    centre = float(loads_more @ scores_more / loads_more.sum())
    variance = cluster_variance(
        scores_more - centre, weights=loads_more, codes=np.append(codes, [first, first + 1])
    )
    return float(np.clip(loads @ scores / loads.sum(), 0.0, 1.0)), math.sqrt(variance)
