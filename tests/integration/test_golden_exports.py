"""Exports, weights and the effect of a rotation on a finished world's versions."""

import json

import polars as pl
import pytest

from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.tables import DRIFT_TRIALS, GOLDEN_WEIGHTS, ROTATION_EFFECT
from eval_pipeline.truth.exports.formats import FORMATS
from tests.scenario import EMPTY_WEEK, WEEKS, World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(
    finished_world: World, tmp_path_factory: pytest.TempPathFactory, provider_process
) -> World:
    """A copy of the finished world for commands that only read."""
    folder = tmp_path_factory.mktemp("exports") / "world"
    return finished_world.copied_to(folder, provider_url=provider_process.base_url)


@pytest.mark.parametrize("tool", ["parquet", "jsonl", *sorted(FORMATS)])
def test_an_export_is_the_same_twice_and_never_overwrites(seen, tmp_path, tool):
    out = tmp_path / f"golden.{'parquet' if tool == 'parquet' else 'txt'}"
    command = ("golden", "export", "2", "--format", tool, "--out", str(out))
    made = seen.run(*command, "--json")
    assert made.code == 0, made.err
    told = json.loads(made.out)
    with seen.pipeline() as pipeline:
        height = pipeline.golden.items(2).height
    assert told["items"] + sum(told["left_out"].values()) == height
    assert told["items"] > 0
    first = out.read_bytes()
    refused = seen.run(*command)
    assert refused.code != 0
    assert "is there already" in " ".join(refused.err.split())
    again = seen.run(*command, "--force")
    assert again.code == 0
    assert "items of version 2" in again.out
    assert out.read_bytes() == first


def test_an_unknown_version_is_named_and_nothing_is_written(seen, tmp_path):
    out = tmp_path / "x.jsonl"
    ended = seen.run("golden", "export", "99", "--format", "inspect", "--out", str(out))
    assert ended.code != 0
    assert "no golden version 99" in " ".join(ended.err.split())
    assert not out.exists()


def test_the_published_weights_sum_to_one_and_any_version_weighs_for_any_week(seen, tmp_path):
    with seen.pipeline() as pipeline:
        for number, week in enumerate(WEEKS, start=1):
            stored = pipeline.lake.read(GOLDEN_WEIGHTS, partition=week)
            assert set(stored["golden_version"]) == {number}
            assert stored["live_weight"].sum() == pytest.approx(1)
            assert set(stored["item_id"]) == set(pipeline.golden.items(number)["item_id"])
    out = tmp_path / "weights.parquet"
    ended = seen.run("golden", "weights", "1", "--week", WEEKS[1], "--json", "--out", str(out))
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert 0 < told["effective_items"] <= told["weighted_items"] <= told["items"]
    assert told["design_effect"] >= 1
    assert pl.read_parquet(out)["live_weight"].sum() == pytest.approx(1)
    for estimate in told["live_scores"].values():
        assert 0 <= estimate["lower"] <= estimate["upper"] <= 1
    assert told["live_scores"]


def test_weights_for_a_person_name_the_design_effect_and_what_is_uncovered(seen):
    ended = seen.run("golden", "weights", "2", "--week", WEEKS[1], "--correlation", "0.3")
    assert ended.code == 0, ended.err
    assert "(design effect" in ended.out
    assert "With conversations of that correlation" in ended.out
    assert "Traffic without any item" in ended.out


def test_a_week_that_was_never_drawn_has_no_weights(seen):
    ended = seen.run("golden", "weights", "2", "--week", EMPTY_WEEK)
    assert ended.code != 0
    assert "stratified_interactions" in ended.err


def test_the_effect_of_the_rotation_sums_up_on_the_items_that_were_asked(seen):
    with seen.pipeline() as pipeline:
        effects = pipeline.lake.read(ROTATION_EFFECT, partition=WEEKS[1])
        trials = pipeline.lake.read(DRIFT_TRIALS, partition=WEEKS[1])
        assert pipeline.lake.read(ROTATION_EFFECT, partition=WEEKS[0]).is_empty()
    whole = effects.filter(pl.col("subset") == "all").row(0, named=True)
    assert (whole["version_before"], whole["version_after"]) == (1, 2)
    parts = ("exit_effect", "revision_effect", "entry_effect")
    assert sum(whole[part] for part in parts) == pytest.approx(whole["difference"], abs=1e-12)
    asked = trials.filter(
        (pl.col("stream") == "rerun")
        & pl.col("golden_versions").list.contains(2)
        & ~pl.col("subsets").list.contains(SYNTHETIC_SUBSET)
    )
    scored = asked["score"].count()
    assert whole["items_after"] <= scored <= whole["items_after"] + whole["missing_items"]
