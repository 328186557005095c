import polars as pl
import pytest

from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.review.gold_checks import GoldChecks, KnownItem, gold_checks
from eval_pipeline.review.minutes import DEFAULT_READING

WEEK = "2026-11-16"


def item(name: str, *by: str, kind: str = "person") -> KnownItem:
    messages = [{"role": "user", "content": "when?"}]
    return KnownItem(name, "fail", kind, frozenset(by), "orders", messages, "tomorrow")


def checks(*items: KnownItem, count: int = 2, excluded=(), annotators=("ana", "ben")) -> GoldChecks:
    return gold_checks(
        items,
        count=count,
        excluded=excluded,
        annotators=annotators,
        week=WEEK,
        reading=DEFAULT_READING,
    )


def names(chosen: GoldChecks) -> set[str]:
    return set(chosen.rows["interaction_id"])


def test_so_many_are_taken_by_hash_with_their_chance_and_known_label() -> None:
    known = [item(f"i{number}") for number in range(10)]
    chosen = checks(*known)
    assert names(chosen) == set(
        smallest_by_hash([one.interaction_id for one in known], 2, salt=f"gold check:{WEEK}")
    )
    assert chosen.rows.select("selection", "reason", "panel_verdict", "value").unique().rows() == [
        ("gold_check", "gold_check", None, None)
    ]
    assert chosen.rows["label_probability"].to_list() == [0.2, 0.2]
    # 13 characters at 1,000 a minute and half a minute
    assert chosen.rows["expected_minutes"].to_list() == [0.513, 0.513]
    assert chosen.labels == dict.fromkeys(names(chosen), "fail")
    assert set(chosen.texts["interaction_id"]) == names(chosen)


def test_a_task_of_the_week_is_never_a_gold_check_too() -> None:
    known = [item(f"i{number}") for number in range(4)]
    assert names(checks(*known, count=4, excluded={"i1", "i2"})) == {"i0", "i3"}


def test_items_that_the_fewest_who_are_asked_have_labelled_come_first() -> None:
    seen = [item(f"seen{number}", "ana", "ben") for number in range(20)]
    chosen = checks(*seen, item("half", "ana"), item("new", "gone", "adjudicator"))
    assert (names(chosen), chosen.fresh) == ({"half", "new"}, 1)


def test_a_team_too_small_for_that_is_asked_whether_it_agrees_with_itself() -> None:
    chosen = checks(item("seen", "ana", "ben"))
    assert (names(chosen), chosen.fresh) == ({"seen"}, 0)


@pytest.mark.parametrize(("people", "expected"), [(1, {"p0"}), (0, {"s0", "s1"})])
def test_labels_of_scripts_are_asked_only_where_people_settled_none(people, expected) -> None:
    scripted = [item(f"s{number}", kind="scripted") for number in range(2)]
    by_people = [item(f"p{number}") for number in range(people)]
    assert names(checks(*scripted, *by_people)) == expected


def test_without_known_items_there_is_none() -> None:
    chosen = checks()
    assert (chosen.rows.height, chosen.texts.height, chosen.labels) == (0, 0, {})
    assert chosen.texts.schema["messages"] == pl.List(
        pl.Struct({"role": pl.String, "content": pl.String})
    )
