"""The jobs: what a schedule, a sensor, a person or CI can start; each is a selection of assets."""

from typing import Final

import dagster as dg

from assets import (
    aa,
    adversarial,
    candidate_audit,
    clusters,
    confidence,
    contamination,
    continuation,
    drift,
    evaluation,
    gate,
    gate_audit,
    intake,
    judge_checks,
    judge_quality,
    judging,
    ledger,
    load,
    monitoring,
    outcome_tracking,
    privacy,
    review,
    shadow,
    triage,
    truth,
    weekly,
)
from assets.alerts import digest
from assets.run_resources import READS_LOGS, WAITS_FOR_MODELS

refresh: Final = dg.define_asset_job(
    "refresh",
    tags=READS_LOGS,
    description="The weekly job up to the queue for people: frame, draw, mask, judge, dispute.",
    selection=dg.AssetSelection.assets(
        intake.sampling_frame,
        intake.sampled_interactions,
        intake.anonymised_interactions,
        privacy.anonymisation_report,
        clusters.topic_clusters,
        intake.stratified_interactions,
        clusters.topic_mix,
        judging.verdicts,
        judging.refutations,
        judging.panel_verdicts,
        clusters.unnamed_failures,
        judging.disputes,
        monitoring.production_monitor,
        monitoring.quality_verdicts,
        monitoring.production_quality,
        monitoring.monitor_alerts,
    ),
)
monitor: Final = dg.define_asset_job(
    "monitor",
    tags=READS_LOGS,
    description="The week's production figures and alerts alone: the logs are counted again, and "
    "no model is asked.",
    selection=dg.AssetSelection.assets(monitoring.production_monitor, monitoring.monitor_alerts),
)
publish: Final = dg.define_asset_job(
    "publish",
    description="When the labels are in: settle them, calibrate the judges, publish a version.",
    selection=dg.AssetSelection.assets(
        review.annotator_agreement,
        review.adjudications,
        truth.judge_calibration,
        adversarial.synthetic_items,
        truth.golden_set,
        truth.golden_weights,
        contamination.contamination_findings,
        monitoring.outcome_validity,
        outcome_tracking.outcome_predictions,
        outcome_tracking.outcome_tracking,
    ),
)
check_judges: Final = dg.define_asset_job(
    "judge_checks",
    tags=WAITS_FOR_MODELS,
    description="What is wrong with the judges: asked again, asked in the other order, asked about "
    "frozen responses, and held against the labels.",
    selection=dg.AssetSelection.assets(
        judge_checks.judge_anchors,
        judge_checks.judge_probes,
        judge_checks.judge_biases,
        judge_quality.judge_reliability,
        judge_quality.judge_quality,
    ),
)
rerun: Final = dg.define_asset_job(
    "drift",
    tags=WAITS_FOR_MODELS,
    description="Old golden versions re-run on the pinned systems, and what has drifted.",
    selection=dg.AssetSelection.assets(
        evaluation.drift_trials,
        evaluation.drift_report,
        drift.drift_reference,
        drift.drift_signals,
        evaluation.rotation_effect,
    ),
)
pin: Final = dg.define_asset_job(
    "drift_pin",
    description="Reference runs of the pinned systems, which the weekly re-run is held against.",
    selection=dg.AssetSelection.assets(drift.drift_reference, drift.drift_signals),
)
evaluate: Final = dg.define_asset_job(
    "evaluate",
    tags=WAITS_FOR_MODELS,
    description="A candidate against the baseline: trials, paired report, operations.",
    selection=dg.AssetSelection.assets(
        contamination.candidate_contamination,
        evaluation.regression_trials,
        candidate_audit.candidate_audit,
        candidate_audit.human_correction,
        evaluation.regression_report,
        continuation.continuation_trials,
        continuation.continuation_report,
        evaluation.trial_dimensions,
        evaluation.dimension_report,
        confidence.confidence_curves,
        monitoring.operations_report,
    ),
)
audit: Final = dg.define_asset_job(
    "audit",
    description="What people said of a candidate's answers so far, and what it corrects.",
    selection=dg.AssetSelection.assets(
        candidate_audit.candidate_audit, candidate_audit.human_correction
    ),
)
decide: Final = dg.define_asset_job(
    "gate",
    tags=WAITS_FOR_MODELS,
    description="A candidate from trials to decision.",
    selection=dg.AssetSelection.assets(
        contamination.candidate_contamination,
        evaluation.regression_trials,
        candidate_audit.candidate_audit,
        candidate_audit.human_correction,
        evaluation.regression_report,
        continuation.continuation_trials,
        continuation.continuation_report,
        evaluation.trial_dimensions,
        evaluation.dimension_report,
        confidence.confidence_curves,
        monitoring.operations_report,
        gate.policy_records,
        gate.gate_decision,
        ledger.gate_ledger,
    ),
)
record: Final = dg.define_asset_job(
    "record",
    description="What named people decided about a candidate, from the store to the lake.",
    selection=dg.AssetSelection.assets(gate.policy_records),
)
ask_again: Final = dg.define_asset_job(
    "triage",
    description="What a candidate lost, asked again on both systems; which of it is systematic.",
    selection=dg.AssetSelection.assets(triage.failing_items, triage.failure_triage),
)
go_on: Final = dg.define_asset_job(
    "continue_gate",
    description="An undecided candidate on the reserve of later weeks, after its planned looks.",
    selection=dg.AssetSelection.assets(
        evaluation.regression_report,
        continuation.continuation_trials,
        continuation.continuation_report,
        gate.gate_decision,
        ledger.gate_ledger,
    ),
)
run_aa: Final = dg.define_asset_job(
    "aa",
    description="The baseline against itself through the gate: how noisy it is, how often it errs.",
    selection=dg.AssetSelection.assets(aa.aa_runs),
)
audit_gate: Final = dg.define_asset_job(
    "audit_gate",
    description="The gate held against planted faults, in copies of the week's evidence; no model "
    "is asked.",
    selection=dg.AssetSelection.assets(gate_audit.gate_audit),
)
tell_week: Final = dg.define_asset_job(
    "report",
    description="The week on one page for the product owner, as far as it was made.",
    selection=dg.AssetSelection.assets(weekly.weekly_report),
)
run_shadow: Final = dg.define_asset_job(
    "shadow",
    description="A candidate on production's own requests, recorded or mirrored, before a switch.",
    selection=dg.AssetSelection.assets(shadow.shadow_trials, shadow.shadow_report),
)
profile_load: Final = dg.define_asset_job(
    "load",
    description="One system under growing load: what it bears, what its provider allows.",
    selection=dg.AssetSelection.assets(load.load_profile),
)
ALL_JOBS: Final = (
    refresh,
    monitor,
    publish,
    check_judges,
    rerun,
    pin,
    evaluate,
    audit,
    decide,
    record,
    ask_again,
    go_on,
    run_aa,
    audit_gate,
    tell_week,
    digest,
    run_shadow,
    profile_load,
)
