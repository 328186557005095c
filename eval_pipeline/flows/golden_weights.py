"""A version's weights for a week's live traffic, and what the week's scores say with them."""

import polars as pl

from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import (
    DRIFT_TRIALS,
    GOLDEN_SET,
    GOLDEN_WEIGHTS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
)
from eval_pipeline.truth.live_estimate import LiveEstimate, live_estimate
from eval_pipeline.truth.post_stratification import live_cells, live_weights


def weights_for(pipeline: Pipeline, *, version: int, week: str) -> pl.DataFrame:
    """GOLDEN_WEIGHTS of any version for any week that was drawn.

    Raises `UnknownVersionError`, or `MissingPartitionError` for a week without its sample.
    """
    framed = pipeline.lake.has(SAMPLING_FRAME, partition=week)
    return live_weights(
        pipeline.golden.items(version),
        version=version,
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
        frame=pipeline.lake.read(SAMPLING_FRAME, partition=week) if framed else None,
        gated=sorted(pipeline.settings.subsets),
    )


def weights_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """GOLDEN_WEIGHTS of the newest version published for the week, for the week's own traffic.

    Raises `MissingPartitionError` where none was.
    """
    version = pipeline.golden.for_week(week)
    if version is None:
        raise MissingPartitionError(GOLDEN_SET.name, week, GOLDEN_SET.command_for(week))
    return weights_for(pipeline, version=version, week=week)


def live_cells_for(
    pipeline: Pipeline, *, version: int, reserve: pl.DataFrame
) -> pl.DataFrame | None:
    """What each item stands for of the traffic of the version's own week; see `live_cells`.

    The trials keep it, so that every later reading of an evaluation sees the same shares, whatever
    was erased since. `reserve`: STRATIFIED_INTERACTIONS that may be asked. None without
    GOLDEN_WEIGHTS.
    """
    week = pipeline.golden.manifest(version).week
    if not pipeline.lake.has(GOLDEN_WEIGHTS, partition=week):
        return None
    framed = pipeline.lake.has(SAMPLING_FRAME, partition=week)
    identities = [reserve_identity(one) for one in reserve["interaction_id"]]
    return live_cells(
        pipeline.golden.items(version),
        drawn=reserve.with_columns(pl.Series("item_id", identities, dtype=pl.String)),
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
        frame=pipeline.lake.read(SAMPLING_FRAME, partition=week) if framed else None,
        gated=sorted(pipeline.settings.subsets),
    )


def live_scores(pipeline: Pipeline, weights: pl.DataFrame, *, week: str) -> dict[str, LiveEstimate]:
    """Per system that the week re-ran on the version: its score on the week's live traffic.

    Empty without the week's DRIFT_TRIALS. Where the re-run asked only a part of a version's items,
    the others count as missing.
    """
    if weights.is_empty() or not pipeline.lake.has(DRIFT_TRIALS, partition=week):
        return {}
    version = weights["golden_version"][0]
    trials = pipeline.lake.read(DRIFT_TRIALS, partition=week).filter(
        (pl.col("stream") == "rerun") & pl.col("golden_versions").list.contains(version)
    )
    found = {}
    for system in trials["system_id"].unique().sort():
        scores = (
            trials.filter(pl.col("system_id") == system)
            .group_by("item_id", maintain_order=True)
            .agg(pl.col("score").mean())
        )
        estimate = live_estimate(weights, scores)
        if estimate is not None:
            found[system] = estimate
    return found
