"""The adversarial share: real questions of the week, made hard on purpose.

No mutation and no rule of choice belongs here; they are `eval_pipeline.truth`.
"""

from typing import Any

import dagster as dg

from assets.conventions import counts, stored, table_asset
from assets.intake import anonymised_interactions, stratified_interactions
from assets.judging import panel_verdicts
from assets.review import adjudications
from eval_pipeline.flows import adversarial
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import SYNTHETIC_ITEMS


@table_asset(
    SYNTHETIC_ITEMS,
    group="truth",
    kinds={"polars", "parquet"},
    deps=[anonymised_interactions, stratified_interactions, panel_verdicts, adjudications],
    automated=True,
)
def synthetic_items(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Mutates sampled questions, to be answered or to be declined gracefully."""
    week = context.partition_key
    synthetic = adversarial.synthesise_week(pipeline, week=week)
    return stored(
        pipeline,
        SYNTHETIC_ITEMS,
        synthetic.items,
        partition=week,
        metadata={
            "mutations": counts(synthetic.items, "mutation", "route"),
            "masking": synthetic.told,
        },
    )
