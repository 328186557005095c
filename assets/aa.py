"""The asset of the A/A run: the baseline against itself, through the gate.

No rule belongs here; they stand in `eval_pipeline.evaluation.aa`.
"""

from typing import Any

import dagster as dg

from assets.conventions import across, markdown, stored, table_asset
from assets.intake import stratified_interactions
from assets.truth import golden_set, golden_weights
from eval_pipeline.flows import aa
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import AA_RUNS


# Not automated: it asks the baseline twice, so a person or a schedule says when.
@table_asset(
    AA_RUNS,
    group="evaluation",
    kinds={"llm", "scipy", "parquet"},
    deps=[across(golden_set), across(golden_weights), across(stratified_interactions)],
)
def aa_runs(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What the gate says of a baseline held against itself, and how often its answers flip."""
    runs = aa.run_aa(pipeline, week=context.partition_key)
    shown = runs.select("subset", "state", "difference", "lower", "upper", "discordance", "items")
    return stored(
        pipeline,
        AA_RUNS,
        runs,
        partition=context.partition_key,
        metadata={
            "verdict": runs["verdict"][0],
            "subsets": markdown(shown),
            "cost_usd": float(runs["run_cost_usd"][0]),
        },
    )
