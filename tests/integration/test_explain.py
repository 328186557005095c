"""From a decision of a whole week's run back to its labels, and the decision made again."""

import json
import re

import polars as pl
import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.evaluation.decision import EXIT_CODES, newest_row
from eval_pipeline.tables import ADJUDICATIONS, GATE_DECISION, REGRESSION_REPORT
from eval_pipeline.truth.entries import item_identity
from tests.scenario import CANDIDATE, World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def newest(finished_world: World) -> dict[str, object]:
    lake = Lake(str(finished_world.lake))
    return newest_row(lake.read(GATE_DECISION, partition=CANDIDATE))


def test_a_decision_of_a_whole_run_is_the_same_when_it_is_made_again(finished_world, newest):
    before = finished_world.files()
    for named in (CANDIDATE, str(newest["decision_id"]), str(newest["decision_id"])[:8]):
        ended = finished_world.run("gate", "--replay", named)
        assert ended.code == EXIT_CODES[newest["verdict"]], ended.err
        assert ended.out.startswith(f"Identical: decision {newest['decision_id']} on {CANDIDATE}")
    assert finished_world.files() == before


def test_the_same_gate_again_adds_no_decision_and_another_policy_adds_one(world: World):
    lake = Lake(str(world.lake))
    before = lake.read(GATE_DECISION, partition=CANDIDATE)
    world.run("gate", "--candidate", CANDIDATE)
    assert lake.read(GATE_DECISION, partition=CANDIDATE).equals(before)
    world.configure(lambda tree: tree["gate"].update(confidence=0.9))
    world.run("gate", "--candidate", CANDIDATE)
    after = lake.read(GATE_DECISION, partition=CANDIDATE)
    assert after["sequence"].to_list() == [1, 2]
    assert after.head(1).equals(before)
    # The first decision is still what it was, under the policy that it was made by.
    ended = world.run("gate", "--replay", str(before["decision_id"][0]))
    assert ended.out.startswith("Identical"), ended.out


def test_explain_leads_from_the_decision_to_people_s_labels(finished_world, newest):
    told = json.loads(
        finished_world.run("explain", CANDIDATE, "--subset", "all", "--items", "500", "--json").out
    )
    assert told["decision"]["decision_id"] == newest["decision_id"]
    (everything,) = told["subsets"]
    lake = Lake(str(finished_world.lake))
    report = lake.read(REGRESSION_REPORT, partition=CANDIDATE).row(
        by_predicate=pl.col("subset") == "all", named=True
    )
    assert everything["looks"][-1]["difference"] == report["difference"]
    assert everything["looks"][-1]["items"] == report["items"]
    assert len(everything["items"]) == everything["items_total"] >= report["items"]
    settled = {
        item_identity(row["interaction_id"]): row
        for row in lake.read_all(ADJUDICATIONS).iter_rows(named=True)
    }
    labelled = [one for one in everything["items"] if one["label"] is not None]
    assert labelled
    for one in labelled:
        row = settled[one["scores"]["item_id"]]
        assert one["label"]["label"] == row["label"]
        assert one["label"]["annotators"] == row["annotators"]
        assert one["golden"]["week"] == one["week"]
        assert next(event["change"] for event in one["history"]) == "admitted"
        assert {answer["arm"] for answer in one["answers"]} == {"baseline", "candidate"}
        assert "response" not in one["answers"][0]


def test_explain_tells_a_person_what_was_lost_and_why(finished_world):
    ended = finished_world.run("explain", CANDIDATE, "--items", "2", "--texts")
    assert ended.code == 0, ended.err
    assert re.search(r"look +state +change +interval", ended.out)
    assert re.search(r"(item|reserve)-[0-9a-f]{16}", ended.out)
    assert "answered: " in ended.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("explain", "nobody"), "There is no decision 'nobody' on record"),
        (("explain", CANDIDATE, "--subset", "nothing"), "The decision has no subset 'nothing'; it"),
        (("explain", CANDIDATE, "--item", "item-0"), "The decision rests on no item 'item-0'"),
        (("gate", "--replay", "nobody"), "There is no decision 'nobody' on record"),
    ],
)
def test_what_cannot_be_found_is_said(finished_world, arguments, told):
    ended = finished_world.run(*arguments)
    assert ended.code == (3 if arguments[0] == "gate" else 1)
    assert told in " ".join(ended.err.split())


def test_gate_wants_a_candidate_or_a_decision(finished_world):
    assert finished_world.run("gate").code == 64
    assert finished_world.run("gate", "--candidate", CANDIDATE, "--replay", "abc").code == 64
