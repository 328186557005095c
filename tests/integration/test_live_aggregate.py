"""The aggregate of a real evaluation speaks of the week's live traffic."""

import numpy as np
import polars as pl
import pytest

from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.golden_weights import weights_for
from eval_pipeline.flows.regression import version_of
from eval_pipeline.tables import REGRESSION_REPORT, REGRESSION_TRIALS
from eval_pipeline.truth.post_stratification import summary_of
from tests.scenario import CANDIDATE


def test_the_aggregate_s_difference_is_post_stratified_to_the_live_shares(finished_world) -> None:
    with finished_world.pipeline() as pipeline:
        trials = pipeline.lake.read(REGRESSION_TRIALS, partition=CANDIDATE)
        report = pipeline.lake.read(REGRESSION_REPORT, partition=CANDIDATE)
        decision = load_decision(pipeline, CANDIDATE)
        version = version_of(pipeline, trials)
        week = pipeline.golden.manifest(version).week
        weights = weights_for(pipeline, version=version, week=week)
    told = report.row(by_predicate=pl.col("subset") == "all", named=True)
    paired = (
        trials.filter(
            pl.col("score").is_not_null(),
            pl.col("look") <= told["looks"],
            pl.col("source") != "synthetic",
        )
        .pivot("arm", index="item_id", values="score", aggregate_function="mean")
        .drop_nulls()
        .join(trials.unique("item_id").select("item_id", "cell", "cell_share"), on="item_id")
        .drop_nulls("cell")
    )
    cells = paired.group_by("cell").agg(
        (pl.col("candidate") - pl.col("baseline")).mean().alias("difference"),
        pl.col("cell_share").first(),
    )
    shares = cells["cell_share"].to_numpy() / cells["cell_share"].sum()
    expected = float(shares @ cells["difference"].to_numpy())
    assert told["difference"] == pytest.approx(expected, abs=0.01)
    assert told["uncovered"] == pytest.approx(1 - cells["cell_share"].sum(), abs=1e-9)
    assert told["uncovered"] == pytest.approx(summary_of(weights).uncovered, abs=1e-9)
    assert np.isclose(told["items"], decision.aggregate.items)
    assert decision.aggregate.uncovered == told["uncovered"]
