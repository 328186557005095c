"""Hands a lane its calls, each claimed just before, and waits for what another run holds."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Final

from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.claims import CallClaims, CallState
from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.model_calls.spending import SpendingGuard
from eval_pipeline.ports import ModelCall

FEWEST_CLAIMED: Final = 16
MOST_POLLED: Final = 2000
FIRST_POLL_SECONDS: Final = 0.1
LONGEST_POLL_SECONDS: Final = 2.0


class CallFeed:
    """One lane's calls, in order, for several workers: `await anext(feed)`.

    `calls` are not settled yet. Claimed calls that nobody has taken are never more than two
    rounds of workers, so another run on the same scope finds work too. `settled_elsewhere` counts
    calls that another run finished meanwhile; `gave_up_elsewhere` are those it failed at: their
    last attempt is in the journal. `waiting`: all that is left is held by another run.
    """

    def __init__(
        self,
        calls: Mapping[CallKey, ModelCall],
        *,
        at_once: int,
        claims: CallClaims,
        writer: AttemptWriter,
        guard: SpendingGuard,
    ) -> None:
        self.calls = calls
        self.settled_elsewhere = 0
        self.gave_up_elsewhere: set[CallKey] = set()
        self.waiting = False
        self._at_once = max(FEWEST_CLAIMED, at_once)
        self._claims = claims
        self._writer = writer
        self._guard = guard
        self._untaken: Iterator[CallKey] = iter(calls)
        self._ready: deque[CallKey] = deque()
        self._held: dict[CallKey, int] = {}
        self._attempts: dict[CallKey, int] = {}
        self._poll_seconds = FIRST_POLL_SECONDS
        self._more = True
        self._refilling: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._lapses = claims.lapses()

    @property
    def done_elsewhere(self) -> int:
        """Calls that another run settled or gave up meanwhile."""
        return self.settled_elsewhere + len(self.gave_up_elsewhere)

    async def __anext__(self) -> tuple[CallKey, ModelCall]:
        """The next call, which this run has claimed; ends where nothing is left or may be spent."""
        self._put_back_what_lapsed()
        while not self._ready or self._guard.stopped:
            if self._failure is not None:
                raise self._failure
            if self._guard.stopped or not (self._more or self._refilling):
                raise StopAsyncIteration
            await asyncio.wait([self._refill()])
        key = self._ready.popleft()
        if self._more and len(self._ready) < self._at_once // 2:
            self._refill()
        return key, self.calls[key]

    async def admits(self, key: CallKey) -> bool:
        """Whether one more attempt at the call may be paid for; waits while that is open."""
        return await self._guard.admits(key, self.calls[key])

    def attempts_before(self, key: CallKey) -> int:
        """How many attempts at a taken call earlier runs made."""
        return self._attempts[key]

    async def finished(self, key: CallKey, *, settled: bool) -> None:
        """A taken call is done with: returns once its attempts are in the journal."""
        self._attempts.pop(key, None)
        if not settled:
            self._writer.release(key)
        await self._writer.committed()

    async def close(self) -> None:
        """Ends what still waits for claims."""
        if self._refilling is not None:
            self._refilling.cancel()
            await asyncio.gather(self._refilling, return_exceptions=True)

    def _refill(self) -> "asyncio.Task[None]":
        if self._refilling is None or self._refilling.done():
            self._refilling = asyncio.create_task(self._claim_some())
            self._refilling.add_done_callback(self._refilled)
        return self._refilling

    def _refilled(self, task: "asyncio.Task[None]") -> None:
        self._refilling = None
        if not task.cancelled():
            self._failure = task.exception()

    def _put_back_what_lapsed(self) -> None:
        """After a sleep longer than the lease, what nobody has taken yet is claimed anew."""
        lapses = self._claims.lapses()
        if lapses != self._lapses:
            self._lapses, self._more = lapses, True
            self._untaken = chain(tuple(self._ready), self._untaken)
            self._ready.clear()

    async def _claim_some(self) -> None:
        some = list(islice(self._untaken, self._at_once))
        if not some:
            if not self._held:
                self._more = False
                return
            self.waiting = not self._ready
            await self._guard.pause(self._poll_seconds)
            self._poll_seconds = min(LONGEST_POLL_SECONDS, 1.5 * self._poll_seconds)
            some = list(islice(self._held, MOST_POLLED))
        states = await asyncio.to_thread(self._claims.claim, some)
        if self._claims.others_at_work:
            await self._guard.look_again()
        for key in some:
            self._sort(key, states.get(key))
        if self._ready:
            self.waiting = False
            self._poll_seconds = FIRST_POLL_SECONDS

    def _sort(self, key: CallKey, state: CallState | None) -> None:
        """A claim that is gone again counts as held: the next look finds out."""
        seen = self._held.pop(key, None)
        if state is None or not state.ours:
            self._held[key] = seen if seen is not None else 0 if state is None else state.attempts
        elif state.settled:
            self.settled_elsewhere += 1
        elif seen is not None and state.attempts > seen and key not in self._claims.abandoned:
            self._writer.release(key)
            self.gave_up_elsewhere.add(key)
        else:
            self._attempts[key] = state.attempts
            self._ready.append(key)
