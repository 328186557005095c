"""What each step was to ask, worked out again from its inputs, against the rows it made."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final

import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.decomposition.reference import rejudged_items
from eval_pipeline.evaluation.reserve_order import planned_looks
from eval_pipeline.evaluation.topup import next_items
from eval_pipeline.evaluation.trial_items import golden_items
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import excluded_ids, known_items
from eval_pipeline.flows.drift import (
    items_of_week,
    pinned_systems,
    reference_for,
    reference_trials,
)
from eval_pipeline.flows.judge_weights import weights_before
from eval_pipeline.flows.judging import judged
from eval_pipeline.flows.recorded import recorded_answers
from eval_pipeline.flows.regression import version_of
from eval_pipeline.flows.reserve import newest_version, reserve_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.panel import SINGLE_ORDER, judgeable, provisional_passes
from eval_pipeline.tables import SYSTEM, reconcile

ARMS: Final = ("baseline", "candidate")
JUDGED_AGAIN: Final = ", old answers judged again"


def reconcile_verdicts(
    pipeline: Pipeline, anonymised: pl.DataFrame, verdicts: pl.DataFrame
) -> pl.DataFrame:
    """RECONCILED per judge: every judge says something of every response that can be judged."""
    interactions = judgeable(judged(anonymised))["interaction_id"]
    key = ("interaction_id", "order")
    planned = _plan(product(pipeline.settings.judges, interactions, [SINGLE_ORDER]), key)
    return reconcile(planned, verdicts.rename({"judge_id": SYSTEM}), key=key)


def reconcile_refutations(
    pipeline: Pipeline,
    anonymised: pl.DataFrame,
    *,
    verdicts: pl.DataFrame,
    found: pl.DataFrame,
    week: str,
) -> pl.DataFrame:
    """RECONCILED of the refuter: every response that the judges would pass is attacked."""
    refuter, key = pipeline.settings.refuter, ("interaction_id",)
    asked: list[tuple[str, str]] = []
    if refuter is not None and refuter.enabled:
        weights = weights_before(pipeline, week=week)
        seen = set(judged(anonymised)["interaction_id"])
        passes = provisional_passes(verdicts, policy=pipeline.settings.panel, weights=weights)
        asked = [(refuter.model, one) for one in passes if one in seen]
    return reconcile(_plan(asked, key), found.rename({"refuter_id": SYSTEM}), key=key)


def reconcile_drift(pipeline: Pipeline, trials: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """RECONCILED per pinned system, its old answers that were judged again apart."""
    items = items_of_week(pipeline, week=week)
    key = ("item_id", "item_revision", "trial")
    asked: list[tuple[str, str, int, int]] = []
    for system_id in pinned_systems(pipeline):
        asked += [(system_id, item.item_id, item.item_revision, 1) for item in items]
        pinned = reference_for(pipeline, system_id=system_id, week=week)
        if pinned is not None:
            recorded = reference_trials(
                pipeline,
                system_id=system_id,
                pinned=pinned,
                week=week,
                versions={number for item in items for number in item.golden_versions},
            )
            asked += [
                (
                    f"{system_id}{JUDGED_AGAIN}",
                    frozen.item.item_id,
                    frozen.item.item_revision,
                    frozen.request.trial,
                )
                for frozen in rejudged_items(items, recorded, system_id=system_id)
            ]
    again = pl.col("stream") == "rejudged"
    named = pl.col("system_id") + pl.when(again).then(pl.lit(JUDGED_AGAIN)).otherwise(pl.lit(""))
    return reconcile(_plan(asked, key), trials.with_columns(named.alias(SYSTEM)), key=key)


def reconcile_candidate(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame
) -> pl.DataFrame:
    """RECONCILED per arm.

    What a later look asks follows from the looks before it, so it is worked out from those.
    """
    key = ("look", "item_id", "trial")
    asked = [
        (arm, look, item_id, 1)
        for look, item_ids in enumerate(_looks(pipeline, candidate, trials), start=1)
        for item_id in item_ids
        for arm in ARMS
    ]
    return reconcile(_plan(asked, key), trials.rename({"arm": SYSTEM}), key=key)


def _looks(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> list[list[str]]:
    """The item ids that each look was to ask, the first look's first."""
    if candidate.recorded_week is not None:
        known = excluded_ids(known_items(pipeline, candidate, version=newest_version(pipeline)))
        items, _ = recorded_answers(pipeline, candidate.baseline_id, week=candidate.recorded_week)
        return [[item.item_id for item in items if item.item_id not in set(known)]]
    version, policy = version_of(pipeline, trials), pipeline.settings.gate
    known = excluded_ids(known_items(pipeline, candidate, version=version))
    golden = golden_items(pipeline.golden.items(version), golden_version=version)
    reserve = reserve_of(pipeline, version=version, without=set(known))
    looks = [[item.item_id for item in golden if item.item_id not in set(known)]]
    ordered = trials.sort("look", maintain_order=True)
    for look in range(2, planned_looks(policy) + 1):
        before = ordered.filter(pl.col("look") < look)
        report = compare(before, policy=policy, subsets=pipeline.settings.subsets, reserve=reserve)
        looks.append(next_items(report, reserve, trials=before, look=look, policy=policy))
    return looks


def _plan(asked: Iterable[tuple[str | int, ...]], key: Sequence[str]) -> pl.DataFrame:
    numbers = {"item_revision", "trial", "look"}
    schema = {name: pl.Int64 if name in numbers else pl.String for name in (SYSTEM, *key)}
    return pl.DataFrame(list(asked), schema=schema, orient="row")
