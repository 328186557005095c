"""Monitoring assets: production's own numbers, outcome validity, operations.

No baseline, cut-off or limit belongs here.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.clusters import topic_mix
from assets.conventions import (
    candidate_rows,
    counts,
    markdown,
    plot,
    stored,
    table_asset,
)
from assets.evaluation import regression_trials
from assets.intake import (
    anonymised_interactions,
    production_logs,
    sampled_interactions,
    sampling_frame,
    stratified_interactions,
)
from assets.judging import panel_verdicts
from assets.reconciliation import CALLS_CHECK, calls_check
from assets.review import adjudications
from eval_pipeline.flows import monitoring, quality
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.monitor_plots import monitor_panels, quality_panels
from eval_pipeline.reports.operations_chart import operations_chart
from eval_pipeline.tables import (
    MONITOR_ALERTS,
    OPERATIONS_REPORT,
    OUTCOME_VALIDITY,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    QUALITY_VERDICTS,
    REGRESSION_TRIALS,
    require_reconciled,
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
    """The week's traffic, errors, latency, tokens, cost and feedback, against their history."""
    week = context.partition_key
    monitored = monitoring.watch_production(pipeline, week=week)
    unusual = monitored.filter(pl.col("finding") == "unusual")
    until_now = monitoring.with_earlier(pipeline, PRODUCTION_MONITOR, monitored, week=week)
    return stored(
        pipeline,
        PRODUCTION_MONITOR,
        monitored,
        partition=week,
        metadata={
            "findings": counts(monitored, "finding"),
            "unusual": markdown(unusual) if unusual.height else "nothing",
            "overall": markdown(monitored.filter(pl.col("route") == "all")),
            "figures": plot(monitor_panels(until_now), alt="production's figures by week"),
        },
    )


@table_asset(
    QUALITY_VERDICTS,
    group="monitoring",
    kinds={"llm", "parquet"},
    deps=[sampling_frame, sampled_interactions, anonymised_interactions, panel_verdicts],
    checks=CALLS_CHECK,
    automated=True,
)
def quality_verdicts(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Judges so much of the reserve that the asked share of the traffic is judged."""
    week = context.partition_key
    further = quality.judge_further(pipeline, week=week)
    yield calls_check(QUALITY_VERDICTS, further.reconciled)
    require_reconciled(further.reconciled, table=QUALITY_VERDICTS.name)
    yield stored(
        pipeline,
        QUALITY_VERDICTS,
        further.panel,
        partition=week,
        metadata={
            "asked": further.asked,
            "panel": counts(further.panel, "panel_verdict", "reason"),
            "cost_usd": further.cost_usd,
        },
    )


@table_asset(
    PRODUCTION_QUALITY,
    group="monitoring",
    kinds={"scipy", "parquet"},
    deps=[
        sampling_frame,
        sampled_interactions,
        stratified_interactions,
        panel_verdicts,
        quality_verdicts,
    ],
    automated=True,
)
def production_quality(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What share of the week's traffic the panel passes, by subset, against its history."""
    week = context.partition_key
    measured = quality.quality_of_week(pipeline, week=week)
    until_now = monitoring.with_earlier(pipeline, PRODUCTION_QUALITY, measured, week=week)
    return stored(
        pipeline,
        PRODUCTION_QUALITY,
        measured,
        partition=week,
        metadata={
            "findings": counts(measured, "finding"),
            "quality": markdown(measured),
            "judged": quality.judged_told(pipeline, measured),
            "by week": plot(quality_panels(until_now), alt="share that the panel passes by week"),
        },
    )


@table_asset(
    MONITOR_ALERTS,
    group="monitoring",
    kinds={"polars", "parquet"},
    deps=[production_monitor, production_quality, topic_mix],
    automated=True,
)
def monitor_alerts(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What of production is unusual this week: metric, subset, size, since when, next step."""
    week = context.partition_key
    alerts = monitoring.alert(pipeline, week=week)
    return stored(
        pipeline,
        MONITOR_ALERTS,
        alerts,
        partition=week,
        metadata={
            "alerts": markdown(alerts.select("sentence", "next_step")) if alerts.height else "none",
            "by source": counts(alerts, "source", "metric"),
        },
    )


@dg.asset_check(
    name="nothing_unusual",
    asset=production_monitor,
    additional_deps=[monitor_alerts],
    description="No figure of production, no judged share and no mix of topics is unusual.",
)
def nothing_unusual(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.AssetCheckResult:
    """Says each alert of the week; warns, and stops nothing."""
    alerts = pipeline.lake.read(MONITOR_ALERTS, partition=context.partition_key)
    return dg.AssetCheckResult(
        passed=alerts.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(alerts["sentence"]) or "Nothing is unusual.",
        metadata={"alerts": alerts.height, "sentences": markdown(alerts.select("sentence"))},
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
    """Latency, tokens, cost per success and failures of both arms, by subset."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=context.partition_key)
    report = monitoring.operations_of(pipeline, trials, scope=candidate.scope)
    return stored(
        pipeline,
        OPERATIONS_REPORT,
        report,
        partition=context.partition_key,
        metadata={
            "operations": markdown(report.filter(pl.col("subset") == "all")),
            "candidates": candidate_rows(pipeline),
            "ratios": markdown(report.filter(pl.col("metric").str.ends_with("_ratio"))),
            "candidate over baseline": plot(
                operations_chart(report), alt="candidate over baseline"
            ),
        },
    )
