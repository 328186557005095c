"""What production showed this week, and whether the labels foresaw it."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.adapters.model_calls.call_figures import call_spans
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.alerts import alerts_of_week
from eval_pipeline.monitoring.anomalies import monitor_week
from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.monitoring.outcomes import validate_outcomes
from eval_pipeline.monitoring.requests_at_once import requests_at_once
from eval_pipeline.monitoring.traffic import WeekTraffic, measures_characters
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    STRATIFIED_INTERACTIONS,
    TOPIC_MIX,
    Table,
)

TRAFFIC: Final = (
    "traffic_by_route", "traffic_histogram", "traffic_finish_reasons", "traffic_errors",
)  # fmt: skip
CHARACTERS: Final = "traffic_characters"


@dataclass(frozen=True)
class RunningWeek:
    """What the logs hold of a week up to now, and what of it is unusual; nothing is written."""

    week: str
    finished: bool
    monitor: pl.DataFrame
    alerts: pl.DataFrame


def watch_production(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """The week's frame, counted by the log engine, against the earlier weeks' own history."""
    return _monitored(pipeline, week=week, finished=True)


def watch_running_week(pipeline: Pipeline) -> RunningWeek:
    """The week of this moment, as far as it is logged; writes nothing.

    What needs the whole week is told and not compared, and no alert rests on judges or topics.
    """
    now = pipeline.clock()
    monday = now.date() - dt.timedelta(days=now.weekday())
    week, finished = monday.isoformat(), now >= pipeline.logs.closes_at(monday)
    monitored = _monitored(pipeline, week=week, finished=finished)
    alerts = alerts_of_week(
        monitor=with_earlier(pipeline, PRODUCTION_MONITOR, monitored, week=week),
        quality=_in(PRODUCTION_QUALITY.empty(), week),
        topics=_in(TOPIC_MIX.empty(), week),
        week=week,
        policy=pipeline.settings.monitor,
    )
    return RunningWeek(week, finished, monitored, alerts)


def alert(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """MONITOR_ALERTS of a week: what its figures, its judged sample and its topics say."""
    return alerts_of_week(
        monitor=monitored_until(pipeline, PRODUCTION_MONITOR, week=week),
        quality=monitored_until(pipeline, PRODUCTION_QUALITY, week=week),
        topics=monitored_until(pipeline, TOPIC_MIX, week=week),
        week=week,
        policy=pipeline.settings.monitor,
    )


def monitored_until(pipeline: Pipeline, table: Table, *, week: str) -> pl.DataFrame:
    """The table's rows of all weeks up to and with `week`, with their `week`; it may lack any."""
    weeks = [known for known in pipeline.lake.partitions(table) if known <= week]
    return pipeline.lake.read_all(table, partitions=weeks, partition_column="week")


def with_earlier(
    pipeline: Pipeline, table: Table, frame: pl.DataFrame, *, week: str
) -> pl.DataFrame:
    """This week's rows of the table after those of all weeks before it, with their `week`."""
    return pl.concat([_earlier(pipeline, table, week=week), _in(frame, week)])


def _monitored(pipeline: Pipeline, *, week: str, finished: bool) -> pl.DataFrame:
    return monitor_week(
        _traffic(pipeline, dt.date.fromisoformat(week)),
        history=_earlier(pipeline, PRODUCTION_MONITOR, week=week),
        week=week,
        policy=pipeline.settings.monitor,
        finished=finished,
    )


def _traffic(pipeline: Pipeline, monday: dt.date) -> WeekTraffic:
    """The week's counts; each is a scan of the logs' narrow columns, the last one of texts."""
    report = pipeline.report or _silent
    found = []
    for done, statement in enumerate(TRAFFIC):
        report(done, len(TRAFFIC) + 1, f"scanning the logs: {statement}")
        found.append(pipeline.logs.summarise(monday, statement))
    report(len(TRAFFIC), len(TRAFFIC) + 1, f"scanning the logs: {CHARACTERS}")
    wanted = measures_characters(
        found[0],
        when=pipeline.settings.monitor.response_characters,
        # What Spark scans carries no texts.
        scans_texts=pipeline.settings.logs.engine != "spark",
    )
    lengths = pipeline.logs.summarise(monday, CHARACTERS) if wanted else None
    by_route, histogram, finish_reasons, errors = found
    return WeekTraffic(by_route, histogram, finish_reasons, errors, lengths)


def _earlier(pipeline: Pipeline, table: Table, *, week: str) -> pl.DataFrame:
    return monitored_until(pipeline, table, week=week).filter(pl.col("week") < week)


def _in(frame: pl.DataFrame, week: str) -> pl.DataFrame:
    return frame.with_columns(pl.lit(week, dtype=pl.String).alias("week"))


def _silent(done: int, total: int | None, what: str) -> None:
    """Where nobody watches."""


def compare_with_outcomes(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """What the week's labels predicted, against the outcome that production logged."""
    return validate_outcomes(
        anonymised=pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week),
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
        adjudications=pipeline.lake.read(ADJUDICATIONS, partition=week),
        outcome=pipeline.settings.outcome,
        confidence=pipeline.settings.gate.confidence,
    )


def operations_of(
    pipeline: Pipeline, trials: pl.DataFrame, *, scope: str | None = None
) -> pl.DataFrame:
    """Latency, tokens, cost and failures of both arms, against the policy's limits.

    With the `scope` that the trials were paid under, the report says at what load they were asked.
    """
    spans = None if scope is None else call_spans(pipeline.store.engine, scope)
    return report_operations(
        trials,
        policy=pipeline.settings.gate,
        at_once=None if spans is None else requests_at_once(spans),
    )
