"""The asset of confidence against accuracy; what is right and supported stands elsewhere."""

from typing import Any

import dagster as dg

from assets.contamination import candidate_contamination
from assets.conventions import markdown, plot, stored, table_asset
from assets.evaluation import regression_trials
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.confidence import curves_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.inert_text import markdown_list
from eval_pipeline.reports.confidence import confidence_sentences
from eval_pipeline.reports.confidence_plots import coverage_chart
from eval_pipeline.tables import CONFIDENCE_CURVES, REGRESSION_TRIALS


@table_asset(
    CONFIDENCE_CURVES,
    group="evaluation",
    kinds={"scipy", "parquet"},
    deps=[regression_trials, candidate_contamination],
    automated=True,
)
def confidence_curves(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """How right both systems are by how sure they say they are, and the threshold it supports."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=context.partition_key)
    curves = curves_of(pipeline, candidate, trials)
    supported = curves.filter(curves["supported"])
    return stored(
        pipeline,
        CONFIDENCE_CURVES,
        curves,
        partition=context.partition_key,
        metadata={
            "findings": dg.MetadataValue.md(markdown_list(confidence_sentences(curves))),
            "supported": markdown(supported.select("arm", "subset", "threshold", "accuracy")),
            "curves": plot(coverage_chart(curves), alt="accuracy against coverage"),
        },
    )
