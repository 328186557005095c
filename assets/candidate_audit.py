"""What people say of a candidate's answers, and what that corrects in its comparison.

Which answers are asked and how labels correct scores is decided in
`eval_pipeline.evaluation.human_correction`.
"""

from typing import Any

import dagster as dg

from assets.contamination import candidate_contamination
from assets.conventions import counts, markdown, stored, table_asset
from assets.evaluation import regression_trials
from assets.review import review_desk
from eval_pipeline.flows import candidate_audit as audits
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import CANDIDATE_AUDIT, HUMAN_CORRECTION


@table_asset(
    CANDIDATE_AUDIT,
    group="evaluation",
    kinds={"people", "parquet"},
    deps=[
        regression_trials,
        candidate_contamination,
        dg.AssetDep(review_desk, partition_mapping=dg.AllPartitionMapping()),
    ],
    automated=True,
)
def candidate_audit(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """The candidate's answers that people are asked about, and what they said of them so far."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    audit = audits.audit_candidate(pipeline, candidate)
    return stored(
        pipeline,
        CANDIDATE_AUDIT,
        audit,
        partition=context.partition_key,
        metadata={"answers": counts(audit, "label_stratum", "state")},
    )


@table_asset(
    HUMAN_CORRECTION,
    group="evaluation",
    kinds={"scipy", "parquet"},
    deps=[regression_trials, candidate_audit, candidate_contamination],
    automated=True,
)
def human_correction(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """People's difference minus the judges', and whether the labels suffice to correct the gate."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    audit = pipeline.lake.read(CANDIDATE_AUDIT, partition=context.partition_key)
    correction = audits.correct_candidate(pipeline, candidate, audit)
    return stored(
        pipeline,
        HUMAN_CORRECTION,
        correction,
        partition=context.partition_key,
        metadata={"rectifiers": markdown(correction)},
    )
