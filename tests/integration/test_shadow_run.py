"""A candidate on a week's recorded requests, and on mirrored ones, by the commands people use."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.flows.shadow.beside import beside_the_decision
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    SAMPLED_INTERACTIONS,
    SHADOW_REPORT,
    SHADOW_TRIALS,
)
from tests.mirrors import serving
from tests.scenario import ROOT, WEEKS, World

pytestmark = pytest.mark.slow

SHARPER = "sharper-on-average"
WEEK = WEEKS[0]
HOLE = "invented_drug_interactions"


@pytest.fixture
def drawn_world(fresh_world: World) -> World:
    """A week drawn and judged, with the demo's candidate that is better on average alone."""
    example = ROOT / "examples" / "candidates" / f"{SHARPER}.yaml"
    shutil.copyfile(example, fresh_world.folder / "candidates" / example.name)
    fresh_world.configure(lambda tree: tree["sampling"].update(reserve=400))
    refreshed = fresh_world.run("refresh", "--week", WEEK)
    assert refreshed.code == 0, refreshed.err
    return fresh_world


def asked_of(provider, model: str) -> int:
    return sum(provider.stats()["requests"].get(model, {}).values())


def shadow(world: World, *options: str) -> dict[str, object]:
    ended = world.run("shadow", "run", "--candidate", SHARPER, *options, "--json")
    assert ended.code == 0, ended.err
    told: dict[str, object] = json.loads(ended.out)
    return told


def trials_of(world: World) -> pl.DataFrame:
    with world.pipeline() as pipeline:
        return pipeline.lake.read(SHADOW_TRIALS, partition=SHARPER)


def test_recorded_requests_are_asked_of_the_candidate_alone_and_weigh_what_they_stand_for(
    drawn_world, provider
):
    before = asked_of(provider, "pharma-large")
    told = shadow(drawn_world, "--week", WEEK)
    assert asked_of(provider, "pharma-large") == before
    with drawn_world.pipeline() as pipeline:
        logged = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=WEEK)
        sampled = pipeline.lake.read(SAMPLED_INTERACTIONS, partition=WEEK)
        assert beside_the_decision(pipeline, SHARPER) == told["sentences"]
    trials = trials_of(drawn_world)
    baseline = trials.filter(pl.col("arm") == "baseline")
    candidate = trials.filter(pl.col("arm") == "candidate")
    responses = {
        reserve_identity(row["interaction_id"]): None if row["error"] else row["response"]
        for row in logged.iter_rows(named=True)
    }
    assert dict(baseline.select("item_id", "response").iter_rows()) == responses
    assert set(candidate["served_model"].drop_nulls()) == {"pharma-sharper-2026-10"}
    # Of every stratum the weights sum to what its conversations hold, within the draw inside them.
    whole = candidate.filter(pl.col("stratum") == sampled["stratum"][0])["design_weight"].sum()
    assert whole >= sampled["population_size"][0]
    rows = {row["subset"]: row for row in told["subsets"]}
    assert rows["all"]["items"] + rows["all"]["missing_baseline"] >= 0.95 * logged.height
    assert rows[HOLE]["difference"] < 0
    assert rows[HOLE]["state"] in {"blocked", "undecided", "infeasible"}
    assert HOLE in told["sentence"]
    assert any("masked texts" in each for each in told["sentences"])
    # Paid once: the same run again asks nobody anything and gives the same trials.
    seen = provider.stats()["requests"]
    shadow(drawn_world, "--week", WEEK)
    assert provider.stats()["requests"] == seen
    assert trials_of(drawn_world).equals(trials)
    report = drawn_world.run("shadow", "report", "--candidate", SHARPER)
    assert report.code == 0
    assert HOLE in report.out
    assert "latency_p99_seconds" in report.out


def test_both_asked_stand_beside_what_was_recorded_and_fewer_items_lie_in_more(
    drawn_world, provider
):
    shadow(drawn_world, "--week", WEEK, "--items", "20")
    few = set(trials_of(drawn_world)["item_id"])
    before = asked_of(provider, "pharma-large")
    told = shadow(drawn_world, "--week", WEEK, "--items", "30", "--ask-both")
    asked = asked_of(provider, "pharma-large") - before
    trials = trials_of(drawn_world)
    both = trials.filter(pl.col("source") == "asked")
    assert set(trials.filter(pl.col("source") == "recorded")["item_id"]) == few
    assert few <= set(both["item_id"])
    assert asked >= both.filter(pl.col("arm") == "baseline").height >= 20
    (whole,) = [row for row in told["subsets"] if row["subset"] == "all"]
    assert {each["fate"] for each in whole["fates"]} == {"asked", "beyond_maximum_items"}
    assert any("latency at p95" in each for each in told["sentences"])


def test_mirrored_requests_are_compared_by_the_same_code(fresh_world, tmp_path: Path):
    with serving(fresh_world, tmp_path / "log", "--share", "1", candidate="steady") as mirror:
        for number in range(12):
            question = f"Can I take ibuprofen together with warfarin? Case {number}."
            asked = {
                "model": "pharma-large",
                "messages": [{"role": "user", "content": question}],
                "temperature": 0,
            }
            mirror.ask(asked, **{"x-route": "medication"})
        mirror.settled("received", 12)
        mirror.stop()
    ended = fresh_world.run("shadow", "run", "--candidate", "steady", "--live", "--json")
    assert ended.code == 0, ended.err
    rows = {row["subset"]: row for row in json.loads(ended.out)["subsets"]}
    assert rows["all"]["items"] + rows["all"]["missing_baseline"] == 12
    assert rows[HOLE]["items"] == rows["all"]["items"]  # by the subset's own predicate
    assert rows["all"]["source"] == "live"
    fates = {each["fate"]: each["requests"] for each in rows["all"]["fates"]}
    assert fates["received"] == fates["recorded"] == 12
    with fresh_world.pipeline() as pipeline:
        report = pipeline.lake.read(SHADOW_REPORT, partition="steady")
    assert report["items_needed"].drop_nulls().min() > 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report", "--candidate", "steady"), "eval-pipeline shadow run --candidate steady"),
        (("run", "--candidate", "steady", "--live"), "eval-pipeline shadow serve"),
        (("run", "--candidate", "steady", "--live", "--ask-both"), "--live compares all"),
        (("run", "--candidate", "steady"), "eval-pipeline refresh"),
        (("run", "--candidate", "nobody"), "There is no candidate 'nobody'"),
        (("serve", "--candidate", "steady", "--share", "0"), "a share above 0"),
    ],
)
def test_what_cannot_be_shadowed_is_told_with_its_remedy(fresh_world, arguments, words):
    ended = fresh_world.run("shadow", *arguments)
    assert ended.code == 1
    assert words in " ".join(ended.err.split())
