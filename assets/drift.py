"""Drift signals: reference runs of pinned systems, and the week's re-run against their noise.

No statistic belongs here; noise floor, detectors and attribution stand in
`eval_pipeline.evaluation.drift_detection`.
"""

from dataclasses import asdict
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field

from assets.conventions import across, counts, markdown, plot, table_asset
from assets.evaluation import drift_report, drift_trials
from assets.truth import golden_set
from eval_pipeline.evaluation.drift_detection.pinning import PinOrder
from eval_pipeline.flows import drift_reference as reference_flow
from eval_pipeline.flows import drift_signals as signals_flow
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import drift_plots
from eval_pipeline.tables import DRIFT_REFERENCE, DRIFT_SIGNALS


class PinConfig(dg.Config):
    """What a person asks of the reference in this run; by itself a run asks nothing."""

    pin: bool = False
    systems: list[str] = Field(default_factory=list)
    runs: int | None = None
    again: bool = False

    def order(self) -> PinOrder | None:
        """The order, or null where nobody gave one."""
        if not self.pin:
            return None
        return PinOrder(systems=tuple(self.systems), runs=self.runs, again=self.again)


@table_asset(
    DRIFT_REFERENCE,
    group="drift",
    kinds={"llm", "parquet"},
    deps=[drift_trials, drift_report, across(golden_set)],
    automated=True,
)
def drift_reference(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline], config: PinConfig
) -> dg.MaterializeResult[Any]:
    """Reference runs that were missing: of items that have come since, or as a person ordered."""
    week = context.partition_key
    runs = reference_flow.complete_reference(pipeline, week=week, order=config.order())
    rows = pipeline.lake.replace(DRIFT_REFERENCE, runs, partition=week)
    states = reference_flow.pin_states(pipeline, week=week)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "runs": counts(runs, "system_id", "pinned_week", "stream", "run"),
            "references": markdown(
                pl.DataFrame([asdict(state) for state in states], schema=reference_flow.PIN_COLUMNS)
            ),
        }
    )


@table_asset(
    DRIFT_SIGNALS,
    group="drift",
    kinds={"scipy", "parquet"},
    deps=[drift_trials, drift_reference],
    automated=True,
)
def drift_signals(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """The week's re-run against the noise of the reference: alarms, and whose change they are."""
    week = context.partition_key
    signals = signals_flow.signal_week(pipeline, week=week)
    rows = pipeline.lake.replace(DRIFT_SIGNALS, signals, partition=week)
    timeline = signals_flow.signals_before(pipeline, week=week, through=True)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "signals": markdown(drift_plots.in_words(signals)),
            "timeline": plot(
                drift_plots.signal_timeline(
                    timeline, threshold=pipeline.settings.drift.cusum_threshold
                ),
                alt="re-runs against their reference, and the sums that alarm",
            ),
        },
    )
