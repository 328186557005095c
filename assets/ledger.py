"""The asset of the alpha ledger: which decision used which golden version, at which looks.

No rule belongs here; they stand in `eval_pipeline.evaluation.ledger`.
"""

from typing import Any

import dagster as dg

from assets.continuation import continuation_trials
from assets.conventions import markdown, stored, table_asset
from assets.evaluation import regression_trials
from assets.gate import gate_decision
from eval_pipeline.flows import ledger
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GATE_LEDGER


@table_asset(
    GATE_LEDGER,
    group="gate",
    kinds={"parquet"},
    deps=[gate_decision, regression_trials, continuation_trials],
    automated=True,
)
def gate_ledger(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Counts the decision's looks and its exposure of the golden version; once per content."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    decided = load_decision(pipeline, candidate.candidate_id)
    rows = ledger.enter_decision(pipeline, candidate, decided)
    return stored(
        pipeline,
        GATE_LEDGER,
        rows,
        partition=context.partition_key,
        metadata={"looks": markdown(rows.drop("decision_id", "candidate_id"))},
    )
