"""What a run of calls is expected to take, told before anything is asked."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from eval_pipeline.adapters.model_calls.call_figures import Spent, UsualTokens
from eval_pipeline.adapters.model_calls.journal import Attempt
from eval_pipeline.ports import ModelCall, ModelSpec

CHARACTERS_PER_TOKEN: Final = 4
OUTPUT_TOKENS: Final = 500
"""Assumed of an answer where neither the journal nor a parameter says how long it gets."""

_LIMITS_OF_OUTPUT: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@dataclass
class _Mean:
    """A running mean of input and output tokens."""

    input_tokens: float = 0.0
    output_tokens: float = 0.0
    answers: int = 0

    def add(self, read: int, written: int) -> None:
        self.answers += 1
        self.input_tokens += (read - self.input_tokens) / self.answers
        self.output_tokens += (written - self.output_tokens) / self.answers


class Expectations:
    """What one call will take: its system's mean in the journal, else an estimate of the text.

    The estimate is a token per four characters, and for the answer the longest that the
    parameters allow, or 500 tokens. Answers of this run move the mean as they come.
    """

    def __init__(self, usual: Callable[[str], UsualTokens | None]) -> None:
        """`usual` reads a system's mean from the journal; it is asked once per system."""
        self._usual = usual
        self._means: dict[str, _Mean] = {}

    def of(self, call: ModelCall) -> Spent:
        """What one attempt at the call is expected to take."""
        mean = self._mean(call.system_id)
        if mean.answers:
            read, written = mean.input_tokens, mean.output_tokens
        else:
            read, written = _input_estimate(call), _output_estimate(call.spec)
        return Spent(_usd(call.spec, read, written), 1, round(read + written))

    def by_journal(self, system_id: str) -> bool:
        """Whether the journal holds a mean of the system's answers."""
        return self._mean(system_id).answers > 0

    def learn(self, attempt: Attempt) -> None:
        """Takes an answer's tokens into its system's mean."""
        if attempt.input_tokens is not None and attempt.output_tokens is not None:
            self._mean(attempt.key.system_id).add(attempt.input_tokens, attempt.output_tokens)

    def _mean(self, system_id: str) -> _Mean:
        if system_id not in self._means:
            usual = self._usual(system_id)
            self._means[system_id] = (
                _Mean()
                if usual is None
                else _Mean(usual.input_tokens, usual.output_tokens, usual.answers)
            )
        return self._means[system_id]


@dataclass(frozen=True)
class CallPlan:
    """What a run is about to ask; the figures hold if every call is answered at once."""

    purpose: str
    planned: int
    recorded: int
    to_ask: Counter[str]
    expected: Spent
    estimated_systems: tuple[str, ...] = field(default=())

    @property
    def told(self) -> str:
        """In one sentence, with where the figures come from."""
        if not self.expected.calls:
            return f"{self.purpose}: all {self.planned:,} calls are in the journal; none is asked."
        basis = "by what these systems' calls took so far"
        if self.estimated_systems:
            basis = f"by the length of the texts for {', '.join(self.estimated_systems)}"
            if len(self.estimated_systems) < len(self.systems):
                basis += ", for the others by what their calls took so far"
        return (
            f"{self.purpose}: {self.planned:,} calls planned, {self.recorded:,} in the journal, "
            f"{self.expected.calls:,} to ask; expected {self.expected.tokens:,} tokens and "
            f"{self.expected.usd:,.4f} USD, {basis}."
        )

    @property
    def systems(self) -> Collection[str]:
        """The systems that are asked."""
        return self.to_ask.keys()


def plan_of(
    pending: Collection[ModelCall], *, purpose: str, planned: int, expectations: Expectations
) -> CallPlan:
    """The plan to ask `pending` of `planned` calls."""
    expected = Spent()
    asked: Counter[str] = Counter()
    for call in pending:
        asked[call.system_id] += 1
        expected += expectations.of(call)
    return CallPlan(
        purpose=purpose,
        planned=planned,
        recorded=planned - len(pending),
        to_ask=asked,
        expected=expected,
        estimated_systems=tuple(
            name for name in sorted(asked) if not expectations.by_journal(name)
        ),
    )


def _input_estimate(call: ModelCall) -> float:
    characters = sum(len(message.content) for message in call.messages)
    return (characters + len(call.output_schema or "")) / CHARACTERS_PER_TOKEN


def _output_estimate(spec: ModelSpec) -> float:
    for name, value in spec.parameters:
        if name in _LIMITS_OF_OUTPUT and isinstance(value, int | float):
            return float(value)
    return float(OUTPUT_TOKENS)


def _usd(spec: ModelSpec, read: float, written: float) -> float:
    return (
        read * spec.usd_per_million_input_tokens + written * spec.usd_per_million_output_tokens
    ) / 1_000_000
