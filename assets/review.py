"""Review assets: the desk outside, and the labels that people settled there.

Who labels what, and when labels count, is decided in `eval_pipeline.review`.
"""

from typing import Any

import dagster as dg

from assets.conventions import OWNERS, counts, markdown, numbered, plot, stored, table_asset, weekly
from assets.intake import stratified_interactions
from assets.judging import disputes
from eval_pipeline.flows import agreement, truth
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.agreement_plots import agreement_forest
from eval_pipeline.tables import ADJUDICATIONS, ANNOTATOR_AGREEMENT

review_desk = dg.AssetSpec(
    "review_desk",
    group_name=numbered("review"),
    owners=OWNERS,
    kinds={"people"},
    partitions_def=weekly,
    deps=[disputes],
    description="Two blind annotators and an adjudicator, in the operational store: "
    "`eval-pipeline review`.",
)


@table_asset(
    ANNOTATOR_AGREEMENT,
    group="review",
    kinds={"polars", "parquet"},
    deps=[stratified_interactions, disputes, review_desk],
)
def annotator_agreement(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """How far people agree, by subset, this week and over the last; made even where too little."""
    week = context.partition_key
    agreed = agreement.agreement_of_week(pipeline, week=week)
    return stored(
        pipeline,
        ANNOTATOR_AGREEMENT,
        agreed,
        partition=week,
        metadata={
            "agreement": plot(agreement_forest(agreed), alt="agreement of two people by subset"),
            "measures": markdown(agreed, limit=200),
            "readiness": truth.readiness(pipeline, week=week).reason,
        },
    )


@table_asset(
    ADJUDICATIONS, group="review", kinds={"polars", "parquet"}, deps=[disputes, review_desk]
)
def adjudications(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Exports the week's settled labels; fails while too few are settled to publish."""
    week = context.partition_key
    settled = truth.adjudicate_week(pipeline, week=week)
    return stored(
        pipeline,
        ADJUDICATIONS,
        settled,
        partition=week,
        metadata={"labels": counts(settled, "settled_by", "annotator_kind", "label")},
    )
