"""Before a candidate is asked: which subsets can be decided with the items that there will be.

Sizes are planned for a candidate that is truly no worse, at the alpha of one look, for a power of
80 %: n = (z_alpha + z_80)^2 * discordance * design effect / tolerance^2.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl
import scipy

from eval_pipeline.evaluation.comparison import PLANNED_POWER, items_for_power
from eval_pipeline.evaluation.reserve_order import (
    ALL,
    cumulative_target,
    planned_looks,
    reserve_counts,
)
from eval_pipeline.settings import MINIMUM_CLUSTERS, SYNTHETIC_SUBSET, GateSettings, least_items

Outcome = Literal["gating", "needs_topup", "infeasible"]

NOISE_ALPHA = 0.05
LARGEST_DROP = 1.0
POOLED_WITH = 50
BISECTIONS = 40


@dataclass(frozen=True)
class Noise:
    """How often two equal systems differ on a subset, from an A/A run, or as the policy assumes."""

    discordance: float
    design_effect: float = 1.0
    measured_in: str | None = None


@dataclass(frozen=True)
class SubsetPlan:
    """What one subset can come to; `weeks_needed` is null where it never suffices.

    `detectable` is the smallest true difference that today's golden items show with 80 %;
    `blocked_drop` the smallest true drop that the last look blocks with about 80 %.
    """

    subset: str
    tolerance: float
    golden_items: int
    clusters: int
    reserve_items: int
    weekly_items: float
    noise: Noise
    least_items: int
    items_needed: int
    reachable_items: int
    weeks_needed: int | None
    outcome: Outcome
    reason: str
    detectable: float | None
    blocked_drop: float | None


def preflight(
    golden: pl.DataFrame,
    *,
    reserve: pl.DataFrame,
    weekly: Mapping[str, float],
    noise: Mapping[str, Noise],
    policy: GateSettings,
    subsets: Collection[str],
) -> list[SubsetPlan]:
    """A plan per gated subset, 'all' first.

    `golden`: `item_id`, `subsets`, `cluster_id`, a row per item that is asked at look 1; `reserve`:
    STRATIFIED_INTERACTIONS rows; `weekly`: reserve items that a week brings, by subset and 'all'.
    """
    held = reserve_counts(reserve)
    names = [ALL, *sorted(subsets)]
    if policy.decides_on(SYNTHETIC_SUBSET):
        names.append(SYNTHETIC_SUBSET)
    plans = []
    for name in names:
        inside = golden if name == ALL else golden.filter(pl.col("subsets").list.contains(name))
        if name == ALL:
            inside = inside.filter(~pl.col("subsets").list.contains(SYNTHETIC_SUBSET))
        plans.append(
            _plan(
                name,
                _Held(
                    golden=inside.height,
                    clusters=inside["cluster_id"].n_unique(),
                    reserve=held.get(name, 0),
                    weekly=weekly.get(name, 0.0),
                ),
                noise=noise.get(name) or Noise(policy.planning.discordance),
                policy=policy,
                gated=len(names),
                subsets=len(subsets),
            )
        )
    return plans


def pooled_noise(runs: pl.DataFrame, *, assumed: float, week: str) -> dict[str, Noise]:
    """The noise per subset of one week's AA_RUNS; subsets without an item are left out.

    A subset is drawn towards all items as if by `POOLED_WITH` of theirs: of a handful of items one
    flip more or less would double the size that is planned. Where nothing flipped at all, the rule
    of three says how many still may, and `assumed` is not exceeded.
    """
    rows = {row["subset"]: row for row in runs.iter_rows(named=True) if row["items"]}
    if ALL not in rows:
        return {}
    overall = rows[ALL]["discordance"] or min(assumed, 3 / rows[ALL]["items"])
    noise = {}
    for name, row in rows.items():
        own, items = row["discordance"], row["items"]
        pooled = (items * own + POOLED_WITH * overall) / (items + POOLED_WITH)
        noise[name] = Noise(
            discordance=overall if name == ALL else pooled,
            design_effect=max(1.0, row["design_effect"] or 1.0),
            measured_in=week,
        )
    return noise


def infeasible_sentences(plans: Collection[SubsetPlan]) -> list[str]:
    """Every infeasible subset in a sentence without a full stop."""
    return [
        f"{'the aggregate' if plan.subset == ALL else repr(plan.subset)} needs about "
        f"{plan.items_needed} items and can have {plan.reachable_items} ({plan.reason})"
        for plan in plans
        if plan.outcome == "infeasible"
    ]


def detectable_difference(noise: Noise, *, items: int) -> float | None:
    """(z_95 + z_80) * sqrt(discordance * design effect / items); None without items."""
    if not items:
        return None
    z = scipy.stats.norm.isf(NOISE_ALPHA) + scipy.stats.norm.ppf(PLANNED_POWER)
    return min(1.0, float(z) * math.sqrt(noise.discordance * noise.design_effect / items))


def blocked_drop(
    noise: Noise, *, items: int, tolerance: float, policy: GateSettings, hypotheses: int
) -> float | None:
    """The smallest true drop that a look on `items` blocks with about 80 %; None if none is.

    Two things must hold: harm beyond the block fraction is proven at Holm's first step, and the
    measured drop is at least the tolerance. The variance grows with the drop.
    """
    if not items:
        return None
    z_power = float(scipy.stats.norm.ppf(PLANNED_POWER))
    z_alpha = float(scipy.stats.norm.isf(policy.look_alpha / hypotheses))

    def is_blocked(drop: float) -> bool:
        error = math.sqrt((noise.discordance + drop) * noise.design_effect / items)
        proven = drop - policy.block_fraction * tolerance >= (z_alpha + z_power) * error
        return proven and drop - tolerance >= z_power * error

    if not is_blocked(LARGEST_DROP):
        return None
    low, high = 0.0, LARGEST_DROP
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_blocked(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class _Held:
    golden: int
    clusters: int
    reserve: int
    weekly: float

    def within(self, weeks: int) -> int:
        """Items that there are once so many weeks have passed."""
        return self.golden + self.reserve + math.floor(self.weekly * weeks)


def _plan(
    name: str,
    held: _Held,
    *,
    noise: Noise,
    policy: GateSettings,
    gated: int,
    subsets: int,
) -> SubsetPlan:
    tolerance, alpha = policy.tolerance_of(name), policy.look_alpha
    last = held.golden
    if policy.looks and name != SYNTHETIC_SUBSET:
        look = planned_looks(policy)
        last = max(held.golden, cumulative_target(name, look=look, policy=policy, subsets=subsets))
    variance = noise.discordance * noise.design_effect
    needed = items_for_power(variance=variance, margin=tolerance, alpha=alpha)
    reachable = min(last, held.within(policy.planning.horizon_weeks))
    outcome, reason, weeks = _outcome(needed, held, last=last, reachable=reachable)
    if held.clusters + reachable - held.golden < MINIMUM_CLUSTERS:
        outcome, reason, weeks = "infeasible", f"fewer than {MINIMUM_CLUSTERS} clusters", None
    return SubsetPlan(
        subset=name,
        tolerance=tolerance,
        golden_items=held.golden,
        clusters=held.clusters,
        reserve_items=held.reserve,
        weekly_items=held.weekly,
        noise=noise,
        least_items=least_items(margin=tolerance, alpha=alpha),
        items_needed=needed,
        reachable_items=reachable,
        weeks_needed=weeks,
        outcome=outcome,
        reason=reason,
        detectable=detectable_difference(noise, items=held.golden),
        blocked_drop=blocked_drop(
            noise,
            items=min(last, held.within(0)),
            tolerance=tolerance,
            policy=policy,
            hypotheses=gated,
        ),
    )


def _outcome(
    needed: int, held: _Held, *, last: int, reachable: int
) -> tuple[Outcome, str, int | None]:
    if held.golden >= needed:
        return "gating", "the golden items suffice", 0
    if last < needed:
        return "infeasible", f"the last look stops at {last} items", None
    if held.within(0) >= needed:
        return "needs_topup", "the reserve suffices", 0
    if reachable >= needed:
        weeks = math.ceil((needed - held.within(0)) / held.weekly)
        return "needs_topup", f"the reserve suffices in {weeks} weeks", weeks
    return "infeasible", "the traffic brings too few", None
