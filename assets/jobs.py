"""The jobs: what a schedule, a sensor, a person or CI can start; each is a selection of assets."""

from typing import Final

import dagster as dg

from assets import (
    adversarial,
    clusters,
    contamination,
    evaluation,
    gate,
    intake,
    judge_checks,
    judging,
    monitoring,
    privacy,
    review,
    truth,
)

refresh: Final = dg.define_asset_job(
    "refresh",
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
    ),
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
    ),
)
check_judges: Final = dg.define_asset_job(
    "judge_checks",
    description="What is wrong with the judges: asked again, asked in the other order, asked about "
    "frozen responses, and held against the labels.",
    selection=dg.AssetSelection.assets(
        judge_checks.judge_anchors, judge_checks.judge_probes, judge_checks.judge_biases
    ),
)
drift: Final = dg.define_asset_job(
    "drift",
    description="Old golden versions re-run on the pinned systems, and what has drifted.",
    selection=dg.AssetSelection.assets(
        evaluation.drift_trials, evaluation.drift_report, evaluation.rotation_effect
    ),
)
evaluate: Final = dg.define_asset_job(
    "evaluate",
    description="A candidate against the baseline: trials, paired report, operations.",
    selection=dg.AssetSelection.assets(
        contamination.candidate_contamination,
        evaluation.regression_trials,
        evaluation.regression_report,
        evaluation.trial_dimensions,
        evaluation.dimension_report,
        monitoring.operations_report,
    ),
)
decide: Final = dg.define_asset_job(
    "gate",
    description="A candidate from trials to decision.",
    selection=dg.AssetSelection.assets(
        contamination.candidate_contamination,
        evaluation.regression_trials,
        evaluation.regression_report,
        evaluation.trial_dimensions,
        evaluation.dimension_report,
        monitoring.operations_report,
        gate.gate_decision,
    ),
)
ALL_JOBS: Final = (refresh, publish, check_judges, drift, evaluate, decide)
