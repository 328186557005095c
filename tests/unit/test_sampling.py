import datetime as dt
import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.queries import load_sql, query
from eval_pipeline.fingerprint import keyed_pseudonym, unit_hash
from eval_pipeline.intake.sampling import allocate, draw_sample
from eval_pipeline.settings import SamplingSettings
from eval_pipeline.tables import SAMPLED_INTERACTIONS

WEEK = "2026-11-16"
KEY = b"key"

populations = st.dictionaries(
    st.text(alphabet="abcdef", min_size=1, max_size=3), st.integers(0, 400), max_size=8
)


def narrow(conversations: dict[str, int], *, turns: int = 1) -> pl.DataFrame:
    """`conversations` per route, each with `turns` interactions."""
    rows = [
        {
            "interaction_id": f"{route}-{number}-{turn}",
            "conversation_id": f"{route}-{number}",
            "route": route,
            "prompt_version": None if number % 2 else "v1",
            "requested_model": "m",
            "occurred_at": dt.datetime(2026, 11, 16, tzinfo=dt.UTC) + dt.timedelta(minutes=number),
        }
        for route, count in conversations.items()
        for number in range(count)
        for turn in range(turns)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "interaction_id": pl.String,
            "conversation_id": pl.String,
            "route": pl.String,
            "prompt_version": pl.String,
            "requested_model": pl.String,
            "occurred_at": pl.Datetime("us", "UTC"),
        },
    )


def policy(**changes: object) -> SamplingSettings:
    return SamplingSettings.model_validate(
        {"budget": 30, "reserve": 20, "minimum_per_stratum": 5, **changes}
    )


def draw(frame: pl.DataFrame, *, week: str = WEEK, **changes: object) -> pl.DataFrame:
    return draw_sample(frame, policy=policy(**changes), week=week, key=KEY)


def test_the_rest_beyond_the_floor_goes_by_largest_remainder() -> None:
    # floors 2+2+2 = 6, left 4 of the budget; remaining sizes 98, 48, 0 share 4:
    # 98*4/146 = 2.68, 48*4/146 = 1.32 -> 2 + 1, the last one to the larger remainder (.68)
    assert allocate({"a": 100, "b": 50, "c": 2}, budget=10, minimum=2) == {"a": 5, "b": 3, "c": 2}


def test_a_stratum_at_or_below_the_floor_is_taken_whole() -> None:
    assert allocate({"big": 1000, "small": 3}, budget=50, minimum=20)["small"] == 3


def test_a_budget_too_small_for_the_floors_is_spread_in_proportion_to_them() -> None:
    # floors 20, 20, 5; 9 * 20/45 = 4, 4, 9 * 5/45 = 1
    assert allocate({"a": 90, "b": 70, "c": 5}, budget=9, minimum=20) == {"a": 4, "b": 4, "c": 1}


@given(populations, st.integers(0, 500), st.integers(1, 50))
def test_allocation_spends_exactly_what_there_is_and_never_more(
    population: dict[str, int], budget: int, minimum: int
) -> None:
    allocated = allocate(population, budget=budget, minimum=minimum)
    assert sum(allocated.values()) == min(budget, sum(population.values()))
    assert all(0 <= allocated[name] <= population[name] for name in population)
    floors = {name: min(minimum, size) for name, size in population.items()}
    if sum(floors.values()) <= budget:
        assert all(allocated[name] >= floors[name] for name in population)


def test_a_conversations_weight_is_one_over_its_inclusion_probability() -> None:
    # route a: 40 conversations, floor 5 + (10 - 5) = 10 of 40 in the sample, one of two turns:
    # 10/40 * 1/2 = 1/8; sample and reserve together 16 of 40: 16/40 * 1/2 = 1/5
    drawn = draw(narrow({"a": 40}, turns=2), budget=10, reserve=6)
    sample = drawn.filter(selection="sample")
    reserve = drawn.filter(selection="reserve")
    assert sample.height == 10
    assert reserve.height == 6
    assert sample["inclusion_probability"].unique().to_list() == [1 / 8]
    assert sample["design_weight"].unique().to_list() == [8.0]
    assert reserve["inclusion_probability"].unique().to_list() == [pytest.approx(1 / 5)]
    assert drawn["allocated"].unique().to_list() == [10]
    assert drawn["drawn"].unique().to_list() == [16]
    assert drawn["population_size"].unique().to_list() == [40]


def test_a_census_has_weight_one() -> None:
    drawn = draw(narrow({"a": 4}))
    assert drawn["design_weight"].to_list() == [1.0] * 4
    assert drawn["selection"].to_list() == ["sample"] * 4


