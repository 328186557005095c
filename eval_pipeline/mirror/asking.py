"""What the candidate is asked for a request, and what both replies come to."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from eval_pipeline.adapters.model_calls.transports import HttpReply, NoReply
from eval_pipeline.adapters.providers import (
    Answered,
    ChatProvider,
    Failed,
    Refused,
    Reply,
    cost_usd,
)
from eval_pipeline.adapters.providers.dialect import nested
from eval_pipeline.adapters.providers.replies import json_object
from eval_pipeline.evaluation.shadow.prompts import PromptUse
from eval_pipeline.mirror.passing import Passed
from eval_pipeline.mirror.wire import (
    called_text,
    completion_of,
    exchanged,
    openai_request,
    other_call,
    stored_messages,
)
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import SystemSettings

OPENAI = "openai_chat"
FAILURES_FROM = 400


@dataclass(frozen=True)
class CandidateRequest:
    """Where the candidate is asked, what, and the conversation as it is stored once masked.

    A baseline's prompt that was exchanged is not stored: it is the configuration's.
    """

    url: httpx.URL
    body: bytes = field(repr=False)
    stored: tuple[Message, ...] = field(repr=False)
    prompt_use: PromptUse


@dataclass(frozen=True)
class Observed:
    """One arm's answer; `columns` are those of calls."""

    text: str | None = field(repr=False)
    columns: Mapping[str, Any]

    @property
    def cost_usd(self) -> float | None:
        """What it cost, if the provider counted its tokens."""
        cost: float | None = self.columns["cost_usd"]
        return cost


class Observing:
    """Both systems of one comparison, and how each is spoken to."""

    def __init__(
        self,
        *,
        baseline: tuple[str, SystemSettings, ChatProvider],
        candidate: tuple[str, SystemSettings, ChatProvider],
    ) -> None:
        self.baseline_id, self._baseline, self._baseline_provider = baseline
        self.candidate_id, self._candidate, self._candidate_provider = candidate
        self._baseline_spec = spec_of(self._baseline)
        self.candidate_spec = spec_of(self._candidate)
        self._parameters = nested(self.candidate_spec.parameters, names={})

    @property
    def arms(self) -> Sequence[tuple[str, str]]:
        """Both arms with the ids of their systems."""
        return (("baseline", self.baseline_id), ("candidate", self.candidate_id))

    @property
    def baseline_call(self) -> ModelCall:
        """A call that says no more than where the baseline is asked."""
        return _addressed(self._baseline_spec)

    def candidate_request(self, request: Mapping[str, Any]) -> CandidateRequest | None:
        """The request as the candidate is asked it; None where it holds what cannot be masked.

        A candidate of another API is asked texts and the common parameters only.
        """
        messages = stored_messages(request.get("messages"))
        if messages is None:
            return None
        change = exchanged(messages, known=self._baseline.prompt, prompt=self._candidate.prompt)
        stored = tuple(messages[1:] if change.drop_first else messages)
        provider, spec = self._candidate_provider, self.candidate_spec
        call = other_call(request, messages, change, spec=spec)
        if provider.settings.api == OPENAI:
            body = openai_request(request, change, parameters=self._parameters, model=spec.model)
        elif call is None:
            return None
        else:
            body = provider.body(call)
        url = provider.url_of(_addressed(spec))
        return CandidateRequest(url, body, stored, change.use)

    def baseline_reply(self, answer: Passed, *, now: dt.datetime) -> Observed | None:
        """What the customer was answered, a failure too; None for a success that cannot be read."""
        completion = completion_of(
            answer.body,
            content_type=answer.content_type,
            encoding=answer.encoding,
            largest=self._baseline_provider.settings.largest_reply_bytes,
        )
        if completion is None:
            if answer.status < FAILURES_FROM:
                return None
            completion = {}
        reply = HttpReply(
            answer.status,
            json.dumps(completion).encode("ascii"),
            {},
            answer.latency_seconds,
            answer.first_byte_seconds,
        )
        return _observed(
            self._baseline_provider, reply, spec=self._baseline_spec, completion=completion, now=now
        )

    def candidate_reply(self, received: HttpReply | NoReply, *, now: dt.datetime) -> Observed:
        """What came back from the candidate, a failure too."""
        completion = json_object(received.body) if isinstance(received, HttpReply) else {}
        return _observed(
            self._candidate_provider,
            received,
            spec=self.candidate_spec,
            completion=completion,
            now=now,
        )


def spec_of(system: SystemSettings) -> ModelSpec:
    """The system's model as calls name it."""
    return ModelSpec(
        provider=system.provider,
        model=system.model,
        parameters=tuple(sorted(system.parameters.items())),
        usd_per_million_input_tokens=system.usd_per_million_input_tokens,
        usd_per_million_output_tokens=system.usd_per_million_output_tokens,
    )


def _addressed(spec: ModelSpec) -> ModelCall:
    """A call that says no more than whose address is meant."""
    return ModelCall(scope="shadow", system_id="", item_id="", spec=spec, messages=())


def _observed(
    provider: ChatProvider,
    received: HttpReply | NoReply,
    *,
    spec: ModelSpec,
    completion: Mapping[str, Any],
    now: dt.datetime,
) -> Observed:
    reply: Reply = provider.read(received, now=now)
    called = called_text(completion)
    if isinstance(reply, Failed) and reply.error_code == "empty_answer" and called is not None:
        reply = Answered(called, reply.facts)
    text = None
    if isinstance(reply, Answered):
        text = reply.text if called is None or reply.text == called else f"{reply.text}\n{called}"
    failed = isinstance(reply, Failed)
    statuses: dict[type[Reply], str] = {Answered: "answered", Refused: "refused"}
    columns = {
        "status": statuses.get(type(reply), "failed"),
        "error_code": reply.error_code if isinstance(reply, Failed) else None,
        "requested_model": spec.model,
        "served_model": reply.facts.served_model,
        "system_fingerprint": reply.facts.system_fingerprint,
        "finish_reason": reply.facts.finish_reason,
        "input_tokens": reply.facts.input_tokens,
        "output_tokens": reply.facts.output_tokens,
        "cost_usd": cost_usd(spec, reply.facts),
        "latency_seconds": None if failed else received.latency_seconds,
        "first_byte_seconds": received.first_byte_seconds
        if isinstance(received, HttpReply) and not failed
        else None,
        "attempts": 1,
    }
    return Observed(text, columns)
