"""The asking of one run: lanes to the providers, workers, attempts, waits, progress."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import httpx

from eval_pipeline.adapters.attempt_writer import AttemptWriter
from eval_pipeline.adapters.feed import CallFeed
from eval_pipeline.adapters.journal import Attempt, CallKey
from eval_pipeline.adapters.pacing import Pace, Silence, backoff_seconds
from eval_pipeline.adapters.providers import (
    Answered,
    ChatProvider,
    Failed,
    Refused,
    Reply,
    cost_usd,
)
from eval_pipeline.adapters.providers.replies import LONGEST_NAME
from eval_pipeline.adapters.transports import (
    CONNECTIONS_PER_CLIENT,
    HttpReply,
    NoReply,
    first_failure,
    open_shards,
    post,
)
from eval_pipeline.errors import ProviderAccessError, ProviderUnreachableError
from eval_pipeline.ports import CallStatus, ModelCall, ProgressReport

REPORT_SECONDS = 0.5
PATIENCE_CALLS = 3


async def ask_all(
    asking: "Asking", lanes: Sequence["Lane"], *, tell: "Telling", tls: ssl.SSLContext
) -> None:
    """Asks every lane's calls, all lanes at once; raises what makes going on pointless."""
    total = sum(len(lane.feed.calls) for lane in lanes)
    telling = asyncio.create_task(tell.from_time_to_time(asking, total))
    try:
        async with AsyncExitStack() as open_clients, asyncio.TaskGroup() as workers:
            for lane in lanes:
                open_clients.push_async_callback(lane.feed.close)
                shards = await open_clients.enter_async_context(
                    open_shards(lane.provider.url, concurrency=lane.workers, context=tls)
                )
                for worker in range(lane.workers):
                    client = shards[worker // CONNECTIONS_PER_CLIENT]
                    workers.create_task(asking.work(lane, client))
    except BaseExceptionGroup as failures:
        raise first_failure(failures) from None
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    tell.now(asking, total)


class Lane:
    """One provider's share of a run: its calls, its pace, its silence."""

    def __init__(self, provider: ChatProvider, feed: CallFeed) -> None:
        settings = provider.settings
        self.provider = provider
        self.feed = feed
        self.workers = min(settings.concurrency, len(feed.calls))
        self.pace = Pace(settings.concurrency)
        self.silence = Silence(
            # More than a few calls that hang every time, each on its own, can use up.
            patience_attempts=2 * settings.concurrency + PATIENCE_CALLS * settings.maximum_attempts,
            patience_seconds=max(
                settings.maximum_wait_seconds,
                PATIENCE_CALLS * settings.attempt_timeout_seconds,
            ),
        )


class Asking:
    """The work of one run; `failed` holds the last attempt of every call without an answer."""

    def __init__(
        self,
        writer: AttemptWriter,
        *,
        clock: Callable[[], dt.datetime],
        version_headers: Collection[str] = (),
    ) -> None:
        """`version_headers`: the reply headers that are recorded, by their lower-case names."""
        self._writer = writer
        self._clock = clock
        self._version_headers = sorted(version_headers)
        self.failed: dict[CallKey, Attempt] = {}
        self.done = 0

    async def work(self, lane: Lane, client: httpx.AsyncClient) -> None:
        """Takes calls until none is left; a call is in the journal before the next is taken."""
        async for key, call in lane.feed:
            settled = await self._settle(key, call, lane=lane, client=client)
            await lane.feed.finished(key, settled=settled)
            self.done += 1

    async def _settle(
        self, key: CallKey, call: ModelCall, *, lane: Lane, client: httpx.AsyncClient
    ) -> bool:
        provider = lane.provider
        turns = provider.settings.maximum_attempts
        before = lane.feed.attempts_before(key)
        for turn in range(1, turns + 1):
            async with lane.pace.slot():
                if not await lane.feed.admits(key):
                    return False
                sent_at = asyncio.get_running_loop().time()
                received = await post(
                    client,
                    provider.url_of(call),
                    body=provider.body(call),
                    headers=provider.headers,
                    timeout_seconds=provider.settings.attempt_timeout_seconds,
                )
            now = self._clock()
            reply = provider.read(received, now=now)
            attempt = _attempt(key, call, reply, number=before + turn, latency=received, now=now)
            attempt = replace(attempt, headers=self._kept_headers(received))
            self._writer.submit(attempt, route=call.route)
            _stop_if_pointless(lane, received, reply, last_attempt=turn == turns)
            if not isinstance(reply, Failed):
                lane.pace.speed_up()
                self.failed.pop(key, None)
                return True
            self.failed[key] = attempt
            if turn == turns or not reply.retryable:
                return False
            await _wait(lane, reply, attempt, turn=turn, sent_at=sent_at)
        return False

    def _kept_headers(self, received: HttpReply | NoReply) -> tuple[tuple[str, str], ...]:
        if isinstance(received, NoReply):
            return ()
        named = ((name, received.headers.get(name)) for name in self._version_headers)
        return tuple((name, value[:LONGEST_NAME]) for name, value in named if value)


def _stop_if_pointless(
    lane: Lane, received: HttpReply | NoReply, reply: Reply, *, last_attempt: bool
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


async def _wait(lane: Lane, reply: Failed, attempt: Attempt, *, turn: int, sent_at: float) -> None:
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
        first_byte_seconds=latency.first_byte_seconds if isinstance(latency, HttpReply) else None,
    )


@dataclass(frozen=True)
class Telling:
    """Progress of one run, told to whoever listens; `already` calls came from the journal.

    What another run settled meanwhile counts too, and that it is waited for is said.
    """

    report: ProgressReport | None
    purpose: str
    already: int
    feeds: tuple[CallFeed, ...] = ()

    def now(self, asking: Asking, total: int) -> None:
        """Says how many calls are done."""
        if self.report is not None:
            elsewhere = sum(feed.done_elsewhere for feed in self.feeds)
            waits = any(feed.waiting for feed in self.feeds)
            self.report(
                self.already + asking.done + elsewhere,
                self.already + total,
                f"{self.purpose}, waiting for another run" if waits else self.purpose,
            )

    async def from_time_to_time(self, asking: Asking, total: int) -> None:
        """Says so every half second until cancelled."""
        while True:
            self.now(asking, total)
            await asyncio.sleep(REPORT_SECONDS)
