"""A response that repeats at length what others wrote is warned of; its own words are not."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.evaluation.verbatim import (
    longest_common_run,
    memorisation_sentences,
    memorised_items,
)
from eval_pipeline.tables import GOLDEN_SET

PERSON = "take one tablet in the morning with water and never two at once without asking us"
LOGGED = "you may take as many tablets as you like at any time of the day"
CANARY = "eval-pipeline golden canary [UUID_1]"


def answer(**changes: Any) -> dict[str, Any]:
    return {
        "system_id": "new",
        "item_id": "i",
        "served_model": "large-2",
        "response": f"Well: {PERSON.upper()}!",
        "messages": [{"role": "user", "content": "how many tablets"}],
        "logged_response": LOGGED,
        "logged_model": "large-1",
        "reference_response": PERSON,
        "reference_label": "fail",
        **changes,
    }


def memorised(*answers: dict[str, Any], prompt: str = "") -> list[tuple[Any, ...]]:
    schema = {
        **dict.fromkeys(answer(), pl.String),
        "messages": GOLDEN_SET.schema["messages"],
    }
    frame = pl.DataFrame(list(answers), schema=schema)
    found = memorised_items(frame, words=8, prompts={"new": prompt})
    return found.rows()


def test_a_person_s_words_in_a_response_are_counted_as_the_longest_run() -> None:
    # The whole of the person's 16 words; then its first 9, and its first 7, under the limit of 8.
    assert memorised(answer()) == [("new", "i", "reference", 16)]
    nine, seven = (" ".join(PERSON.split()[:count]) for count in (9, 7))
    assert memorised(answer(response=f"{nine} perhaps")) == [("new", "i", "reference", 9)]
    assert memorised(answer(response=f"{seven} perhaps")) == []


@pytest.mark.parametrize(
    ("served", "logged", "warned"),
    [
        ("large-2", "large-1", True),
        ("large-1", "large-1", False),
        ("large-2", None, False),
        (None, "large-1", False),
    ],
)
def test_a_logged_reference_counts_only_where_another_model_is_known_to_have_given_it(
    served: str | None, logged: str | None, warned: bool
) -> None:
    row = answer(
        response=LOGGED, reference_response=LOGGED, reference_label="pass",
        served_model=served, logged_model=logged,
    )  # fmt: skip
    assert bool(memorised(row)) == warned
    assert bool(memorised({**row, "reference_response": None})) == warned


def test_a_model_may_repeat_what_a_correction_kept_of_its_own_words() -> None:
    corrected = f"{LOGGED} but never more than two of them in a single day or night"
    row = answer(reference_response=corrected, response=f"{LOGGED} so enjoy")
    assert memorised({**row, "served_model": "large-1"}) == []
    assert memorised(row) == [("new", "i", "reference", 15)]
    told = {**row, "served_model": "large-1", "response": corrected}
    assert memorised(told) == [("new", "i", "reference", 28)]


def test_words_of_the_question_or_of_the_prompt_prove_nothing() -> None:
    quoted = answer(messages=[{"role": "user", "content": f"Is this right: '{PERSON}'?"}])
    assert memorised(quoted) == []
    assert memorised(answer(), prompt=f"Always say: {PERSON}.") == []


def test_a_reserve_item_without_reference_and_a_failed_call_are_passed_over() -> None:
    assert memorised(answer(messages=None, reference_response=None, logged_response=None)) == []
    assert memorised(answer(response=None)) == []


def test_a_canary_in_a_response_is_found_even_where_there_is_no_reference() -> None:
    row = answer(response=f"Sure. {CANARY.upper()}", messages=None)
    assert memorised(row) == [("new", "i", "canary", None)]


def test_the_sentences_name_the_items_and_say_which_limit_was_passed() -> None:
    rows = [("new", f"i{number:02d}", "reference", 30) for number in range(12)]
    rows.append(("new", "i03", "canary", None))
    frame = pl.DataFrame(
        rows,
        schema={
            "system_id": pl.String,
            "item_id": pl.String,
            "found": pl.String,
            "words": pl.Int64,
        },
        orient="row",
    )
    ten = ", ".join(f"i{number:02d}" for number in range(10))
    assert memorisation_sentences(frame, words=20) == [
        (
            "Responses of 'new' to 1 item hold a golden version's canary (i03): it has seen the "
            "golden set."
        ),
        (
            "'new' repeats at least 20 words in a row of the reference of 12 items that others "
            f"wrote ({ten}, …): it may have memorised them."
        ),
    ]


few_words = st.lists(st.sampled_from("abcd"), max_size=25)


@settings(max_examples=150, deadline=None)
@given(few_words, few_words)
def test_the_longest_common_run_is_the_longest(first: list[str], second: list[str]) -> None:
    by_hand = max(
        (
            length
            for start in range(len(first))
            for length in range(1, len(first) - start + 1)
            if any(
                second[at : at + length] == first[start : start + length]
                for at in range(len(second))
            )
        ),
        default=0,
    )
    assert longest_common_run(first, second) == by_hand
