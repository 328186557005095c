"""Answers planned calls over HTTP: each paid at most once, recorded first, resumed after a kill."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import httpx

from eval_pipeline.adapters.journal import Attempt, AttemptWriter, CallJournal, CallKey
from eval_pipeline.adapters.pacing import Pace, Silence, backoff_seconds
from eval_pipeline.adapters.providers import (
    Answered,
    ChatProvider,
    Failed,
    Refused,
    Reply,
    cost_usd,
    request_fingerprint,
)
from eval_pipeline.adapters.transports import (
    CONNECTIONS_PER_CLIENT,
    HttpReply,
    NoReply,
    first_failure,
    open_shards,
    post,
    run_to_end,
)
from eval_pipeline.errors import ProviderAccessError, ProviderUnreachableError, SettingsError
from eval_pipeline.ports import CallOutcome, CallStatus, ModelCall, ProgressReport, Redact
from eval_pipeline.settings import ProviderSettings

REPORT_SECONDS = 0.5
PATIENCE_CALLS = 3


def call_key(call: ModelCall) -> CallKey:
    """The identity under which a call is paid for and recorded."""
    return CallKey(
        scope=call.scope,
        system_id=call.system_id,
        item_id=call.item_id,
        trial=call.trial,
        request_fingerprint=request_fingerprint(call),
    )


class HttpModelRunner:
    """Implements `ports.ModelRunner` over OpenAI-style HTTP providers."""

    def __init__(
        self,
        providers: Mapping[str, ProviderSettings],
        *,
        journal: CallJournal,
        redact: Redact,
        secret: Callable[[str], str],
        clock: Callable[[], dt.datetime],
        report: ProgressReport | None = None,
    ) -> None:
        """`secret` gives an environment variable's value; an unset one fails here, not later."""
        self._providers = {
            name: ChatProvider(name, settings, secret=secret)
            for name, settings in providers.items()
        }
        self._journal = journal
        self._redact = redact
        self._clock = clock
        self._report = report

    def run(self, calls: Sequence[ModelCall], *, purpose: str) -> list[CallOutcome]:
        """One outcome per call, in the calls' order, with the values the journal holds.

        A call that stays without an answer is an outcome of status failed and is asked again by
        the next run. Raises only when going on is no use: a provider that is gone or refuses
        access, an unknown provider, a journal that cannot be written.
        """
        keys = [call_key(call) for call in calls]
        planned: dict[CallKey, ModelCall] = {}
        for key, call in zip(keys, calls, strict=True):
            planned.setdefault(key, call)
        self._refuse_unknown_providers(calls)
        settled = self._settled(calls)
        pending = {key: call for key, call in planned.items() if key not in settled}
        failed: dict[CallKey, Attempt] = {}
        if pending:
            failed = self._ask(pending, purpose=purpose, already=len(planned) - len(pending))
            # Read back, so that this run and a resumed one return the very same values.
            settled = self._settled(calls)
        return [
            _outcome(call, settled[key] if key in settled else failed[key])
            for key, call in zip(keys, calls, strict=True)
        ]

    def _refuse_unknown_providers(self, calls: Sequence[ModelCall]) -> None:
        unknown = sorted({call.spec.provider for call in calls} - self._providers.keys())
        if unknown:
            raise SettingsError(
                f"Provider '{unknown[0]}' is asked for but not configured; configured: "
                f"{', '.join(sorted(self._providers)) or 'none'}. Nothing was asked. "
                "Add it under `providers` in the configuration."
            )

    def _settled(self, calls: Sequence[ModelCall]) -> dict[CallKey, Attempt]:
        systems: dict[str, set[str]] = {}
        for call in calls:
            systems.setdefault(call.scope, set()).add(call.system_id)
        return dict(
            chain.from_iterable(
                self._journal.settled(scope, systems=named).items()
                for scope, named in sorted(systems.items())
            )
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    def _ask(
        self, pending: Mapping[CallKey, ModelCall], *, purpose: str, already: int
    ) -> dict[CallKey, Attempt]:
        """Asks what is pending and returns the calls that stayed without an answer."""
        made: dict[CallKey, int] = {}
        for scope in sorted({key.scope for key in pending}):
            made |= self._journal.attempts_made(scope)
        with AttemptWriter(self._journal, redact=self._redact) as writer:
            asking = _Asking(writer, clock=self._clock, made=made)
            lanes = [
                _Lane(
                    self._providers[name],
                    {key: call for key, call in pending.items() if call.spec.provider == name},
                )
                for name in sorted({call.spec.provider for call in pending.values()})
            ]
            run_to_end(
                lambda: self._ask_all(asking, lanes, tell=_Telling(self._report, purpose, already))
            )
        return asking.failed

    async def _ask_all(
        self, asking: "_Asking", lanes: Sequence["_Lane"], *, tell: "_Telling"
    ) -> None:
        total = sum(len(lane.calls) for lane in lanes)
        telling = asyncio.create_task(tell.from_time_to_time(asking, total))
        try:
            async with AsyncExitStack() as open_clients, asyncio.TaskGroup() as workers:
                for lane in lanes:
                    shards = await open_clients.enter_async_context(
                        open_shards(lane.provider.url, concurrency=lane.workers, context=self._tls)
                    )
                    queue = iter(lane.calls.items())
                    for worker in range(lane.workers):
                        client = shards[worker // CONNECTIONS_PER_CLIENT]
                        workers.create_task(asking.work(queue, lane, client))
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        tell.now(asking, total)


class _Lane:
    """One provider's share of a run: its calls, its pace, its silence."""

    def __init__(self, provider: ChatProvider, calls: Mapping[CallKey, ModelCall]) -> None:
        settings = provider.settings
        self.provider = provider
        self.calls = calls
        self.workers = min(settings.concurrency, len(calls))
        self.pace = Pace(settings.concurrency)
        self.silence = Silence(
            # More than a few calls that hang every time, each on its own, can use up.
            patience_attempts=2 * settings.concurrency + PATIENCE_CALLS * settings.maximum_attempts,
            patience_seconds=max(
                settings.maximum_wait_seconds,
                PATIENCE_CALLS * settings.attempt_timeout_seconds,
            ),
        )


class _Asking:
    """The work of one run; `failed` holds the last attempt of every call without an answer."""

    def __init__(
        self,
        writer: AttemptWriter,
        *,
        clock: Callable[[], dt.datetime],
        made: Mapping[CallKey, int],
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._made = made
        self.failed: dict[CallKey, Attempt] = {}
        self.done = 0

    async def work(
        self,
        queue: Iterator[tuple[CallKey, ModelCall]],
        lane: _Lane,
        client: httpx.AsyncClient,
    ) -> None:
        """Takes calls until none is left; a call is finished before the next is taken."""
        for key, call in queue:
            await self._settle(key, call, lane=lane, client=client)
            self.done += 1

    async def _settle(
        self, key: CallKey, call: ModelCall, *, lane: _Lane, client: httpx.AsyncClient
    ) -> None:
        provider = lane.provider
        turns = provider.settings.maximum_attempts
        before = self._made.get(key, 0)
        for turn in range(1, turns + 1):
            async with lane.pace.slot():
                sent_at = asyncio.get_running_loop().time()
                received = await post(
                    client,
                    provider.url,
                    body=provider.body(call),
                    headers=provider.headers,
                    timeout_seconds=provider.settings.attempt_timeout_seconds,
                )
            now = self._clock()
            reply = provider.read(received, now=now)
            attempt = _attempt(key, call, reply, number=before + turn, latency=received, now=now)
            self._writer.submit(attempt, route=call.route)
            _stop_if_pointless(lane, received, reply, last_attempt=turn == turns)
            if not isinstance(reply, Failed):
                lane.pace.speed_up()
                return
            if turn == turns or not reply.retryable:
                self.failed[key] = attempt
                return
            await _wait(lane, reply, attempt, turn=turn, sent_at=sent_at)


def _stop_if_pointless(
    lane: _Lane, received: HttpReply | NoReply, reply: Reply, *, last_attempt: bool
) -> None:
    provider = lane.provider
    if isinstance(received, HttpReply):
        lane.silence.heard()
        if isinstance(reply, Failed) and reply.error_code == "authentication":
            raise ProviderAccessError(
                provider.name, received.status, provider.settings.key_variable
            )
        return
    if received.error_code == "bad_response":
        lane.silence.heard()
        return
    lane.silence.unheard(received)
    if lane.silence.is_final(last_attempt=last_attempt):
        raise ProviderUnreachableError(provider.name, provider.address, received.problem)


async def _wait(lane: _Lane, reply: Failed, attempt: Attempt, *, turn: int, sent_at: float) -> None:
    """Waits as long as the provider asked, or backs off; a limit on the account holds everyone."""
    cap = lane.provider.settings.maximum_wait_seconds
    delay = backoff_seconds(attempt.key, attempt.attempt, turn=turn, cap=cap)
    if reply.retry_after_seconds is not None:
        delay = min(cap, reply.retry_after_seconds)
    if reply.error_code == "rate_limited":
        lane.pace.slow_down(sent_at=sent_at)
    if reply.error_code == "rate_limited" or reply.retry_after_seconds is not None:
        lane.pace.hold(delay)
    await asyncio.sleep(delay)


def _attempt(
    key: CallKey,
    call: ModelCall,
    reply: Reply,
    *,
    number: int,
    latency: HttpReply | NoReply,
    now: dt.datetime,
) -> Attempt:
    statuses: dict[type[Reply], CallStatus] = {Answered: "answered", Refused: "refused"}
    return Attempt(
        key=key,
        attempt=number,
        status=statuses.get(type(reply), "failed"),
        error_code=reply.error_code if isinstance(reply, Failed) else None,
        text=reply.text if isinstance(reply, Answered) else None,
        requested_model=call.spec.model,
        served_model=reply.facts.served_model,
        system_fingerprint=reply.facts.system_fingerprint,
        finish_reason=reply.facts.finish_reason,
        input_tokens=reply.facts.input_tokens,
        output_tokens=reply.facts.output_tokens,
        cost_usd=cost_usd(call.spec, reply.facts),
        latency_seconds=latency.latency_seconds,
        recorded_at=now,
    )


def _outcome(call: ModelCall, attempt: Attempt) -> CallOutcome:
    return CallOutcome(
        call=call,
        status=attempt.status,
        text=attempt.text,
        error_code=attempt.error_code,
        requested_model=attempt.requested_model,
        served_model=attempt.served_model,
        system_fingerprint=attempt.system_fingerprint,
        finish_reason=attempt.finish_reason,
        input_tokens=attempt.input_tokens,
        output_tokens=attempt.output_tokens,
        cost_usd=attempt.cost_usd,
        latency_seconds=None if attempt.status == "failed" else attempt.latency_seconds,
        attempts=attempt.attempt,
    )


@dataclass(frozen=True)
class _Telling:
    """Progress of one run, told to whoever listens; `already` calls came from the journal."""

    report: ProgressReport | None
    purpose: str
    already: int

    def now(self, asking: _Asking, total: int) -> None:
        if self.report is not None:
            self.report(self.already + asking.done, self.already + total, self.purpose)

    async def from_time_to_time(self, asking: _Asking, total: int) -> None:
        while True:
            self.now(asking, total)
            await asyncio.sleep(REPORT_SECONDS)