def test_the_conversations_with_the_smallest_hashes_are_drawn() -> None:
    frame = narrow({"a": 60})
    drawn = draw(frame, budget=10, reserve=0)
    by_hash = sorted(
        frame["conversation_id"], key=lambda conversation: unit_hash(f"weekly:{WEEK}", conversation)
    )
    expected = {keyed_pseudonym(KEY, "conversation", name) for name in by_hash[:10]}
    assert set(drawn["conversation_key"]) == expected
    assert sorted(drawn["position"]) == list(range(1, 11))


@given(st.integers(1, 59), st.integers(1, 59))
def test_a_larger_draw_from_a_stratum_contains_the_smaller(one: int, other: int) -> None:
    frame = narrow({"a": 60})
    smaller, larger = sorted((one, other))
    few = draw(frame, budget=smaller, reserve=0, minimum_per_stratum=1)
    many = draw(frame, budget=larger, reserve=0, minimum_per_stratum=1)
    assert set(few["interaction_id"]) <= set(many["interaction_id"])


def test_turning_reserve_into_sample_draws_nothing_new() -> None:
    frame = narrow({"a": 60})
    apart = draw(frame, budget=10, reserve=15)
    together = draw(frame, budget=25, reserve=0)
    assert set(apart["interaction_id"]) == set(together["interaction_id"])


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(shuffler: random.Random) -> None:
    frame = narrow({"a": 30, "b": 12}, turns=3)
    order = list(range(frame.height))
    shuffler.shuffle(order)
    assert draw(frame[order]).equals(draw(frame))


def test_strata_are_spelt_by_column_and_a_missing_value_is_unknown() -> None:
    drawn = draw(narrow({"a": 2}), strata=("route", "prompt_version"))
    assert set(drawn["stratum"]) == {"route=a|prompt_version=v1", "route=a|prompt_version=unknown"}


def test_without_strata_all_conversations_are_one() -> None:
    assert set(draw(narrow({"a": 3, "b": 3}), strata=())["stratum"]) == {"all"}


def test_another_week_and_another_salt_draw_others() -> None:
    frame = narrow({"a": 200})
    base = set(draw(frame, budget=20, reserve=0)["interaction_id"])
    assert set(draw(frame, budget=20, reserve=0, week="2026-11-23")["interaction_id"]) != base
    assert set(draw(frame, budget=20, reserve=0, salt="other")["interaction_id"]) != base


def test_as_many_interactions_as_asked_are_drawn_inside_a_conversation() -> None:
    drawn = draw(narrow({"a": 3}, turns=5), interactions_per_conversation=2)
    assert drawn.group_by("conversation_key").len()["len"].to_list() == [2, 2, 2]
    # all 3 conversations, 2 of 5 turns: 1 * 2/5
    assert drawn["inclusion_probability"].unique().to_list() == [pytest.approx(0.4)]


def test_a_week_without_rows_gives_an_empty_table() -> None:
    assert draw(narrow({})).equals(SAMPLED_INTERACTIONS.empty())


def test_duckdb_computes_the_same_bits_and_positions() -> None:
    frame = narrow({"ä": 50, "b": 50})
    in_sql = query(
        load_sql("sampled_conversations"),
        parameters={"salt": f"weekly:{WEEK}"},
        frames={
            "conversations": frame.select(
                pl.concat_str(pl.lit("route="), "route").alias("stratum"), "conversation_id"
            )
        },
    )
    drawn = draw(frame, budget=100, reserve=0)
    of_python = {
        (row["conversation_key"], row["unit_hash"], row["position"], row["population_size"])
        for row in drawn.iter_rows(named=True)
    }
    of_duckdb = {
        (
            keyed_pseudonym(KEY, "conversation", row["conversation_id"]),
            row["unit_hash"],
            row["position"],
            row["population_size"],
        )
        for row in in_sql.iter_rows(named=True)
    }
    assert of_python == of_duckdb


def test_the_weighted_total_is_unbiased_over_many_salts() -> None:
    # 400 salts; value of an interaction = its conversation's number, true total of the frame below.
    # Per stratum the Horvitz-Thompson total of n=6 of N=30 has sd N*sqrt((1-f)/n)*S with S=8.80:
    # 30*sqrt(.8/6)*8.80 = 96.4; over 400 draws 4.8; the turns add a little. Bound: 4 errors.
    frame = narrow({"a": 30, "b": 30}, turns=2)
    values = {
        row["interaction_id"]: float(row["conversation_id"].split("-")[1])
        for row in frame.iter_rows(named=True)
    }
    truth = sum(values.values())
    totals = [
        sum(
            values[row["interaction_id"]] * row["design_weight"]
            for row in draw(
                frame, budget=12, reserve=0, minimum_per_stratum=1, salt=f"s{number}"
            ).iter_rows(named=True)
        )
        for number in range(400)
    ]
    mean = sum(totals) / len(totals)
    variance = sum((total - mean) ** 2 for total in totals) / (len(totals) - 1)
    assert abs(mean - truth) < 4 * (variance / len(totals)) ** 0.5
    assert variance > 0
