"""What the stages need of the outside, as types: model calls and whoever answers them."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

CallStatus = Literal["answered", "refused", "failed"]
Behaviour = Literal["answer", "graceful_failure"]
"""What is asked of a system: the answer, or at least not to fail badly on an unfair input."""


@dataclass(frozen=True)
class Message:
    """One chat message."""

    role: str
    content: str


@dataclass(frozen=True)
class ModelSpec:
    """Which model to ask, where, how, and what it costs."""

    provider: str
    model: str
    parameters: tuple[tuple[str, float | int | str | bool], ...] = ()
    usd_per_million_input_tokens: float = 0.0
    usd_per_million_output_tokens: float = 0.0


@dataclass(frozen=True)
class ModelCall:
    """One planned call; (scope, system_id, item_id, trial, request fingerprint) identifies it.

    `scope` is what the call is paid for: a week, or a candidate. It is part of the identity, so
    this week's drift run is never answered from last week's journal. `output_schema` is the
    canonical JSON text of the JSON Schema that the answer must fit; null asks for free text.
    `route` is the one whose allow-list holds for the answer.
    """

    scope: str
    system_id: str
    item_id: str
    spec: ModelSpec
    messages: tuple[Message, ...]
    trial: int = 1
    output_schema: str | None = None
    route: str = "*"


@dataclass(frozen=True)
class CallOutcome:
    """What became of a call; `text` is anonymised and null unless `status` is answered.

    refused: the provider's content filter declined. failed: `error_code` says why.
    `latency_seconds` and `first_byte_seconds` are the successful attempt's; `attempts` counts all.
    `headers` holds the reply headers that name a version, sorted by their lower-case names.
    `confidence`, 0 to 1, is how sure the system says it is, null where it does not say;
    `answered_from` is the golden item whose reference answer a naive system gave.
    """

    call: ModelCall
    status: CallStatus
    text: str | None
    error_code: str | None
    requested_model: str
    served_model: str | None
    system_fingerprint: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    latency_seconds: float | None
    attempts: int
    first_byte_seconds: float | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())
    confidence: float | None = None
    answered_from: str | None = None


@dataclass(frozen=True)
class OwnAnswer:
    """What a system without a model answers; `text` null where it answers nothing.

    `reason` says how it came to it. Not `local`: something outside was asked too, so that cost and
    latency are not known.
    """

    text: str | None
    confidence: float | None
    reason: str
    answered_from: str | None = None
    local: bool = True


class ModelRunner(Protocol):
    """Answers planned calls, paying for each at most once."""

    def run(self, calls: Sequence[ModelCall], *, purpose: str) -> list[CallOutcome]:
        """One outcome per call, in the calls' order; recorded calls are not paid again."""
        ...


@dataclass(frozen=True)
class ScoreRequest:
    """A response to be scored; `reference_response` is null where no good answer is known."""

    item_id: str
    trial: int
    route: str
    messages: tuple[Message, ...]
    response: str
    reference_response: str | None
    expected_behaviour: Behaviour = "answer"


@dataclass(frozen=True)
class Score:
    """A number from 0 to 1, or null with the code of what stood in its way."""

    value: float | None
    error: str | None
    scorer: str


Redact = Callable[[Sequence[tuple[str, str]]], list[str]]
"""Masks personal data in texts that are about to be stored, each given with its route."""


class ProgressReport(Protocol):
    """Told about long work as it goes; `total` may be None."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Called from time to time, never once per item only at the end."""
        ...


class JobLauncher(Protocol):
    """Runs a named job of the orchestrator in this process, visible in its UI."""

    def launch(
        self,
        job: str,
        *,
        partition: str | None = None,
        tags: Iterable[tuple[str, str]] = (),
        config: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> str:
        """The run's id; raises `JobFailedError`, or the step's own `EvalPipelineError`.

        `config` is by asset what a person asks of it in this run.
        """
        ...

    def tick(self, sensor: str) -> str:
        """Evaluates one sensor once, launches what it asks for; returns what it said."""
        ...

    def last_successes(self) -> Mapping[str, dt.datetime]:
        """By job when a run of it last succeeded; a job that never did is not in it."""
        ...
