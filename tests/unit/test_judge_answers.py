import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.judging.parsing import (
    PREFERENCE_SCHEMA,
    Contradictory,
    CriterionAnswer,
    PreferenceAnswer,
    RefutationAnswer,
    Truncated,
    Unparsable,
    Unusable,
    VerdictAnswer,
    answer_in,
    implied_verdict,
    parse_preference,
    parse_refutation,
    parse_verdict,
    verdict_schema,
)
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import CallOutcome, ModelCall, ModelSpec
from eval_pipeline.settings import CriterionSettings

DEPTH = CriterionSettings(
    text="Explains why.", levels=("nothing", "part", "all"), passes_from="part"
)
RUBRIC = Rubric("general", "pointwise", ("Answers the question.",))
MIXED = Rubric("mixed", "pointwise", ("Answers the question.", DEPTH))


def answer_text(verdict: str = "pass", *levels: object, **more: object) -> str:
    criteria = [
        {"criterion": number, "rationale": "seen", "level": level}
        for number, level in enumerate(levels or ("met",), 1)
    ]
    return json.dumps({"criteria": criteria, "rationale": "so", "verdict": verdict, **more})


def test_a_plain_object_is_read() -> None:
    assert parse_verdict(answer_text("pass", "met", "part"), MIXED) == VerdictAnswer(
        criteria=(
            CriterionAnswer(criterion=1, rationale="seen", level="met"),
            CriterionAnswer(criterion=2, rationale="seen", level="part"),
        ),
        rationale="so",
        verdict="pass",
    )


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "  ```json\r\n{}\r\n```\n"])
def test_a_fenced_object_is_read(fence: str) -> None:
    answer = parse_verdict(fence.replace("{}", answer_text("abstain", None)), RUBRIC)
    assert isinstance(answer, VerdictAnswer)
    assert answer.verdict == "abstain"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "pass",
        "The verdict is pass.",
        answer_text("PASS"),
        '{"verdict": "pass", "rationale": ""}',
        answer_text(criteria=[]),
        answer_text(criteria={}),
        answer_text(rationale=None),
        answer_text(verdict=True),
        answer_text(score=1),
        answer_text("pass", True),
        answer_text("pass", "met", "met"),
        answer_text("pass", "excellent"),
        answer_text().replace('"criterion": 1', '"criterion": 0'),
        answer_text().replace('"criterion": 1', '"criterion": "1"'),
        answer_text().replace('"verdict"', '"verdict": "fail", "verdict"'),
        answer_text() + answer_text("fail", "not_met"),
        f"Sure! {answer_text()}",
        f"[{answer_text()}]",
        answer_text()[:-10],
        answer_text().replace('"pass"', "NaN"),
        "[" * 100_000,
        '{"a":' * 100_000,
        answer_text().replace('"criterion": 1', f'"criterion": 1{"0" * 5000}'),
        answer_text().replace('"criterion": 1', '"criterion": 1e999'),
        answer_text().replace('"level": "met"', '"level": "not_met", "level": "met"'),
        answer_text().replace('"level": "met"', '"level": "\u200bmet"'),
        f"\ufeff{answer_text()}",
        f"\x1b[0m{answer_text()}",
        answer_text().replace('"', "\u201d"),
        f"```json\n{answer_text()}\n```\n```json\n{answer_text('fail', 'not_met')}\n```",
        f"<think>{answer_text('fail', 'not_met')}</think>{answer_text()}",
    ],
)
def test_anything_else_is_unparsable_and_never_guessed(text: str | None) -> None:
    assert isinstance(parse_verdict(text, RUBRIC), Unparsable)


def test_a_criterion_takes_its_own_levels_and_no_other_criterion_s() -> None:
    assert parse_verdict(answer_text("pass", "met", "met"), MIXED) == Unparsable(
        "criterion 2: none of its levels"
    )


def test_a_criterion_answered_twice_or_not_at_all_makes_no_answer() -> None:
    twice = answer_text("pass", "met", "all").replace('"criterion": 2', '"criterion": 1')
    assert parse_verdict(twice, MIXED) == Unparsable("not every criterion answered exactly once")


