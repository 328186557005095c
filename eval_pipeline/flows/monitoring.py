"""What production showed this week, and whether the labels foresaw it."""

import datetime as dt

import polars as pl

from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.anomalies import monitor_week
from eval_pipeline.monitoring.operations import report_operations
from eval_pipeline.monitoring.outcomes import validate_outcomes
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    PRODUCTION_MONITOR,
    STRATIFIED_INTERACTIONS,
)


def watch_production(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """The week's frame, counted by the log engine, against the earlier weeks' own history."""
    history = [
        pipeline.lake.read(PRODUCTION_MONITOR, partition=known)
        for known in pipeline.lake.partitions(PRODUCTION_MONITOR)
        if known < week
    ]
    monday = dt.date.fromisoformat(week)
    return monitor_week(
        pipeline.logs.summarise(monday, "traffic_by_route"),
        pipeline.logs.summarise(monday, "traffic_histogram"),
        history=history,
    )


def compare_with_outcomes(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """What the week's labels predicted, against the outcome that production logged."""
    return validate_outcomes(
        anonymised=pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week),
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
        adjudications=pipeline.lake.read(ADJUDICATIONS, partition=week),
        outcome=pipeline.settings.outcome,
        confidence=pipeline.settings.gate.confidence,
    )


def operations_of(pipeline: Pipeline, trials: pl.DataFrame) -> pl.DataFrame:
    """Latency, tokens, cost and failures of both arms, against the policy's limits."""
    return report_operations(trials, policy=pipeline.settings.gate)
