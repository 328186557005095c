"""One request under load: sent once, recorded in the journal, and its answer let go unread."""

import asyncio
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import httpcore

from eval_pipeline.adapters.load.budget import LoadBudget
from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.journal import Attempt, CallKey
from eval_pipeline.adapters.model_calls.transports import HttpReply, NoReply, post
from eval_pipeline.adapters.providers import (
    Answered,
    ChatProvider,
    Failed,
    Refused,
    Reply,
    cost_usd,
    request_fingerprint,
)
from eval_pipeline.errors import ProviderAccessError
from eval_pipeline.monitoring.load.steps import SentRequest
from eval_pipeline.ports import CallStatus, ModelCall

PENDING: Final = "pending"
_STATUSES: Final[Mapping[type[Reply], CallStatus]] = {Answered: "answered", Refused: "refused"}
_LONGEST_HEADER: Final = 60
_NUMBER: Final = re.compile("[0-9]{1,18}")


@dataclass(frozen=True)
class _Prepared:
    """A call with what sending it needs, worked out once: nothing slow between two requests."""

    call: ModelCall
    fingerprint: str
    body: bytes


@dataclass
class Sender:
    """Sends the calls one after the other, from the first again after the last.

    Every request has a trial number of its own, so that the journal takes none for another's
    answer. The clock is for the journal; times of requests are the event loop's.
    """

    provider: ChatProvider
    calls: Sequence[ModelCall]
    writer: AttemptWriter
    budget: LoadBudget
    clock: Callable[[], dt.datetime]
    sent: int = 0
    heard: int = 0
    last_problem: str = ""
    _prepared: list[_Prepared] = field(default_factory=list)
    _epoch: float | None = None

    def __post_init__(self) -> None:
        """Writes every body beforehand."""
        self._prepared = [
            _Prepared(call, request_fingerprint(call), self.provider.body(call))
            for call in self.calls
        ]

    def now(self) -> float:
        """Seconds since the first look at this clock."""
        time = asyncio.get_running_loop().time()
        if self._epoch is None:
            self._epoch = time
        return time - self._epoch

    def next(self) -> "Prepared | None":
        """The next request, reserved in the budget; None where the budget has no room."""
        prepared = self._prepared[self.sent % len(self._prepared)]
        call = replace(prepared.call, trial=self.sent + 1)
        key = CallKey(call.scope, call.system_id, call.item_id, call.trial, prepared.fingerprint)
        if not self.budget.admits(key, call):
            return None
        self.sent += 1
        return Prepared(key, call, prepared.body)

    async def send(
        self, prepared: "Prepared", pool: httpcore.AsyncConnectionPool, *, due_at: float
    ) -> SentRequest:
        """What became of a request; raises `ProviderAccessError` where going on is no use."""
        settings, sent_at = self.provider.settings, self.now()
        received = await post(
            pool,
            self.provider.url_of(prepared.call),
            body=prepared.body,
            headers=self.provider.headers,
            timeout_seconds=settings.attempt_timeout_seconds,
            largest_reply_bytes=settings.largest_reply_bytes,
        )
        ended_at, recorded_at = self.now(), self.clock()
        reply = self.provider.read(received, now=recorded_at)
        attempt = _attempt(prepared, reply, received, recorded_at=recorded_at)
        self.writer.submit(attempt, route=prepared.call.route)
        self._listen(received, reply)
        return SentRequest(
            due_at=due_at,
            sent_at=sent_at,
            latency_seconds=ended_at - due_at,
            status=attempt.status,
            error_code=attempt.error_code,
            input_tokens=attempt.input_tokens,
            output_tokens=attempt.output_tokens,
            cost_usd=attempt.cost_usd,
            retry_after_seconds=reply.retry_after_seconds if isinstance(reply, Failed) else None,
            told=_told(received),
        )

    def _listen(self, received: HttpReply | NoReply, reply: Reply) -> None:
        if isinstance(received, NoReply):
            self.last_problem = received.problem
            return
        self.heard += 1
        if isinstance(reply, Failed) and reply.error_code == "authentication":
            raise ProviderAccessError(
                self.provider.name, received.status, self.provider.settings.key_variable
            )


@dataclass(frozen=True)
class Prepared:
    """A request that the budget admitted."""

    key: CallKey
    call: ModelCall
    body: bytes = field(repr=False)


def pending_request(*, due_at: float, sent_at: float) -> SentRequest:
    """Stands for a request that is not answered yet: no limit has refused it so far."""
    return SentRequest(due_at=due_at, sent_at=sent_at, latency_seconds=0.0, status=PENDING)


def _attempt(
    prepared: Prepared,
    reply: Reply,
    received: HttpReply | NoReply,
    *,
    recorded_at: dt.datetime,
) -> Attempt:
    """What the journal keeps: figures and no text, for nobody reads these answers."""
    return Attempt(
        key=prepared.key,
        attempt=1,
        status=_STATUSES.get(type(reply), "failed"),
        error_code=reply.error_code if isinstance(reply, Failed) else None,
        text=None,
        requested_model=prepared.call.spec.model,
        served_model=reply.facts.served_model,
        system_fingerprint=reply.facts.system_fingerprint,
        finish_reason=reply.facts.finish_reason,
        input_tokens=reply.facts.input_tokens,
        output_tokens=reply.facts.output_tokens,
        cost_usd=cost_usd(prepared.call.spec, reply.facts),
        latency_seconds=received.latency_seconds,
        recorded_at=recorded_at,
        headers=reply.facts.headers,
        first_byte_seconds=(
            received.first_byte_seconds if isinstance(received, HttpReply) else None
        ),
    )


def _told(received: HttpReply | NoReply) -> tuple[tuple[str, float], ...]:
    """The numbers that headers on limits hold."""
    if isinstance(received, NoReply):
        return ()
    found = []
    for name, value in received.headers.items():
        number = value.strip()
        # A superscript is a digit too, and no number.
        if "ratelimit" in name and len(name) <= _LONGEST_HEADER and _NUMBER.fullmatch(number):
            found.append((name, float(number)))
    return tuple(sorted(found))
