import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.judging.parsing import (
    PreferenceAnswer,
    RefutationAnswer,
    Unparsable,
    VerdictAnswer,
    parse_preference,
    parse_refutation,
    parse_verdict,
)


def test_a_plain_object_is_read() -> None:
    text = '{"verdict": "pass", "rationale": "meets 1"}'
    assert parse_verdict(text) == VerdictAnswer(verdict="pass", rationale="meets 1")


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "  ```json\r\n{}\r\n```\n"])
def test_a_fenced_object_is_read(fence: str) -> None:
    text = fence.replace("{}", '{"verdict": "abstain", "rationale": ""}')
    assert parse_verdict(text) == VerdictAnswer(verdict="abstain", rationale="")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "pass",
        "The verdict is pass.",
        '{"verdict": "PASS", "rationale": ""}',
        '{"verdict": "pass"}',
        '{"verdict": "pass", "rationale": null}',
        '{"verdict": true, "rationale": ""}',
        '{"verdict": "pass", "rationale": "", "score": 1}',
        '{"verdict": "fail", "verdict": "pass", "rationale": ""}',
        '{"verdict": "pass", "rationale": ""} {"verdict": "fail", "rationale": ""}',
        'Sure! {"verdict": "pass", "rationale": ""}',
        '[{"verdict": "pass", "rationale": ""}]',
        '{"verdict": "pass", "rationale": "cut o',
        '{"verdict": NaN, "rationale": ""}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_unparsable_and_never_guessed(text: str | None) -> None:
    assert isinstance(parse_verdict(text), Unparsable)


def test_the_reason_names_the_field_and_never_quotes_the_answer() -> None:
    answer = parse_verdict('{"verdict": "secret@example.org", "secret key": 1, "rationale": ""}')
    assert answer == Unparsable("not the shape asked for: verdict")


def test_preferences_and_findings_are_read_by_their_own_form() -> None:
    assert parse_preference('{"preference": "tie", "rationale": "equal"}') == PreferenceAnswer(
        preference="tie", rationale="equal"
    )
    assert parse_refutation('{"finding": "survived", "claim": ""}') == RefutationAnswer(
        finding="survived", claim=""
    )
    assert isinstance(parse_preference('{"verdict": "pass", "rationale": ""}'), Unparsable)


def test_a_refutation_without_a_claim_overturns_nothing() -> None:
    assert parse_refutation('{"finding": "refuted", "claim": " "}') == Unparsable(
        "refuted without a claim"
    )


@given(st.text())
def test_no_text_makes_the_parser_raise(text: str) -> None:
    parse_verdict(text)


@given(st.sampled_from(["pass", "fail", "abstain"]), st.text())
def test_what_was_asked_for_is_always_read(verdict: str, rationale: str) -> None:
    text = json.dumps({"verdict": verdict, "rationale": rationale})
    answer = parse_verdict(text)
    assert isinstance(answer, VerdictAnswer)
    assert (answer.verdict, answer.rationale) == (verdict, rationale)
