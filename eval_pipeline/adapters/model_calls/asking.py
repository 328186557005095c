"""The asking of one run: workers, attempts, progress."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpcore
import httpx

from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.feed import CallFeed
from eval_pipeline.adapters.model_calls.journal import Attempt, CallKey
from eval_pipeline.adapters.model_calls.lane import Lane
from eval_pipeline.adapters.model_calls.line import Asked
from eval_pipeline.adapters.model_calls.pools import open_shards
from eval_pipeline.adapters.model_calls.transports import (
    HttpReply,
    NoReply,
    first_failure,
    post,
)
from eval_pipeline.adapters.providers import (
    Answered,
    Failed,
    Refused,
    Reply,
    cost_usd,
)
from eval_pipeline.ports import CallStatus, ProgressReport

REPORT_SECONDS = 0.5


async def ask_all(
    asking: "Asking", lanes: Sequence[Lane], *, tell: "Telling", tls: ssl.SSLContext
) -> None:
    """Asks every lane's calls, all lanes at once; raises what makes going on pointless."""
    total = sum(len(lane.feed.calls) for lane in lanes)
    telling = asyncio.create_task(tell.from_time_to_time(asking, total))
    try:
        async with AsyncExitStack() as open_pools, asyncio.TaskGroup() as workers:
            for lane in lanes:
                open_pools.push_async_callback(lane.feed.close)
                http2 = lane.provider.settings.http2
                pools = await open_pools.enter_async_context(
                    open_shards(
                        lane.provider.url,
                        concurrency=lane.workers,
                        # A context offers one set of protocols, so HTTP/2 has one of its own.
                        context=httpx.create_ssl_context() if http2 else tls,
                        http2=http2,
                        network=lane.provider.network,
                    )
                )
                for pool in pools:
                    workers.create_task(asking.work(lane, pool))
    except BaseExceptionGroup as failures:
        raise first_failure(failures) from None
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    tell.now(asking, total)


class Asking:
    """The work of one run; `failed` holds the last attempt of every call without an answer.

    Asked again is what the provider turned away unserved (429, 5xx) and what it may have served
    unseen (a hang, a break, a reply that cannot be read): that one may be paid twice, so each
    attempt is recorded. Never asked again: any other 4xx, a redirect, a refusal, an empty answer.
    """

    def __init__(self, writer: AttemptWriter, *, clock: Callable[[], dt.datetime]) -> None:
        self._writer = writer
        self._clock = clock
        self.failed: dict[CallKey, Attempt] = {}
        self.done = 0

    async def work(self, lane: Lane, pool: httpcore.AsyncConnectionPool) -> None:
        """Makes attempts until no call is left; a call that has to wait lets others pass.

        A call that is done with is in the journal before the next is taken.
        """
        while (asked := await lane.line.next()) is not None:
            async with lane.pace.slot():
                delay = None
                if not asked.is_late(after=0) and await lane.feed.admits(asked.key):
                    delay = await self._attempt(asked, lane, pool=pool)
            if delay is not None:
                lane.line.later(asked, delay)
                continue
            settled = asked.last is not None and asked.last.status != "failed"
            await lane.feed.finished(asked.key, settled=settled)
            self.done += 1

    async def _attempt(
        self, asked: Asked, lane: Lane, *, pool: httpcore.AsyncConnectionPool
    ) -> float | None:
        """One attempt, recorded; seconds until the next, or None if there is to be none."""
        provider, settings = lane.provider, lane.provider.settings
        sent_at = asyncio.get_running_loop().time()
        left = asked.seconds_left(sent_at, of=settings.total_timeout_seconds)
        received = await post(
            pool,
            provider.url_of(asked.call),
            body=provider.body(asked.call),
            headers=provider.headers,
            timeout_seconds=min(settings.attempt_timeout_seconds, left),
            largest_reply_bytes=settings.largest_reply_bytes,
        )
        asked.turn += 1
        now = self._clock()
        reply = provider.read(received, now=now)
        number = lane.feed.attempts_before(asked.key) + asked.turn
        asked.last = _attempt(asked, reply, number=number, latency=received, now=now)
        self._writer.submit(asked.last, route=asked.call.route)
        asked.turned_away += asked.last.error_code == "rate_limited"
        lane.stop_if_pointless(received, reply, last_attempt=lane.is_last_attempt(asked))
        lane.tell_pace(received, reply, sent_at=sent_at, now=now)
        if not isinstance(reply, Failed):
            self.failed.pop(asked.key, None)
            lane.served_at = asyncio.get_running_loop().time()
            return None
        self.failed[asked.key] = asked.last
        delay = lane.seconds_to_wait(reply, asked)
        return None if delay is None or asked.is_late(after=delay) else delay


def _attempt(
    asked: Asked,
    reply: Reply,
    *,
    number: int,
    latency: HttpReply | NoReply,
    now: dt.datetime,
) -> Attempt:
    statuses: dict[type[Reply], CallStatus] = {Answered: "answered", Refused: "refused"}
    return Attempt(
        key=asked.key,
        attempt=number,
        status=statuses.get(type(reply), "failed"),
        error_code=reply.error_code if isinstance(reply, Failed) else None,
        text=reply.text if isinstance(reply, Answered) else None,
        requested_model=asked.call.spec.model,
        served_model=reply.facts.served_model,
        system_fingerprint=reply.facts.system_fingerprint,
        finish_reason=reply.facts.finish_reason,
        input_tokens=reply.facts.input_tokens,
        output_tokens=reply.facts.output_tokens,
        cost_usd=cost_usd(asked.call.spec, reply.facts),
        latency_seconds=latency.latency_seconds,
        recorded_at=now,
        headers=reply.facts.headers,
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
