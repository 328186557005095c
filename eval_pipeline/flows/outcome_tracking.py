"""Predicts a week's outcome from offline scores, freezes it, and follows how well that goes."""

from typing import Any, Final

import polars as pl

from eval_pipeline.flows.golden_weights import weights_for
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.outcome_tracking.outcomes import drawn_outcomes, observed_outcomes
from eval_pipeline.monitoring.outcome_tracking.predictions import predict_week
from eval_pipeline.monitoring.outcome_tracking.scores import Rerun, offline_scores
from eval_pipeline.monitoring.outcome_tracking.tracking import track
from eval_pipeline.monitoring.outcomes import labelled_sample
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    OUTCOME_PREDICTIONS,
    OUTCOME_TRACKING,
    PRODUCTION_MONITOR,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
)

FIXED_SLOPES: Final = {"outcome": 1.0, "feedback": 0.0, "escalated": 0.0}
"""A rate of good answers and one of resolved requests move together; the others' scales differ."""


def predict_outcome(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """OUTCOME_PREDICTIONS of the week; what was predicted of it before stays as it was."""
    lake, settings = pipeline.lake, pipeline.settings
    stratified = lake.read(STRATIFIED_INTERACTIONS, partition=week)
    subsets = sorted(settings.subsets)
    drawn = drawn_outcomes(
        lake.read(ANONYMISED_INTERACTIONS, partition=week),
        stratified,
        lake.read_if_made(SAMPLING_FRAME, partition=week),
        outcome=settings.outcome,
    )
    return predict_week(
        offline_scores(
            _newest_rerun(pipeline, week=week),
            labelled_sample(stratified, lake.read(ADJUDICATIONS, partition=week)),
            subsets=subsets,
        ),
        observed_outcomes(
            drawn,
            lake.read_if_made(PRODUCTION_MONITOR, partition=week),
            outcome=settings.outcome,
            subsets=subsets,
            confidence=settings.gate.confidence,
        ),
        history=predictions_until(pipeline, week=week),
        frozen=lake.read_if_made(OUTCOME_PREDICTIONS, partition=week),
        fixed_slope=FIXED_SLOPES[settings.outcome or "outcome"],
        confidence=settings.gate.confidence,
        **_policy(pipeline),
    )


def follow_outcome(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """OUTCOME_TRACKING of the week, from its predictions and those of the weeks before."""
    return track(
        predictions_until(pipeline, week=week, through=True),
        confidence=pipeline.settings.gate.confidence,
        **_policy(pipeline),
    )


def predictions_until(pipeline: Pipeline, *, week: str, through: bool = False) -> pl.DataFrame:
    """OUTCOME_PREDICTIONS of all earlier weeks with a column `week`; with `through` this one's."""
    known = [
        name
        for name in pipeline.lake.partitions(OUTCOME_PREDICTIONS)
        if name < week or (through and name == week)
    ]
    return pipeline.lake.read_all(OUTCOME_PREDICTIONS, partitions=known, partition_column="week")


def newest_tracking(pipeline: Pipeline) -> tuple[str, pl.DataFrame] | None:
    """The newest week that was followed and its OUTCOME_TRACKING; None before the first."""
    weeks = pipeline.lake.partitions(OUTCOME_TRACKING)
    return (weeks[-1], pipeline.lake.read(OUTCOME_TRACKING, partition=weeks[-1])) if weeks else None


def _policy(pipeline: Pipeline) -> dict[str, Any]:
    policy = pipeline.settings.outcome_tracking
    link_from = None if policy.link_from is None else policy.link_from.isoformat()
    return {
        "false_warnings_per_year": policy.false_warnings_per_year,
        "link_from": link_from,
    }


def _newest_rerun(pipeline: Pipeline, *, week: str) -> Rerun | None:
    """The newest re-run of the baseline made until the week, on the newest version in it.

    None where the baseline was not re-run yet. What the predictions of the week before rested on
    tells which items are the same.
    """
    for known in reversed(pipeline.lake.partitions(DRIFT_TRIALS)):
        if known > week:
            continue
        trials = _trials_of_baseline(pipeline, week=known)
        versions = trials["golden_versions"].explode(empty_as_null=True).drop_nulls()
        if not versions.is_empty():
            version = int(versions.max())  # type: ignore[arg-type]
            return Rerun(
                golden_version=version,
                week=known,
                weights=weights_for(pipeline, version=version, week=week),
                scores=_scores_on(trials, version),
                earlier_items=_earlier_items(pipeline, week=week),
            )
    return None


def _trials_of_baseline(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    return pipeline.lake.read(DRIFT_TRIALS, partition=week).filter(
        (pl.col("stream") == "rerun") & (pl.col("system_id") == pipeline.settings.baseline)
    )


def _scores_on(trials: pl.DataFrame, version: int) -> pl.DataFrame:
    return (
        trials.filter(pl.col("golden_versions").list.contains(version))
        .group_by("item_id", maintain_order=True)
        .agg(pl.col("score").mean(), pl.col("subsets").first())
    )


def _earlier_items(pipeline: Pipeline, *, week: str) -> list[str]:
    """The items behind the newest earlier prediction that rested on a re-run."""
    earlier = predictions_until(pipeline, week=week).filter(pl.col("basis") == "rerun")
    if earlier.is_empty():
        return []
    version, rerun_week = earlier.sort("week").select("golden_version", "rerun_week").row(-1)
    if not pipeline.lake.has(DRIFT_TRIALS, partition=rerun_week):
        return []
    scored = _scores_on(_trials_of_baseline(pipeline, week=rerun_week), version)
    return scored.drop_nulls("score")["item_id"].to_list()
