"""Whoever was erased is left out of later draws, and nobody else."""

import polars as pl
import pytest

from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.intake.suppression import (
    erased_interactions,
    suppression_key,
    theirs,
    whole_conversations,
)

KEY = b"a key that is long enough for tests"
LOGGED = pl.DataFrame(
    [
        ("i1", "alone", "ann"),
        ("i2", "alone", None),
        ("i3", "shared", "ann"),
        ("i4", "shared", "bob"),
        ("i5", "shared", None),
        ("i6", "nobody", None),
        ("i7", "other", "bob"),
    ],
    schema=["interaction_id", "conversation_id", "user_id"],
    orient="row",
)


def erased(*people: str) -> frozenset[str]:
    keys = {suppression_key(person, key=KEY) for person in people}
    return erased_interactions(LOGGED, erased=keys, key=KEY)


def test_a_persons_interactions_are_theirs_and_so_are_nobodys_where_nobody_else_is_named():
    assert erased("ann") == {"i1", "i2", "i3"}


def test_once_both_of_a_conversation_are_erased_nobodys_turns_in_it_are_too():
    assert erased("ann", "bob") == {"i1", "i2", "i3", "i4", "i5", "i7"}


@pytest.mark.parametrize("people", [(), ("carol",)])
def test_without_an_erased_person_nothing_is_left_out(people):
    assert erased(*people) == frozenset()


def test_the_suppression_key_is_no_pseudonym_of_any_table():
    assert suppression_key("ann", key=KEY) != keyed_pseudonym(KEY, "user", "ann")
    assert suppression_key("ann", key=KEY) != suppression_key("ann", key=b"another key" * 3)


def test_a_conversation_is_wholly_theirs_only_if_nobody_else_is_named_in_it():
    rows = LOGGED.rename({"conversation_id": "conversation", "user_id": "user"})
    assert whole_conversations(rows, people=["ann"]) == {"alone"}
    assert theirs(rows, people=["bob"]) == {"i4", "i7"}
