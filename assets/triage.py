"""After a decision: what a candidate lost, asked again, and what of it is systematic.

Evidence for people: no verdict rests on it, and no test or threshold belongs here.
"""

from typing import Any

import dagster as dg

from assets.clusters import topic_clusters
from assets.conventions import across, counts, markdown, plot, stored, table_asset
from assets.evaluation import drift_trials, regression_report, regression_trials
from assets.gate import gate_decision
from assets.truth import golden_set, golden_weights
from eval_pipeline.flows import page_evidence, triage
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import failure_costs
from eval_pipeline.reports import triage as report
from eval_pipeline.tables import FAILING_ITEMS, FAILURE_TRIAGE


@table_asset(
    FAILING_ITEMS,
    group="gate",
    kinds={"llm", "parquet"},
    deps=[
        regression_trials,
        regression_report,
        gate_decision,
        across(golden_set),
        across(golden_weights),
        across(drift_trials),
    ],
    automated=True,
)
def failing_items(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Asks both systems again about the dearest items that the candidate lost."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    failing = triage.ask_failing_again(pipeline, candidate)
    return stored(
        pipeline,
        FAILING_ITEMS,
        failing,
        partition=context.partition_key,
        metadata={
            "findings": counts(failing, "finding"),
            "cost_usd": float(failing["cost_usd"].sum()),
        },
    )


@table_asset(
    FAILURE_TRIAGE,
    group="gate",
    kinds={"scipy", "parquet"},
    deps=[failing_items, regression_trials, across(topic_clusters)],
    automated=True,
)
def failure_triage(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Slices that lost more than chance, named failure modes by cost; then the page once more."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    failing = pipeline.lake.read(FAILING_ITEMS, partition=context.partition_key)
    found = triage.triage_candidate(pipeline, candidate, failing)
    rows = pipeline.lake.replace(FAILURE_TRIAGE, found, partition=context.partition_key)
    costs = page_evidence.costs_of(pipeline, candidate.candidate_id)
    triage.write_page_again(pipeline, candidate.candidate_id)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "sentences": dg.MetadataValue.md(report.as_list(found)),
            "modes": markdown(report.modes_in_words(found)),
            "cost": markdown(failure_costs.in_words(costs)),
            "cost of modes": plot(failure_costs.cost_chart(costs), alt="cost of failure modes"),
        },
    )
