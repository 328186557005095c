"""Judging assets: verdicts, the refuter, the panel, the queue for people, and how good judges are.

No prompt, vote or threshold belongs here.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.conventions import counts, markdown, stored, table_asset
from assets.intake import anonymised_interactions, stratified_interactions
from assets.reconciliation import CALLS_CHECK, calls_check
from eval_pipeline.flows import judging, queue, reconciliation
from eval_pipeline.flows.judge_weights import weights_before, weights_told
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.panel import criteria_reached, decide
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    DISPUTES,
    PANEL_VERDICTS,
    REFUTATIONS,
    STRATIFIED_INTERACTIONS,
    VERDICTS,
    require_reconciled,
)


@table_asset(
    VERDICTS,
    group="judging",
    kinds={"llm", "parquet"},
    deps=[anonymised_interactions],
    checks=CALLS_CHECK,
    automated=True,
)
def verdicts(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Asks every judge about every sampled response; each call is journaled before it counts."""
    week = context.partition_key
    anonymised = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    judged = judging.judge_week(pipeline, anonymised, week=week)
    reconciled = reconciliation.reconcile_verdicts(pipeline, anonymised, judged)
    yield calls_check(VERDICTS, reconciled)
    require_reconciled(reconciled, table=VERDICTS.name)
    yield stored(
        pipeline,
        VERDICTS,
        judged,
        partition=week,
        metadata={
            "verdicts": counts(judged, "judge_id", "status", "error_code", "verdict"),
            "criteria": markdown(criteria_reached(judged)),
            "families": judging.families_told(pipeline),
            "cost_usd": float(judged["cost_usd"].sum()),
        },
    )


@table_asset(
    REFUTATIONS,
    group="judging",
    kinds={"llm", "parquet"},
    deps=[anonymised_interactions, verdicts],
    checks=CALLS_CHECK,
    warnings={"refuter_stands_apart": "No pass rests on judges of the refuter's family alone."},
    automated=True,
)
def refutations(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Lets the refuter attack every response that the judges would pass."""
    week = context.partition_key
    anonymised = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    judged = pipeline.lake.read(VERDICTS, partition=week)
    found = judging.refute_week(pipeline, anonymised, judged, week=week)
    reconciled = reconciliation.reconcile_refutations(
        pipeline, anonymised, verdicts=judged, found=found, week=week
    )
    yield calls_check(REFUTATIONS, reconciled)
    require_reconciled(reconciled, table=REFUTATIONS.name)
    kin = judging.passed_by_the_refuters_family(pipeline, judged, found)
    yield dg.AssetCheckResult(
        asset_key=REFUTATIONS.name,
        check_name="refuter_stands_apart",
        passed=kin == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{kin} of {found.height} attacked passes rest on the refuter's family alone.",
        metadata={"passes": kin, "attacked": found.height},
    )
    yield stored(
        pipeline,
        REFUTATIONS,
        found,
        partition=week,
        metadata={
            "findings": counts(found, "status", "finding"),
            "quotes": counts(found, "finding", "quote_found"),
        },
    )


@table_asset(
    PANEL_VERDICTS,
    group="judging",
    kinds={"polars", "parquet"},
    deps=[verdicts, refutations],
    automated=True,
)
def panel_verdicts(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What the panel says of each response, or null where it has no strict majority."""
    week = context.partition_key
    weights = weights_before(pipeline, week=week)
    decided = decide(
        pipeline.lake.read(VERDICTS, partition=week),
        pipeline.lake.read(REFUTATIONS, partition=week),
        policy=pipeline.settings.panel,
        weights=weights,
    )
    return stored(
        pipeline,
        PANEL_VERDICTS,
        decided,
        partition=week,
        metadata={
            "panel": counts(decided, "panel_verdict", "reason"),
            "weights": weights_told(weights),
        },
    )


@table_asset(
    DISPUTES,
    group="judging",
    kinds={"polars", "parquet"},
    deps=[anonymised_interactions, stratified_interactions, panel_verdicts],
    automated=True,
)
def disputes(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Queues what the judges dispute, and a random audit slice, for two blind annotators."""
    week = context.partition_key
    queued = queue.queue_week(
        pipeline,
        anonymised=pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week),
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
        panel_verdicts=pipeline.lake.read(PANEL_VERDICTS, partition=week),
        week=week,
    )
    return stored(
        pipeline,
        DISPUTES,
        queued.disputes,
        partition=week,
        metadata={
            "queue": counts(queued.disputes, "selection", "reason"),
            "probabilities": markdown(queued.disputes.select("label_probability").describe()),
            **queued.told,
        },
    )
