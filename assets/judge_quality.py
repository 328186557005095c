"""How good the judges are, weekly, beside how good people are: figures to hold limits against.

No measure and no limit belongs here.
"""

from typing import Any

import dagster as dg

from assets.conventions import counts, markdown, plot, stored, table_asset
from assets.intake import anonymised_interactions
from assets.judge_checks import judge_biases, judge_probes
from assets.judging import panel_verdicts, verdicts
from assets.review import adjudications
from eval_pipeline.flows import judge_quality as quality
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import judge_quality as report
from eval_pipeline.tables import JUDGE_QUALITY, JUDGE_RELIABILITY


@table_asset(
    JUDGE_RELIABILITY,
    group="calibration",
    kinds={"scipy", "parquet"},
    deps=[judge_probes, verdicts, panel_verdicts, adjudications, anonymised_interactions],
    automated=True,
)
def judge_reliability(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What graded verdicts say beside what people settled, bin by bin."""
    week = context.partition_key
    bins = quality.reliability_of_week(pipeline, week=week)
    return stored(
        pipeline,
        JUDGE_RELIABILITY,
        bins,
        partition=week,
        metadata={
            "bins": counts(bins, "judge_id", "rubric_id", "against"),
            "diagram": plot(report.reliability_diagram(bins), alt="reliability of judges"),
        },
    )


@table_asset(
    JUDGE_QUALITY,
    group="calibration",
    kinds={"scipy", "parquet"},
    deps=[
        judge_biases,
        judge_probes,
        verdicts,
        panel_verdicts,
        adjudications,
        anonymised_interactions,
    ],
    automated=True,
)
def judge_quality(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Every judge and the panel under every rubric in force, with the human ceiling beside."""
    week = context.partition_key
    measured = quality.quality_of_week(pipeline, week=week)
    return stored(
        pipeline,
        JUDGE_QUALITY,
        measured,
        partition=week,
        metadata={
            "judges": markdown(report.in_words(measured)),
            "agreement": plot(report.agreement_chart(measured), alt="judges against people"),
            "limits": markdown(report.against_limits(measured, pipeline.settings.gate.judges)),
        },
    )
