"""The week's queue: what people are asked, with which chance, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from eval_pipeline.errors import CorruptFileError
from eval_pipeline.flows.queue_knowledge import BY_PEOPLE, knowledge_for, version_before
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.gold_checks import GoldChecks, KnownItem, gold_checks
from eval_pipeline.review.minutes import ReadingRule, characters_shown
from eval_pipeline.review.selection import DISPUTE, Chosen, select_for_review
from eval_pipeline.review.serving import priorities
from eval_pipeline.review.subjects import TEXT_COLUMNS, review_subjects
from eval_pipeline.review.weeks import open_weeks
from eval_pipeline.tables import ADJUDICATIONS, DISPUTES
from eval_pipeline.truth.entries import item_identity


@dataclass(frozen=True)
class QueuedWeek:
    """The week's tasks as DISPUTES, and what to tell of how they were chosen.

    `told` is empty where the week had been queued before and stays as it is.
    """

    disputes: pl.DataFrame
    told: Mapping[str, object] = field(default_factory=dict)


def queue_week(
    pipeline: Pipeline,
    *,
    anonymised: pl.DataFrame,
    stratified: pl.DataFrame,
    panel_verdicts: pl.DataFrame,
    week: str,
) -> QueuedWeek:
    """Chooses what people see and opens their tasks; tasks already open stay as they are.

    A week is queued once: while the panel says what it said of the tasks, they are taken again, so
    that labels and decisions made meanwhile change neither the queue nor its probabilities.
    """
    standing = _as_before(pipeline, panel_verdicts, week=week)
    if standing is not None:
        return QueuedWeek(standing)
    knowledge = knowledge_for(pipeline, week=week)
    chosen = select_for_review(
        panel_verdicts,
        stratified,
        policy=pipeline.settings.review,
        week=week,
        characters=_characters(anonymised),
        knowledge=knowledge,
    )
    checks = _gold_checks(pipeline, chosen.tasks, week=week, reading=knowledge.reading)
    disputes = _in_serving_order(pl.concat([chosen.tasks, checks.rows]), week=week)
    subjects = review_subjects(
        disputes,
        pl.concat([anonymised.select(TEXT_COLUMNS), checks.texts]).filter(
            pl.col("interaction_id").is_in(disputes["interaction_id"].to_list())
        ),
        rubrics=pipeline.rubrics,
        annotators_per_item=pipeline.settings.review.annotators_per_item,
        known_labels=checks.labels,
    )
    pipeline.review.open_tasks(subjects, week=week, at=pipeline.clock())
    return QueuedWeek(disputes, _told(chosen, checks, reading=knowledge.reading))


def _as_before(
    pipeline: Pipeline, panel_verdicts: pl.DataFrame, *, week: str
) -> pl.DataFrame | None:
    """The week's DISPUTES, if its tasks are open and the panel says the same of them."""
    if not pipeline.lake.has(DISPUTES, partition=week) or pipeline.review.tasks(week).is_empty():
        return None
    try:
        disputes = pipeline.lake.read(DISPUTES, partition=week)
    except CorruptFileError:
        # An earlier release wrote it with fewer columns.
        return None
    chosen = disputes.filter(pl.col("value").is_not_null())
    same = chosen.join(
        panel_verdicts, on=["interaction_id", "panel_verdict"], how="semi", nulls_equal=True
    )
    return disputes if same.height == chosen.height else None


def _characters(anonymised: pl.DataFrame) -> dict[str, int]:
    rows = anonymised.select("interaction_id", "messages", "response").iter_rows()
    return {name: characters_shown(messages, response) for name, messages, response in rows}


def _in_serving_order(tasks: pl.DataFrame, *, week: str) -> pl.DataFrame:
    worth = tasks.select(
        "interaction_id",
        pl.when(pl.col("selection") == DISPUTE).then(pl.col("value") / pl.col("expected_minutes")),
    )
    places = priorities(dict(worth.iter_rows()), week=week)
    return DISPUTES.conform(
        tasks.with_columns(
            priority=pl.col("interaction_id").replace_strict(places, return_dtype=pl.Float64)
            if places
            else pl.lit(None, dtype=pl.Float64)
        )
    )


def _gold_checks(
    pipeline: Pipeline, tasks: pl.DataFrame, *, week: str, reading: ReadingRule
) -> GoldChecks:
    """Items of the version that steered the week; none that is a task of a week still asked."""
    policy = pipeline.settings.review
    asked = open_weeks([known for known in pipeline.review.weeks() if known < week], policy)
    excluded = {
        *tasks["interaction_id"].to_list(),
        *(name for known in asked for name in pipeline.review.tasks(known)["interaction_id"]),
    }
    here = [one.annotator_id for one in pipeline.review.annotators() if one.left_at is None]
    return gold_checks(
        _known_items(pipeline, version=version_before(pipeline, week=week)),
        count=round(policy.gold_check_share * tasks.height),
        excluded=excluded,
        annotators=here,
        week=week,
        reading=reading,
    )


def _known_items(pipeline: Pipeline, *, version: int | None) -> Iterable[KnownItem]:
    """The version's items whose label people settled on a response that a rubric covers."""
    if version is None:
        return []
    items = pipeline.golden.items(version).filter(
        pl.col("label_source").is_in(BY_PEOPLE)
        & pl.col("logged_response").is_not_null()
        & pl.col("reference_label").is_not_null()
    )
    settled = _settled(pipeline, weeks=items["week"].unique().sort().to_list())
    return [
        KnownItem(
            interaction_id=settled[item["item_id"]]["interaction_id"],
            label=item["reference_label"],
            annotator_kind=item["annotator_kind"],
            labelled_by=_labelled_by(settled[item["item_id"]]),
            route=item["route"],
            messages=item["messages"],
            response=item["logged_response"],
        )
        for item in items.to_dicts()
        if item["item_id"] in settled and _is_covered(pipeline, item["route"])
    ]


def _settled(pipeline: Pipeline, *, weeks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The adjudications of these weeks by the id of the item that each became."""
    rows = (
        row
        for week in weeks
        if pipeline.lake.has(ADJUDICATIONS, partition=week)
        for row in pipeline.lake.read(ADJUDICATIONS, partition=week).to_dicts()
    )
    return {item_identity(row["interaction_id"]): row for row in rows}


def _labelled_by(adjudication: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({*adjudication["annotators"], adjudication["adjudicated_by"]} - {None})


def _is_covered(pipeline: Pipeline, route: str) -> bool:
    return any(one.form == "pointwise" and one.applies(route) for one in pipeline.rubrics)


def _told(chosen: Chosen, checks: GoldChecks, *, reading: ReadingRule) -> dict[str, object]:
    speed = reading.characters_a_minute
    told: dict[str, object] = {
        "could_be_queued": chosen.frame,
        "gold_checks": f"{checks.rows.height}, of which nobody at the desk has labelled "
        f"{checks.fresh} before",
        "reading": f"{reading.overhead_minutes:.2f} minutes a task"
        + (f" and one for every {speed:.0f} characters" if speed is not None else "")
        + (f", from {reading.labels} labels" if reading.labels else ", assumed"),
    }
    if chosen.value_share is not None:
        told["value_share"] = chosen.value_share
    return told
