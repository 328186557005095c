"""Groups of too few people lose what singles them out, the last-named first."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eval_pipeline.anonymisation.checks.quasi_identifiers import (
    SUPPRESSED,
    groups_of,
    suppress_small_groups,
    suppressed_values,
)
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.tables import ANONYMISED_INTERACTIONS

NAMES = ("route", "provider", "region")


def interactions(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Rows of user, route, provider and the attribute `region`."""
    blank: dict[str, Any] = dict.fromkeys(ANONYMISED_INTERACTIONS.schema)
    filled = [
        {
            **blank,
            "interaction_id": f"i{number}",
            "conversation_key": f"c{number}",
            "user_key": user,
            "route": route,
            "provider": provider,
            "attributes": [{"key": "size", "value": "L"}, {"key": "region", "value": region}],
        }
        for number, (user, route, provider, region) in enumerate(rows)
    ]
    return pl.DataFrame(filled, schema=ANONYMISED_INTERACTIONS.schema)


def published(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return [
        (row["route"], row["provider"], {one["key"]: one["value"] for one in row["attributes"]})
        for row in frame.iter_rows(named=True)
    ]


def test_the_last_named_identifier_gives_way_first_and_the_one_before_it_only_if_needed():
    frame = interactions(
        ("u1", "help", "x", "north"),  # two people: stays
        ("u2", "help", "x", "north"),
        ("u3", "help", "x", "south"),  # alone in the south, and with u4 two without it
        ("u4", "help", "x", "west"),
        ("u5", "help", "y", "west"),  # alone even without region: the provider goes too
    )
    found = suppress_small_groups(frame, identifiers=NAMES, minimum=2)
    hidden = SUPPRESSED
    assert published(found.interactions) == [
        ("help", "x", {"size": "L", "region": "north"}),
        ("help", "x", {"size": "L", "region": "north"}),
        ("help", "x", {"size": "L", "region": hidden}),
        ("help", "x", {"size": "L", "region": hidden}),
        ("help", hidden, {"size": "L", "region": hidden}),
    ]
    assert found.values == {"provider": 1, "region": 3}
    assert found.groups_before["people"].to_list() == [2, 1, 1, 1]
    assert sorted(found.groups["people"]) == [1, 2, 2]
    assert suppressed_values(found.interactions, identifiers=NAMES) == found.values


def test_people_are_counted_and_not_their_interactions():
    frame = interactions(*[("u1", "help", "x", "north")] * 9)
    found = suppress_small_groups(frame, identifiers=NAMES, minimum=2)
    assert found.groups["people"].to_list() == [1]
    assert found.values == {"provider": 9, "region": 9}


def test_interactions_without_a_user_count_as_one_person_for_all_may_be_of_the_same():
    frame = interactions(*[(None, "help", "x", "north")] * 3, ("u1", "help", "x", "north"))
    groups, counted_as = groups_of(frame, identifiers=NAMES)
    assert groups["people"].to_list() == [2]
    assert counted_as == "people"


def test_where_no_interaction_has_a_user_conversations_are_counted():
    groups, counted_as = groups_of(
        interactions(*[(None, "help", "x", "north")] * 3), identifiers=NAMES
    )
    assert groups["people"].to_list() == [3]
    assert counted_as == "conversations"


def test_the_route_is_counted_and_never_suppressed():
    frame = interactions(("u1", "help", "x", "north"), ("u2", "rare", "x", "north"))
    found = suppress_small_groups(frame, identifiers=("route",), minimum=5)
    assert found.interactions.equals(frame)
    assert found.values == {}
    assert dict(found.groups.iter_rows()) == {"help": 1, "rare": 1}


def test_an_unknown_value_stays_unknown_and_an_interaction_without_attributes_stands():
    frame = interactions(("u1", "help", None, "north"), ("u2", "help", None, None)).with_columns(
        attributes=pl.when(pl.col("user_key") == "u1").then("attributes")
    )
    found = suppress_small_groups(frame, identifiers=NAMES, minimum=3)
    assert found.interactions["provider"].to_list() == [None, None]
    assert found.interactions["attributes"].to_list()[1] is None
    assert found.values == {"provider": 0, "region": 1}


def test_an_empty_week_has_no_groups():
    found = suppress_small_groups(ANONYMISED_INTERACTIONS.empty(), identifiers=NAMES, minimum=5)
    assert found.groups.is_empty()
    assert found.interactions.schema == ANONYMISED_INTERACTIONS.schema


people = st.one_of(st.none(), st.sampled_from([f"u{number}" for number in range(12)]))
values = st.sampled_from([None, "a", "b", "c"])


@given(
    st.lists(st.tuples(people, st.sampled_from("rs"), values, values), max_size=60),
    st.integers(1, 6),
)
@settings(max_examples=150, deadline=None)
def test_afterwards_a_group_is_large_enough_or_says_nothing_but_its_route(rows, minimum):
    frame = interactions(*rows)
    found = suppress_small_groups(frame, identifiers=NAMES, minimum=minimum)
    # Counted anew from what is published, not from the function's own groups.
    groups, _ = groups_of(found.interactions, identifiers=NAMES)
    assert groups.equals(found.groups)
    for _, provider, region, size in groups.iter_rows():
        assert size >= minimum or {provider, region} <= {None, SUPPRESSED}
    untouched = ["interaction_id", "user_key", "route"]
    assert found.interactions.select(untouched).equals(frame.select(untouched))
    again = suppress_small_groups(found.interactions, identifiers=NAMES, minimum=minimum)
    assert again.groups["people"].sum() == found.groups["people"].sum()


@pytest.mark.parametrize(
    "name", ["messages", "occurred_at", "user_id", "response", "interaction_id"]
)
def test_what_is_no_coarse_text_cannot_be_a_quasi_identifier(name):
    with pytest.raises(ValidationError, match=f"cannot be suppressed.*{name}"):
        AnonymisationSettings(quasi_identifiers=("route", name))
