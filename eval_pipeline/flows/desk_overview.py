"""The desk as those who run it see it: people, pairs, subsets, what is stuck, what is ready."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.review.overview import DeskReading
from eval_pipeline.flows.agreement import membership_of
from eval_pipeline.flows.truth import readiness
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.review.agreement_intervals import AgreementEstimate
from eval_pipeline.review.agreement_report import ALL, WINDOW, agreement_report, estimates_of
from eval_pipeline.review.annotators import (
    AnnotatorSummary,
    DeskFrames,
    Share,
    annotator_summaries,
    pair_agreements,
)
from eval_pipeline.review.blind_labels import BlindTask, blind_tasks
from eval_pipeline.review.states import Row, standing_decision, state_of
from eval_pipeline.review.stuck import Circumstances, StuckTask, stuck_tasks


@dataclass(frozen=True)
class Overview:
    """The desk over some weeks.

    `states`: tasks by state, gold checks left out. `kind`: 'person', or 'scripted' where scripts
    alone labelled: whose agreement `overall` is, the measures over all tasks; null without labels.
    `subsets`: raw agreement, `ceilings`: weighted to all that was judged, one a subset, over these
    weeks and the newest one's rubrics. `agreement`: all of it, as ANNOTATOR_AGREEMENT. `ready`: by
    week, whether its labels can be published, in a sentence.
    """

    weeks: tuple[str, ...]
    states: Mapping[str, int]
    annotators: tuple[AnnotatorSummary, ...]
    kind: str | None
    overall: tuple[AgreementEstimate, ...]
    pairs: tuple[Share, ...]
    subsets: tuple[Share, ...]
    ceilings: tuple[Share, ...]
    agreement: pl.DataFrame
    stuck: tuple[StuckTask, ...]
    ready: Mapping[str, str]


def overview(pipeline: Pipeline, *, weeks: Sequence[str]) -> Overview:
    """What is known of these weeks now; a week without tasks adds nothing."""
    desk, at = DeskReading(pipeline.store), pipeline.clock()
    frames = DeskFrames(
        people=desk.people(),
        labels=desk.labels(weeks),
        adjudications=desk.adjudications(weeks),
        skips=desk.skips(weeks),
    )
    tasks = blind_tasks(desk.tasks(weeks), frames.labels, membership_of(pipeline, weeks=weeks))
    states = states_of(tasks, frames.adjudications)
    report = agreement_report(tasks, week=max(weeks, default=""))
    circumstances = Circumstances(
        people=frames.people,
        involved=_involved(frames),
        expired=desk.expired_leases(weeks, at=at),
    )
    return Overview(
        weeks=tuple(weeks),
        states=_counted(tasks, states),
        annotators=annotator_summaries(tasks, frames),
        kind=min(report["annotator_kind"].to_list(), default=None),
        overall=tuple(estimates_of(report, subset=ALL, span=WINDOW)),
        pairs=pair_agreements(tasks),
        subsets=_by_subset(report, "percent"),
        ceilings=_by_subset(report, "ceiling"),
        agreement=report,
        stuck=stuck_tasks(
            tasks, states, circumstances, policy=pipeline.settings.review, as_of=at.date()
        ),
        ready=_ready(pipeline, {task.week for task in tasks}),
    )


def states_of(tasks: Sequence[BlindTask], adjudications: pl.DataFrame) -> dict[str, str]:
    """By task its state, as labels and adjudications make it."""
    decided: dict[str, list[Row]] = defaultdict(list)
    for row in adjudications.iter_rows(named=True):
        decided[row["task_id"]].append(row)
    return {
        task.task_id: state_of(
            [{"label": label.label} for label in task.standing],
            standing_decision(decided.get(task.task_id, ())),
            needed=task.needed,
        )
        for task in tasks
    }


def _counted(tasks: Sequence[BlindTask], states: Mapping[str, str]) -> dict[str, int]:
    asked = [states[task.task_id] for task in tasks if task.known_label is None]
    return dict(sorted(Counter(asked).items()))


def _involved(frames: DeskFrames) -> dict[str, set[str]]:
    involved: dict[str, set[str]] = defaultdict(set)
    for frame in (frames.labels, frames.skips):
        for task_id, person in frame.select("task_id", "annotator_id").iter_rows():
            involved[task_id].add(person)
    return involved


def _by_subset(report: pl.DataFrame, measure: str) -> tuple[Share, ...]:
    return tuple(
        Share(subset, found.value, found.lower, found.upper, found.tasks)
        for subset in sorted(set(report["subset"]) - {ALL})
        for found in estimates_of(report, subset=subset, span=WINDOW)
        if found.measure == measure
    )


def _ready(pipeline: Pipeline, weeks: set[str]) -> dict[str, str]:
    told = {}
    for week in sorted(weeks, reverse=True):
        found = readiness(pipeline, week=week)
        told[week] = f"{'yes' if found.ready else 'no'}: {found.reason}"
    return told
