"""Rows that are gone: at random, and those that would have failed."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from eval_pipeline.evaluation.gate_audit.copies import Arms, losses
from eval_pipeline.evaluation.gate_audit.material import Auditor, state_in
from eval_pipeline.evaluation.gate_audit.rates import Count
from eval_pipeline.evaluation.gate_audit.regressions import NO_ITEM, TOO_LARGE, miss_limit

BEYOND: Final = 2.0
"""Of the policy's limit of missing scores: so many of the candidate's are dropped at random."""
HIDDEN: Final = 2.0
"""Of the tolerance: the regression whose failures are dropped."""


def dropped_at_random(auditor: Auditor) -> Iterator[Count]:
    """More of the candidate's rows are gone than the policy accepts, whatever they said.

    The gate counts them, so nothing is left to chance: any decision that is carried is one too
    many. As many are gone of every look, because a subset that is settled at an early one rests on
    no later item.
    """
    limit = auditor.material.policy.maximum_missing
    looks = auditor.copies.items["look"].to_numpy()
    for place in auditor.material.places:
        members = auditor.copies.members(place)
        groups = [np.flatnonzero(members & (looks == look)) for look in np.unique(looks[members])]
        gone = [_beyond(limit, group.size) for group in groups]
        runs = _few(auditor) if groups else 0
        unnoticed = 0
        for run in range(runs):
            rng = auditor.rng("dropped_rows", place, run)
            dropped = np.zeros(members.size, dtype=np.bool_)
            for group, count in zip(groups, gone, strict=True):
                dropped[rng.choice(group, size=count, replace=False)] = True
            arms = auditor.copies.equal_arms(rng)
            decision = auditor.on(auditor.copies.trials(arms, dropped=dropped))
            unnoticed += decision.verdict != "invalid"
        yield Count(
            "dropped_rows", "unnoticed", place, size=BEYOND,
            planted=sum(gone) / int(members.sum()) if groups else None, count=unnoticed, runs=runs,
            allowed=0.0, note=None if groups else NO_ITEM,
        )  # fmt: skip


def dropped_failures(auditor: Auditor) -> Iterator[Count]:
    """A regression whose every failure is dropped: what is left to see is as good as the baseline.

    Missed where the subset is certified in a decision that the data are said to carry.
    """
    for place in auditor.material.places:
        drop = HIDDEN * auditor.material.policy.tolerance_of(place)
        members = auditor.copies.members(place)
        problem = NO_ITEM if not members.any() else TOO_LARGE if drop >= 1 else None
        runs = 0 if problem else auditor.material.policy.audit.replications
        missed = 0
        for run in range(runs):
            rng = auditor.rng("dropped_failures", place, run)
            equal = auditor.copies.equal_arms(rng)
            lost = losses(members, drop=drop, rng=rng)
            arms = Arms(np.where(lost, 1.0, equal.baseline), equal.candidate)
            decision = auditor.on(auditor.copies.trials(arms, dropped=lost))
            missed += decision.verdict != "invalid" and state_in(decision, place) == "certified"
        yield Count(
            "dropped_failures", "missed", place, size=HIDDEN, planted=drop, count=missed,
            runs=runs, allowed=miss_limit(auditor), note=problem,
        )  # fmt: skip


def _few(auditor: Auditor) -> int:
    """What does not depend on chance is not asked often."""
    return max(5, auditor.material.policy.audit.replications // 4)


def _beyond(limit: float, size: int) -> int:
    """So many of `size` rows that what is gone is more than the limit."""
    return min(size, max(math.floor(limit * size) + 1, math.ceil(BEYOND * limit * size)))
