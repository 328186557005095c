"""The week for the product owner: one page, its figures, and the same as JSON.

No figure, finding or next step belongs here.
"""

from typing import Any

import dagster as dg

from assets.clusters import unnamed_failures
from assets.conventions import across, markdown, plot, stored, table_asset
from assets.drift import drift_signals
from assets.evaluation import drift_report
from assets.gate import gate_decision
from assets.gate_audit import gate_audit
from assets.intake import sampling_frame
from assets.judge_quality import judge_quality, judge_reliability
from assets.judging import disputes, panel_verdicts, verdicts
from assets.monitoring import (
    monitor_alerts,
    outcome_validity,
    production_monitor,
    production_quality,
)
from assets.outcome_tracking import outcome_tracking
from assets.privacy import anonymisation_report
from assets.review import adjudications, annotator_agreement
from assets.truth import golden_set
from eval_pipeline.flows import weekly_page as weekly
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.weekly.summary import headline
from eval_pipeline.reports import weekly_page as report
from eval_pipeline.tables import WEEKLY_REPORT


@table_asset(
    WEEKLY_REPORT,
    group="gate",
    kinds={"polars", "parquet"},
    deps=[
        sampling_frame,
        anonymisation_report,
        production_quality,
        monitor_alerts,
        verdicts,
        panel_verdicts,
        unnamed_failures,
        disputes,
        annotator_agreement,
        adjudications,
        golden_set,
        judge_reliability,
        judge_quality,
        across(drift_report),
        across(drift_signals),
        across(production_monitor),
        outcome_validity,
        outcome_tracking,
        across(gate_audit),
        across(gate_decision),
    ],
    automated=True,
)
def weekly_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """The week on one page: what changed, what needs a person, and every figure behind it."""
    week = context.partition_key
    figures, known = weekly.report_week(pipeline, week=week)
    page = weekly.write_week(pipeline, figures, known)
    return stored(
        pipeline,
        WEEKLY_REPORT,
        figures,
        partition=week,
        metadata={
            "headline": headline(known),
            "needs a person": dg.MetadataValue.md(report.needs_in_words(known)),
            "figures": markdown(figures, limit=200),
            "missing": markdown(report.missing_in_words(known)),
            **{name: plot(svg, alt=name) for name, svg in report.charts(known).items()},
            "page": dg.MetadataValue.url(page) if "://" in page else dg.MetadataValue.path(page),
        },
    )
