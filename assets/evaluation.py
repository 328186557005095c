"""Evaluation assets: old versions re-run each week, and candidates against the baseline.

No statistic belongs here; what a trial, a look or a drift component is stands in
`eval_pipeline.evaluation`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.contamination import (
    VERBATIM_CHECK,
    candidate_contamination,
    memorisation_check,
)
from assets.conventions import across, counts, markdown, plot, stored, table_asset
from assets.intake import anonymised_interactions, stratified_interactions
from assets.reconciliation import CALLS_CHECK, calls_check
from assets.truth import golden_set, golden_weights
from eval_pipeline.flows import (
    dimensions,
    drift,
    drift_history,
    memorisation,
    planning,
    reconciliation,
    regression,
)
from eval_pipeline.flows import rotation_effect as rotation
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.judge_weights import weights_before, weights_told
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.pairwise import order_effects
from eval_pipeline.reports import decomposition_plots, plots, rotation_plots
from eval_pipeline.reports.decomposition_words import moved
from eval_pipeline.tables import (
    DIMENSION_REPORT,
    DRIFT_REPORT,
    DRIFT_TRIALS,
    HUMAN_CORRECTION,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
    ROTATION_EFFECT,
    TRIAL_DIMENSIONS,
    require_reconciled,
)


@table_asset(
    DRIFT_TRIALS,
    group="drift",
    kinds={"llm", "parquet"},
    deps=[across(golden_set)],
    checks=CALLS_CHECK,
    warnings=VERBATIM_CHECK,
)
def drift_trials(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Asks the pinned systems the old versions' items again, and scores old answers again."""
    week = context.partition_key
    trials = drift.rerun_week(pipeline, week=week)
    reconciled = reconciliation.reconcile_drift(pipeline, trials, week=week)
    yield calls_check(DRIFT_TRIALS, reconciled)
    require_reconciled(reconciled, table=DRIFT_TRIALS.name)
    memorised = memorisation.memorised_this_week(pipeline, trials)
    yield memorisation_check(pipeline, DRIFT_TRIALS, memorised)
    yield stored(
        pipeline,
        DRIFT_TRIALS,
        trials,
        partition=week,
        metadata={
            "trials": counts(trials, "system_id", "stream", "status"),
            "served": counts(trials, "system_id", "served_model", "system_fingerprint"),
        },
    )


@table_asset(
    DRIFT_REPORT,
    group="drift",
    kinds={"scipy", "parquet"},
    deps=[drift_trials, stratified_interactions],
    automated=True,
)
def drift_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What moved the live score since a named week: truth, judge, provider and the traffic."""
    week = context.partition_key
    trials = pipeline.lake.read(DRIFT_TRIALS, partition=week)
    report = drift.report_week(pipeline, trials, week=week)
    found = report.filter(pl.col("finding") == "drift")
    return stored(
        pipeline,
        DRIFT_REPORT,
        report,
        partition=week,
        metadata={
            "drift": markdown(found) if found.height else "within noise",
            "components": markdown(report.filter(pl.col("subset") == "all")),
            "moved": " ".join(moved(report)),
            "timeline": plot(
                drift_history.timeline_until(pipeline, report, week=week), alt="drift by week"
            ),
            "waterfall": plot(
                decomposition_plots.waterfall(report), alt="what moved the score, part by part"
            ),
        },
    )


@table_asset(
    ROTATION_EFFECT,
    group="drift",
    kinds={"scipy", "parquet"},
    deps=[drift_trials, across(golden_set)],
    automated=True,
)
def rotation_effect(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """How far scores of consecutive versions compare: exits, revisions and entries told apart."""
    week = context.partition_key
    effects = rotation.rotation_of_week(pipeline, week=week)
    return stored(
        pipeline,
        ROTATION_EFFECT,
        effects,
        partition=week,
        metadata={
            "comparability": markdown(rotation_plots.in_words(effects)),
            "effects": plot(rotation_plots.rotation_chart(effects), alt="effects of rotations"),
        },
    )


@table_asset(
    REGRESSION_TRIALS,
    group="evaluation",
    kinds={"llm", "parquet"},
    deps=[
        across(golden_set),
        across(golden_weights),
        across(anonymised_interactions),
        across(stratified_interactions),
        candidate_contamination,
    ],
    checks=CALLS_CHECK,
    warnings=VERBATIM_CHECK,
)
def regression_trials(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Both systems on the newest golden version, topped up from the reserve where undecided."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = regression.evaluate_candidate(pipeline, candidate)
    reconciled = reconciliation.reconcile_candidate(pipeline, candidate, trials)
    yield calls_check(REGRESSION_TRIALS, reconciled)
    require_reconciled(reconciled, table=REGRESSION_TRIALS.name)
    memorised = memorisation.memorised_by_candidate(pipeline, candidate, trials)
    yield memorisation_check(pipeline, REGRESSION_TRIALS, memorised)
    yield stored(
        pipeline,
        REGRESSION_TRIALS,
        trials,
        partition=context.partition_key,
        metadata={
            "trials": counts(trials, "arm", "source", "look", "status"),
            "weights": weights_told(weights_before(pipeline)),
            "order effects": markdown(order_effects(trials)),
            "infeasible": "; ".join(planning.infeasible_now(pipeline)) or "nothing",
            "cost_usd": float(trials["cost_usd"].sum()),
        },
    )


@table_asset(
    REGRESSION_REPORT,
    group="evaluation",
    kinds={"scipy", "parquet"},
    deps=[regression_trials, candidate_contamination, dg.AssetKey(HUMAN_CORRECTION.name)],
    automated=True,
)
def regression_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Paired differences per subset, with intervals and what they certify."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=context.partition_key)
    report = regression.report_on(pipeline, candidate, trials)
    shown = report.select("subset", "state", "difference", "lower", "upper", "margin", "items")
    return stored(
        pipeline,
        REGRESSION_REPORT,
        report,
        partition=context.partition_key,
        metadata={
            "subsets": markdown(shown),
            "differences": plot(plots.forest(report), alt="differences per subset"),
        },
    )


@table_asset(
    TRIAL_DIMENSIONS,
    group="evaluation",
    kinds={"llm", "parquet"},
    deps=[regression_trials, across(golden_set), across(stratified_interactions)],
    automated=True,
)
def trial_dimensions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Every trial's score in each dimension of its route, the one that decides among them."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=context.partition_key)
    scores = dimensions.score_dimensions(pipeline, candidate, trials)
    return stored(
        pipeline,
        TRIAL_DIMENSIONS,
        scores,
        partition=context.partition_key,
        metadata={"scores": counts(scores, "dimension", "deciding", "arm", "score_error")},
    )


@table_asset(
    DIMENSION_REPORT,
    group="evaluation",
    kinds={"scipy", "parquet"},
    deps=[trial_dimensions, regression_trials, candidate_contamination],
    automated=True,
)
def dimension_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Paired differences per dimension and subset, and what they certify where the policy asks."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=context.partition_key)
    scores = pipeline.lake.read(TRIAL_DIMENSIONS, partition=context.partition_key)
    report = dimensions.report_dimensions(pipeline, candidate, scores, trials=trials)
    shown = report.select(
        "dimension", "subset", "state", "baseline_mean", "candidate_mean", "difference", "lower",
        "upper", "margin", "items", "missing_baseline", "missing_candidate", "without_reference",
        "deciding_items",
    )  # fmt: skip
    return stored(
        pipeline,
        DIMENSION_REPORT,
        report,
        partition=context.partition_key,
        metadata={"dimensions": markdown(shown)},
    )
