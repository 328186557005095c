"""Whether a silent change of a model is seen, and noise is not taken for one."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.provider_watch import Sighting, candidate_name, compare, observe
from eval_pipeline.errors import UnansweredCallsError
from eval_pipeline.ports import CallOutcome, CallStatus, Message, ModelCall, ModelSpec

SPEC = ModelSpec(provider="acme", model="chat")


def canary(number: int, *, scope: str = "watch:1") -> ModelCall:
    return ModelCall(
        scope=scope,
        system_id="assistant",
        item_id=f"item-{number}",
        spec=SPEC,
        messages=(Message("user", f"question {number}"),),
    )


def outcome(
    call: ModelCall,
    *,
    status: CallStatus = "answered",
    text: str | None = "yes",
    served: str | None = "chat-1",
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
    )


class ScriptedRunner:
    """Answers from a list, in order."""

    def __init__(self, outcomes: list[CallOutcome]) -> None:
        self.outcomes = outcomes

    def run(self, calls, *, purpose):
        return self.outcomes


def sighting(
    *answers: str, served: tuple[str, ...] = ("chat-1",), fingerprints: tuple[str, ...] = ("fp-1",)
) -> Sighting:
    return Sighting(
        system_id="assistant",
        requested_model="acme/chat",
        served_models=served,
        system_fingerprints=fingerprints,
        answers={f"prompt-{number}": answer for number, answer in enumerate(answers)},
        unanswered=0,
    )


TWENTY = ("a",) * 20


def with_changed(count: int) -> tuple[str, ...]:
    return ("b",) * count + ("a",) * (20 - count)


def test_a_sighting_counts_failures_and_keeps_them_out_of_the_answers() -> None:
    calls = [canary(1), canary(2), canary(3)]
    runner = ScriptedRunner(
        [outcome(calls[0]), outcome(calls[1], status="failed"), outcome(calls[2], served="chat-2")]
    )
    seen = observe(runner, calls, system_id="assistant")
    assert len(seen.answers) == 2
    assert seen.unanswered == 1
    assert seen.served_models == ("chat-1", "chat-2")


def test_a_refusal_is_an_answer_of_its_own() -> None:
    calls = [canary(1)]
    spoke = observe(ScriptedRunner([outcome(calls[0])]), calls, system_id="assistant")
    refused = observe(
        ScriptedRunner([outcome(calls[0], status="refused")]), calls, system_id="assistant"
    )
    assert compare([spoke], refused).changed_answers == 1


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
    assert compare([before], after).compared_answers == 1


def test_the_first_look_finds_nothing_to_compare() -> None:
    finding = compare([], sighting(*TWENTY))
    assert (finding.kind, finding.p_value) == ("first", None)


def test_another_served_model_is_a_change_though_all_answers_are_the_same() -> None:
    finding = compare([sighting(*TWENTY)], sighting(*TWENTY, served=("chat-2",)))
    assert (finding.kind, finding.cause, finding.changed_answers) == ("changed", "served_model", 0)
    assert "chat-2" in finding.reason


def test_a_model_that_appears_for_some_answers_only_is_a_change() -> None:
    finding = compare([sighting(*TWENTY)], sighting(*TWENTY, served=("chat-1", "chat-2")))
    assert finding.cause == "served_model"
    assert finding.reason == "served model chat-2 appeared where chat-1 was served"


def test_the_end_of_a_rollout_is_not_a_second_change() -> None:
    mixed = sighting(*TWENTY, served=("chat-1", "chat-2"))
    assert compare([mixed], sighting(*TWENTY, served=("chat-2",))).kind == "same"


def test_another_system_fingerprint_is_a_change() -> None:
    finding = compare([sighting(*TWENTY)], sighting(*TWENTY, fingerprints=("fp-2",)))
    assert (finding.kind, finding.cause) == ("changed", "system_fingerprint")


def test_a_provider_that_starts_to_name_its_model_has_changed_nothing() -> None:
    assert compare([sighting(*TWENTY, served=())], sighting(*TWENTY)).kind == "same"


def test_fishers_test_counts_the_ways() -> None:
    history = [sighting("a", "a"), sighting("a", "a")]
    # 2 of 2 changed now, 0 of 2 before: C(2,2) C(2,0) / C(4,2) = 1 / 6
    assert compare(history, sighting("b", "b")).p_value == pytest.approx(1 / 6)


def test_before_any_noise_is_known_one_half_stands_in() -> None:
    # 3 of 3 changed with no earlier pair: 0.5 ** 3
    assert compare([sighting("a", "a", "a")], sighting("b", "b", "b")).p_value == pytest.approx(
        1 / 8
    )


def test_answers_that_change_beyond_a_quiet_models_noise_are_a_change() -> None:
    # 5 looks: 4 pairs, 0 of 80 changed. 6 of 20 now: C(20,6) / C(100,6) = 3.3e-5 < 1e-4;
    # 5 of 20: C(20,5) / C(100,5) = 2.1e-4, not enough.
    history = [sighting(*TWENTY)] * 5
    found = compare(history, sighting(*with_changed(6)))
    assert (found.kind, found.cause) == ("changed", "answers")
    assert found.p_value == pytest.approx(38760 / 1192052400)
    assert compare(history, sighting(*with_changed(5))).kind == "same"


def test_the_same_share_of_changed_answers_is_noise_in_a_noisy_model() -> None:
    noisy = [sighting(*(TWENTY if look % 2 else with_changed(6))) for look in range(8)]
    assert compare(noisy, sighting(*with_changed(6))).kind == "same"


def test_noise_of_the_model_before_a_change_says_nothing_of_the_new_one() -> None:
    noisy = [sighting(*(TWENTY if look % 2 else with_changed(19))) for look in range(6)]
    renamed = sighting(*TWENTY, served=("chat-2",))
    quiet = [renamed] * 6
    after = sighting(*with_changed(9), served=("chat-2",))
    assert compare([*noisy, *quiet], after).cause == "answers"


def test_a_system_pointed_at_another_model_starts_anew() -> None:
    moved = Sighting("assistant", "acme/other", ("other-1",), (), {}, 0)
    assert compare([sighting(*TWENTY)], moved).kind == "first"


def test_prompts_asked_in_one_look_only_are_not_compared() -> None:
    finding = compare([sighting("a")], sighting("a", "x", "y"))
    assert (finding.changed_answers, finding.compared_answers) == (0, 1)


@settings(deadline=None)
@given(
    noise=st.lists(st.integers(0, 20), max_size=6),
    changed=st.integers(0, 19),
)
def test_more_changed_answers_never_look_more_like_noise(noise: list[int], changed: int) -> None:
    history = [sighting(*TWENTY)]
    for count in noise:
        history += [sighting(*with_changed(count)), sighting(*TWENTY)]
    fewer = compare(history, sighting(*with_changed(changed)))
    more = compare(history, sighting(*with_changed(changed + 1)))
    assert fewer.p_value is not None
    assert more.p_value is not None
    assert 0 <= more.p_value <= fewer.p_value + 1e-9 <= 1 + 1e-9


def test_a_sighting_survives_its_json() -> None:
    seen = sighting("a", "b", served=("chat-1", "chat-2"))
    assert Sighting.from_json(seen.to_json()) == seen


def test_the_candidates_name_is_fixed_by_the_sighting_and_fits_the_configuration() -> None:
    name = candidate_name("Assistant Pro", sighting("a"))
    assert name == candidate_name("Assistant Pro", sighting("a"))
    assert name != candidate_name("Assistant Pro", sighting("b"))
    assert re.fullmatch(r"provider-change-assistant-pro-[0-9a-f]{8}", name)
    assert len(candidate_name("x" * 80, sighting("a"))) <= 80
