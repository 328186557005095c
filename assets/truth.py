"""Truth assets: how good the judges are, and the immutable golden version of the week.

What a version must hold is policy; composing and publishing it is `eval_pipeline.truth`.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
import polars as pl

from assets.adversarial import synthetic_items
from assets.contracts import contract_check
from assets.conventions import counts, markdown, stored, table_asset
from assets.intake import anonymised_interactions, sampling_frame, stratified_interactions
from assets.judging import panel_verdicts, refutations, verdicts
from assets.review import adjudications
from eval_pipeline.flows import golden_weights as weights
from eval_pipeline.flows import intake, truth
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GOLDEN_SET, GOLDEN_WEIGHTS, JUDGE_CALIBRATION
from eval_pipeline.truth.golden_set import Composition
from eval_pipeline.truth.post_stratification import summary_of


@table_asset(
    JUDGE_CALIBRATION,
    group="calibration",
    kinds={"polars", "parquet"},
    deps=[verdicts, refutations, panel_verdicts, adjudications],
    automated=True,
)
def judge_calibration(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Judges, refuter, panel and people against the settled labels of all weeks so far."""
    week = context.partition_key
    calibrated = truth.calibrate_week(pipeline, week=week)
    return stored(
        pipeline,
        JUDGE_CALIBRATION,
        calibrated,
        partition=week,
        metadata={"calibration": markdown(calibrated)},
    )


@table_asset(
    GOLDEN_SET,
    group="truth",
    kinds={"polars", "parquet"},
    deps=[
        anonymised_interactions,
        stratified_interactions,
        panel_verdicts,
        adjudications,
        judge_calibration,
        synthetic_items,
    ],
    checks={"golden_contract": "The composed version keeps the policy and the table's promises."},
    automated=True,
)
def golden_set(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Publishes the week's immutable version; the same labels again publish nothing new."""
    week = context.partition_key
    draft = truth.draft_version(pipeline, week=week, run_id=context.run.run_id)
    yield contract_check("golden_contract", GOLDEN_SET, draft.contract)
    intake.require_contract(draft.contract, subject=f"The golden version of {week}")
    published = truth.publish_version(pipeline, draft, run_id=context.run.run_id)
    truth.refresh_catalogue(pipeline)
    items = draft.composition.items
    yield dg.MaterializeResult(
        metadata={
            "dagster/row_count": items.height,
            "golden_version": published.version,
            "newly published": published.created,
            "mix": counts(items, "kind", "label_source"),
            "subsets": counts(items.explode("subsets").rename({"subsets": "subset"}), "subset"),
            "deficits": markdown(deficits(draft.composition)),
        }
    )


@table_asset(
    GOLDEN_WEIGHTS,
    group="truth",
    kinds={"polars", "parquet"},
    deps=[golden_set, stratified_interactions, sampling_frame],
    automated=True,
)
def golden_weights(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """What each item of the week's version weighs in an estimate of the week's live traffic."""
    week = context.partition_key
    weighed = weights.weights_of_week(pipeline, week=week)
    summary = asdict(summary_of(weighed))
    cells = weighed.drop_nulls("cell").select("cell", "cell_share", "cell_borrowed").unique("cell")
    return stored(
        pipeline,
        GOLDEN_WEIGHTS,
        weighed,
        partition=week,
        metadata={
            "golden_version": int(weighed["golden_version"][0]),
            **summary,
            "cells of traffic": markdown(cells.sort("cell_share", "cell", descending=True)),
        },
    )


def deficits(composition: Composition) -> pl.DataFrame:
    """What the composition policy asks and the week could not give."""
    return pl.DataFrame(
        [(deficit.of, deficit.name, deficit.missing) for deficit in composition.deficits],
        schema={"of": pl.String, "name": pl.String, "missing": pl.Int64},
        orient="row",
    )
