"""Monitoring assets: production's own numbers, outcome validity, operations.

No baseline, cut-off or limit belongs here.
"""

from typing import Any

import dagster as dg
import polars as pl

from assets.conventions import counts, markdown, plot, stored, table_asset
from assets.evaluation import regression_trials
from assets.intake import (
    anonymised_interactions,
    production_logs,
    sampled_interactions,
    stratified_interactions,
)
from assets.review import adjudications
from eval_pipeline.flows import monitoring
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import plots
from eval_pipeline.tables import (
    OPERATIONS_REPORT,
    OUTCOME_VALIDITY,
    PRODUCTION_MONITOR,
    REGRESSION_TRIALS,
)


@table_asset(
    PRODUCTION_MONITOR,
    group="monitoring",
    kinds={"duckdb", "parquet"},
    # The draw's contract goes first: a week that breaks it must not become history to compare with.
    deps=[production_logs, sampled_interactions],
)
def production_monitor(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """The week's traffic, errors, latency, cost and feedback per route, against its history."""
    week = context.partition_key
    monitored = monitoring.watch_production(pipeline, week=week)
    unusual = monitored.filter(pl.col("finding") == "unusual")
    history = pipeline.lake.read_all(PRODUCTION_MONITOR, partition_column="week").filter(
        pl.col("week") < week
    )
    until_now = pl.concat([history, monitored.with_columns(week=pl.lit(week))], how="diagonal")
    return stored(
        pipeline,
        PRODUCTION_MONITOR,
        monitored,
        partition=week,
        metadata={
            "findings": counts(monitored, "finding"),
            "unusual": markdown(unusual) if unusual.height else "nothing",
            "overall": markdown(monitored.filter(pl.col("route") == "all")),
            "traffic": plot(
                plots.monitor_chart(until_now, metric="interactions"), alt="interactions by week"
            ),
        },
    )


@table_asset(
    OUTCOME_VALIDITY,
    group="monitoring",
    kinds={"scipy", "parquet"},
    deps=[anonymised_interactions, stratified_interactions, adjudications],
    automated=True,
)
def outcome_validity(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What the labels predicted of the outcome, against what production showed."""
    week = context.partition_key
    validity = monitoring.compare_with_outcomes(pipeline, week=week)
    return stored(
        pipeline,
        OUTCOME_VALIDITY,
        validity,
        partition=week,
        metadata={"validity": markdown(validity)},
    )


@table_asset(
    OPERATIONS_REPORT,
    group="monitoring",
    kinds={"scipy", "parquet"},
    deps=[regression_trials],
    automated=True,
)
def operations_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Latency, tokens, cost per success and failures of both arms."""
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=context.partition_key)
    report = monitoring.operations_of(pipeline, trials)
    return stored(
        pipeline,
        OPERATIONS_REPORT,
        report,
        partition=context.partition_key,
        metadata={"operations": markdown(report)},
    )
