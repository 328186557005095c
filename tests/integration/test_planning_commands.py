"""Plan, A/A, ledger and continuation as a team uses them, in the small world."""

import json

import polars as pl
import pytest

from eval_pipeline.evaluation.decision import newest_row
from eval_pipeline.flows.aa import scope_of_arm
from eval_pipeline.tables import (
    AA_RUNS,
    CONTINUATION_REPORT,
    CONTINUATION_TRIALS,
    GATE_DECISION,
    GATE_LEDGER,
    REGRESSION_TRIALS,
)
from tests.scenario import CANDIDATE, NEXT_WEEK, WEEKS, World, requests_seen

pytestmark = pytest.mark.slow


def ledger_of(world: World, candidate: str) -> pl.DataFrame:
    with world.pipeline() as pipeline:
        return pipeline.lake.read(GATE_LEDGER, partition=candidate)


def test_plan_tells_sizes_rates_and_money_and_asks_nobody(world, provider):
    before = requests_seen(provider)
    ended = world.run("plan", "--runs", "3", "--json")
    assert ended.code == 0, ended.err
    plan = json.loads(ended.out)
    assert requests_seen(provider) == before
    assert (plan["golden_version"], plan["exposures"], plan["runs"]) == (2, 1, 3)
    assert plan["cost_basis"].startswith("measured on")
    assert plan["usd_per_gate"] > 0
    by_name = {row["subset"]: row for row in plan["subsets"]}
    # The A/A run of the story has measured the noise.
    assert by_name["all"]["noise"]["measured_in"] == WEEKS[0]
    assert by_name["all"]["golden_items"] >= max(
        row["golden_items"] for name, row in by_name.items() if name != "all"
    )
    assert {row["outcome"] for row in plan["subsets"]} <= {"gating", "needs_topup", "infeasible"}
    shown = world.run("plan", "--runs", "2")
    assert "A candidate that is no worse passes" in shown.out
    assert "malformed_order_json" in shown.out


def test_plan_answers_what_a_tolerance_would_cost_before_it_is_written(world):
    def needed(*options: str) -> int:
        ended = world.run("plan", "--runs", "1", "--json", *options)
        assert ended.code == 0, ended.err
        (own,) = [
            row for row in json.loads(ended.out)["subsets"] if row["subset"] == "angry_customers"
        ]
        return int(own["items_needed"])

    looks = ("--looks", "400,800")
    wide, tight = "angry_customers=0.10", "angry_customers=0.03"
    assert needed("--tolerance", tight, *looks) > needed("--tolerance", wide, *looks)
    refused = world.run("plan", "--tolerance", "angry_customers=0.01")
    assert refused.code == 1
    assert "can never be certified" in refused.err
    assert "is no subset" in world.run("plan", "--tolerance", "nobody=0.1").err
    assert "no list of numbers" in world.run("plan", "--looks", "many").err


def test_an_a_a_run_asks_both_arms_afresh_and_pays_once(world, provider):
    with world.pipeline() as pipeline:
        first = pipeline.lake.read(AA_RUNS, partition=WEEKS[0])
        arms = {
            arm: pipeline.journal.settled(scope_of_arm(WEEKS[0], arm))
            for arm in ("baseline", "candidate")
        }
    asked = {
        arm: {key.item_id for key in calls if key.system_id == "assistant"}
        for arm, calls in arms.items()
    }
    assert asked["baseline"] == asked["candidate"]
    # Items that stand for no live traffic are asked and weigh nothing in the aggregate.
    items = first.row(by_predicate=pl.col("subset") == "all", named=True)["items"]
    assert 0 < items <= len(asked["baseline"])
    # The judges were asked in both arms as well, though answers may have been the same.
    judged = [{key.system_id for key in calls} - {"assistant"} for calls in arms.values()]
    assert judged[0] == judged[1] != set()
    before = requests_seen(provider)
    again = world.run("aa", "--week", WEEKS[0], "--json")
    assert again.code == 0, again.err
    assert requests_seen(provider) == before
    told = json.loads(again.out)
    assert told["verdict"] == first["verdict"][0]
    assert told["false_blocks"]["runs"] == 1
    with world.pipeline() as pipeline:
        assert pipeline.lake.read(AA_RUNS, partition=WEEKS[0]).equals(first)


