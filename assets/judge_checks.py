"""Checks of the judges, weekly: which responses are frozen, what judges said, what it shows.

No prompt, limit or test belongs here.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.conventions import counts, markdown, plot, stored, table_asset
from assets.intake import anonymised_interactions, stratified_interactions
from assets.judging import panel_verdicts, verdicts
from assets.review import adjudications
from assets.truth import judge_calibration
from eval_pipeline.flows import judge_checks
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import judge_checks as report
from eval_pipeline.tables import JUDGE_ANCHORS, JUDGE_BIASES, JUDGE_PROBES

WARNINGS = {"judges_within_limits": "No judge is shown to be beyond a limit of `judge_checks`."}


@table_asset(
    JUDGE_ANCHORS,
    group="calibration",
    kinds={"polars", "parquet"},
    deps=[judge_calibration],
    automated=True,
)
def judge_anchors(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Freezes labelled responses of earlier weeks; what is an anchor stays one."""
    week = context.partition_key
    anchors = judge_checks.anchors_of_week(pipeline, week=week)
    return stored(
        pipeline,
        JUDGE_ANCHORS,
        anchors,
        partition=week,
        metadata={"anchors": counts(anchors, "source", "label")},
    )


@table_asset(
    JUDGE_PROBES,
    group="calibration",
    kinds={"llm", "parquet"},
    deps=[judge_anchors, anonymised_interactions, verdicts],
    automated=True,
)
def judge_probes(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Asks the judges again, with the places swapped, about anchors, and about each other."""
    week = context.partition_key
    anchors = pipeline.lake.read(JUDGE_ANCHORS, partition=week)
    probes = judge_checks.probe_judges(pipeline, anchors, week=week)
    return stored(
        pipeline,
        JUDGE_PROBES,
        probes,
        partition=week,
        metadata={
            "probes": counts(probes, "probe", "judge_id", "status"),
            "cost_usd": float(probes["cost_usd"].sum()),
        },
    )


@table_asset(
    JUDGE_BIASES,
    group="calibration",
    kinds={"scipy", "parquet"},
    deps=[judge_probes, verdicts, panel_verdicts, adjudications, stratified_interactions],
    warnings=WARNINGS,
    automated=True,
)
def judge_biases(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """What the probes and all labels so far show of each judge, against the policy's limits."""
    week = context.partition_key
    probes = pipeline.lake.read(JUDGE_PROBES, partition=week)
    biases = judge_checks.measure_week(pipeline, probes, week=week)
    yield limits_check(biases)
    yield stored(
        pipeline,
        JUDGE_BIASES,
        biases,
        partition=week,
        metadata={
            "biases": markdown(report.in_words(biases)),
            "chart": plot(report.bias_chart(biases), alt="biases of judges"),
        },
    )


def limits_check(biases: pl.DataFrame) -> dg.AssetCheckResult:
    """One sentence per judge and measure beyond its limit; it stops nothing."""
    told = report.warnings(biases)
    (name,) = WARNINGS
    return dg.AssetCheckResult(
        asset_key=JUDGE_BIASES.name,
        check_name=name,
        passed=not told,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or "No judge is shown to be beyond a limit.",
        metadata={"findings": counts(biases, "finding")},
    )
