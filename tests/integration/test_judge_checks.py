"""The weekly checks of the judges in a world with two judged weeks."""

import json

import polars as pl
import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.flows.erasure.inventory import Inventory, Person
from eval_pipeline.flows.erasure.lake_rows import table_changes
from eval_pipeline.flows.judge_checks import anchors_of_week, measure_week, probe_judges
from eval_pipeline.reports.judge_checks import warnings
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    JUDGE_ANCHORS,
    JUDGE_BIASES,
    JUDGE_PROBES,
    JUDGE_QUALITY,
    JUDGE_RELIABILITY,
    VERDICTS,
)
from eval_pipeline.truth.entries import item_identity
from tests.scenario import NEXT_WEEK, WEEKS, World, requests_seen

pytestmark = pytest.mark.slow

FIRST, SECOND = WEEKS


@pytest.fixture(scope="module")
def lake(finished_world: World) -> Lake:
    return Lake(str(finished_world.lake))


def test_the_first_week_has_no_anchors_and_the_second_freezes_the_first_s_labels(lake):
    assert lake.read(JUDGE_ANCHORS, partition=FIRST).is_empty()
    anchors = lake.read(JUDGE_ANCHORS, partition=SECOND)
    labels = lake.read(ADJUDICATIONS, partition=FIRST).select("interaction_id", known="label")
    held = anchors.join(labels, on="interaction_id")
    assert held.height == anchors.height > 5
    assert held["label"].equals(held["known"], check_names=False)
    assert set(anchors["anchor_week"]) == {FIRST}


def test_every_probe_of_every_judge_has_its_row_and_nothing_of_a_text(lake):
    probes = lake.read(JUDGE_PROBES, partition=SECOND)
    anchors = lake.read(JUDGE_ANCHORS, partition=SECOND).height
    asked = probes.group_by("probe", "judge_id").len().sort("probe", "judge_id").rows()
    pairs = probes.filter(pl.col("probe") == "position")["item_id"].n_unique()
    assert pairs >= 1
    assert asked[:6] == [
        ("anchor", "arbiter-a", anchors), ("anchor", "arbiter-b", anchors),
        ("position", "arbiter-a", 4 * pairs), ("position", "arbiter-b", 4 * pairs),
        ("rationale", "arbiter-a", 10), ("rationale", "arbiter-b", 10),
    ]  # fmt: skip
    assert not {"messages", "response", "rationale", "criteria"} & set(probes.columns)
    rationales = probes.filter(pl.col("probe") == "rationale")
    assert rationales.filter(pl.col("judge_id") == pl.col("answered_by")).is_empty()
    assert rationales["verdict"].null_count() == 0


def test_a_retest_asks_the_very_words_of_the_week_s_judging(world: World):
    with world.pipeline() as pipeline:
        both = {
            scope: pipeline.journal.settled(scope)
            for scope in (f"refresh:{SECOND}", f"judge_checks:{SECOND}")
        }
    first, again = (
        {(key.system_id, key.item_id): key for key in keys if key.trial == trial}
        for keys, trial in zip(both.values(), (1, 2), strict=True)
    )
    retested = {key: one for key, one in again.items() if "|" not in key[1]}
    assert len(retested) == 20
    for key, one in retested.items():
        assert one.request_fingerprint == first[key].request_fingerprint


def test_asking_again_pays_nothing_and_gives_the_same_rows(
    world: World, provider: ProviderProcess, lake
):
    before = requests_seen(provider)
    with world.pipeline() as pipeline:
        anchors = anchors_of_week(pipeline, week=SECOND)
        probes = probe_judges(pipeline, anchors, week=SECOND)
        biases = measure_week(pipeline, probes, week=SECOND)
    assert anchors.equals(lake.read(JUDGE_ANCHORS, partition=SECOND))
    assert probes.equals(lake.read(JUDGE_PROBES, partition=SECOND))
    assert biases.equals(lake.read(JUDGE_BIASES, partition=SECOND))
    told = json.loads(world.run("judge-checks", "--week", SECOND, "--json").out)
    assert told["probes"] == probes.height
    assert told["beyond_limits"] == list(warnings(biases))
    assert requests_seen(provider) == before


