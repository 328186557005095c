"""Sizes by hand: what suffices now, what needs the reserve, and what never will."""

import math

import polars as pl
import pytest

from eval_pipeline.evaluation.preflight import (
    Noise,
    blocked_drop,
    detectable_difference,
    infeasible_sentences,
    pooled_noise,
    preflight,
)
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import AA_RUNS

POLICY = GateSettings(looks=(), tolerances={"default": 0.10}, aggregate_tolerance=0.10)
TOPPED_UP = GateSettings(looks=(400,), tolerances={"default": 0.10}, aggregate_tolerance=0.10)


def golden(items: int, *, clusters: int | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": [f"i{n}" for n in range(items)],
            "subsets": [["a"]] * items,
            "cluster_id": [f"c{n % (clusters or items)}" for n in range(items)],
        },
        schema_overrides={"subsets": pl.List(pl.String)},
    )


def reserve(items: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"interaction_id": [f"r{n}" for n in range(items)], "subsets": [["a"]] * items},
        schema_overrides={"subsets": pl.List(pl.String)},
    )


def planned(
    items: int,
    *,
    held: int = 0,
    weekly: float = 0.0,
    policy: GateSettings = POLICY,
    clusters: int | None = None,
    discordance: float = 0.10,
):
    plans = preflight(
        golden(items, clusters=clusters),
        reserve=reserve(held),
        weekly={"a": weekly, "all": weekly},
        noise={"a": Noise(discordance), "all": Noise(discordance)},
        policy=policy,
        subsets=["a"],
    )
    return plans[1]


def test_the_size_is_that_of_the_methods_table():
    # One look at 5 %: (1.6449 + .8416)^2 * .10 / .10^2 = 61.8, so 62.
    assert planned(62).items_needed == 62
    assert planned(62).outcome == "gating"
    assert planned(61).outcome == "infeasible"
    assert planned(61).reason == "the last look stops at 61 items"


def test_the_reserve_of_today_and_of_coming_weeks_counts_up_to_the_last_look():
    # Two looks at 2.5 %: (1.96 + .8416)^2 * .10 / .01 = 78.5, so 79.
    held = planned(30, held=49, policy=TOPPED_UP)
    assert (held.items_needed, held.outcome, held.weeks_needed) == (79, "needs_topup", 0)
    coming = planned(30, held=9, weekly=11, policy=TOPPED_UP)
    assert (coming.outcome, coming.weeks_needed) == ("needs_topup", 4)
    # Twelve weeks of three are 36: 30 + 9 + 36 = 75.
    never = planned(30, held=9, weekly=3, policy=TOPPED_UP)
    assert (never.outcome, never.reachable_items) == ("infeasible", 75)
    assert never.reason == "the traffic brings too few"


def test_fewer_than_ten_clusters_never_decide():
    few = planned(500, clusters=9)
    assert (few.outcome, few.reason) == ("infeasible", "fewer than 10 clusters")


def test_what_is_infeasible_is_told_with_what_it_needs():
    (told,) = infeasible_sentences([planned(61)])
    assert told == "'a' needs about 62 items and can have 61 (the last look stops at 61 items)"
    assert infeasible_sentences([planned(62)]) == []


def test_the_detectable_difference_is_the_methods_formula():
    # (1.6449 + .8416) * sqrt(.10 * 1.5 / 150) = 2.4865 * .03162 = .0786
    noise = Noise(0.10, design_effect=1.5)
    assert detectable_difference(noise, items=150) == pytest.approx(0.0786, abs=1e-4)
    assert detectable_difference(noise, items=0) is None


def test_the_blocked_drop_satisfies_both_conditions_and_nothing_smaller_does():
    drop = blocked_drop(Noise(0.10), items=400, tolerance=0.05, policy=POLICY, hypotheses=2)
    assert drop is not None

    def slack(value: float) -> float:
        # One look: alpha .05 over two hypotheses, z = 1.96; block fraction one half.
        error = math.sqrt((0.10 + value) / 400)
        return min(value - 0.025 - (1.95996 + 0.84162) * error, value - 0.05 - 0.84162 * error)

    assert slack(drop) == pytest.approx(0.0, abs=1e-4)
    assert slack(drop - 0.002) < 0
    assert blocked_drop(Noise(1.0), items=2, tolerance=0.5, policy=POLICY, hypotheses=2) is None


def aa_run(**rows: tuple[int, float]) -> pl.DataFrame:
    told = [
        {"subset": name, "items": items, "discordance": discordance}
        for name, (items, discordance) in rows.items()
    ]
    return pl.DataFrame(told, schema=AA_RUNS.schema)


def test_noise_of_few_items_is_drawn_towards_that_of_all():
    # Ten items with .40 and fifty of all with .10: (4 + 5) / 60 = .15; of 950: (380 + 5) / 1000.
    found = pooled_noise(
        aa_run(all=(200, 0.10), few=(10, 0.40), many=(950, 0.40), none=(0, 0.0)),
        assumed=0.10,
        week="2026-09-07",
    )
    assert found["few"].discordance == pytest.approx(0.15)
    assert found["many"].discordance == pytest.approx(0.385)
    assert found["all"] == Noise(0.10, measured_in="2026-09-07")
    assert "none" not in found


def test_where_nothing_flipped_the_rule_of_three_speaks():
    calm = pooled_noise(aa_run(all=(100, 0.0)), assumed=0.10, week="w")
    assert calm["all"].discordance == pytest.approx(0.03)
    few = pooled_noise(aa_run(all=(10, 0.0)), assumed=0.10, week="w")
    assert few["all"].discordance == 0.10
    assert pooled_noise(AA_RUNS.empty(), assumed=0.10, week="w") == {}
