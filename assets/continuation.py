"""Assets of what is asked after the last planned look, and of what its e-processes say.

No rule belongs here; they stand in `eval_pipeline.evaluation.continuation`.
"""

from typing import Any

import dagster as dg

from assets.conventions import counts, markdown, stored, table_asset
from assets.evaluation import regression_report, regression_trials
from eval_pipeline.flows import continuation
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import CONTINUATION_REPORT, CONTINUATION_TRIALS


# Not automated: it asks both systems, so a person or a job says when.
@table_asset(
    CONTINUATION_TRIALS,
    group="evaluation",
    kinds={"llm", "parquet"},
    deps=[regression_trials, regression_report],
)
def continuation_trials(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Both systems on the reserve of later weeks, where the planned looks decided nothing."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = continuation.continue_candidate(pipeline, candidate)
    return stored(
        pipeline,
        CONTINUATION_TRIALS,
        trials,
        partition=context.partition_key,
        metadata={
            "trials": counts(trials, "week", "arm", "status"),
            "cost_usd": float(trials["cost_usd"].sum()),
        },
    )


@table_asset(
    CONTINUATION_REPORT,
    group="evaluation",
    kinds={"scipy", "parquet"},
    deps=[continuation_trials, regression_report],
    automated=True,
)
def continuation_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """E-values per undecided subset: what the further items certify, and what harm they prove."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    report = continuation.report_on_continuation(pipeline, candidate)
    return stored(
        pipeline,
        CONTINUATION_REPORT,
        report,
        partition=context.partition_key,
        metadata={"subsets": markdown(report)},
    )
