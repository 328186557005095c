"""The judges and the refuter of the demo's provider: two families with errors of their own.

They read the exchange out of the prompt's tags and check it against the facts. What the judged
text says about judging does not reach them: they look for statements of fact and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.demo.judge_prompts import (
    JudgedExchange,
    asked_levels,
    finding_json,
    read_exchange,
    verdict_json,
)
from eval_pipeline.demo.knowledge import (
    NOT_UNDERSTOOD_FAILURE,
    Assessment,
    assess,
    assess_graceful,
)
from eval_pipeline.demo.models import Answer, ChatModel
from eval_pipeline.demo.questions import understand_text
from eval_pipeline.demo.reason_reader import reasons_in, supported_json
from eval_pipeline.fingerprint import fingerprint, unit_hash
from eval_pipeline.judging.material import RESPONSE_A, RESPONSE_B

NO_PROMPT: Final = "This is not a judge's prompt."
_SHARED_BLIND_SPOT: Final = "pharmacy-judges"


@dataclass(frozen=True)
class JudgeErrors:
    """Shares of responses, derived from their text: the same text is always misjudged alike.

    `shared` errors are those of every judge at once: what no panel of them can see.
    """

    own: float
    shared: float = 0.008
    abstains: float = 0.001
    malformed: float = 0.001
    prefers_first: float = 0.04


@dataclass(frozen=True)
class Judge:
    """A judge model; answers pointwise and pairwise prompts, and reads another judge's reasons."""

    name: str
    errors: JudgeErrors

    def answer(self, messages: Sequence[Mapping[str, str]], *, epoch: str) -> Answer:
        """The verdict or preference as JSON; judges do not change with the epoch."""
        del epoch
        return Answer(self._speak(messages), self.name, _fingerprint_of(self.name))

    def _speak(self, messages: Sequence[Mapping[str, str]]) -> str:
        exchange = read_exchange(messages)
        if exchange is not None:
            return self._verdict(exchange, levels=asked_levels(messages))
        pair = [read_exchange(messages, judged=side) for side in (RESPONSE_A, RESPONSE_B)]
        if pair[0] is not None and pair[1] is not None:
            return self._preference(pair[0], pair[1])
        reasons = reasons_in(messages)
        if reasons is not None:
            return supported_json(reasons)
        return verdict_json("abstain", NO_PROMPT)

    def _verdict(self, exchange: JudgedExchange, *, levels: Sequence[tuple[str, ...]]) -> str:
        key = _exchange_key(exchange)
        if unit_hash(f"{self.name}-malformed", key) < self.errors.malformed:
            return "The response looks acceptable to me"
        if unit_hash(f"{self.name}-abstains", key) < self.errors.abstains:
            return verdict_json("abstain", "The material does not let me decide.", levels=levels)
        seen = self._see(exchange)
        if seen is None:
            return verdict_json("abstain", "I cannot check this question.", levels=levels)
        correct, rationale = seen
        return verdict_json("pass" if correct else "fail", rationale, levels=levels)

    def _see(self, exchange: JudgedExchange) -> tuple[bool, str] | None:
        """Whether the judge thinks the response right, and why; None if it cannot tell."""
        assessment = _assess(exchange)
        if assessment.failure == NOT_UNDERSTOOD_FAILURE and not exchange.graceful:
            return None
        key = _exchange_key(exchange)
        mistaken = (
            unit_hash(_SHARED_BLIND_SPOT, key) < self.errors.shared
            or unit_hash(self.name, key) < self.errors.own
        )
        if not mistaken:
            return assessment.correct, assessment.claim
        if assessment.correct:
            return False, "The response does not answer what was asked."
        return True, "The response answers the question."

    def _preference(self, first: JudgedExchange, second: JudgedExchange) -> str:
        """Position bias: a small share of pairs is decided for whichever stands first."""
        key = f"{_exchange_key(first)}\x1e{_exchange_key(second)}"
        views = [self._see(exchange) for exchange in (first, second)]
        if unit_hash(f"{self.name}-first", key) < self.errors.prefers_first:
            return _preference_json("a", "The first response reads better.")
        right = [view is not None and view[0] for view in views]
        if right[0] == right[1]:
            return _preference_json("tie", "Both responses are equally right.")
        better = "a" if right[0] else "b"
        return _preference_json(better, f"Only response {better} agrees with the facts.")


@dataclass(frozen=True)
class Refuter:
    """Attacks responses: finds most wrong ones, and seldom claims an error that is none."""

    name: str
    misses: float = 0.08
    invents: float = 0.015
    doubts: float = 0.02

    def answer(self, messages: Sequence[Mapping[str, str]], *, epoch: str) -> Answer:
        """The finding as JSON."""
        del epoch
        exchange = read_exchange(messages)
        text = finding_json("unproven", NO_PROMPT) if exchange is None else self._find(exchange)
        return Answer(text, self.name, _fingerprint_of(self.name))

    def _find(self, exchange: JudgedExchange) -> str:
        assessment, about = _assess(exchange), exchange.response
        if assessment.failure == NOT_UNDERSTOOD_FAILURE:
            return finding_json("unproven", assessment.claim, about=about)
        point = unit_hash(self.name, _exchange_key(exchange))
        if not assessment.correct:
            if point < self.misses:
                return finding_json("survived", "")
            return finding_json("refuted", assessment.claim, about=about)
        if point < self.invents:
            claim = "The response leaves out a condition that applies."
            return finding_json("refuted", claim, about=about)
        if point < self.invents + self.doubts:
            claim = "The response may leave out a condition."
            return finding_json("unproven", claim, about=about)
        return finding_json("survived", "")


def _assess(exchange: JudgedExchange) -> Assessment:
    messages = [{"role": turn.role, "content": turn.content} for turn in exchange.turns]
    read = assess_graceful if exchange.graceful else assess
    return read(messages, exchange.response)


def _exchange_key(exchange: JudgedExchange) -> str:
    """The question and the response: equal answers to an item get equal judgements."""
    question = understand_text(exchange.request)
    asked = question.key if question is not None else exchange.request
    return f"{asked}\x1f{' '.join(exchange.response.split())}"


def _preference_json(preference: str, rationale: str) -> str:
    return json.dumps({"rationale": rationale, "preference": preference})


def _fingerprint_of(name: str) -> str:
    return f"fp_{fingerprint(name)[:12]}"


JUDGE_MODELS: Final[Mapping[str, ChatModel]] = {
    "arbiter-a": Judge("arbiter-a", JudgeErrors(own=0.022)),
    "arbiter-b": Judge("arbiter-b", JudgeErrors(own=0.042)),
    "skeptic": Refuter("skeptic"),
}
