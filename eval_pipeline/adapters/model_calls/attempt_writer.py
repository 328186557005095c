"""From answers to the journal: redacted, in small transactions, on a thread of its own."""

import asyncio
import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from eval_pipeline.adapters.model_calls.claims import CallClaims
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.ports import Redact

BATCH_ATTEMPTS: Final = 500
REDACTED_AT_ONCE: Final = 50
RENEWALS_PER_LEASE: Final = 4

_Unredacted = tuple[Attempt, str]
"""An attempt whose text is as it came, and the route whose allow-list holds for it."""
_Waiter = tuple[int, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class AttemptWriter:
    """Commits attempts in small batches on a thread of its own; a text is redacted just before.

    The only way from an answer to the journal, so no text can reach it unmasked. Leaving the
    context commits what is left, whatever ended it. The same thread gives claims up with the
    attempt that settles a call, and renews those of calls that are under way.
    """

    def __init__(
        self,
        journal: CallJournal,
        *,
        redact: Redact,
        claims: CallClaims | None = None,
        told: Callable[[Attempt], None] | None = None,
    ) -> None:
        """`told` hears of each attempt as it is handed over, in the thread that does so."""
        self._journal = journal
        self._redact = redact
        self._claims = claims
        self._told = told
        self._waiting: queue.SimpleQueue[_Unredacted | CallKey | None] = queue.SimpleQueue()
        self._handed_over = 0
        self._committed = 0
        self._ended = False
        self._waiters: deque[_Waiter] = deque()
        self._renewed_at = time.monotonic()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="call-journal")

    def __enter__(self) -> Self:
        """Starts the thread."""
        self._drained = self._thread.submit(self._drain)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commits what waits; a failure to do so is raised unless another is on its way."""
        self._waiting.put(None)
        self._thread.shutdown(wait=True)
        if error is None:
            self._drained.result()

    def submit(self, attempt: Attempt, *, route: str) -> None:
        """Hands an attempt over; raises what an earlier commit died of.

        `route` is the one whose allow-list holds for the attempt's text.
        """
        self._raise_if_dead()
        if self._told is not None:
            self._told(attempt)
        self._handed_over += 1
        self._waiting.put((attempt, route))

    def release(self, key: CallKey) -> None:
        """Gives the claim of a call up that stays without an answer, after its attempts."""
        self._raise_if_dead()
        self._handed_over += 1
        self._waiting.put(key)

    async def committed(self) -> None:
        """Returns once everything handed over so far is in the journal.

        Whoever waits for it before the next call has at most one call that a kill can lose.
        """
        self._raise_if_dead()
        if self._committed >= self._handed_over:
            return
        loop = asyncio.get_running_loop()
        waiter, ticket = loop.create_future(), self._handed_over
        self._waiters.append((ticket, loop, waiter))
        # The thread may have committed, or ended, just before it could see who waits.
        if self._committed >= ticket:
            return
        if not self._ended:
            await waiter
        if self._committed < ticket:
            await asyncio.wrap_future(self._drained)

    def _raise_if_dead(self) -> None:
        if self._drained.done():
            self._drained.result()

    def _drain(self) -> None:
        more = True
        try:
            while more:
                batch, more = self._next_batch()
                self._commit(batch)
                self._renew_in_time()
        finally:
            self._ended = True
            self._wake(everyone=True)

    def _commit(self, batch: Sequence[_Unredacted | CallKey]) -> None:
        attempts = self._redacted([one for one in batch if isinstance(one, tuple)])
        self._journal.record(
            attempts,
            released=[one for one in batch if isinstance(one, CallKey)],
            claimed_by=None if self._claims is None else self._claims.claimed_by,
        )
        self._committed += len(batch)
        self._wake()

    def _wake(self, *, everyone: bool = False) -> None:
        woken: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        while self._waiters and (everyone or self._waiters[0][0] <= self._committed):
            _, loop, waiter = self._waiters.popleft()
            woken.setdefault(loop, []).append(waiter)
        for loop, waiters in woken.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, waiters)

    def _renew_in_time(self) -> None:
        if self._claims is None:
            return
        now = time.monotonic()
        if now - self._renewed_at >= self._claims.lease_seconds / RENEWALS_PER_LEASE:
            self._claims.renew()
            self._renewed_at = now

    def _next_batch(self) -> tuple[list[_Unredacted | CallKey], bool]:
        idle = None if self._claims is None else self._claims.lease_seconds / RENEWALS_PER_LEASE
        try:
            first = self._waiting.get(timeout=idle)
        except queue.Empty:
            return [], True
        if first is None:
            return [], False
        batch = [first]
        # Nobody waits for company: what comes during one commit shares the next.
        while len(batch) < BATCH_ATTEMPTS:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return batch, False
            batch.append(following)
        return batch, True

    def _redacted(self, batch: Sequence[_Unredacted]) -> list[Attempt]:
        texts = [(attempt.text, route) for attempt, route in batch if attempt.text is not None]
        redacted: list[str] = []
        for start in range(0, len(texts), REDACTED_AT_ONCE):
            redacted += self._redact(texts[start : start + REDACTED_AT_ONCE])
            # Slow recognisers must not cost the run its claims.
            self._renew_in_time()
        found = iter(redacted)
        return [
            attempt if attempt.text is None else replace(attempt, text=next(found))
            for attempt, _ in batch
        ]


def _resolve(waiters: Sequence["asyncio.Future[None]"]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
