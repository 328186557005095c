"""The candidate against the baseline, per subset and overall: certified, blocked or not yet known.

Methods 2.3 and 2.4: a pass is an intersection of non-inferiority claims, so it needs no correction
over subsets; a block is one claim out of many, so it is Holm's. Alpha is shared over the looks
that the policy declares beforehand.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from eval_pipeline.errors import UnplannedLookError
from eval_pipeline.evaluation.paired_tests import holm
from eval_pipeline.evaluation.pairs import (
    Mask,
    Pairs,
    Reading,
    mix_weights,
    pair_trials,
    read_subset,
)
from eval_pipeline.evaluation.reserve_order import (
    ALL,
    cumulative_target,
    look_alpha,
    order_items,
    planned_looks,
    reserve_counts,
)
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings
from eval_pipeline.tables import REGRESSION_REPORT

State = Literal["certified", "blocked", "undecided", "infeasible"]

MINIMUM_CLUSTERS = 10
BOUND_MISSING_ABOVE = 0.005
PLANNED_POWER = 0.8
LEAST_VARIANCE = 0.02
"""Planning never assumes that fewer than two items in a hundred flip."""


@dataclass(frozen=True)
class _Standing:
    """A subset's state and the reading it rests on; a decided subset keeps both."""

    state: State
    look: int
    reading: Reading | None


def compare(
    trials: pl.DataFrame,
    *,
    policy: GateSettings,
    subsets: Collection[str] = (),
    reserve: pl.DataFrame | None = None,
    alpha: float | None = None,
) -> pl.DataFrame:
    """The REGRESSION_REPORT of REGRESSION_TRIALS: a row per declared subset and 'all'.

    Every look up to the last that asked for an item is replayed, so the same trials always give
    the same report; a subset certified or blocked at a look keeps that look's figures (column
    `looks`), and nothing is looked at after a block. Without declared `subsets` those that items
    name are used. `reserve` (STRATIFIED_INTERACTIONS) says what more could be asked; without it
    what is there is all there is, and a subset too small to certify is infeasible. `alpha` is
    each look's one-sided error, by default (1 - confidence) over the looks planned.

    Intervals are two-sided at the policy's confidence and are for reading; p-values decide, under
    the worst case of missing items where more than 0.5 % miss. Synthetic items have a row of their
    own and are in no other; unless the policy gates them it is 'reported', decides nothing and is
    left out where there are none. Raises `UnplannedLookError` for a look that the policy does not
    declare.
    """
    pairs = pair_trials(trials)
    traffic = [ALL, *sorted(set(subsets) or set(pairs.named()))]
    names = [*traffic, SYNTHETIC_SUBSET] if policy.decides_on(SYNTHETIC_SUBSET) else traffic
    last = int(pairs.looks.max(initial=1))
    if last > planned_looks(policy):
        raise UnplannedLookError(last, planned_looks(policy))
    spent = look_alpha(policy) if alpha is None else alpha
    members = {name: pairs.members(name) for name in names}
    standings = {name: _Standing("undecided", 0, None) for name in names}
    asked_reserve = _asked_reserve(pairs, names)
    for look in range(1, last + 1):
        asked = _asked(pairs, members, order=asked_reserve, look=look, policy=policy)
        standings = _after_look(
            standings, _readings(pairs, asked), look=look, policy=policy, alpha=spent
        )
        if any(standing.state == "blocked" for standing in standings.values()):
            break
    held = reserve_counts(reserve)
    rows = _reported(pairs, policy) if names is traffic else []
    for name in names:
        golden = int((members[name] & ~pairs.is_reserve).sum())
        reachable = _reachable(name, golden=golden, held=held, policy=policy, names=traffic)
        more = max(0, reachable - int(members[name].sum()))
        rows.append(_row(name, standings[name], more=more, policy=policy, alpha=spent))
    return REGRESSION_REPORT.conform(pl.DataFrame(rows, schema=REGRESSION_REPORT.schema))


def losing_items(trials: pl.DataFrame, subset: str, *, limit: int = 20) -> list[str]:
    """The subset's items on which the candidate lost, the largest losses first, then by id."""
    pairs = pair_trials(trials)
    differences = pairs.candidate - pairs.baseline
    lost = np.flatnonzero(pairs.members(subset) & pairs.complete & (differences < 0))
    ordered = sorted(lost, key=lambda index: (differences[index], pairs.item_ids[index]))
    return [pairs.item_ids[index] for index in ordered[:limit]]


def least_items(*, margin: float, alpha: float) -> int:
    """With fewer items not even zero losses prove a loss smaller than `margin` (methods 1.7)."""
    return math.ceil(math.log(alpha) / math.log(1 - margin) - 1e-9)


def items_for_power(*, variance: float, margin: float, alpha: float) -> int:
    """Items to certify with 80 % probability if the candidate is truly no worse (methods 1.7)."""
    z = float(scipy.stats.norm.isf(alpha) + scipy.stats.norm.ppf(PLANNED_POWER))
    planned = math.ceil(z**2 * max(variance, LEAST_VARIANCE) / margin**2)
    return max(planned, least_items(margin=margin, alpha=alpha))


def _asked_reserve(pairs: Pairs, names: Collection[str]) -> dict[str, NDArray[np.int64]]:
    """Places of the reserve items in `pairs`, in asking order, by subset."""
    places = {pairs.item_ids[place]: int(place) for place in np.flatnonzero(pairs.is_reserve)}
    order = order_items({item_id: pairs.subsets[at] for item_id, at in places.items()}, names)
    return {
        name: np.array([places[item_id] for item_id in order.of(name)], dtype=np.int64)
        for name in names
    }


