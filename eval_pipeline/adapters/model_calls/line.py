"""The calls of one provider that wait to be asked: fresh ones, and ones that come up again."""

import asyncio
import heapq
import itertools
import math
from dataclasses import dataclass
from typing import Protocol

from eval_pipeline.adapters.model_calls.journal import Attempt, CallKey
from eval_pipeline.ports import ModelCall


@dataclass
class Asked:
    """One call on its way; `turn` counts this run's attempts, `last` is null before the first.

    `turned_away` of them met a rate limit; `began` is the first one's time.
    """

    key: CallKey
    call: ModelCall
    turn: int = 0
    turned_away: int = 0
    last: Attempt | None = None
    began: float = math.inf
    deadline: float = math.inf

    def seconds_left(self, now: float, *, of: float) -> float:
        """Of the call's whole time, which starts with its first attempt, whatever came before."""
        if self.deadline == math.inf:
            self.began, self.deadline = now, now + of
        return self.deadline - now

    def is_late(self, *, after: float) -> bool:
        """Whether its time is up by then."""
        return asyncio.get_running_loop().time() + after >= self.deadline


class FreshCalls(Protocol):
    """Calls that were not asked yet, for several workers; `waiting`: another run holds the rest."""

    waiting: bool

    async def __anext__(self) -> tuple[CallKey, ModelCall]:
        """The next call; ends where nothing is left."""
        ...


class Line:
    """Hands out calls: those whose wait is over first, then fresh ones.

    A call that waits holds nobody up. Only `most_waiting` may wait at once, so that a provider
    in trouble does not get a first attempt at everything.
    """

    def __init__(self, calls: FreshCalls, *, most_waiting: int) -> None:
        self._fresh = calls
        self._most_waiting = most_waiting
        self._waiting: list[tuple[float, int, Asked]] = []
        self._order = itertools.count()

    async def next(self) -> Asked | None:
        """The next call, waited for if need be; None if none is left for this worker.

        Whoever puts a call back comes for the next one itself, so none is left behind.
        """
        now = asyncio.get_running_loop().time()
        due = bool(self._waiting) and self._waiting[0][0] <= now
        # While another run holds all that is fresh, what waits here comes first.
        fresh = not self._waiting or not self._fresh.waiting
        if not due and fresh and len(self._waiting) < self._most_waiting:
            try:
                return Asked(*await anext(self._fresh))
            except StopAsyncIteration:
                now = asyncio.get_running_loop().time()
        if not self._waiting:
            return None
        at, _, asked = heapq.heappop(self._waiting)
        if at > now:
            await asyncio.sleep(at - now)
        return asked

    def later(self, asked: Asked, delay: float) -> None:
        """Puts a call back for at least so many seconds."""
        at = asyncio.get_running_loop().time() + delay
        heapq.heappush(self._waiting, (at, next(self._order), asked))
