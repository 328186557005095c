"""Which questions of a week are made hard, and what their rows say."""

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.settings import MUTATIONS, AdversarialSettings
from eval_pipeline.tables import MESSAGES, NAMES, SYNTHETIC_ITEMS
from eval_pipeline.truth.synthetic_items import synthetic_identity, synthetic_items

WEEK = "2026-11-16"
SCHEMA = {
    "interaction_id": pl.String, "route": pl.String, "stratum": pl.String, "subsets": NAMES,
    "messages": MESSAGES, "conversation_key": pl.String, "user_key": pl.String,
}  # fmt: skip


def source(name: str, **changed: object) -> dict[str, object]:
    return {
        "interaction_id": name,
        "route": "orders",
        "stratum": "orders",
        "subsets": [],
        "messages": [{"role": "user", "content": f"Where is the parcel {name} of mine?"}],
        "conversation_key": f"c-{name}",
        "user_key": f"u-{name}",
        **changed,
    }


def sources(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA)


def many(count: int, **changed: object) -> list[dict[str, object]]:
    prefix = str(changed.get("route", "orders"))
    return [source(f"{prefix}-{number}", **changed) for number in range(count)]


def made(
    rows: list[dict[str, object]],
    *,
    passed: list[str] | None = None,
    week: str = WEEK,
    **policy: object,
) -> pl.DataFrame:
    return synthetic_items(
        sources(*rows),
        passed=[str(row["interaction_id"]) for row in rows] if passed is None else passed,
        policy=AdversarialSettings(**policy),
        week=week,
    )


def test_a_row_is_found_by_its_source_s_keys_and_stands_in_no_subset():
    (row,) = made([source("a", subsets=["late"], user_key=None)], weekly_items=1).to_dicts()
    assert row["interaction_id"] == synthetic_identity("a", row["mutation"])
    assert row["interaction_id"].startswith("synthetic-")
    assert len(row["interaction_id"]) == len("synthetic-") + 16
    assert (row["source_interaction_id"], row["conversation_key"], row["user_key"]) == (
        "a", "c-a", None,
    )  # fmt: skip
    assert (row["kind"], row["subsets"]) == ("adversarial", [])
    assert row["created_on"] == dt.date(2026, 11, 22)


def test_the_week_s_number_is_kept_and_mutations_take_turns():
    frame = made(many(40), weekly_items=10)
    assert frame.height == 10
    counts = dict(frame.group_by("mutation").len().iter_rows())
    assert counts == dict.fromkeys(MUTATIONS, 2)


def test_with_none_wanted_none_are_made():
    assert made(many(5), weekly_items=0).equals(SYNTHETIC_ITEMS.empty())


def test_routes_take_turns_however_unequal_they_are():
    rows = [*many(50), *many(2, route="refunds"), *many(2, route="hours")]
    frame = made(rows, weekly_items=6)
    assert dict(frame.group_by("route").len().iter_rows()) == {
        "orders": 2, "refunds": 2, "hours": 2,
    }  # fmt: skip


def test_a_route_and_a_mutation_are_not_tied_to_each_other():
    routes = ("a", "b", "c", "d", "e")
    rows = [row for route in routes for row in many(20, route=route)]
    frame = made(rows, weekly_items=25)
    pairs = frame.select("route", "mutation").unique()
    assert pairs.height == 25


def test_within_a_route_its_subsets_take_turns():
    rows = [*many(30), source("rare-1", subsets=["late"]), source("rare-2", subsets=["lost"])]
    chosen = made(rows, weekly_items=3)["source_interaction_id"].to_list()
    assert {"rare-1", "rare-2"} < set(chosen)


def test_answers_that_passed_are_taken_before_others():
    rows = many(20)
    good = ["orders-3", "orders-7", "orders-11"]
    chosen = set(made(rows, passed=good, weekly_items=5)["source_interaction_id"])
    assert set(good) < chosen
    assert len(chosen) == 5


def test_one_interaction_of_a_conversation_is_taken():
    rows = many(10, conversation_key="c")
    assert made(rows, weekly_items=5).height == 1


def test_what_asks_nothing_is_passed_over():
    silent = source("silent", messages=[{"role": "user", "content": None}])
    frame = made([silent, source("spoken")], weekly_items=5)
    assert frame["source_interaction_id"].to_list() == ["spoken"]


def test_a_source_that_a_mutation_gives_nothing_goes_to_the_next():
    # 1,750 of 1,800 characters: no room for the 120 of filler that padding needs at least.
    long = source("long", messages=[{"role": "user", "content": "word " * 350}])
    turns = ("near_limit_length", "malformed_input")
    (row,) = made([long], weekly_items=1, limit_characters=1800, mutations=turns).to_dicts()
    assert row["mutation"] == "malformed_input"
    assert sum(len(message["content"]) for message in row["messages"]) <= 1800


def test_another_week_takes_others():
    rows = many(200)
    first, second = (
        set(made(rows, weekly_items=10, week=week)["source_interaction_id"])
        for week in ("2026-11-16", "2026-11-23")
    )
    assert len(first & second) < 5


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(12)), items=st.integers(0, 12))
def test_the_order_of_the_rows_changes_nothing_and_fewer_are_a_part_of_more(order, items):
    rows = [*many(8), *many(4, route="refunds")]
    shuffled = made([rows[place] for place in order], weekly_items=items)
    assert shuffled.equals(made(rows, weekly_items=items))
    more = set(made(rows, weekly_items=12)["interaction_id"])
    assert set(shuffled["interaction_id"]) <= more
