"""When to ask a provider: its pace and holds, waits between attempts, giving it up."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.model_calls.level import Level
from eval_pipeline.adapters.model_calls.transports import NoReply
from eval_pipeline.fingerprint import seed_for

FIRST_BACKOFF_SECONDS = 0.5
MOMENT_SECONDS = 0.1
FEWEST_SILENT_ATTEMPTS = 4
FIRST_CONTACT_SECONDS = 2.0


def backoff_seconds(key: CallKey, attempt: int, *, turn: int, cap: float) -> float:
    """Doubles with every turn up to `cap`, then between half and all of it, fixed by the call."""
    span = min(cap, FIRST_BACKOFF_SECONDS * 2.0 ** min(turn - 1, 30))
    seed = seed_for(*(str(part) for part in vars(key).values()), str(attempt))
    return span * (0.5 + 0.5 * seed / 2**64)


class Pace:
    """Who may send to one provider now: as many at once as its level allows, nobody in a hold.

    A hold stops everyone: the provider limits the account, not the call.
    """

    def __init__(self, ceiling: int, *, first: int | None = None) -> None:
        self.level = Level(ceiling, first=ceiling if first is None else first)
        self._in_flight = 0
        self._held_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Waits for the hold to end and for room."""
        loop = asyncio.get_running_loop()
        while True:
            held = self._held_until - loop.time()
            if held > 0:
                await asyncio.sleep(held)
            elif self._in_flight >= self.level.limit:
                turn = loop.create_future()
                self._waiting.append(turn)
                await turn
            else:
                break
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._wake()

    def hold(self, seconds: float) -> None:
        """Nobody sends for so long; a longer hold already in force stays."""
        until = asyncio.get_running_loop().time() + seconds
        self._held_until = max(self._held_until, until)

    def answered(self, *, sent_at: float) -> None:
        """A request was served, whatever the answer was worth."""
        self.level.answered(sent_at=sent_at)
        self._wake()

    def failed(self, *, sent_at: float) -> None:
        """The server failed, hung or broke off."""
        self.level.failed(sent_at=sent_at)

    def refused(self, *, sent_at: float, wait_seconds: float | None) -> None:
        """A 429; `wait_seconds` is what the provider asked for, which holds everyone.

        Where it asked for nothing, or is known to refuse at random, at most a moment is held.
        """
        cut = self.level.refused(sent_at=sent_at, now=asyncio.get_running_loop().time())
        if wait_seconds is not None and not self.level.is_noise():
            self.hold(wait_seconds)
        elif cut:
            self.hold(MOMENT_SECONDS)
        self._wake()

    def _wake(self) -> None:
        room = self.level.limit - self._in_flight
        while room > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1


class Silence:
    """How long a provider has not answered anything at all, and when that means it is gone.

    One that never took a connection is given up after two seconds of trying; one that did, and
    then only hangs or breaks off, after `patience_seconds` in which `patience_attempts` failed.
    """

    def __init__(self, *, patience_attempts: int, patience_seconds: float) -> None:
        self._patience_attempts = max(FEWEST_SILENT_ATTEMPTS, patience_attempts)
        self._patience_seconds = patience_seconds
        self._ever_connected = False
        self._attempts = 0
        self._since = math.inf

    def heard(self) -> None:
        """Some HTTP reply came, whatever it said."""
        self._ever_connected = True
        self._attempts = 0
        self._since = math.inf

    def unheard(self, reply: NoReply) -> None:
        """An attempt ended without a reply."""
        self._ever_connected |= reply.connected
        self._attempts += 1
        started = asyncio.get_running_loop().time() - reply.latency_seconds
        self._since = min(self._since, started)

    def is_final(self, *, last_attempt: bool) -> bool:
        """Whether to give the provider up; `last_attempt`: the call at hand has no further try."""
        lasted = asyncio.get_running_loop().time() - self._since
        if self._ever_connected:
            return self._attempts >= self._patience_attempts and lasted >= self._patience_seconds
        return last_attempt or (
            self._attempts >= FEWEST_SILENT_ATTEMPTS and lasted >= FIRST_CONTACT_SECONDS
        )
