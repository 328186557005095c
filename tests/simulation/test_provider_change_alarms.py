"""How often the provider watch speaks though nothing changed."""

import math

import numpy as np
import pytest

from eval_pipeline.monitoring.provider_change.answer_signs import AnswerSign, sign_of
from eval_pipeline.monitoring.provider_change.evidence import accumulated, log_e_value, look_ranks
from eval_pipeline.ports import CallOutcome, ModelCall, ModelSpec
from tests.sizes import sized

WORDS = [f"word{number}" for number in range(200)]
PROMPTS, REPEATS, REMEMBERED = 8, 2, 30
LOOKS = sized(400, full=2192)
ALLOWED = 50


def sign(text: str) -> AnswerSign:
    call = ModelCall("watch:1", "assistant", "item", ModelSpec("acme", "chat"), ())
    return sign_of(
        CallOutcome(
            call=call,
            status="answered",
            text=text,
            error_code=None,
            requested_model="chat",
            served_model=None,
            system_fingerprint=None,
            finish_reason="stop",
            input_tokens=None,
            output_tokens=None,
            cost_usd=None,
            latency_seconds=None,
            attempts=1,
        )
    )


def answers(rng: np.random.Generator, *, variants: int | None) -> dict[str, tuple[AnswerSign, ...]]:
    """One look: of each prompt's few variants, or words drawn anew each time."""
    looked = {}
    for prompt in range(PROMPTS):
        said = []
        for _ in range(REPEATS):
            length = int(rng.normal(40, 6))
            seed = rng.integers(2**32) if variants is None else [prompt, rng.integers(variants)]
            drawn = np.random.default_rng(seed).integers(20 * prompt, 20 * prompt + 60, size=length)
            said.append(" ".join(WORDS[word % 200] for word in drawn))
        looked[f"prompt-{prompt}"] = tuple(sign(text) for text in said)
    return looked


@pytest.mark.slow
@pytest.mark.parametrize("variants", [1, 3, None])
def test_the_mean_run_to_a_false_alarm_is_at_least_the_threshold(variants: int | None) -> None:
    rng = np.random.default_rng(11)
    alarms, evidence = 0, None
    era: list[dict[str, tuple[AnswerSign, ...]]] = []
    for number in range(LOOKS):
        now = answers(rng, variants=variants)
        before: dict[str, list[AnswerSign]] = {}
        for look in era[-REMEMBERED:]:
            for prompt, signs in look.items():
                before.setdefault(prompt, []).extend(signs)
        era.append(now)
        ranks = look_ranks(before, now, salt=f"{number}")
        if not len(ranks):
            continue
        evidence = accumulated(evidence, log_e_value(ranks))
        if evidence >= math.log(ALLOWED):
            alarms, evidence, era = alarms + 1, None, [now]
    # Far fewer in truth: the evidence is a mean over twenty-four bets, of which most lose.
    assert alarms <= LOOKS / ALLOWED
