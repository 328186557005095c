"""Where alerts come from: for each source what it reads, and the kinds of events it may find.

A source that cannot be read ends nothing: that its events are gone is only known by looking.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.adapters.review.overview import DeskReading
from eval_pipeline.evaluation.decision import newest_row
from eval_pipeline.evaluation.gate_audit.sentences import not_made_sentences, problem_sentences
from eval_pipeline.flows.truth import readiness
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.alerting.conditions import (
    ReviewWeek,
    audit_events,
    drift_events,
    monitor_events,
    outcome_events,
    review_events,
)
from eval_pipeline.monitoring.alerting.decisions import (
    decision_events,
    golden_event,
    provider_change_events,
)
from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.review.states import SETTLED_STATES
from eval_pipeline.review.weeks import open_weeks
from eval_pipeline.settings import AlertKind
from eval_pipeline.tables import (
    DRIFT_SIGNALS,
    GATE_AUDIT,
    GATE_DECISION,
    MONITOR_ALERTS,
    OUTCOME_TRACKING,
    Table,
)


@dataclass(frozen=True)
class Source:
    """What is read under `name`, and the kinds of events that it may find."""

    name: str
    kinds: tuple[AlertKind, ...]
    read: Callable[[Pipeline], Iterator[AlertEvent]]


def newest_of(pipeline: Pipeline, table: Table) -> tuple[str, pl.DataFrame] | None:
    """The table's newest week and its rows; None where there is none."""
    weeks = pipeline.lake.partitions(table)
    if not weeks:
        return None
    return weeks[-1], pipeline.lake.read(table, partition=weeks[-1])


def recent_versions(pipeline: Pipeline) -> tuple[int, ...]:
    """The golden versions whose week is no history, oldest first."""
    recent: list[int] = []
    since = ""
    for number in reversed(pipeline.golden.numbers()):
        week = pipeline.golden.manifest(number).week
        if not recent:
            weeks = pipeline.settings.alerts.history_weeks - 1
            since = (dt.date.fromisoformat(week) - dt.timedelta(weeks=weeks)).isoformat()
        if week < since:
            break
        recent.append(number)
    return tuple(reversed(recent))


def newest_decisions(pipeline: Pipeline) -> pl.DataFrame:
    """Every candidate's newest row of GATE_DECISION."""
    rows = []
    for candidate in pipeline.lake.partitions(GATE_DECISION):
        decisions = pipeline.lake.read(GATE_DECISION, partition=candidate)
        if decisions.height:
            rows.append(newest_row(decisions))
    return pl.DataFrame(rows, schema=GATE_DECISION.schema).sort("candidate_id")


def review_weeks(pipeline: Pipeline) -> tuple[ReviewWeek, ...]:
    """How far the tasks of the weeks are that people are still asked, newest first."""
    desk = DeskReading(pipeline.store)
    weeks = open_weeks(desk.weeks(), pipeline.settings.review)
    return tuple(_review_week(pipeline, desk, week) for week in weeks)


def _review_week(pipeline: Pipeline, desk: DeskReading, week: str) -> ReviewWeek:
    asked = desk.tasks([week]).filter(pl.col("known_label").is_null())
    settled = asked.filter(pl.col("state").is_in(list(SETTLED_STATES))).height
    days = 7 + pipeline.settings.review.deadline_days
    return ReviewWeek(
        week=week,
        tasks=asked.height,
        waiting=asked.height - settled,
        deadline=dt.date.fromisoformat(week) + dt.timedelta(days=days),
        reason=_held_back(pipeline, week=week),
    )


def _held_back(pipeline: Pipeline, *, week: str) -> str | None:
    """Why the week cannot be published; null where it is, or can be."""
    if pipeline.golden.for_week(week) is not None:
        return None
    ready = readiness(pipeline, week=week)
    return None if ready.ready else ready.reason


def _decisions(pipeline: Pipeline) -> Iterator[AlertEvent]:
    recent = recent_versions(pipeline)
    newest = newest_decisions(pipeline)
    yield from decision_events(newest.filter(pl.col("golden_version").is_in(list(recent))))


def _versions(pipeline: Pipeline) -> Iterator[AlertEvent]:
    for number in recent_versions(pipeline):
        manifest = pipeline.golden.manifest(number)
        yield golden_event(version=number, week=manifest.week, items=manifest.counts.items)


def _provider_changes(pipeline: Pipeline) -> Iterator[AlertEvent]:
    since = pipeline.clock() - dt.timedelta(weeks=pipeline.settings.alerts.history_weeks)
    yield from provider_change_events(pipeline.sightings.changes(since=since), not_before=since)


def _drift(pipeline: Pipeline) -> Iterator[AlertEvent]:
    found = newest_of(pipeline, DRIFT_SIGNALS)
    if found is not None:
        yield from drift_events(found[1], week=found[0])


def _monitors(pipeline: Pipeline) -> Iterator[AlertEvent]:
    found = newest_of(pipeline, MONITOR_ALERTS)
    if found is not None:
        yield from monitor_events(found[1], week=found[0], table=MONITOR_ALERTS.name)


def _outcomes(pipeline: Pipeline) -> Iterator[AlertEvent]:
    found = newest_of(pipeline, OUTCOME_TRACKING)
    if found is not None:
        yield from outcome_events(found[1], week=found[0], table=OUTCOME_TRACKING.name)


def _audits(pipeline: Pipeline) -> Iterator[AlertEvent]:
    found = newest_of(pipeline, GATE_AUDIT)
    if found is not None and pipeline.settings.gate.audit.enabled:
        week, audit = found
        yield from audit_events(
            problem_sentences(audit),
            made=not any(not_made_sentences(audit)),
            week=week,
            table=GATE_AUDIT.name,
        )


def _review(pipeline: Pipeline) -> Iterator[AlertEvent]:
    yield from review_events(
        review_weeks(pipeline),
        as_of=pipeline.clock().date(),
        backlog=pipeline.settings.alerts.review_backlog,
    )


SOURCES: Final = (
    Source("decisions", ("gate_block", "gate_inconclusive", "gate_pass"), _decisions),
    Source("golden versions", ("golden_published",), _versions),
    Source("provider watch", ("provider_change",), _provider_changes),
    Source("drift", ("drift_alarm",), _drift),
    Source("monitors", ("monitor_alert",), _monitors),
    Source("outcomes", ("outcome_no_longer_tracks",), _outcomes),
    Source("gate audit", ("gate_audit_failed",), _audits),
    Source("review", ("review_deadline", "review_backlog"), _review),
)
"""Runs are told by the orchestrator's sensor: see `flows.alerting.tell_of_run`."""
