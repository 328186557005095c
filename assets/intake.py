"""Intake assets: which interactions, their masked text, and the subsets they belong to.

No sampling rule, recogniser or predicate belongs here.
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg
import polars as pl

from assets.contracts import LOG_CHECKS, LOG_WARNINGS, contract_check, contract_checks
from assets.conventions import OWNERS, counts, markdown, numbered, stored, table_asset, weekly
from assets.leaks import LEAK_CHECKS, leak_checks
from eval_pipeline.flows import intake
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.clusters import members_of
from eval_pipeline.intake.stratification import stratify
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    SAMPLED_INTERACTIONS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
    TOPIC_CLUSTERS,
)

production_logs = dg.AssetSpec(
    "production_logs",
    group_name=numbered("intake"),
    owners=OWNERS,
    kinds={"logs"},
    partitions_def=weekly,
    description="The team's own LLM logs, as they are; read in place, never copied.",
)


@table_asset(
    SAMPLING_FRAME,
    group="intake",
    kinds={"duckdb", "parquet"},
    deps=[production_logs],
    checks=LOG_CHECKS,
    warnings=LOG_WARNINGS,
)
def sampling_frame(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Counts the week's population per stratum, holds it to its contract, and allocates."""
    week = context.partition_key
    framed = intake.frame_week(pipeline, week=week)
    page = intake.write_contract_page(pipeline, framed, week=week)
    yield from contract_checks(SAMPLING_FRAME, framed.contract, page=page)
    intake.require_contract(framed.contract, subject=f"The week of {week}")
    yield stored(
        pipeline,
        SAMPLING_FRAME,
        framed.frame,
        partition=week,
        metadata={
            "interactions": framed.interactions,
            "quarantined": framed.quarantined,
            "steering": framed.told_steering,
            "allocation": markdown(framed.frame),
        },
    )


@table_asset(
    SAMPLED_INTERACTIONS,
    group="intake",
    kinds={"duckdb", "parquet"},
    deps=[sampling_frame],
    checks={"sample_design": "The draw is a probability sample: weights, positions, sizes agree."},
    automated=True,
)
def sampled_interactions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Draws the week's conversations by hash, stratified, from narrow columns: keys and no text."""
    week = context.partition_key
    drawn = intake.draw_week(pipeline, week=week)
    yield contract_check("sample_design", SAMPLED_INTERACTIONS, drawn.contract)
    intake.require_contract(drawn.contract, subject=f"The draw of {week}")
    yield stored(
        pipeline,
        SAMPLED_INTERACTIONS,
        drawn.sampled,
        partition=week,
        metadata={
            "drawn": counts(drawn.sampled, "stratum", "selection"),
            "against the earlier draw": drawn.told_redraw,
            "erased": drawn.erased,
        },
    )


@table_asset(
    ANONYMISED_INTERACTIONS,
    group="intake",
    kinds={"python", "parquet"},
    deps=[sampled_interactions],
    checks=LEAK_CHECKS,
    automated=True,
)
def anonymised_interactions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Reads the text of the drawn keys into memory and writes only its masked form."""
    week = context.partition_key
    sampled = pipeline.lake.read(SAMPLED_INTERACTIONS, partition=week)
    anonymised = intake.anonymise_week(pipeline, sampled, week=week)
    yield from leak_checks(anonymised.scans)
    masked = anonymised.interactions
    spans = masked.select(pl.col("masked").explode()).unnest("masked").drop_nulls()
    yield stored(
        pipeline,
        ANONYMISED_INTERACTIONS,
        masked,
        partition=week,
        metadata={
            "masked spans": markdown(
                spans.group_by("kind").agg(pl.col("spans").sum()).sort("kind")
            ),
            "suppressed": anonymised.told_suppression,
            "rewriting": anonymised.rewriting,
        },
    )


READING_LOGS: Final = (sampling_frame, sampled_interactions, anonymised_interactions)
"""From the logs to masked text: where these run together, no raw text leaves."""


@table_asset(
    STRATIFIED_INTERACTIONS,
    group="intake",
    kinds={"polars", "parquet"},
    # By name: the topics' module imports this one.
    deps=[sampled_interactions, anonymised_interactions, TOPIC_CLUSTERS.name],
    automated=True,
)
def stratified_interactions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Puts each interaction into the team's subsets; gives it its kind and topic cluster."""
    week = context.partition_key
    stratified = stratify(
        pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week),
        pipeline.lake.read(SAMPLED_INTERACTIONS, partition=week),
        subsets=pipeline.settings.subsets,
        clusters=members_of(pipeline.lake.read(TOPIC_CLUSTERS, partition=week)),
    )
    return stored(
        pipeline,
        STRATIFIED_INTERACTIONS,
        stratified,
        partition=week,
        metadata={
            "subsets": counts(
                stratified.explode("subsets").rename({"subsets": "subset"}), "subset", "selection"
            ),
            "in no subset": int((stratified["subsets"].list.len() == 0).sum()),
            "in no topic cluster": stratified["cluster"].null_count(),
        },
    )
