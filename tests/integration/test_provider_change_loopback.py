"""A model that is swapped under its name, on a provider that names no version at all."""

import datetime as dt
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.provider_watch import observe
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.monitoring.provider_change.evidence import log_threshold
from eval_pipeline.monitoring.provider_change.finding import LOOKS_REMEMBERED, Finding, compare
from eval_pipeline.monitoring.provider_change.sighting import Sighting
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from tests.loopback import Loopback, Step, provider
from tests.sizes import sized

PROMPTS, REPEATS, LOOKS_BEFORE, POLLS = 20, 3, 6, 3
SWAPS = sized(4, full=100)
HOURLY = log_threshold(poll_seconds=3600, systems=1, false_alarms_per_quarter=1)
OPENINGS = ("Thank you for asking.", "Of course.", "Good question!", "Let me see.", "Gladly.")
FACTS = ("We open at nine", "It takes three days", "You may return it", "Ask the pharmacist")
ENDS = ("in every branch.", "as a rule.", "unless it is a holiday.", "and at no cost.", "today.")

Speak = Callable[[str, random.Random], str]


def talkative(prompt: str, rng: random.Random) -> str:
    """A model at a high temperature: hardly ever the same answer twice."""
    fact = FACTS[sum(prompt.encode()) % len(FACTS)]
    middle = " ".join(f"{rng.choice(FACTS)} {rng.choice(ENDS)}" for _ in range(rng.randint(1, 3)))
    return f"{rng.choice(OPENINGS)} {fact} {rng.choice(ENDS)} {middle}"


def terse(prompt: str, rng: random.Random) -> str:
    """Its successor: the same facts in fewer words."""
    return f"{FACTS[sum(prompt.encode()) % len(FACTS)]} {rng.choice(ENDS)}"


def settled(prompt: str, rng: random.Random) -> str:
    """A model at temperature zero that now and then says it otherwise."""
    return talkative(prompt, random.Random(prompt if rng.random() < 0.9 else f"{prompt} again"))


def resettled(prompt: str, rng: random.Random) -> str:
    """Its successor: as talkative and as steady, with other answers."""
    return settled(f"{prompt} ...", rng)


def nameless(text: str) -> bytes:
    """An answer that names neither a served model nor a version."""
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


def look(runner: HttpModelRunner, *, number: int) -> Sighting:
    calls = [
        ModelCall(
            scope=f"watch:assistant:{number}",
            system_id="assistant",
            item_id=f"item-{prompt}",
            spec=ModelSpec("acme", "chat"),
            messages=(Message("user", f"question {prompt}"),),
            trial=repeat,
        )
        for repeat in range(1, REPEATS + 1)
        for prompt in range(PROMPTS)
    ]
    return observe(runner, calls, system_id="assistant")


def findings(folder: Path, *, before: Speak, after: Speak, seed: int) -> list[Finding]:
    """What each look found: `LOOKS_BEFORE` at one model, then `POLLS` at the other."""
    engine = sa.create_engine(f"sqlite:///{folder / f'{seed}.sqlite'}")
    metadata.create_all(engine)
    speak: dict[str, Speak] = {"now": before}
    rng = random.Random(seed)
    found, history = [], []
    with Loopback(lambda prompt, nth: Step(body=nameless(speak["now"](prompt, rng)))) as server:
        runner = HttpModelRunner(
            {"acme": provider(server.port, concurrency=4)},
            journal=CallJournal(engine),
            redact=lambda texts: [text for text, _ in texts],
            secret={}.__getitem__,
            clock=lambda: dt.datetime.now(dt.UTC),
        )
        for number in range(LOOKS_BEFORE + POLLS):
            speak["now"] = before if number < LOOKS_BEFORE else after
            seen = look(runner, number=number)
            finding, held = compare(history[-LOOKS_REMEMBERED:], seen, log_threshold=HOURLY)
            found.append(finding)
            history.append(held)
    engine.dispose()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(talkative, terse), (settled, resettled)])
def test_a_swap_is_found_within_three_polls_and_nothing_before_it(
    tmp_path: Path, before: Speak, after: Speak
) -> None:
    caught = 0
    for seed in range(SWAPS // 2):
        found = findings(tmp_path, before=before, after=after, seed=seed)
        assert [one.kind for one in found[:LOOKS_BEFORE]] == ["first", *["same"] * 5]
        caught += any(one.cause == "answers" for one in found[LOOKS_BEFORE:])
    assert caught >= 0.95 * (SWAPS // 2)
