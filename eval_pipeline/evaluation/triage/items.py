"""A candidate's items as differences with attributes, and which lost ones to ask again first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.pairs import EQUAL_SCORES
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.evaluation.trial_items import SYNTHETIC
from eval_pipeline.settings import SYNTHETIC_SUBSET

LOST = pl.col("difference") < 0


@dataclass(frozen=True)
class Known:
    """What is known of items besides their trials, by item id.

    `weights` of live traffic; `topics` the cluster each stands in; `labels` the failure modes that
    people named for the logged answer. `kinds` are those of subsets.
    """

    weights: Mapping[str, float]
    topics: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, str]


def item_differences(trials: pl.DataFrame, known: Known) -> pl.DataFrame:
    """One row per item with a score in both arms, by id: its difference and its attributes.

    Columns item_id, cluster_id, look, source, route, subsets, kind, topic, labels, baseline,
    candidate, difference (candidate minus baseline), weight (1 on average; an item that stands for
    no known traffic weighs like the average one, a synthetic one nothing) and cost_usd of the
    candidate's answer.
    """
    scored = trials.filter(pl.col("score_error").ne_missing(NO_REFERENCE))
    items = (
        scored.sort("item_id", "arm", "trial")
        .group_by("item_id", maintain_order=True)
        .agg(
            pl.col("cluster_id", "source", "route", "subsets", "golden_version").first(),
            pl.col("look").min(),
            baseline=pl.col("score").filter(pl.col("arm") == "baseline").mean(),
            candidate=pl.col("score").filter(pl.col("arm") == "candidate").mean(),
            cost_usd=pl.col("cost_usd").filter(pl.col("arm") == "candidate").sum(),
        )
        .drop_nulls(["baseline", "candidate"])
    )
    difference = pl.col("candidate") - pl.col("baseline")
    ids = items["item_id"].to_list()
    return items.with_columns(
        difference=pl.when(difference.abs() < EQUAL_SCORES).then(0.0).otherwise(difference),
        kind=pl.Series([_kind(names, known.kinds) for names in items["subsets"]], dtype=pl.String),
        topic=pl.Series([known.topics.get(item) for item in ids], dtype=pl.String),
        labels=pl.Series(
            [list(known.labels.get(item, ())) for item in ids], dtype=pl.List(pl.String)
        ),
        weight=pl.Series(_weights(items, known.weights), dtype=pl.Float64),
    )


def first_to_ask(items: pl.DataFrame, *, blocked: Collection[str], maximum: int) -> list[str]:
    """The lost items to ask again: of blocked subsets first, then what costs most, then by id."""
    stopped = pl.col("subsets").list.eval(pl.element().is_in(list(blocked))).list.any()
    return (
        items.filter(LOST)
        .sort(~stopped, pl.col("difference") * pl.col("weight"), "item_id")["item_id"]
        .head(maximum)
        .to_list()
    )


def slice_members(
    items: pl.DataFrame, attributes: Collection[str], *, maximum: int
) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Which items are in which slice, by attribute and name: the largest slices, then by name.

    Of traffic only: synthetic items stand in no slice, and a slice that holds every item is the
    whole and not a part. What is a slice depends on no score.
    """
    traffic = (items["source"] != SYNTHETIC).to_numpy()
    found: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for attribute in sorted(attributes):
        values = _values(items, attribute)
        for name in sorted({name for names in values for name in names} - {SYNTHETIC_SUBSET}):
            inside = np.array([name in names for names in values], dtype=np.bool_) & traffic
            if 0 < inside.sum() < traffic.sum():
                found[attribute, name] = inside
    ordered = sorted(found, key=lambda key: (-int(found[key].sum()), key))
    return {key: found[key] for key in sorted(ordered[:maximum])}


def _values(items: pl.DataFrame, attribute: str) -> list[tuple[str, ...]]:
    if attribute == "subset":
        return [tuple(names) for names in items["subsets"]]
    return [(str(value),) for value in items[attribute]]


def _kind(subsets: Collection[str], kinds: Mapping[str, str]) -> str:
    """The rarest kind of its subsets, as golden versions are composed; typical without any."""
    own = {kinds.get(name, "typical") for name in subsets}
    return next((kind for kind in ("adversarial", "edge") if kind in own), "typical")


def _weights(items: pl.DataFrame, known: Mapping[str, float]) -> list[float]:
    own = [known.get(item) for item in items["item_id"]]
    given = [weight for weight in own if weight is not None]
    mean = sum(given) / len(given) if given and sum(given) > 0 else 1.0
    return [
        0.0 if source == SYNTHETIC else 1.0 if weight is None else weight / mean
        for weight, source in zip(own, items["source"], strict=True)
    ]
