"""The gate asset: pass, block or inconclusive, per subset, by the product owner's policy.

No rule belongs here; they stand in `eval_pipeline.evaluation.gate`.
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from assets.aa import aa_runs
from assets.candidate_audit import human_correction
from assets.contamination import candidate_contamination
from assets.continuation import continuation_report
from assets.conventions import across, candidate_rows, counts, markdown, plot, stored, table_asset
from assets.drift import drift_signals
from assets.evaluation import (
    dimension_report,
    drift_report,
    regression_report,
    regression_trials,
)
from assets.gate_audit import gate_audit
from assets.judge_quality import judge_quality
from assets.monitoring import operations_report, outcome_validity, production_monitor
from assets.outcome_tracking import outcome_tracking
from assets.review import annotator_agreement
from assets.run_tags import tag_runs_behind
from assets.truth import judge_calibration
from eval_pipeline.evaluation.decision import newest_row
from eval_pipeline.flows import decision, decision_pages, page_evidence, waivers
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.replay import replay
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.inert_text import markdown_list
from eval_pipeline.reports import failure_costs, plots
from eval_pipeline.tables import GATE_DECISION, POLICY_RECORDS, REGRESSION_REPORT

REPLAY_CHECK: Final = {
    "decision_replays": "Made again from what was kept of it, the decision comes out the same."
}


@table_asset(
    POLICY_RECORDS,
    group="gate",
    kinds={"sqlalchemy", "parquet"},
    deps=[regression_trials],
    automated=True,
)
def policy_records(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Exports what named people decided about the candidate: waivers, approvals, promotions."""
    records = waivers.records_of(pipeline, context.partition_key)
    return stored(
        pipeline,
        POLICY_RECORDS,
        records,
        partition=context.partition_key,
        metadata={"records": counts(records, "action", "decided_by")},
    )


@table_asset(
    GATE_DECISION,
    group="gate",
    kinds={"scipy", "parquet"},
    deps=[
        regression_trials,
        regression_report,
        continuation_report,
        dimension_report,
        operations_report,
        candidate_contamination,
        policy_records,
        human_correction,
        across(judge_calibration),
        across(judge_quality),
        across(annotator_agreement),
        across(drift_report),
        across(drift_signals),
        across(aa_runs),
        across(gate_audit),
        across(production_monitor),
        across(outcome_validity),
        across(outcome_tracking),
    ],
    checks=REPLAY_CHECK,
    automated=True,
)
def gate_decision(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Decides on the candidate and writes the page that says why."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    decided = decision.decide_on(pipeline, candidate).decision
    page = decision_pages.write_pages(pipeline, candidate.candidate_id, decided)
    decisions = decision.with_earlier(pipeline, decided)
    yield _replay_check(pipeline, decided.decision_id)
    yield stored(
        pipeline,
        GATE_DECISION,
        decisions,
        partition=context.partition_key,
        metadata={
            "verdict": decided.verdict,
            "waived": decided.waived,
            "reasons": dg.MetadataValue.md(markdown_list(decided.reasons)),
            "page": dg.MetadataValue.path(page),
            "blocked": ", ".join(newest_row(decisions)["blocked_subsets"]) or "none",
            "decision": decided.decision_id,
            "runs": tag_runs_behind(
                context.instance,
                decision_id=decided.decision_id,
                candidate_id=context.partition_key,
                inputs=context.assets_def.dependency_keys,
                this_run=context.run.run_id,
            ),
            **_told(pipeline, candidate.candidate_id),
            "candidates": candidate_rows(pipeline, deciding=decided),
        },
    )


def _told(pipeline: Pipeline, candidate_id: str) -> dict[str, Any]:
    """The page's first table and charts: differences, and failure modes by cost."""
    report = pipeline.lake.read(REGRESSION_REPORT, partition=candidate_id)
    costs = page_evidence.costs_of(pipeline, candidate_id)
    shown = report.select("subset", "state", "difference", "lower", "upper", "margin", "items")
    return {
        "subsets": markdown(shown),
        "differences": plot(plots.forest(report), alt="differences per subset"),
        "failure modes": markdown(failure_costs.in_words(costs)),
        "cost of failure modes": plot(failure_costs.cost_chart(costs), alt="cost of failure modes"),
    }


def _replay_check(pipeline: Pipeline, decision_id: str) -> dg.AssetCheckResult:
    (name,) = REPLAY_CHECK
    again = replay(pipeline.decision_records.load(decision_id))
    return dg.AssetCheckResult(
        asset_key=GATE_DECISION.name,
        check_name=name,
        passed=again.identical,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(again.differences) or "The same to the last bit.",
    )