def test_deciding_again_adds_no_look_and_a_second_candidate_is_told_of_the_first(world):
    once = ledger_of(world, CANDIDATE)
    assert once["exposure"].to_list() == [1] * once.height
    assert once["look"].to_list() == list(range(1, once.height + 1))
    assert world.run("gate", "--candidate", CANDIDATE).code in {0, 1, 2}
    assert ledger_of(world, CANDIDATE).equals(once)
    folder = world.folder / "candidates"
    (folder / "second.yaml").write_text((folder / f"{CANDIDATE}.yaml").read_text())
    ended = world.run("gate", "--candidate", "second", "--format", "json")
    reasons = json.loads(ended.out)["reasons"]
    assert "Golden version 2 decided on 1 candidate before this one." in reasons
    assert set(ledger_of(world, "second")["exposure"]) == {2}
    shown = world.run("golden", "show", "2")
    assert "2 candidates decided on it (advised: 20 at most)" in shown.out


def test_an_undecided_candidate_goes_on_with_the_next_weeks_reserve(world, provider):
    refused = world.run("continue-gate", "--candidate", CANDIDATE)
    assert refused.code == 3
    assert "`gate.continuation.share` is 0" in refused.err
    world.configure(
        lambda tree: tree["gate"].update(
            continuation={"share": 0.4}, tolerances={"default": 0.09}, aggregate_tolerance=0.03
        )
    )
    assert world.run("gate", "--candidate", CANDIDATE).code == 2
    early = world.run("continue-gate", "--candidate", CANDIDATE)
    assert early.code == 3
    assert "no week after golden version 2 has a reserve yet" in early.err
    assert world.run("refresh", "--week", NEXT_WEEK).code == 0
    ended = world.run("continue-gate", "--candidate", CANDIDATE, "--json")
    assert ended.code in {0, 1, 2}, ended.err
    assert "continued by e-process since look" in ended.out
    with world.pipeline() as pipeline:
        lake = pipeline.lake
        asked = lake.read(CONTINUATION_TRIALS, partition=CANDIDATE)
        planned = lake.read(REGRESSION_TRIALS, partition=CANDIDATE)
        report = lake.read(CONTINUATION_REPORT, partition=CANDIDATE)
        decision = lake.read(GATE_DECISION, partition=CANDIDATE)
    assert set(asked["week"]) == {NEXT_WEEK}
    assert not set(asked["item_id"]) & set(planned["item_id"])
    assert set(report["reserve_weeks"]) == {1}
    ledger = ledger_of(world, CANDIDATE)
    own = ledger.filter(pl.col("decision_id") == newest_row(decision)["decision_id"])
    assert own["look_kind"].to_list()[-1] == "continued"
    assert own["alpha"].sum() <= 0.05 + 1e-9
    before = requests_seen(provider)
    assert world.run("continue-gate", "--candidate", CANDIDATE).code == ended.code
    assert requests_seen(provider) == before
    assert ledger_of(world, CANDIDATE).equals(ledger)
    # A candidate that is another one by now has nothing to continue.
    path = world.folder / "candidates" / f"{CANDIDATE}.yaml"
    path.write_text(path.read_text().replace("pharma-steady", "pharma-large"))
    changed = world.run("continue-gate", "--candidate", CANDIDATE)
    assert changed.code == 3
    assert "no longer what the planned looks compared" in changed.err


def test_an_infeasible_gate_asks_nothing_where_the_policy_refuses_it(world, provider):
    world.configure(
        lambda tree: tree["gate"].update(planning={"refuse_infeasible": True, "horizon_weeks": 0})
    )
    path = world.folder / "candidates" / f"{CANDIDATE}.yaml"
    (path.parent / "new.yaml").write_text(path.read_text())
    before = requests_seen(provider)
    ended = world.run("gate", "--candidate", "new")
    assert ended.code == 3
    assert "cannot pass whatever it answers" in ended.err
    assert requests_seen(provider) == before