def _asked(
    pairs: Pairs,
    members: Mapping[str, Mask],
    *,
    order: Mapping[str, NDArray[np.int64]],
    look: int,
    policy: GateSettings,
) -> dict[str, Mask]:
    """Which items count for which subset at a look; see `reserve_order` for why not all do."""
    asked = {}
    for name, inside in members.items():
        chosen = inside & (pairs.looks <= look)
        if name != ALL and order[name].size:
            golden = int((inside & ~pairs.is_reserve).sum())
            target = cumulative_target(name, look=look, policy=policy, subsets=1) if look > 1 else 0
            chosen[order[name][max(0, target - golden) :]] = False
        asked[name] = chosen
    return asked


def _readings(pairs: Pairs, asked: Mapping[str, Mask]) -> dict[str, Reading]:
    names = [name for name in asked if name != ALL]
    readings = {}
    for name, chosen in asked.items():
        weights = mix_weights(pairs, chosen, names=names) if name == ALL else None
        reading = read_subset(
            pairs,
            chosen if weights is None else chosen & (weights > 0),
            weights=weights,
            bound_missing_above=BOUND_MISSING_ABOVE,
        )
        if reading is not None:
            readings[name] = reading
    return readings


def _after_look(
    standings: Mapping[str, _Standing],
    readings: Mapping[str, Reading],
    *,
    look: int,
    policy: GateSettings,
    alpha: float,
) -> dict[str, _Standing]:
    harm = holm({name: _p_harm(name, seen, policy) for name, seen in readings.items()})
    after = {}
    for name, standing in standings.items():
        reading = readings.get(name)
        if standing.state != "undecided" or reading is None:
            after[name] = standing
            continue
        margin = policy.tolerance_of(name)
        state: State = "undecided"
        if reading.clusters >= MINIMUM_CLUSTERS:
            if reading.worst.p_above(-margin) <= alpha:
                state = "certified"
            elif harm[name] <= alpha and reading.difference <= -margin:
                state = "blocked"
        after[name] = _Standing(state, look, reading)
    return after


def _p_harm(name: str, reading: Reading, policy: GateSettings) -> float:
    return reading.best.p_below(-policy.block_fraction * policy.tolerance_of(name))


def _reachable(
    name: str, *, golden: int, held: Mapping[str, int], policy: GateSettings, names: list[str]
) -> int:
    """Items that the subset could hold after the last planned look."""
    if not policy.looks:
        return golden
    last = cumulative_target(
        name, look=planned_looks(policy), policy=policy, subsets=len(names) - 1
    )
    return golden + min(held.get(name, 0), max(0, last - golden))


def _row(
    name: str, standing: _Standing, *, more: int, policy: GateSettings, alpha: float
) -> dict[str, Any]:
    margin = policy.tolerance_of(name)
    reading = standing.reading
    if reading is None:
        return {
            "subset": name, "state": "undecided", "margin": margin, "items": 0, "clusters": 0,
            "wins": 0, "losses": 0, "missing_baseline": 0, "missing_candidate": 0,
            "looks": standing.look, "effective_items": 0.0,
            "items_needed": items_for_power(variance=0.0, margin=margin, alpha=alpha),
        }  # fmt: skip
    lower, upper = reading.test.interval(policy.confidence)
    state = standing.state
    needed = None
    if state == "undecided":
        hopeless = reading.items + more < least_items(margin=margin, alpha=alpha)
        if hopeless or reading.clusters + more < MINIMUM_CLUSTERS:
            state = "infeasible"
        needed = _items_needed(reading, margin=margin, alpha=alpha)
    return {
        "subset": name,
        "state": state,
        "baseline_mean": reading.baseline_mean,
        "candidate_mean": reading.candidate_mean,
        "difference": reading.difference,
        "lower": lower,
        "upper": upper,
        "margin": margin,
        "items": reading.items,
        "effective_items": reading.test.effective_items,
        "clusters": reading.clusters,
        "wins": reading.wins,
        "losses": reading.losses,
        "p_noninferior": reading.worst.p_above(-margin),
        "p_harm": _p_harm(name, reading, policy),
        "missing_baseline": reading.missing_baseline,
        "missing_candidate": reading.missing_candidate,
        "looks": standing.look,
        "items_needed": needed,
        "method": reading.test.method,
    }


def _reported(pairs: Pairs, policy: GateSettings) -> list[dict[str, Any]]:
    """The row of synthetic items that decide nothing; its figures are for reading."""
    chosen = pairs.is_synthetic
    if not chosen.any():
        return []
    margin = policy.tolerance_of(SYNTHETIC_SUBSET)
    reading = read_subset(pairs, chosen, weights=None, bound_missing_above=BOUND_MISSING_ABOVE)
    row: dict[str, Any]
    if reading is None:
        row = {
            "subset": SYNTHETIC_SUBSET, "margin": margin, "items": 0, "clusters": 0, "wins": 0,
            "losses": 0, "looks": 1, "effective_items": 0.0,
            "missing_baseline": int(np.isnan(pairs.baseline[chosen]).sum()),
            "missing_candidate": int(np.isnan(pairs.candidate[chosen]).sum()),
        }  # fmt: skip
    else:
        standing = _Standing("certified", 1, reading)
        row = _row(SYNTHETIC_SUBSET, standing, more=0, policy=policy, alpha=look_alpha(policy))
    undecided = {"p_noninferior": None, "p_harm": None, "items_needed": None}
    return [{**row, **undecided, "state": "reported"}]


def _items_needed(reading: Reading, *, margin: float, alpha: float) -> int:
    """In items as clustered and weighted here: the planned n times what a pair loses of its own."""
    dilution = reading.items / reading.test.effective_items
    return math.ceil(
        dilution * items_for_power(variance=reading.variance, margin=margin, alpha=alpha)
    )
