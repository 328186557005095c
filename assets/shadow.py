"""Shadow mode: a candidate's answers to production's own requests, beside production's.

Evidence before the switch: no verdict rests on it, and no test or threshold belongs here.
"""

from dataclasses import asdict
from typing import Any

import dagster as dg
import polars as pl

from assets.conventions import across, counts, markdown, plot, stored, table_asset
from assets.intake import anonymised_interactions, sampled_interactions, stratified_interactions
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.shadow.asking import ShadowOrder, shadow_candidate
from eval_pipeline.flows.shadow.beside import rewrite_page
from eval_pipeline.flows.shadow.reporting import report_shadow
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports import plots
from eval_pipeline.reports import shadow as told
from eval_pipeline.tables import SHADOW_REPORT, SHADOW_TRIALS


class ShadowConfig(dg.Config):
    """What is shadowed in this run: a week's recorded requests, both asked anew, or live pairs."""

    source: str = "recorded"
    week: str | None = None
    maximum_items: int | None = None

    def order(self) -> ShadowOrder:
        """The order; raises `SettingsError` for a source that there is not."""
        return ShadowOrder.checked(self.source, week=self.week, maximum_items=self.maximum_items)


# Not automated: it asks systems, so a person or a job says when.
@table_asset(
    SHADOW_TRIALS,
    group="evaluation",
    kinds={"llm", "parquet"},
    deps=[
        across(sampled_interactions),
        across(anonymised_interactions),
        across(stratified_interactions),
    ],
)
def shadow_trials(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline], config: ShadowConfig
) -> dg.MaterializeResult[Any]:
    """The candidate asked what production was asked, both answers scored as trials are."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    order = config.order()
    trials = shadow_candidate(pipeline, candidate, order)
    return stored(
        pipeline,
        SHADOW_TRIALS,
        trials,
        partition=context.partition_key,
        metadata={
            "order": asdict(order),
            "trials": counts(trials, "source", "week", "arm", "status"),
            "cost_usd": float(trials.filter(pl.col("arm") == "candidate")["cost_usd"].sum()),
        },
    )


@table_asset(
    SHADOW_REPORT,
    group="evaluation",
    kinds={"scipy", "parquet"},
    deps=[shadow_trials],
    automated=True,
)
def shadow_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Both arms on production's requests, per subset; said beside the decision, no part of it."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = pipeline.lake.read(SHADOW_TRIALS, partition=context.partition_key)
    report = report_shadow(pipeline, candidate, trials)
    newest = told.newest(report)
    result = stored(
        pipeline,
        SHADOW_REPORT,
        report,
        partition=context.partition_key,
        metadata={
            "sentences": dg.MetadataValue.md(told.as_list(report)),
            "subsets": markdown(told.in_words(newest)),
            "operations": markdown(told.figures_of(newest)),
            "fates": markdown(told.fates_of(newest)),
            "differences": plot(plots.forest(newest), alt="differences per subset, in shadow"),
        },
    )
    rewrite_page(pipeline, candidate.candidate_id)
    return result
