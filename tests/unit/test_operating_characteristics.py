"""The simulation goes through the gate, is the same every time, and counts what it says."""

import polars as pl
import pytest

from eval_pipeline.evaluation.gate_plan import GatePlan, ItemCost
from eval_pipeline.evaluation.operating_characteristics import (
    Rate,
    World,
    characteristics,
    one_run,
)
from eval_pipeline.evaluation.preflight import preflight
from eval_pipeline.reports.gate_plan import plan_tables
from eval_pipeline.settings import GateSettings
from eval_pipeline.statistics.proportions import clopper_pearson

NAMES = ("a", "b")
POLICY = GateSettings(looks=(200,), tolerances={"default": 0.15}, aggregate_tolerance=0.15)


def world(*, golden: int = 60, reserve: int = 150) -> World:
    ids = [(f"{name}-g{n}", [name]) for name in NAMES for n in range(golden)]
    held = [(f"{name}-{n}", [name]) for name in NAMES for n in range(reserve)]
    return World(
        golden=pl.DataFrame(ids, schema=["item_id", "subsets"], orient="row").with_columns(
            cluster_id=pl.col("item_id")
        ),
        reserve=pl.DataFrame(held, schema=["interaction_id", "subsets"], orient="row").with_columns(
            conversation_key=pl.col("interaction_id")
        ),
        subsets=NAMES,
        discordance={"all": 0.05, "a": 0.05, "b": 0.05},
    )


def test_the_exact_interval_is_the_published_one():
    # Zero of ten: 1 - .025^(1/10) = .3085; one of ten: .0025 to .4450.
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 0.3085), abs=1e-4)
    assert clopper_pearson(1, 10) == pytest.approx((0.0025, 0.4450), abs=1e-4)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert Rate(0, 0).value is None


def test_a_run_is_the_same_for_the_same_seed_and_tops_up_from_the_reserve():
    first, items = one_run(world(), policy=POLICY, bad=None, drop=0.0, seed=3)
    again, same = one_run(world(), policy=POLICY, bad=None, drop=0.0, seed=3)
    assert (first, items) == (again, same)
    assert 120 <= items <= 420


def test_a_subset_that_loses_much_is_blocked_by_name_and_others_are_not():
    decision, _ = one_run(world(), policy=POLICY, bad="b", drop=0.5, seed=1)
    assert decision.verdict == "block"
    states = {each.subset: each.state for each in decision.subsets}
    assert states["b"] == "blocked"
    assert states["a"] != "blocked"


def test_the_rates_count_every_subset_when_fine_and_in_turn_when_bad():
    seen: list[tuple[int, int]] = []
    told = characteristics(
        world(), policy=POLICY, runs=6, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[0] == (0, 18)
    assert len(seen) == 18
    assert told.no_regression.runs == told.at_tolerance.runs == told.at_twice.runs == 6
    assert told.no_regression.tried == {"all": 6, "a": 6, "b": 6}
    # Six runs over 'all', 'a' and 'b' in turn.
    assert told.at_twice.tried == {"all": 2, "a": 2, "b": 2}
    assert told.no_regression.verdicts["pass"] >= 5
    assert told.at_twice.verdicts["pass"] == 0
    assert told.items_per_gate == told.no_regression.items / 6


def test_the_plan_as_a_document_and_as_tables():
    here = world()
    plan = GatePlan(
        golden_version=3,
        exposures=2,
        policy=POLICY,
        subsets=preflight(
            here.golden, reserve=here.reserve, weekly={}, noise={}, policy=POLICY, subsets=NAMES
        ),
        rates=characteristics(here, policy=POLICY, runs=3),
        cost=ItemCost(0.01, "measured on 100 items of earlier candidates"),
    )
    told = plan.as_dict()
    assert told["usd_per_gate"] == pytest.approx(0.01 * told["items_per_gate"])
    assert told["generations_per_gate"] == 2 * told["items_per_gate"]
    # Fifty deploys a year at 5 %.
    assert told["false_blocks_per_year"]["promised"] == pytest.approx(2.5)
    assert [row["subset"] for row in told["subsets"]] == ["all", "a", "b"]
    assert told["subsets"][1]["certified"]["runs"] == 3
    parts = list(plan_tables(told))
    lines = [str(part) for part in parts if hasattr(part, "plain")]
    assert any("used for 2 of at most 20 candidates" in line for line in lines)
    assert any("assumed" in line for line in lines)


def test_limits_on_what_is_not_simulated_are_taken_as_kept():
    plain, _ = one_run(world(), policy=POLICY, bad=None, drop=0.0, seed=3)
    assert plain.verdict == "pass"
    limited = POLICY.model_copy(
        update={
            "maximum_latency_ratio": 1.2,
            "maximum_cost_ratio": 1.5,
            "minimum_judge_agreement": 0.7,
            "minimum_human_agreement": 0.7,
            "maximum_golden_age_days": 14,
            "minimum_fresh_share": 0.1,
            "dimensions": {"refusal": {"default": 0.05}},
            "review_beyond": 0.001,
        }
    )
    decision, _ = one_run(world(), policy=limited, bad=None, drop=0.0, seed=3)
    assert decision.verdict == "pass"
