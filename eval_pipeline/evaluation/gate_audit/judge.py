"""A judge that passes the candidate's failures: whether people's labels of its answers tell."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.gate_audit.copies import Arms, losses
from eval_pipeline.evaluation.gate_audit.material import Auditor, state_in
from eval_pipeline.evaluation.gate_audit.rates import Count
from eval_pipeline.evaluation.gate_audit.regressions import NO_ITEM, TOO_LARGE, miss_limit
from eval_pipeline.evaluation.human_correction.audited import audited_pairs, draw_audit
from eval_pipeline.evaluation.human_correction.judge_bias import PooledRectifier
from eval_pipeline.evaluation.human_correction.rectifying import pooled_rectifier, rectify
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.tables import CANDIDATE_AUDIT

FAVOURED: Final = 2.0
"""Of the tolerance: the regression that the judge does not see."""
LEAST_JUDGED: Final = 0.5
PASSED: Final = 0.5
NOT_JUDGED: Final = "judges score less than half of it, so they cannot hide a loss of its tolerance"
NOBODY_ASKED: Final = "`gate.human.audit_items` is 0, so no person ever labels a candidate's answer"


def biased_judge(auditor: Auditor) -> Iterator[Count]:
    """The candidate fails more on all that is judged, and the judges pass exactly those failures.

    People label a drawn part of the answers, as an audit of a candidate does, and see what is true.
    """
    for place in auditor.material.places:
        yield from _hidden(auditor, place)


def _hidden(auditor: Auditor, place: str) -> Iterator[Count]:
    policy, copies = auditor.material.policy, auditor.copies
    members, judged = copies.members(place), copies.judged
    drop = FAVOURED * policy.tolerance_of(place)
    share = float(judged[members].mean()) if members.any() else 0.0
    problem = NO_ITEM if not members.any() else NOT_JUDGED if share < LEAST_JUDGED else None
    problem = TOO_LARGE if drop >= 1 else problem
    alone = corrected = 0
    runs = 0 if problem else max(5, policy.audit.replications // 2)
    for run in range(runs):
        rng = auditor.rng("biased_judge", place, run)
        equal = copies.equal_arms(rng)
        lost = losses(judged, drop=drop, rng=rng)
        true = Arms(np.where(lost, 1.0, equal.baseline), np.where(lost, 0.0, equal.candidate))
        seen = copies.trials(Arms(true.baseline, np.where(lost, 1.0, true.candidate)))
        alone += state_in(auditor.on(seen), place) == "certified"
        if policy.human.audit_items:
            bias = _rectifier(auditor, seen, true=true, name=f"{place}:{run}")
            decision = auditor.on(seen, judge_bias=bias)
            corrected += state_in(decision, place) == "certified"
    planted = drop * share
    yield Count(
        "biased_judge", "missed_without_people", place, size=FAVOURED, planted=planted,
        count=alone, runs=runs, note=problem,
    )  # fmt: skip
    nobody = None if policy.human.audit_items else NOBODY_ASKED
    yield Count(
        "biased_judge", "missed", place, size=FAVOURED, planted=planted, count=corrected,
        runs=0 if nobody else runs, allowed=miss_limit(auditor), note=problem or nobody,
    )  # fmt: skip


def _rectifier(
    auditor: Auditor, seen: pl.DataFrame, *, true: Arms, name: str
) -> PooledRectifier | None:
    """What people's labels of the drawn answers correct, by the product's own rule."""
    policy = auditor.material.policy.human
    pairs = audited_pairs(seen)
    drawn = draw_audit(pairs, candidate_id=f"{auditor.material.week}:{name}", policy=policy)
    rows = [
        _labelled(auditor, drawn, arm=arm, true=scores)
        for arm, scores in (("baseline", true.baseline), ("candidate", true.candidate))
    ]
    audit = CANDIDATE_AUDIT.conform(pl.concat(rows))
    return pooled_rectifier(rectify(pairs, audit, policy=policy, trials_fingerprint=name))


def _labelled(auditor: Auditor, drawn: pl.DataFrame, *, arm: str, true: Floats) -> pl.DataFrame:
    """CANDIDATE_AUDIT of one arm: two people saw what is true, and agreed."""
    truth = pl.DataFrame({"item_id": auditor.copies.items["item_id"], "true": true})
    rows = drawn.join(truth, on="item_id", how="left", maintain_order="left")
    label = pl.when(pl.col("true") >= PASSED).then(pl.lit("pass")).otherwise(pl.lit("fail"))
    return rows.select(
        pl.lit(arm).alias("arm"),
        "item_id",
        pl.concat_str(pl.lit(f"{arm}-"), "item_id").alias("task_id"),
        "label_stratum",
        "label_probability",
        pl.col(f"score_{arm}").alias("score"),
        pl.lit("agreed").alias("state"),
        label.alias("label"),
        pl.lit("agreement").alias("settled_by"),
        pl.lit(["first", "second"]).alias("annotators"),
        pl.concat_list(label, label).alias("labels"),
        pl.lit("person").alias("annotator_kind"),
        pl.lit(dt.date.fromisoformat(auditor.material.week)).alias("labelled_on"),
    )
