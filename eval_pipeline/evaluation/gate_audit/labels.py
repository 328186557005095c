"""Labels that say the contrary: whether calibration notices, and what the gate then misses."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.gate_audit.copies import Arms, lowered
from eval_pipeline.evaluation.gate_audit.material import Auditor, Labels, state_in
from eval_pipeline.evaluation.gate_audit.rates import Count
from eval_pipeline.evaluation.gate_audit.regressions import NO_ITEM, TOO_LARGE, miss_limit
from eval_pipeline.evaluation.reserve_order import ALL

UNDER_SWAP: Final = 2.0
"""Of the tolerance: the regression that is planted beside swapped labels."""
NOT_ASKED: Final = "the policy sets no `minimum_judge_agreement`, so nothing in the gate notices"
NOTICED_ALREADY: Final = "with no label swapped the decision is invalid already"
_SWAPPED: Final = {"pass": "fail", "fail": "pass"}


def swapped_labels(auditor: Auditor) -> Iterator[Count]:
    """Settled labels turned around by every share; references by the least, under a regression."""
    shares = auditor.material.policy.audit.swapped_shares
    for share in shares:
        yield _in_calibration(auditor, share)
    for place in auditor.material.places:
        yield _in_references(auditor, place, share=min(shares))


def _in_calibration(auditor: Auditor, share: float) -> Count:
    """How often the panel's agreement with the labels still satisfies the policy."""
    policy, labels = auditor.material.policy, auditor.material.labels
    told = Count(
        "swapped_labels", "unnoticed", ALL, size=share, planted=share,
        allowed=policy.audit.maximum_unnoticed_rate,
    )  # fmt: skip
    if labels is None:
        return replace(told, note=auditor.material.lacking.get("labels"))
    if policy.minimum_judge_agreement is None:
        return replace(told, note=NOT_ASKED)
    if not _carried(auditor, labels.settled, labels, run="none swapped", share=share):
        return replace(told, note=NOTICED_ALREADY)
    runs = max(5, policy.audit.replications // 2)
    unnoticed = 0
    for run in range(runs):
        swapped = _swapped(
            labels.settled, share=share, rng=auditor.rng("swapped_labels", share, run)
        )
        unnoticed += _carried(auditor, swapped, labels, run=run, share=share)
    return replace(told, count=unnoticed, runs=runs)


def _carried(
    auditor: Auditor, settled: pl.DataFrame, labels: Labels, *, run: object, share: float
) -> bool:
    """Whether an equal pair of arms is decided on where the judges are held to these labels."""
    rng = auditor.rng("swapped_labels", "arms", share, run)
    trials = auditor.copies.trials(auditor.copies.equal_arms(rng))
    decision = auditor.on(trials, calibration=labels.calibrate(settled))
    return decision.verdict != "invalid"


def _swapped(settled: pl.DataFrame, *, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """So many of the labels turned around; who agreed on them is not touched."""
    decided = np.flatnonzero(settled["label"].is_in(list(_SWAPPED)).to_numpy())
    chosen = np.zeros(settled.height, dtype=np.bool_)
    chosen[rng.choice(decided, size=round(share * decided.size), replace=False)] = True
    turned = pl.col("label").replace(_SWAPPED)
    return settled.with_columns(
        label=pl.when(pl.Series(chosen)).then(turned).otherwise(pl.col("label"))
    )


def _in_references(auditor: Auditor, place: str, *, share: float) -> Count:
    """How often a regression of twice the tolerance is certified where references are swapped.

    A swapped reference turns both arms' scores of its item around, so what is left of a drop is
    (1 - 2 share) of it; where that is less than the tolerance, the rate has no limit.
    """
    drop = UNDER_SWAP * auditor.material.policy.tolerance_of(place)
    members = auditor.copies.members(place)
    problem = NO_ITEM if not members.any() else TOO_LARGE if drop >= 1 else None
    runs = 0 if problem else auditor.material.policy.audit.replications
    missed = 0
    for run in range(runs):
        rng = auditor.rng("swapped_references", place, share, run)
        arms = lowered(auditor.copies.equal_arms(rng), members, drop=drop, rng=rng)
        turned = rng.random(members.size) < share
        swapped = Arms(
            np.where(turned, 1 - arms.baseline, arms.baseline),
            np.where(turned, 1 - arms.candidate, arms.candidate),
        )
        decision = auditor.on(auditor.copies.trials(swapped))
        missed += state_in(decision, place) == "certified"
    left = UNDER_SWAP * (1 - 2 * share)
    return Count(
        "swapped_labels", "missed", place, size=share, planted=drop, count=missed, runs=runs,
        allowed=miss_limit(auditor) if left >= 1 else None, note=problem,
    )  # fmt: skip
