"""Looking again: undecided subsets get more reserve items, at looks planned beforehand."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.reserve_order import (
    ALL,
    ReserveOrder,
    cumulative_target,
    look_alpha,
    order_reserve,
    planned_looks,
)
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings, least_items

Ask = Callable[[int, Sequence[str]], pl.DataFrame]
"""Given a look and the reserve item ids it asks for: their trials, of both arms."""


@dataclass(frozen=True)
class Comparison:
    """All trials that were paid for, and the report that rests on them."""

    trials: pl.DataFrame
    report: pl.DataFrame


def next_items(
    report: pl.DataFrame,
    reserve: pl.DataFrame,
    *,
    trials: pl.DataFrame,
    look: int,
    policy: GateSettings,
    order: ReserveOrder | None = None,
) -> list[str]:
    """Ids of the reserve items to ask at `look` (from 2), in hash order, none asked before.

    `reserve`: rows of STRATIFIED_INTERACTIONS, and `order` theirs, if it is known. Nested and
    deterministic: each subset that is not decided takes the first of its own hash order, up to the
    look's cumulative target, unless even the whole reserve could not certify it. Empty when there
    is nothing to ask at this look (a later one may still ask), and after a block, which ends the
    evaluation.
    """
    if look > planned_looks(policy) or (report["state"] == "blocked").any():
        return []
    names = [name for name in report["subset"].to_list() if name not in {ALL, SYNTHETIC_SUBSET}]
    order = order_reserve(reserve, names) if order is None else order
    held = _golden_items(trials)
    wanted: set[str] = set()
    open_states = pl.col("state").is_in(["undecided", "infeasible"])
    for name in report.filter(open_states, pl.col("subset") != SYNTHETIC_SUBSET)["subset"]:
        golden = held.get(name, 0)
        if _could_certify(name, golden=golden, order=order, policy=policy, subsets=len(names)):
            target = cumulative_target(name, look=look, policy=policy, subsets=len(names))
            wanted.update(order.prefix(name, golden=golden, target=target))
    wanted.difference_update(trials["item_id"].to_list())
    return [item_id for item_id in order.of(ALL) if item_id in wanted]


def compare_in_looks(
    trials: pl.DataFrame,
    *,
    ask: Ask,
    reserve: pl.DataFrame,
    policy: GateSettings,
    subsets: Collection[str] = (),
    order: ReserveOrder | None = None,
) -> Comparison:
    """Compares after look 1, then asks and compares again until all is decided or looks run out.

    `trials` are look 1's, of the golden items; `ask` makes the rest, marked with their look.
    `order` is the reserve's, where it is known, and has every gated subset.
    """

    def told(trials: pl.DataFrame) -> pl.DataFrame:
        return compare(trials, policy=policy, subsets=subsets, reserve=reserve, order=order)

    report = told(trials)
    if order is None:
        order = order_reserve(reserve, report["subset"].to_list())
    for look in range(2, planned_looks(policy) + 1):
        item_ids = next_items(report, reserve, trials=trials, look=look, policy=policy, order=order)
        if item_ids:
            trials = pl.concat([trials, ask(look, item_ids)])
            report = told(trials)
    return Comparison(trials, report)


def _could_certify(
    name: str, *, golden: int, order: ReserveOrder, policy: GateSettings, subsets: int
) -> bool:
    last = cumulative_target(name, look=planned_looks(policy), policy=policy, subsets=subsets)
    reachable = golden + len(order.prefix(name, golden=golden, target=last))
    return reachable >= least_items(margin=policy.tolerance_of(name), alpha=look_alpha(policy))


def _golden_items(trials: pl.DataFrame) -> dict[str, int]:
    """How many golden items of each subset, and in all, can be scored."""
    golden = (
        trials.filter(pl.col("source") == "golden", pl.col("score_error").ne_missing(NO_REFERENCE))
        .select("item_id", "subsets")
        .unique("item_id")
    )
    named = golden["subsets"].list.unique().explode(empty_as_null=True).drop_nulls()
    return {**dict(named.value_counts(name="items").iter_rows()), ALL: golden.height}
