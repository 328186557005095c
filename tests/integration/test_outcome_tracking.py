"""Predictions of the outcome through the real jobs and the command."""

import json

import polars as pl
import pytest

from eval_pipeline.flows.outcome_tracking import predict_outcome
from eval_pipeline.monitoring.outcome_tracking.predictions import FROZEN
from eval_pipeline.tables import DRIFT_TRIALS, OUTCOME_PREDICTIONS, OUTCOME_TRACKING
from tests.scenario import NEXT_WEEK, WEEKS, World

pytestmark = pytest.mark.slow


def test_each_week_is_predicted_from_what_was_re_run_before_it(world: World) -> None:
    with world.pipeline() as pipeline:
        first, second = (pipeline.lake.read(OUTCOME_PREDICTIONS, partition=w) for w in WEEKS)
    # The first week was published before anything was re-run; the second knew the first's re-run.
    assert set(first["basis"].drop_nulls()) <= {"labels"}
    told = second.row(by_predicate=pl.col("subset") == "all", named=True)
    assert (told["basis"], told["rerun_week"], told["outcome_source"]) == (
        "rerun",
        WEEKS[0],
        "logs",
    )
    assert 0.3 < told["offline"] < 1
    assert 0.3 < told["outcome"] < 1
    # Two weeks are no history: nothing is predicted yet.
    assert told["predicted"] is None


def test_a_later_re_run_rewrites_no_prediction(world: World) -> None:
    week = WEEKS[1]
    with world.pipeline() as pipeline:
        before = pipeline.lake.read(OUTCOME_PREDICTIONS, partition=week)
        # By now the week's own re-run is there, and is not what the prediction was made from.
        assert pipeline.lake.has(DRIFT_TRIALS, partition=week)
        again = predict_outcome(pipeline, week=week)
        assert again.equals(before)
        assert again.select(FROZEN).equals(before.select(FROZEN))
    files = world.files()
    assert world.run("publish", "--week", week).code == 0
    assert {name: data for name, data in world.files().items() if "outcome_" in name} == {
        name: data for name, data in files.items() if "outcome_" in name
    }


def test_the_command_tells_the_verdict_of_the_newest_week(world: World) -> None:
    ended = world.run("outcomes", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert (told["week"], told["warnings"]) == (WEEKS[1], [])
    with world.pipeline() as pipeline:
        tracking = pipeline.lake.read(OUTCOME_TRACKING, partition=WEEKS[1])
    assert told["tracking"] == tracking.to_dicts()
    shown = world.run("outcomes", "--week", WEEKS[0])
    assert shown.code == 0, shown.err
    assert "No week has a predicted interval yet" in " ".join(shown.out.split())


def test_a_week_that_was_not_followed_says_what_makes_it(world: World) -> None:
    ended = world.run("outcomes", "--week", NEXT_WEEK)
    assert ended.code == 1
    assert f"eval-pipeline publish --week {NEXT_WEEK}" in ended.err
    wrong = world.run("outcomes", "--week", "2026-09-08")
    assert "its week starts on 2026-09-07" in wrong.err
