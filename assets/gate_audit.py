"""The asset of the gate's audit: known faults planted in copies of the week's evidence.

No fault, rate or limit belongs here; they stand in `eval_pipeline.evaluation.gate_audit`.
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from assets.aa import aa_runs
from assets.candidate_audit import human_correction
from assets.conventions import across, markdown, plot, stored, table_asset
from assets.drift import drift_reference
from assets.evaluation import drift_trials, regression_trials
from assets.judging import panel_verdicts, verdicts
from assets.review import adjudications
from assets.truth import golden_set
from eval_pipeline.evaluation.gate_audit.sentences import problem_sentences
from eval_pipeline.flows import gate_audit as flow
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import gate_audit_plots
from eval_pipeline.reports.gate_audit_words import audit_in_words
from eval_pipeline.tables import GATE_AUDIT

AUDIT_CHECK: Final = {
    "gate_keeps_its_rates": "No rate of misses or of false blocks is proven above what is allowed."
}


@table_asset(
    GATE_AUDIT,
    group="gate",
    kinds={"scipy", "parquet"},
    deps=[
        golden_set,
        adjudications,
        verdicts,
        panel_verdicts,
        across(drift_trials),
        across(drift_reference),
        across(aa_runs),
        across(regression_trials),
        across(human_correction),
    ],
    warnings=AUDIT_CHECK,
    automated=True,
)
def gate_audit(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """What the gate makes of faults that were planted on purpose: misses and false blocks."""
    week = context.partition_key
    audit = flow.audit_week(pipeline, week=week)
    until_now = flow.audits_through(pipeline, audit, week=week)
    yield _kept_check(problem_sentences(audit))
    yield stored(
        pipeline,
        GATE_AUDIT,
        audit,
        partition=week,
        metadata={
            "rates": markdown(audit_in_words(audit), limit=200),
            "by week": plot(
                gate_audit_plots.audit_timeline(until_now), alt="misses and false blocks by week"
            ),
        },
    )


def _kept_check(problems: list[str]) -> dg.AssetCheckResult:
    (name,) = AUDIT_CHECK
    return dg.AssetCheckResult(
        asset_key=GATE_AUDIT.name,
        check_name=name,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(problems) or "Every planted fault was met as the policy promises.",
    )
