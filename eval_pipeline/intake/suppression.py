"""Keeps people who asked to be erased out of every later draw, also of weeks drawn before.

Nothing of them is held to know them by but a keyed pseudonym that no other purpose uses.
"""

from collections.abc import Collection

import polars as pl

from eval_pipeline.fingerprint import keyed_pseudonym

PURPOSE = "erased"
LINK = "erasure-link"


def suppression_key(user_id: str, *, key: bytes) -> str:
    """What stands for an erased person: no other table holds it, and only `key` recomputes it."""
    return keyed_pseudonym(key, PURPOSE, user_id)


def person_link(user_key: str, *, key: bytes) -> str:
    """What leads from a record of an erasure to data of the person, where some came back.

    It names nobody: only who holds `key` and the data, with their `user_key`, can tell whose it is.
    """
    return keyed_pseudonym(key, LINK, user_key)


def erased_interactions(
    logged: pl.DataFrame, *, erased: Collection[str], key: bytes
) -> frozenset[str]:
    """The ids of `logged` interactions that came from erased people.

    `logged` has interaction_id, conversation_id and user_id (null where the log names nobody).
    An interaction of nobody belongs to the erased if nobody else is named in its conversation.
    """
    if not erased:
        return frozenset()
    users = logged["user_id"].drop_nulls().unique().to_list()
    gone = [user for user in users if suppression_key(user, key=key) in erased]
    return theirs(
        logged.select("interaction_id", conversation="conversation_id", user="user_id"), people=gone
    )


def theirs(rows: pl.DataFrame, *, people: Collection[str]) -> frozenset[str]:
    """The interaction ids of `people`, and those of nobody in conversations that are theirs alone.

    `rows` has interaction_id, conversation and user, as ids or as keys.
    """
    alone = list(whole_conversations(rows, people=people))
    own = pl.col("user").is_in(list(people)).fill_null(value=False)
    nobodys = pl.col("user").is_null() & pl.col("conversation").is_in(alone)
    return frozenset(rows.filter(own | nobodys)["interaction_id"])


def whole_conversations(rows: pl.DataFrame, *, people: Collection[str]) -> frozenset[str]:
    """The conversations of `rows` in which nobody but `people` is named, and at least one is."""
    named = rows.filter(pl.col("user").is_not_null())
    alone = named.group_by("conversation").agg(alone=pl.col("user").is_in(list(people)).all())
    return frozenset(alone.filter("alone")["conversation"])
