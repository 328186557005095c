"""Items by route and by which week's mean they count for, and the error of a sum of their means.

Each group has two pseudo-items, one right and one wrong, so that no variance is zero (Agresti and
Caffo 2000); they count for the error alone. An item with two scores counts by its conversation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from eval_pipeline.evaluation.decomposition.paired_items import NOW, THEN
from eval_pipeline.statistics.cell_means import CellSum, cell_sum
from eval_pipeline.statistics.clusters import Floats, cluster_codes


@dataclass(frozen=True)
class ItemGroup:
    """Items of one route: `kept` count for both weeks' means, `left` for then's, `came` for now's.

    `then` are scores of then, None for items that came; `now` are scores under new answers.
    """

    route: str
    name: str
    then: Floats | None
    now: Floats
    conversations: tuple[str, ...]


@dataclass(frozen=True)
class _Term:
    scores: Floats
    conversations: tuple[str, ...]
    coefficient: float
    pseudo: tuple[tuple[float, str], tuple[float, str]]


def item_groups(paired: pl.DataFrame, today: pl.DataFrame) -> list[ItemGroup]:
    """The groups of paired items and of today's scored items, by route and name."""
    old = paired.select("item_id", "route", "conversation_key", THEN, NOW)
    new = today.select("item_id", "route", "conversation_key", "score")
    key = ["item_id", "route", "conversation_key"]
    joined = old.join(new, on=key, how="full", coalesce=True, nulls_equal=True).with_columns(
        name=pl.when(pl.col(THEN).is_null())
        .then(pl.lit("came"))
        .when(pl.col("score").is_null())
        .then(pl.lit("left"))
        .otherwise(pl.lit("kept")),
        now=pl.coalesce("score", NOW),
    )
    return [
        ItemGroup(
            route=route,
            name=name,
            then=None if name == "came" else group[THEN].to_numpy(),
            now=group["now"].to_numpy(),
            conversations=tuple(group["conversation_key"]),
        )
        for (route, name), group in joined.sort("route", "name", "item_id").group_by(
            "route", "name", maintain_order=True
        )
    ]


def sum_now(
    groups: Sequence[ItemGroup], *, before: Mapping[str, float], now: Mapping[str, float]
) -> CellSum | None:
    """The sum over routes of `before` times the old items' mean and `now` times today's items'.

    All scores are under new answers. None where nothing counts.
    """
    sizes = _sizes(groups)
    terms = []
    for group in groups:
        each = 0.0
        if group.then is not None:
            each += before[group.route] / sizes[group.route][0]
        if group.name != "left":
            each += now[group.route] / sizes[group.route][1]
        terms.append(_term(group, group.now, each))
    return _summed(terms)


def sum_of_change(
    groups: Sequence[ItemGroup], *, before: Mapping[str, float], now: Mapping[str, float]
) -> CellSum | None:
    """As `sum_now`, with the old items' scores of then in the first mean.

    A kept item's two pseudo-items differ by one, either way, as pairs do (Bonett and Price 2012).
    """
    sizes = _sizes(groups)
    terms = []
    for group in groups:
        if group.then is not None:
            each = before[group.route] / sizes[group.route][0]
            terms.append(_term(group, group.then, each))
        if group.name != "left":
            each = now[group.route] / sizes[group.route][1]
            terms.append(_term(group, group.now, each, turned=True))
    return _summed(terms)


def _sizes(groups: Sequence[ItemGroup]) -> dict[str, tuple[int, int]]:
    """Per route its old items and today's."""
    sizes: dict[str, tuple[int, int]] = {}
    for group in groups:
        old, new = sizes.get(group.route, (0, 0))
        size = group.now.size
        sizes[group.route] = (
            old + size * (group.name != "came"),
            new + size * (group.name != "left"),
        )
    return sizes


def _term(group: ItemGroup, scores: Floats, each: float, *, turned: bool = False) -> _Term:
    wrong, right = (f"\x1f{group.route}-{group.name}-{end}" for end in (0, 1))
    pseudo = ((0.0, right), (1.0, wrong)) if turned else ((0.0, wrong), (1.0, right))
    return _Term(scores, group.conversations, each * scores.size, pseudo)


def _summed(terms: Sequence[_Term]) -> CellSum | None:
    counted = [term for term in terms if term.coefficient]
    if not counted:
        return None
    values = [[*term.scores, *(score for score, _ in term.pseudo)] for term in counted]
    keys = [
        key for term in counted for key in (*term.conversations, *(name for _, name in term.pseudo))
    ]
    return cell_sum(
        np.concatenate(values),
        cells=np.repeat(np.arange(len(counted)), [len(own) for own in values]),
        coefficients=np.array([term.coefficient for term in counted]),
        clusters=cluster_codes(len(keys), keys),
    )
