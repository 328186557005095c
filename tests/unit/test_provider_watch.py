"""Whether a silent change of a model is seen, and noise is not taken for one."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from eval_pipeline.adapters.provider_watch import observe
from eval_pipeline.errors import UnansweredCallsError
from eval_pipeline.monitoring.provider_change.answer_signs import AnswerSign, distances, sign_of
from eval_pipeline.monitoring.provider_change.evidence import (
    accumulated,
    log_e_value,
    log_threshold,
    look_ranks,
)
from eval_pipeline.monitoring.provider_change.finding import LOOKS_REMEMBERED, Finding, compare
from eval_pipeline.monitoring.provider_change.old_answers import are_the_old_models
from eval_pipeline.monitoring.provider_change.sighting import Sighting, candidate_name
from eval_pipeline.ports import CallOutcome, CallStatus, Message, ModelCall, ModelSpec

SPEC = ModelSpec(provider="acme", model="chat")


def canary(number: int, *, scope: str = "watch:1", repeat: int = 1) -> ModelCall:
    return ModelCall(
        scope=scope,
        system_id="assistant",
        item_id=f"item-{number}",
        spec=SPEC,
        messages=(Message("user", f"question {number}"),),
        trial=repeat,
    )


def outcome(
    call: ModelCall,
    *,
    status: CallStatus = "answered",
    text: str | None = "yes",
    served: str | None = "chat-1",
    headers: tuple[tuple[str, str], ...] = (),
) -> CallOutcome:
    return CallOutcome(
        call=call,
        status=status,
        text=text if status == "answered" else None,
        error_code="timeout" if status == "failed" else None,
        requested_model="chat",
        served_model=served,
        system_fingerprint="fp-1",
        finish_reason="stop",
        input_tokens=1,
        output_tokens=1,
        cost_usd=0.0,
        latency_seconds=0.1,
        attempts=1,
        headers=headers,
    )


class ScriptedRunner:
    """Answers from a list, in order."""

    def __init__(self, outcomes: list[CallOutcome]) -> None:
        self.outcomes = outcomes

    def run(self, calls, *, purpose):
        return self.outcomes


HOURLY = log_threshold(poll_seconds=3600, systems=1, false_alarms_per_quarter=1)


def said(text: str) -> AnswerSign:
    return sign_of(outcome(canary(0), text=text))


def sighting(
    *answers: str | tuple[str, ...],
    served: tuple[str, ...] = ("chat-1",),
    fingerprints: tuple[str, ...] = ("fp-1",),
    headers: dict[str, tuple[str, ...]] | None = None,
) -> Sighting:
    repeats = [(answer,) if isinstance(answer, str) else answer for answer in answers]
    return Sighting(
        system_id="assistant",
        requested_model="acme/chat",
        served_models=served,
        system_fingerprints=fingerprints,
        answers={
            f"prompt-{number}": tuple(said(text) for text in texts)
            for number, texts in enumerate(repeats)
        },
        unanswered=0,
        headers=headers or {},
    )


def watched(*looks: Sighting, threshold: float = HOURLY) -> list[Finding]:
    """The findings of one look after the other, each remembered for the next."""
    history: list[Sighting] = []
    findings = []
    for look in looks:
        finding, held = compare(history[-LOOKS_REMEMBERED:], look, log_threshold=threshold)
        findings.append(finding)
        history.append(held)
    return findings


TWENTY = (("the shop opens at nine",) * 3,) * 20
OTHER = (("we cannot say when a branch opens, please ask there",) * 3,) * 20


def test_a_sighting_counts_failures_and_keeps_them_out_of_the_answers() -> None:
    calls = [canary(1), canary(2), canary(3)]
    runner = ScriptedRunner(
        [outcome(calls[0]), outcome(calls[1], status="failed"), outcome(calls[2], served="chat-2")]
    )
    seen = observe(runner, calls, system_id="assistant")
    assert (len(seen.answers), seen.answered, seen.unanswered) == (2, 2, 1)
    assert seen.served_models == ("chat-1", "chat-2")


def test_the_repeats_of_a_prompt_are_answers_to_one_prompt() -> None:
    calls = [canary(1, repeat=repeat) for repeat in (1, 2, 3)]
    runner = ScriptedRunner([outcome(call, text=f"answer {call.trial}") for call in calls])
    (signs,) = observe(runner, calls, system_id="assistant").answers.values()
    assert [sign.exact for sign in signs] == [said(f"answer {n}").exact for n in (1, 2, 3)]


def test_headers_that_name_a_version_are_seen_commonest_first() -> None:
    calls = [canary(number) for number in (1, 2, 3)]
    values = ["v2", "v1", "v2"]
    runner = ScriptedRunner(
        [
            outcome(call, headers=(("openai-version", value),))
            for call, value in zip(calls, values, strict=True)
        ]
    )
    seen = observe(runner, calls, system_id="assistant")
    assert seen.headers == {"openai-version": ("v2", "v1")}


def test_a_refusal_is_an_answer_of_its_own() -> None:
    calls = [canary(1)]
    spoke = observe(ScriptedRunner([outcome(calls[0])]), calls, system_id="assistant")
    refused = observe(
        ScriptedRunner([outcome(calls[0], status="refused")]), calls, system_id="assistant"
    )
    assert watched(spoke, refused)[-1].new_answers == 1


def test_a_sighting_holds_no_text() -> None:
    call = canary(1)
    runner = ScriptedRunner([outcome(call, text="planted canary text")])
    written = observe(runner, [call], system_id="assistant").to_json()
    assert "planted" not in written
    assert "question" not in written


def test_silence_is_an_error_and_not_a_sighting() -> None:
    calls = [canary(1), canary(2)]
    runner = ScriptedRunner([outcome(call, status="failed") for call in calls])
    with pytest.raises(UnansweredCallsError, match=r"2 of 2 .* timeout"):
        observe(runner, calls, system_id="assistant")


def test_the_scope_of_a_look_is_not_part_of_a_prompts_identity() -> None:
    first, second = canary(1), canary(1, scope="watch:2")
    before = observe(ScriptedRunner([outcome(first)]), [first], system_id="assistant")
    after = observe(ScriptedRunner([outcome(second)]), [second], system_id="assistant")
    assert watched(before, after)[-1].compared_answers == 1


def test_the_first_look_finds_nothing_to_compare() -> None:
    (finding,) = watched(sighting(*TWENTY))
    assert (finding.kind, finding.compared_answers) == ("first", 0)


def test_another_served_model_is_a_change_though_all_answers_are_the_same() -> None:
    finding = watched(sighting(*TWENTY), sighting(*TWENTY, served=("chat-2",)))[-1]
    assert (finding.kind, finding.cause, finding.new_answers) == ("changed", "served_model", 0)
    assert finding.reason == "served model chat-2 appeared, before: chat-1"


def test_a_model_that_appears_for_some_answers_only_is_a_change() -> None:
    mixed = sighting(*TWENTY, served=("chat-1", "chat-2"))
    assert watched(sighting(*TWENTY), mixed)[-1].cause == "served_model"


def test_the_end_of_a_rollout_is_not_a_second_change() -> None:
    mixed = sighting(*TWENTY, served=("chat-1", "chat-2"))
    after = sighting(*TWENTY, served=("chat-2",))
    assert [found.kind for found in watched(mixed, after)] == ["first", "same"]


def test_a_fleet_that_alternates_between_two_fingerprints_is_no_row_of_changes() -> None:
    looks = [sighting(*TWENTY, fingerprints=(f"fp-{look % 2}",)) for look in range(8)]
    kinds = [found.kind for found in watched(*looks)]
    assert kinds == ["first", "changed", *["same"] * 6]


def test_a_name_that_comes_back_after_long_is_a_change() -> None:
    looks = [sighting(*TWENTY, served=("old",)), *[sighting(*TWENTY)] * 11]
    back = sighting(*TWENTY, served=("old",))
    assert watched(*looks, back)[-1].cause == "served_model"


def test_another_system_fingerprint_or_version_header_is_a_change() -> None:
    other = sighting(*TWENTY, fingerprints=("fp-2",))
    assert watched(sighting(*TWENTY), other)[-1].cause == "system_fingerprint"
    first = sighting(*TWENTY, headers={"openai-version": ("2025",)})
    second = sighting(*TWENTY, headers={"openai-version": ("2026",)})
    finding = watched(first, second)[-1]
    assert finding.cause == "headers"
    assert finding.reason == "header openai-version 2026 appeared, before: 2025"


def test_a_provider_that_starts_to_name_its_model_has_changed_nothing() -> None:
    looks = watched(sighting(*TWENTY, served=()), sighting(*TWENTY))
    assert looks[-1].kind == "same"


def test_a_system_pointed_at_another_model_starts_anew() -> None:
    moved = replace(sighting(*OTHER), requested_model="acme/other")
    assert watched(sighting(*TWENTY), moved)[-1].kind == "first"


def test_prompts_asked_in_one_look_only_are_not_compared() -> None:
    finding = watched(sighting("a"), sighting("a", "x", "y"))[-1]
    assert (finding.new_answers, finding.compared_answers) == (0, 1)


def test_a_rank_is_the_share_of_answers_that_are_as_far_from_the_others_or_farther() -> None:
    before = {"p": [said("yes")] * 3}
    (same,) = look_ranks(before, {"p": [said("yes")]}, salt="s")
    (strange,) = look_ranks(before, {"p": [said("something else altogether")]}, salt="s")
    # Four alike: the tie over all four is broken by a number in (0, 1). One strange: it alone.
    assert strange == pytest.approx(same / 4)


def test_a_look_without_a_known_prompt_is_no_evidence() -> None:
    assert log_e_value(look_ranks({}, {"p": [said("x")]}, salt="s")) == 0.0


def test_an_e_value_is_the_mean_of_the_bets() -> None:
    # One rank of 1/2 is the same from both ends: the mean over k and s of 1 - s + s k (1/2)^(k-1).
    bets = [
        1 - share + share * power * 0.5 ** (power - 1)
        for power in (0.1, 0.3, 0.6)
        for share in (0.02, 0.1, 0.3, 1.0)
    ]
    assert log_e_value(np.array([0.5])) == pytest.approx(math.log(sum(bets) / 12))


def test_evidence_adds_one_and_multiplies() -> None:
    assert accumulated(None, math.log(3)) == pytest.approx(math.log(3))
    assert accumulated(math.log(4), math.log(3)) == pytest.approx(math.log(15))


def test_the_threshold_is_the_looks_of_a_quarter_over_the_alarms_allowed() -> None:
    # 365.25 / 4 days of 24 looks are 2191.5; two systems and half an alarm make it four times that.
    assert math.exp(HOURLY) == pytest.approx(2191.5)
    strict = log_threshold(poll_seconds=3600, systems=2, false_alarms_per_quarter=0.5)
    assert math.exp(strict) == pytest.approx(4 * 2191.5)


def test_under_a_uniform_rank_the_mean_e_value_is_one() -> None:
    # Over p = x^20, which takes the pole at 0 away; the bets are the same from both ends.
    half, _ = quad(
        lambda x: math.exp(log_e_value(np.array([x**20]))) * 20 * x**19, 0, 0.5 ** (1 / 20)
    )
    assert 2 * half == pytest.approx(1, abs=1e-6)


def test_a_swapped_model_that_always_says_the_same_is_seen_at_the_first_look() -> None:
    looks = watched(*[sighting(*TWENTY)] * 3, sighting(*OTHER), sighting(*OTHER))
    assert [found.kind for found in looks] == ["first", "same", "same", "changed", "same"]
    assert looks[3].cause == "answers"
    assert "60 of 60 answers are none that was given before" in looks[3].reason
    assert "mean length 22 before, 51 characters now" in looks[3].reason


def test_an_unchanged_quiet_model_never_gathers_evidence() -> None:
    history: list[Sighting] = []
    for _ in range(40):
        _, held = compare(history, sighting(*TWENTY), log_threshold=math.inf)
        history.append(held)
    assert history[-1].log_evidence is not None
    assert history[-1].log_evidence < math.log(20)


def test_the_distance_of_texts_grows_with_what_they_share_less() -> None:
    apart = distances([said("the shop opens at nine"), said("the shop opens at ten"), said("no")])
    assert apart[0, 0] == 0
    assert 0 < apart[0, 1] < apart[0, 2] <= 1
    assert apart.tolist() == apart.T.tolist()


@settings(deadline=None, max_examples=50)
@given(
    known=st.lists(st.text(max_size=30), min_size=1, max_size=6),
    new=st.lists(st.text(max_size=30), min_size=1, max_size=4),
)
def test_ranks_are_probabilities_whatever_is_said(known: list[str], new: list[str]) -> None:
    ranks = look_ranks(
        {"p": [said(text) for text in known]}, {"p": [said(text) for text in new]}, salt="s"
    )
    assert len(ranks) == len(new)
    assert ((ranks > 0) & (ranks < 1)).all()
    assert math.isfinite(log_e_value(ranks))


def test_recorded_answers_are_the_old_models_where_they_are_closer_to_what_it_said() -> None:
    before = {"a": [said("we open at nine")] * 3, "b": [said("three days")]}
    now = {"a": [said("no idea")], "b": [said("three days")], "c": [said("new")]}
    assert are_the_old_models({"a": said("we open at ten")}, before=before, now=now)
    assert not are_the_old_models({"a": said("no ideas")}, before=before, now=now)
    assert not are_the_old_models({"c": said("new")}, before=before, now=now)
    assert not are_the_old_models({"b": said("three days")}, before=before, now=now)


def test_a_sighting_survives_its_json() -> None:
    seen = sighting(("a", "c"), "b", served=("chat-1", "chat-2"), headers={"v": ("1", "2")})
    _, held = compare([seen], seen, log_threshold=HOURLY)
    assert Sighting.from_json(held.to_json()) == held


def test_the_candidates_name_is_fixed_by_the_sighting_and_fits_the_configuration() -> None:
    name = candidate_name("Assistant Pro", sighting("a"))
    assert name == candidate_name("Assistant Pro", sighting("a"))
    assert name != candidate_name("Assistant Pro", sighting("b"))
    assert re.fullmatch(r"provider-change-assistant-pro-[0-9a-f]{8}", name)
    assert len(candidate_name("x" * 80, sighting("a"))) <= 80
