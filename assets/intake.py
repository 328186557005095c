"""Intake assets: which interactions, their masked text, and the subsets they belong to.

No sampling rule, recogniser or predicate belongs here.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.contracts import contract_check
from assets.conventions import OWNERS, counts, markdown, stored, table_asset, weekly
from eval_pipeline.flows import intake
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.stratification import stratify
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    SAMPLED_INTERACTIONS,
    STRATIFIED_INTERACTIONS,
)

production_logs = dg.AssetSpec(
    "production_logs",
    group_name="intake",
    owners=OWNERS,
    kinds={"logs"},
    partitions_def=weekly,
    description="The team's own LLM logs, as they are; read in place, never copied.",
)


@table_asset(
    SAMPLED_INTERACTIONS,
    group="intake",
    kinds={"duckdb", "parquet"},
    deps=[production_logs],
    checks={"logs_contract": "The week's logs and the draw keep the configured data contract."},
)
def sampled_interactions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Draws the week's conversations by hash, stratified, from narrow columns: keys and no text."""
    week = context.partition_key
    drawn = intake.draw_week(pipeline, week=week)
    yield contract_check("logs_contract", SAMPLED_INTERACTIONS, drawn.contract)
    intake.require_contract(drawn.contract, subject=f"The week of {week}")
    allocation = drawn.sampled.group_by("stratum").agg(
        pl.col("population_size").first(), pl.col("allocated").first(), pl.col("drawn").first()
    )
    yield stored(
        pipeline,
        SAMPLED_INTERACTIONS,
        drawn.sampled,
        partition=week,
        metadata={
            "interactions": drawn.interactions,
            "quarantined": drawn.quarantined,
            "allocation": markdown(allocation.sort("stratum")),
        },
    )


@table_asset(
    ANONYMISED_INTERACTIONS,
    group="intake",
    kinds={"python", "parquet"},
    deps=[sampled_interactions],
    automated=True,
)
def anonymised_interactions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Reads the text of the drawn keys into memory and writes only its masked form."""
    week = context.partition_key
    sampled = pipeline.lake.read(SAMPLED_INTERACTIONS, partition=week)
    anonymised = intake.anonymise_week(pipeline, sampled, week=week)
    masked = anonymised.select(pl.col("masked").explode()).unnest("masked").drop_nulls()
    return stored(
        pipeline,
        ANONYMISED_INTERACTIONS,
        anonymised,
        partition=week,
        metadata={
            "masked spans": markdown(
                masked.group_by("kind").agg(pl.col("spans").sum()).sort("kind")
            )
        },
    )


@table_asset(
    STRATIFIED_INTERACTIONS,
    group="intake",
    kinds={"polars", "parquet"},
    deps=[sampled_interactions, anonymised_interactions],
    automated=True,
)
def stratified_interactions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Puts each interaction into the team's named subsets, and gives it its kind."""
    week = context.partition_key
    stratified = stratify(
        pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week),
        pipeline.lake.read(SAMPLED_INTERACTIONS, partition=week),
        subsets=pipeline.settings.subsets,
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
        },
    )
