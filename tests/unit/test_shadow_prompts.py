"""How the candidate's prompt gets into a request that was made for the baseline."""

import pytest

from eval_pipeline.evaluation.shadow.prompts import exchange, without_prompt
from eval_pipeline.evaluation.shadow.recorded import recorded_outcome
from eval_pipeline.ports import Message

QUESTION = Message("user", "Is it open?")


@pytest.mark.parametrize(
    ("first", "prompt", "use", "dropped", "put_first"),
    [
        (("system", " Be brief.\n"), "Be kind.", "exchanged", True, "Be kind."),
        (("developer", "Be brief."), "", "exchanged", True, ""),
        (("system", "Be brief. Today is Monday."), "Be kind.", "kept", False, ""),
        (("user", "Be brief."), "Be kind.", "added", False, "Be kind."),
        (("user", "Is it open?"), "", "none", False, ""),
        ((None, None), "Be kind.", "added", False, "Be kind."),
    ],
)
def test_a_prompt_is_exchanged_for_its_equal_alone(first, prompt, use, dropped, put_first):
    assert exchange(*first, known=["Be brief."], prompt=prompt) == (use, dropped, put_first)


def test_a_baseline_without_a_prompt_exchanges_no_empty_system_message():
    assert exchange("system", "", known=["", " "], prompt="Be kind.").use == "kept"


def test_the_masked_form_of_the_prompt_is_the_prompt_too():
    said = (Message("system", "You serve [ORG_1]."), QUESTION)
    known = ("You serve Acme Ltd.", "You serve [ORG_1].")
    assert without_prompt(said, known=known, prompt="Be kind.") == ((QUESTION,), "exchanged")


def logged(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "route": "store_hours", "requested_model": "large", "served_model": "large-2",
        "finish_reason": "stop", "error": None, "response": "Yes.", "latency_seconds": 0.5,
        "input_tokens": 7, "output_tokens": 2, "cost_usd": 0.1,
    }  # fmt: skip
    return row | changes


@pytest.mark.parametrize(
    ("changes", "status", "code", "text", "latency"),
    [
        ({}, "answered", None, "Yes.", 0.5),
        ({"error": "reset [EMAIL_1]"}, "failed", "logged_error", None, None),
        ({"response": None}, "failed", "no_response", None, None),
        ({"response": " "}, "failed", "no_response", None, None),
        ({"finish_reason": "content_filter", "response": None}, "refused", None, None, 0.5),
    ],
)
def test_what_was_logged_is_told_as_a_call_and_an_error_is_never_an_answer(
    changes, status, code, text, latency
):
    told = recorded_outcome(
        logged(**changes), item_id="one", system_id="assistant", scope="shadow:x"
    )
    assert (told.status, told.error_code, told.text, told.latency_seconds) == (
        status, code, text, latency,
    )  # fmt: skip