def test_the_order_of_the_criteria_does_not_matter() -> None:
    answer = json.loads(answer_text("pass", "met", "all"))
    answer["criteria"].reverse()
    assert parse_verdict(json.dumps(answer), MIXED) == parse_verdict(
        answer_text("pass", "met", "all"), MIXED
    )


@pytest.mark.parametrize(
    ("levels", "verdict"),
    [
        (("met", "all"), "pass"),
        (("met", "part"), "pass"),
        (("met", "nothing"), "fail"),
        (("not_met", "all"), "fail"),
        (("not_met", None), "fail"),
        (("met", None), "abstain"),
        ((None, None), "abstain"),
    ],
)
def test_a_verdict_that_does_not_follow_from_its_levels_contradicts_itself(
    levels: tuple[str | None, ...], verdict: str
) -> None:
    assert implied_verdict(levels, MIXED) == verdict
    for claimed in ("pass", "fail", "abstain"):
        answer = parse_verdict(answer_text(claimed, *levels), MIXED)
        assert isinstance(answer, VerdictAnswer if claimed == verdict else Contradictory)


def test_the_reason_names_the_field_and_never_quotes_the_answer() -> None:
    answer = parse_verdict(answer_text("secret@example.org", **{"secret key": 1}), RUBRIC)
    assert answer == Unparsable("not the shape asked for: verdict")


def test_preferences_and_findings_are_read_by_their_own_form() -> None:
    assert parse_preference('{"preference": "tie", "rationale": "equal"}') == PreferenceAnswer(
        preference="tie", rationale="equal"
    )
    assert parse_refutation(
        '{"quote": "", "claim": "", "finding": "survived"}'
    ) == RefutationAnswer(quote="", claim="", finding="survived")
    assert isinstance(parse_preference('{"verdict": "pass", "rationale": ""}'), Unparsable)


def test_a_refutation_without_a_claim_overturns_nothing() -> None:
    assert parse_refutation('{"quote": "x", "claim": " ", "finding": "refuted"}') == Unparsable(
        "refuted without a claim"
    )


def test_schemas_ask_for_the_reason_before_what_follows_from_it() -> None:
    schema = json.loads(verdict_schema(MIXED))
    assert list(schema["properties"]) == ["criteria", "rationale", "verdict"]
    criterion = schema["properties"]["criteria"]["items"]
    assert list(criterion["properties"]) == ["criterion", "rationale", "level"]
    assert criterion["properties"]["level"]["anyOf"] == [
        {"type": "string", "enum": ["not_met", "met", "nothing", "part", "all"]},
        {"type": "null"},
    ]
    assert schema["additionalProperties"] is criterion["additionalProperties"] is False
    assert list(json.loads(PREFERENCE_SCHEMA)["properties"]) == ["rationale", "preference"]


@pytest.mark.parametrize("reason", ["length", "MAX_TOKENS", "max_output_tokens"])
def test_a_cut_off_answer_counts_as_none_even_if_it_can_be_read(reason: str) -> None:
    read = answer_in(outcome(finish_reason=reason), lambda text: parse_verdict(text, RUBRIC))
    assert isinstance(read, Truncated)
    whole = answer_in(outcome(finish_reason="stop"), lambda text: parse_verdict(text, RUBRIC))
    assert isinstance(whole, VerdictAnswer)


def outcome(*, finish_reason: str) -> CallOutcome:
    call = ModelCall("s", "judge:owl", "i", ModelSpec("p", "m"), ())
    return CallOutcome(
        call, "answered", answer_text(), None, "m", "m", None, finish_reason, 1, 1, 0.0, 0.1, 1
    )


@given(st.text())
def test_no_text_makes_the_parser_raise(text: str) -> None:
    assert isinstance(parse_verdict(text, RUBRIC), Unusable)


@given(st.tuples(st.sampled_from(["met", "not_met", None]), st.sampled_from([*DEPTH.levels, None])))
def test_what_was_asked_for_is_always_read(levels: tuple[str | None, str | None]) -> None:
    verdict = implied_verdict(levels, MIXED)
    answer = parse_verdict(answer_text(verdict, *levels), MIXED)
    assert isinstance(answer, VerdictAnswer)
    assert tuple(one.level for one in answer.criteria) == levels
