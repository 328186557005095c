"""In which order the reserve is asked, and which of its items count for which subset.

The order is a hash of the item id under a salt of its own, so it can be recomputed from the trials
alone. A subset may come to hold items that were asked for another subset's sake; counting them
would tilt it towards the overlap. So a subset's estimate rests on its golden items and on the
first reserve items of its own order: a larger k, no new randomness.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from eval_pipeline.evaluation.trial_items import reserve_identity, reserve_names
from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.settings import GateSettings

ALL = "all"
TOP_UP_SALT = "gate-top-up"


@dataclass(frozen=True)
class ReserveOrder:
    """Reserve item ids in asking order, for every subset and for 'all'."""

    ids: Mapping[str, tuple[str, ...]]

    def of(self, subset: str) -> tuple[str, ...]:
        """The subset's reserve items; empty where the reserve has none."""
        return self.ids.get(subset, ())

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {item_id: rank for rank, item_id in enumerate(self.of(ALL))}

    def ranked(self, item_ids: Sequence[str]) -> list[int]:
        """The places of `item_ids` in asking order; the reserve may lack some that were erased."""
        ranks = [self._ranks.get(item_id, -1) for item_id in item_ids]
        if -1 in ranks:
            return hash_order(item_ids)
        return sorted(range(len(ranks)), key=ranks.__getitem__)

    def counts(self) -> dict[str, int]:
        """How many items the reserve holds of each subset that it was ordered for, and of 'all'."""
        return {name: len(ids) for name, ids in self.ids.items()}

    def prefix(self, subset: str, *, golden: int, target: int) -> tuple[str, ...]:
        """The reserve items that bring a subset of `golden` items up to `target` items."""
        return self.of(subset)[: max(0, target - golden)]


def order_reserve(reserve: pl.DataFrame | None, names: Collection[str]) -> ReserveOrder:
    """The order of STRATIFIED_INTERACTIONS rows (`interaction_id`, `subsets`); None is empty."""
    if reserve is None:
        return ReserveOrder({})
    held = {
        reserve_identity(interaction_id): frozenset(subsets)
        for interaction_id, subsets in reserve.select("interaction_id", "subsets").iter_rows()
    }
    return order_items(held, names)


def order_items(held: Mapping[str, Collection[str]], names: Collection[str]) -> ReserveOrder:
    """The order of reserve item ids with the subsets they belong to."""
    by_name: dict[str, list[str]] = {name: [] for name in names}
    by_name[ALL] = []
    ids = list(held)
    for item_id in (ids[place] for place in hash_order(ids)):
        for name in {ALL, *held[item_id]}:
            if name in by_name:
                by_name[name].append(item_id)
    return ReserveOrder({name: tuple(ids) for name, ids in by_name.items()})


def hash_order(item_ids: Sequence[str]) -> list[int]:
    """The places of `item_ids` in the order in which the reserve is asked."""
    hashes = [(unit_hash(TOP_UP_SALT, item_id), item_id) for item_id in item_ids]
    return sorted(range(len(hashes)), key=hashes.__getitem__)


def reserve_counts(reserve: pl.DataFrame | None) -> dict[str, int]:
    """How many items the reserve holds of each subset, and of 'all'."""
    if reserve is None:
        return {}
    memberships = reserve["subsets"].list.unique().explode(empty_as_null=True).drop_nulls()
    counts = memberships.value_counts(name="items")
    return {**dict(counts.iter_rows()), ALL: reserve.height}


def with_asked(reserve: pl.DataFrame, trials: pl.DataFrame) -> pl.DataFrame:
    """The `subsets` of the reserve and of what was asked of it and has been erased since.

    So an erasure takes nothing from what a decision of before could still have asked for.
    """
    held = {name for one in reserve["interaction_id"] for name in reserve_names(one)}
    gone = (
        trials.filter(pl.col("source") == "reserve", ~pl.col("item_id").is_in(held))
        .unique("item_id", keep="first", maintain_order=True)
        .select("subsets")
    )
    return pl.concat([reserve.select("subsets"), gone])


def cumulative_target(subset: str, *, look: int, policy: GateSettings, subsets: int) -> int:
    """Items that `subset` may hold at a look from 2; 'all' may hold as many for every subset."""
    target = policy.looks[look - 2]
    return target * max(1, subsets) if subset == ALL else target


def planned_looks(policy: GateSettings) -> int:
    """How often the gate may look: once at the golden items, then once per top-up."""
    return policy.planned_looks


def look_alpha(policy: GateSettings) -> float:
    """The one-sided error that each planned look may spend: alpha shared equally.

    Without the share that is kept for a continuation.
    """
    return policy.look_alpha
