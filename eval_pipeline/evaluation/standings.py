"""How each subset stands after each look: certified, blocked or not yet known.

Methods 2.4: a look reads every subset, and decides those that are still open. A subset that is
decided keeps its state and the reading it rests on.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from eval_pipeline.evaluation.aggregate_weights import Aggregate, aggregate_weights
from eval_pipeline.evaluation.human_correction.corrected_readings import (
    KnownBias,
    allowing_for,
    bound_of,
)
from eval_pipeline.evaluation.paired_tests import holm
from eval_pipeline.evaluation.pairs import Mask, Pairs, Places
from eval_pipeline.evaluation.reserve_order import (
    ALL,
    ReserveOrder,
    cumulative_target,
    hash_order,
)
from eval_pipeline.evaluation.subset_readings import Reading, read_subset
from eval_pipeline.settings import MINIMUM_CLUSTERS, GateSettings

State = Literal["certified", "blocked", "undecided", "infeasible"]

BOUND_MISSING_ABOVE = 0.005


@dataclass(frozen=True)
class Standing:
    """A subset's state, the look that gave it, and the reading it rests on.

    `reading` is None where no item of the subset has both scores.
    """

    state: State
    look: int
    reading: Reading | None


@dataclass(frozen=True)
class Looks:
    """What is looked at: the pairs, and the gated subsets with 'all'.

    `bias` is what is known of the judges', None where nothing is.
    """

    pairs: Pairs
    members: Mapping[str, Mask]
    asked_reserve: Mapping[str, Places]
    bias: KnownBias | None = None

    @property
    def names(self) -> list[str]:
        """The gated subsets, with 'all'."""
        return list(self.members)


def looks_at(
    pairs: Pairs,
    names: Collection[str],
    *,
    order: ReserveOrder | None,
    bias: KnownBias | None = None,
) -> Looks:
    """`order` is the reserve's where it is known; else it is worked out from the pairs alone."""
    members = {name: pairs.members(name) for name in names}
    places = np.flatnonzero(pairs.is_reserve)
    ids = pairs.item_ids.gather(places).to_list()
    ranked = places[hash_order(ids) if order is None else order.ranked(ids)]
    asked = {name: ranked[inside[ranked]] for name, inside in members.items()}
    return Looks(pairs, members, asked, bias)


def standings_after(
    looks: Looks, *, last: int, policy: GateSettings, alpha: float, beside: int = 0
) -> dict[str, Standing]:
    """Replays every look up to `last`; after a block nothing is looked at any more.

    `beside` claims of harm that are decided elsewhere share Holm's family.
    """
    standings = {name: Standing("undecided", 0, None) for name in looks.names}
    for look in range(1, last + 1):
        readings = read_look(looks, look=look, policy=policy)
        standings = _after_look(
            standings, readings, look=look, policy=policy, alpha=alpha, beside=beside
        )
        if any(standing.state == "blocked" for standing in standings.values()):
            break
    return standings


def read_look(looks: Looks, *, look: int, policy: GateSettings) -> dict[str, Reading]:
    """What a look sees of each subset; a subset without a complete item is left out."""
    readings = {}
    for name, chosen in _asked(looks, look=look, policy=policy).items():
        aggregate = _weighed(looks, name, chosen)
        reading = read_subset(
            looks.pairs,
            chosen,
            weights=aggregate.weights,
            bound_missing_above=BOUND_MISSING_ABOVE,
        )
        if reading is not None:
            readings[name] = allowing_for(
                looks.bias,
                replace(reading, uncovered=aggregate.uncovered),
                complete=chosen & looks.pairs.complete,
                weights=aggregate.weights,
                is_parent=name == ALL and aggregate.weights is None,
            )
    return readings


def p_noninferior(reading: Reading, margin: float) -> float:
    """One-sided p that the subset is worse than the margin, or that judges' bias hides it."""
    return reading.worst.p_above(bound_of(reading) - margin)


def p_harm(name: str, reading: Reading, policy: GateSettings) -> float:
    """One-sided p that the subset is no worse than the fraction of its tolerance that blocks."""
    return reading.best.p_below(-policy.block_fraction * policy.tolerance_of(name))


def _weighed(looks: Looks, name: str, chosen: Mask) -> Aggregate:
    if name != ALL:
        return Aggregate(looks.pairs.weights)
    names = [other for other in looks.names if other != ALL]
    return aggregate_weights(looks.pairs, chosen, names=names)


def _asked(looks: Looks, *, look: int, policy: GateSettings) -> dict[str, Mask]:
    """Which items count for which subset at a look; see `reserve_order` for why not all do."""
    asked = {}
    for name, inside in looks.members.items():
        chosen = inside & (looks.pairs.looks <= look)
        order = looks.asked_reserve[name]
        if name != ALL and order.size:
            golden = int((inside & ~looks.pairs.is_reserve).sum())
            target = cumulative_target(name, look=look, policy=policy, subsets=1) if look > 1 else 0
            chosen[order[max(0, target - golden) :]] = False
        asked[name] = chosen
    return asked


def _after_look(
    standings: Mapping[str, Standing],
    readings: Mapping[str, Reading],
    *,
    look: int,
    policy: GateSettings,
    alpha: float,
    beside: int,
) -> dict[str, Standing]:
    p_values = {name: p_harm(name, seen, policy) for name, seen in readings.items()}
    harm = holm(p_values, beside=beside)
    after = {}
    for name, standing in standings.items():
        reading = readings.get(name)
        if standing.state != "undecided" or reading is None:
            after[name] = standing
            continue
        margin = policy.tolerance_of(name)
        state: State = "undecided"
        if reading.clusters >= MINIMUM_CLUSTERS:
            if p_noninferior(reading, margin) <= alpha:
                state = "certified"
            elif harm[name] <= alpha and reading.difference <= -margin:
                state = "blocked"
        after[name] = Standing(state, look, reading)
    return after