def test_anchors_stay_and_leave_only_when_their_interaction_or_item_does(world: World):
    lake = Lake(str(world.lake))
    frozen = lake.read(JUDGE_ANCHORS, partition=SECOND)
    erased, withdrawn = frozen["interaction_id"][0], frozen["item_id"][1]
    rows = lake.read(ANONYMISED_INTERACTIONS, partition=FIRST)
    lake.replace(
        ANONYMISED_INTERACTIONS, rows.filter(pl.col("interaction_id") != erased), partition=FIRST
    )
    with world.pipeline() as pipeline:
        pipeline.withdrawals.record(
            withdrawn, action="withdraw", decided_by="dana", reason="wrong", at=pipeline.clock()
        )
        now = anchors_of_week(pipeline, week=NEXT_WEEK)
    kept = now.filter(pl.col("admitted_week") == SECOND)["item_id"].to_list()
    assert kept == frozen["item_id"].to_list()[2:]
    assert set(now.filter(pl.col("admitted_week") == NEXT_WEEK)["anchor_week"]) <= set(WEEKS)
    assert now.height == 12


def test_an_erasure_takes_probes_and_anchors_of_the_person_and_no_others(world: World, lake):
    probes = lake.read(JUDGE_PROBES, partition=SECOND)
    pair = probes.filter(pl.col("probe") == "position")["item_id"][0]
    anchor = lake.read(JUDGE_ANCHORS, partition=SECOND).row(0, named=True)
    judged = lake.read(VERDICTS, partition=FIRST)["interaction_id"].unique().to_list()
    judged += lake.read(VERDICTS, partition=SECOND)["interaction_id"].unique().to_list()
    of_pair = next(one for one in judged if item_identity(one) == pair)
    person = Inventory(
        Person("u", "key", "erasure"),
        interaction_ids=frozenset({of_pair, anchor["interaction_id"]}),
    )
    with world.pipeline() as pipeline:
        changes = [
            change
            for table in (JUDGE_ANCHORS, JUDGE_PROBES)
            for change in table_changes(pipeline, table, person)
        ]
    theirs = {pair, anchor["item_id"]}
    gone = sum(change.rows_removed for change in changes)
    there = sum(
        lake.read(table, partition=week).filter(pl.col("item_id").is_in(theirs)).height
        for table in (JUDGE_ANCHORS, JUDGE_PROBES)
        for week in WEEKS
    )
    assert gone == there >= 1 + 2 + 8
    assert {change.treatment for change in changes} == {"removed"}


def test_how_good_the_judges_are_stands_beside_how_good_people_are(lake):
    quality = lake.read(JUDGE_QUALITY, partition=SECOND).filter(pl.col("rubric_id") == "all")
    measured = {
        (row["judge_id"], row["measure"], row["against"]): row for row in quality.to_dicts()
    }
    agreed = measured["panel", "agreement", "labels"]
    assert agreed["ceiling"] == measured["people", "agreement", "people"]["value"]
    assert agreed["value"] > 0.8
    flips = measured["arbiter-b", "retest_flips", "itself"]
    biases = lake.read(JUDGE_BIASES, partition=SECOND).filter(
        (pl.col("judge_id") == "arbiter-b") & (pl.col("measure") == "retest_flips")
    )
    assert [flips[name] for name in ("value", "items", "finding")] == [
        biases[name].item() for name in ("value", "items", "finding")
    ]
    told = measured["arbiter-a", "ece_debiased", "repeats"]
    assert told["value"] is None
    assert told["note"]


def test_the_bins_of_the_panel_s_votes_hold_every_labelled_response_once(lake):
    bins = lake.read(JUDGE_RELIABILITY, partition=SECOND).filter(
        (pl.col("rubric_id") == "all") & (pl.col("against") == "votes")
    )
    quality = lake.read(JUDGE_QUALITY, partition=SECOND)
    (brier,) = quality.filter(
        (pl.col("rubric_id") == "all") & (pl.col("measure") == "brier")
        & (pl.col("against") == "votes")
    ).to_dicts()  # fmt: skip
    assert bins["items"].sum() == brier["items"]
    assert bins["weight_share"].sum() == pytest.approx(1)
