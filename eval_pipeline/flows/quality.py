"""Production's quality: the reserve judged beside the sample, and what share of traffic passes."""

from dataclasses import dataclass

import polars as pl

from eval_pipeline.flows.judge_weights import weights_before
from eval_pipeline.flows.judging import judge_week, refute_week
from eval_pipeline.flows.monitoring import monitored_until
from eval_pipeline.flows.reconciliation import reconcile_refutations, reconcile_verdicts
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.panel import decide
from eval_pipeline.monitoring.quality import further_to_judge, measure_quality
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    PANEL_VERDICTS,
    PRODUCTION_QUALITY,
    QUALITY_VERDICTS,
    RECONCILED,
    REFUTATIONS,
    SAMPLED_INTERACTIONS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
    VERDICTS,
)


@dataclass(frozen=True)
class FurtherVerdicts:
    """What the panel says of the reserve's interactions, and whether each call is told."""

    panel: pl.DataFrame
    reconciled: pl.DataFrame
    asked: int
    cost_usd: float


def judge_further(pipeline: Pipeline, *, week: str) -> FurtherVerdicts:
    """Judges and refutes so much of the reserve that the judged share is reached.

    Its calls are the week's, as those of the sample are. Raises as the weekly judging does if too
    many judges did not answer.
    """
    ids = further_of_week(pipeline, week=week)
    if not ids:
        return FurtherVerdicts(QUALITY_VERDICTS.empty(), pl.DataFrame(schema=RECONCILED), 0, 0.0)
    anonymised = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    # The judging reads what is marked as sample; here these stand for it.
    chosen = anonymised.filter(pl.col("interaction_id").is_in(ids)).with_columns(
        selection=pl.lit("sample")
    )
    verdicts = VERDICTS.conform(judge_week(pipeline, chosen, week=week))
    refutations = REFUTATIONS.conform(refute_week(pipeline, chosen, verdicts, week=week))
    reconciled = pl.concat(
        [
            reconcile_verdicts(pipeline, chosen, verdicts),
            reconcile_refutations(
                pipeline, chosen, verdicts=verdicts, found=refutations, week=week
            ),
        ]
    )
    panel = decide(
        verdicts,
        refutations,
        policy=pipeline.settings.panel,
        weights=weights_before(pipeline, week=week),
    )
    spent = float(verdicts["cost_usd"].sum()) + float(refutations["cost_usd"].sum())
    return FurtherVerdicts(panel, reconciled, len(ids), spent)


def quality_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """PRODUCTION_QUALITY: the sample's verdicts and the reserve's, against earlier weeks."""
    lake = pipeline.lake
    panel = [lake.read(table, partition=week) for table in (PANEL_VERDICTS, QUALITY_VERDICTS)]
    history = monitored_until(pipeline, PRODUCTION_QUALITY, week=week)
    return measure_quality(
        sampled=lake.read(SAMPLED_INTERACTIONS, partition=week),
        stratified=lake.read(STRATIFIED_INTERACTIONS, partition=week),
        panel=pl.concat(panel),
        further=further_of_week(pipeline, week=week),
        interactions=interactions_of_week(pipeline, week=week),
        history=history.filter(pl.col("week") < week),
        week=week,
        policy=pipeline.settings.monitor,
    )


def further_of_week(pipeline: Pipeline, *, week: str) -> list[str]:
    """The reserve's interactions that the judged share asks for."""
    return further_to_judge(
        pipeline.lake.read(SAMPLED_INTERACTIONS, partition=week),
        interactions=interactions_of_week(pipeline, week=week),
        policy=pipeline.settings.monitor,
    )


def interactions_of_week(pipeline: Pipeline, *, week: str) -> int:
    """How many interactions the week's frame holds."""
    return int(pipeline.lake.read(SAMPLING_FRAME, partition=week)["interactions"].sum())


def judged_told(pipeline: Pipeline, quality: pl.DataFrame) -> str:
    """How much of the traffic was judged, and what kept it from being more."""
    policy = pipeline.settings.monitor
    of_all = quality.row(by_predicate=pl.col("subset") == "all", named=True)
    share = of_all["judged_share"] or 0.0
    told = (
        f"{of_all['judged']} interactions, {share:.4f} of the week's traffic; asked for are "
        f"{policy.quality_share}. {of_all['unanswerable']} more were drawn and have no response."
    )
    if share >= policy.quality_share:
        return told
    full = of_all["from_reserve"] >= policy.quality_maximum
    why = "`monitor.quality_maximum`" if full else "the reserve"
    return f"{told} What is lacking was ended by {why}."
