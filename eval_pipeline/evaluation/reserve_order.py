"""In which order the reserve is asked, and which of its items count for which subset.

The order is a hash of the item id under a salt of its own, so it can be recomputed from the trials
alone. A subset may come to hold items that were asked for another subset's sake; counting them
would tilt it towards the overlap. So a subset's estimate rests on its golden items and on the
first reserve items of its own order: a larger k, no new randomness.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from eval_pipeline.evaluation.trials import RESERVE_PREFIX
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

    def prefix(self, subset: str, *, golden: int, target: int) -> tuple[str, ...]:
        """The reserve items that bring a subset of `golden` items up to `target` items."""
        return self.of(subset)[: max(0, target - golden)]


def order_reserve(reserve: pl.DataFrame | None, names: Collection[str]) -> ReserveOrder:
    """The order of STRATIFIED_INTERACTIONS rows (`interaction_id`, `subsets`); None is empty."""
    if reserve is None:
        return ReserveOrder({})
    held = {
        RESERVE_PREFIX + interaction_id: frozenset(subsets)
        for interaction_id, subsets in reserve.select("interaction_id", "subsets").iter_rows()
    }
    return order_items(held, names)


def order_items(held: Mapping[str, Collection[str]], names: Collection[str]) -> ReserveOrder:
    """The order of reserve item ids with the subsets they belong to."""
    ordered = sorted(held, key=lambda item_id: (unit_hash(TOP_UP_SALT, item_id), item_id))
    by_name = {
        name: tuple(item_id for item_id in ordered if name in held[item_id])
        for name in names
        if name != ALL
    }
    return ReserveOrder({ALL: tuple(ordered), **by_name})


def cumulative_target(subset: str, *, look: int, policy: GateSettings, subsets: int) -> int:
    """Items that `subset` may hold at a look from 2; 'all' may hold as many for every subset."""
    target = policy.looks[look - 2]
    return target * max(1, subsets) if subset == ALL else target


def planned_looks(policy: GateSettings) -> int:
    """How often the gate may look: once at the golden items, then once per top-up."""
    return 1 + len(policy.looks)


def look_alpha(policy: GateSettings) -> float:
    """The one-sided error that each planned look may spend: alpha shared equally."""
    return (1 - policy.confidence) / planned_looks(policy)
