"""The finished demo: the refuter's figures are kept, and its judges do not obey what they judge."""

import json

import polars as pl
import pytest

from eval_pipeline.tables import JUDGE_CALIBRATION, REFUTATIONS
from tests.scenario import MONDAYS, World

pytestmark = pytest.mark.slow


def test_the_probe_finds_no_obedience_and_a_second_one_pays_nothing(world: World) -> None:
    asked = ("judges", "probe", "--week", MONDAYS[0], "--items", "5", "--injections", "30")
    probed = world.run(*asked, "--json")
    assert probed.code == 0, probed.err
    # Two judges, five responses and thirty attempts, each asked twice.
    assert "At most 140 judge calls" in probed.err
    found = json.loads(probed.out)
    assert found["problems"] == []
    assert [one["pairs"] for one in found["results"]] == [30, 30]
    assert [one["flips"] for one in found["results"]] == [0, 0]
    paid = world.count("call_attempts")
    again = world.run(*asked)
    assert again.code == 0, again.err
    assert "No judge obeys" in again.out
    assert world.count("call_attempts") == paid


def test_every_claim_quotes_its_place_and_the_refuter_s_misses_are_kept(
    world: World,
) -> None:
    with world.pipeline() as pipeline:
        refutations = pipeline.lake.read_all(REFUTATIONS)
        last = pipeline.lake.partitions(JUDGE_CALIBRATION)[-1]
        calibration = pipeline.lake.read(JUDGE_CALIBRATION, partition=last)
    assert refutations.height > 0
    claimed = refutations.filter(pl.col("claim").str.strip_chars() != "")
    assert claimed["quote_found"].all()
    assert refutations.filter(pl.col("claim") == "")["quote_found"].null_count() > 0
    rows = calibration.filter(pl.col("judge_id") == "refuter")
    assert rows["measure"].to_list() == ["miss_rate", "precision", "recall"]
    missed = rows.row(0, named=True)
    assert missed["labelled"] > 0
    assert 0 <= missed["lower"] <= missed["value"] <= missed["upper"] <= 1
