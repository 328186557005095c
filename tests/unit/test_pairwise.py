import json

import pytest

from eval_pipeline.judging.material import read_material
from eval_pipeline.judging.pairwise import (
    Preference,
    Preferences,
    ResponsePair,
    plan_preferences,
    read_preferences,
)
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import CallOutcome, Message, ModelCall
from eval_pipeline.settings import JudgeSettings

RUBRICS = (Rubric("pair", "pairwise", ("Answers the question.",)),)
JUDGES = {"owl": JudgeSettings(provider="p", model="owl-1", family="strix")}
PAIR = ResponsePair("pair|1", "orders", (Message("user", "When?"),), "Tomorrow.", "Later.")


def planned() -> list[ModelCall]:
    return plan_preferences([PAIR], judges=JUDGES, rubrics=RUBRICS, scope="s")


def preferred(first_order: str | None, second_order: str | None) -> Preferences:
    outcomes = [
        CallOutcome(
            call,
            "answered" if answer else "failed",
            json.dumps({"preference": answer, "rationale": ""}) if answer else None,
            None if answer else "timeout",
            "m", "m", None, "stop", 1, 1, 0.0, 0.1, 1,
        )
        for call, answer in zip(planned(), (first_order, second_order), strict=True)
    ]  # fmt: skip
    return read_preferences([PAIR], outcomes, judges=JUDGES)


def shown(prompt: str, tag: str) -> str:
    material = read_material(prompt)
    assert material is not None
    return material.texts[tag]


def test_every_pair_is_shown_in_both_orders() -> None:
    first, second = (call.messages[1].content for call in planned())
    assert shown(first, "response_a") == "Tomorrow."
    assert shown(first, "response_b") == "Later."
    assert shown(second, "response_a") == "Later."
    assert shown(second, "response_b") == "Tomorrow."


@pytest.mark.parametrize(
    ("first_order", "second_order", "score"),
    [("a", "b", 1.0), ("b", "a", 0.0), ("tie", "tie", 0.5)],
)
def test_what_holds_in_both_orders_counts(
    first_order: str, second_order: str, score: float
) -> None:
    (preference,) = preferred(first_order, second_order).preferences
    assert preference == Preference("pair|1", "owl", score, consistent=True, error=None)


@pytest.mark.parametrize("answers", [("a", "a"), ("b", "b"), ("a", "tie"), ("tie", "b")])
def test_a_preference_that_moves_with_the_order_is_a_counted_tie(answers: tuple[str, str]) -> None:
    result = preferred(*answers)
    assert result.preferences == (Preference("pair|1", "owl", 0.5, consistent=False, error=None),)
    assert (result.inconsistent, result.missing) == (1, 0)


@pytest.mark.parametrize("answers", [("a", None), (None, "b")])
def test_one_failed_order_makes_the_preference_missing(
    answers: tuple[str | None, str | None],
) -> None:
    result = preferred(*answers)
    assert result.preferences == (Preference("pair|1", "owl", None, None, "timeout"),)
    assert (result.inconsistent, result.missing) == (0, 1)


def test_an_unparsable_preference_is_missing() -> None:
    result = preferred("A", "b")
    assert result.preferences[0].error == "unparsable"
