import datetime as dt
from typing import Any

import polars as pl

from eval_pipeline.intake.name_limits import name_limits
from eval_pipeline.settings import SubsetSettings
from eval_pipeline.tables import INTERACTION_SCHEMA

SUBSETS = {
    "medical": SubsetSettings(predicate="last_user_message ILIKE '%pills%'"),
    "orders": SubsetSettings(predicate="route = 'orders'"),
    "unlimited": SubsetSettings(predicate="true"),
}
TAU = {"default": 0.2, "medical": 0.05, "orders": 0.1}


def interactions(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    blank: dict[str, Any] = dict.fromkeys(INTERACTION_SCHEMA)
    filled = [
        {
            **blank,
            "interaction_id": name,
            "conversation_id": conversation,
            "route": route,
            "occurred_at": dt.datetime(2026, 11, 16, tzinfo=dt.UTC),
            "messages": [{"role": "user", "content": said}],
        }
        for name, conversation, route, said in rows
    ]
    return pl.DataFrame(filled, schema=INTERACTION_SCHEMA)


def test_without_limits_of_their_own_no_subset_is_judged() -> None:
    asked = interactions(("i1", "c1", "orders", "hello"))
    assert name_limits(asked, tau={"default": 0.2}, subsets=SUBSETS) == {}


def test_the_least_limit_of_an_interactions_subsets_counts() -> None:
    asked = interactions(
        ("i1", "c1", "orders", "my pills"),
        ("i2", "c2", "orders", "my parcel"),
        ("i3", "c3", "chat", "hello"),
    )
    assert name_limits(asked, tau=TAU, subsets=SUBSETS) == {"i1": 0.05, "i2": 0.1}


def test_a_limit_holds_for_the_whole_conversation() -> None:
    asked = interactions(("i1", "c1", "chat", "my pills"), ("i2", "c1", "chat", "thanks"))
    assert name_limits(asked, tau=TAU, subsets=SUBSETS) == {"i1": 0.05, "i2": 0.05}


def test_a_subset_may_not_mask_less_than_the_default_does() -> None:
    asked = interactions(("i1", "c1", "orders", "hello"))
    assert name_limits(asked, tau={"default": 0.2, "orders": 0.9}, subsets=SUBSETS) == {}
