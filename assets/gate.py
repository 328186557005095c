"""The gate asset: pass, block or inconclusive, per subset, by the product owner's policy.

No rule belongs here; they stand in `eval_pipeline.evaluation.gate`.
"""

from typing import Any

import dagster as dg

from assets.contamination import candidate_contamination
from assets.conventions import across, stored, table_asset
from assets.evaluation import (
    dimension_report,
    drift_report,
    regression_report,
    regression_trials,
)
from assets.monitoring import operations_report, outcome_validity, production_monitor
from assets.review import annotator_agreement
from assets.truth import judge_calibration
from eval_pipeline.evaluation.decision import decision_row
from eval_pipeline.flows import decision
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GATE_DECISION


@table_asset(
    GATE_DECISION,
    group="gate",
    kinds={"scipy", "parquet"},
    deps=[
        regression_trials,
        regression_report,
        dimension_report,
        operations_report,
        candidate_contamination,
        across(judge_calibration),
        across(annotator_agreement),
        across(drift_report),
        across(production_monitor),
        across(outcome_validity),
    ],
    automated=True,
)
def gate_decision(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Decides on the candidate and writes the page that says why."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    decided = decision.decide_on(pipeline, candidate)
    page = decision.write_pages(pipeline, candidate.candidate_id, decided)
    row = decision_row(decided)
    return stored(
        pipeline,
        GATE_DECISION,
        row,
        partition=context.partition_key,
        metadata={
            "verdict": decided.verdict,
            "reasons": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in decided.reasons)),
            "page": dg.MetadataValue.path(page),
            "blocked": ", ".join(row["blocked_subsets"][0]) or "none",
        },
    )
