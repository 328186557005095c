"""Predictions of production's outcome by offline scores, and whether they still come true.

No link, interval or detector belongs here; they stand in
`eval_pipeline.monitoring.outcome_tracking`.
"""

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

from assets.conventions import across, markdown, plot, stored, table_asset
from assets.evaluation import drift_trials
from assets.intake import anonymised_interactions, sampling_frame, stratified_interactions
from assets.monitoring import production_monitor
from assets.review import adjudications
from eval_pipeline.flows import outcome_tracking as flow
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import outcome_plots
from eval_pipeline.tables import OUTCOME_PREDICTIONS, OUTCOME_TRACKING

TRACKING_CHECK: Final = {
    "outcome_tracked": "Offline scores still foretell the outcome that production shows."
}


@table_asset(
    OUTCOME_PREDICTIONS,
    group="monitoring",
    kinds={"scipy", "parquet"},
    deps=[
        anonymised_interactions,
        stratified_interactions,
        sampling_frame,
        adjudications,
        production_monitor,
        across(drift_trials),
    ],
    automated=True,
)
def outcome_predictions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """The outcome that offline scores foretold, frozen, beside what production showed."""
    week = context.partition_key
    predictions = flow.predict_outcome(pipeline, week=week)
    return stored(
        pipeline,
        OUTCOME_PREDICTIONS,
        predictions,
        partition=week,
        metadata={"predictions": markdown(outcome_plots.predictions_in_words(predictions))},
    )


@table_asset(
    OUTCOME_TRACKING,
    group="monitoring",
    kinds={"scipy", "parquet"},
    deps=[outcome_predictions],
    warnings=TRACKING_CHECK,
    automated=True,
)
def outcome_tracking(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """How well the outcome was foretold so far, and a warning where it no longer is."""
    week = context.partition_key
    tracking = flow.follow_outcome(pipeline, week=week)
    timeline = flow.predictions_until(pipeline, week=week, through=True)
    yield _tracked_check(outcome_plots.warnings(tracking))
    yield stored(
        pipeline,
        OUTCOME_TRACKING,
        tracking,
        partition=week,
        metadata={
            "tracking": markdown(outcome_plots.tracking_in_words(tracking)),
            "by week": plot(
                outcome_plots.prediction_timeline(timeline),
                alt="predicted intervals and outcomes by week",
            ),
            "calibration": plot(
                outcome_plots.calibration_scatter(timeline, tracking),
                alt="outcomes against predictions, and the calibration line",
            ),
        },
    )


def _tracked_check(warnings: list[str]) -> dg.AssetCheckResult:
    (name,) = TRACKING_CHECK
    return dg.AssetCheckResult(
        asset_key=OUTCOME_TRACKING.name,
        check_name=name,
        passed=not warnings,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(warnings) or "No prediction has begun to miss.",
    )
