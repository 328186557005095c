"""The weekly re-run of old golden versions on pinned systems, and what it says has drifted."""

from collections.abc import Collection, Sequence

import polars as pl

from eval_pipeline.evaluation.decomposition.reference import (
    REFERENCE_COLUMNS,
    reference_week,
    rejudged_items,
)
from eval_pipeline.evaluation.decomposition.report import decompose
from eval_pipeline.evaluation.trial_items import TrialItem, versioned_items
from eval_pipeline.evaluation.trials import RecordedAnswer, drift_rows, rejudged_rows
from eval_pipeline.flows.scoring import score_responses
from eval_pipeline.flows.trials import ask_system, score_outcomes
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import DRIFT_REPORT, DRIFT_TRIALS, STRATIFIED_INTERACTIONS


def pinned_systems(pipeline: Pipeline) -> tuple[str, ...]:
    """The systems that are re-run each week: the configured ones, or the baseline."""
    return pipeline.settings.drift.systems or (pipeline.settings.baseline,)


def scope_of_drift(week: str) -> str:
    """What a week's re-run is paid for; another week never answers from its journal."""
    return f"drift:{week}"


def rerun_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """Each pinned system asked once about every item of the newest versions, and scored.

    The answers of the reference week are scored again beside them: what moves those is the
    judges, not the provider.
    """
    items = items_of_week(pipeline, week=week)
    frames = [DRIFT_TRIALS.empty()]
    for system_id in pinned_systems(pipeline):
        frames.append(_rerun(pipeline, items, system_id=system_id, week=week))
        reference = reference_for(pipeline, system_id=system_id, week=week)
        if reference is not None:
            frames.append(
                _rejudge(pipeline, items, system_id=system_id, week=week, reference=reference)
            )
    return DRIFT_TRIALS.conform(pl.concat(frames))


def reference_trials(
    pipeline: Pipeline, *, system_id: str, pinned: str, week: str, versions: Collection[int]
) -> pl.DataFrame:
    """What the system answered first to each item from the pinned week until before `week`.

    Versions rotate, so an item may have come after the pin; nothing has drifted since the pin,
    so its first answer then is as good a reference as one of the pinned week. Every answer to an
    item of `versions` is there; of items that none of them holds only some are.
    """
    found = answers_since(
        pipeline, system_id=system_id, pinned=pinned, week=week, versions=versions
    )
    return found.drop("week")


def answers_since(
    pipeline: Pipeline, *, system_id: str, pinned: str, week: str, versions: Collection[int]
) -> pl.DataFrame:
    """`reference_trials` with a column `week`: the one that each answer is of."""
    since = max(pinned, _first_asked(pipeline, versions))
    weeks = [known for known in pipeline.lake.partitions(DRIFT_TRIALS) if since <= known < week]
    return (
        pipeline.lake.read_all(DRIFT_TRIALS, partitions=weeks, partition_column="week")
        .filter((pl.col("system_id") == system_id) & (pl.col("stream") == "rerun"))
        .sort("week")
        .unique(["item_id", "item_revision", "trial"], keep="first", maintain_order=True)
    )


def _first_asked(pipeline: Pipeline, versions: Collection[int]) -> str:
    """A week before which no re-run asked about an item of these versions; empty where unknown.

    So what is read goes back as far as items live, however long ago the system was pinned. An item
    is asked from its version's week on, which is before its own where an old week was published
    again.
    """
    held = [
        pipeline.golden.items(version).select("week", "admitted_in") for version in sorted(versions)
    ]
    if not held or (items := pl.concat(held)).is_empty():
        return ""
    own, admitted = str(items["week"].min()), int(str(items["admitted_in"].min()))
    return min(own, pipeline.golden.earliest_week(since=admitted) or own)


def frozen_answers(
    pipeline: Pipeline, items: Sequence[TrialItem], *, system_id: str, week: str
) -> list[RecordedAnswer]:
    """The answers that are judged again in `week`; the row's `week` is the one they are of."""
    reference = reference_for(pipeline, system_id=system_id, week=week)
    if reference is None:
        return []
    recorded = answers_since(
        pipeline,
        system_id=system_id,
        pinned=reference,
        week=week,
        versions={number for item in items for number in item.golden_versions},
    )
    return rejudged_items(items, recorded, system_id=system_id)


def report_week(pipeline: Pipeline, trials: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """The week's change per system, version, subset and component, against its reference week."""
    frames = [DRIFT_REPORT.empty()]
    versions = trials["golden_versions"].explode(empty_as_null=True).drop_nulls().unique().to_list()
    for system_id in pinned_systems(pipeline):
        reference = reference_for(pipeline, system_id=system_id, week=week)
        own = trials.filter(pl.col("system_id") == system_id)
        frames.append(
            decompose(
                own,
                reference_trials=None
                if reference is None
                else reference_trials(
                    pipeline, system_id=system_id, pinned=reference, week=week, versions=versions
                ),
                traffic=_traffic(pipeline, week),
                reference_traffic=None if reference is None else _traffic(pipeline, reference),
                reference_week=reference,
                system_id=system_id,
                systems=len(pinned_systems(pipeline)),
                policy=pipeline.settings.drift,
            )
        )
    return DRIFT_REPORT.conform(pl.concat(frames))


def reference_for(pipeline: Pipeline, *, system_id: str, week: str) -> str | None:
    """The week that this one is measured against; null for the first."""
    earlier = [known for known in pipeline.lake.partitions(DRIFT_REPORT) if known < week]
    return reference_week(
        (
            (known, pipeline.lake.read(DRIFT_REPORT, partition=known, columns=REFERENCE_COLUMNS))
            for known in reversed(earlier)
        ),
        system_id=system_id,
    )


def items_of_week(pipeline: Pipeline, *, week: str) -> list[TrialItem]:
    """The union of the newest versions published up to the week, each item revision once."""
    newest = pipeline.golden.newest_until(week, count=pipeline.settings.drift.versions)
    return versioned_items(
        {number: pipeline.golden.items(number) for number in newest},
        maximum=pipeline.settings.drift.maximum_items,
    )


def _rerun(
    pipeline: Pipeline, items: Sequence[TrialItem], *, system_id: str, week: str
) -> pl.DataFrame:
    outcomes = ask_system(
        pipeline,
        items,
        system_id=system_id,
        system=pipeline.settings.systems[system_id],
        scope=scope_of_drift(week),
    )
    scores = score_outcomes(pipeline, items, outcomes, scope=scope_of_drift(week), week=week)
    return drift_rows(items, outcomes, scores=scores, system_id=system_id)


def _rejudge(
    pipeline: Pipeline, items: Sequence[TrialItem], *, system_id: str, week: str, reference: str
) -> pl.DataFrame:
    answered = frozen_answers(pipeline, items, system_id=system_id, week=week)
    scores = score_responses(
        pipeline,
        [frozen.request for frozen in answered],
        scope=scope_of_drift(week),
        week=week,
    )
    return rejudged_rows(answered, scores=scores, system_id=system_id, reference_week=reference)


def _traffic(pipeline: Pipeline, week: str) -> pl.DataFrame:
    """The week's sampled traffic with its weights; empty where the week was never drawn."""
    if not pipeline.lake.has(STRATIFIED_INTERACTIONS, partition=week):
        return STRATIFIED_INTERACTIONS.empty()
    return pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week)
