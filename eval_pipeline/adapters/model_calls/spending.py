"""The hard stop: nothing is asked that would pass a scope's limit, or after a run's time."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from eval_pipeline.adapters.model_calls.call_figures import NOTHING, Spent, spent_by
from eval_pipeline.adapters.model_calls.call_plans import Expectations
from eval_pipeline.adapters.model_calls.journal import Attempt, CallKey
from eval_pipeline.ports import ModelCall
from eval_pipeline.settings import Spender, SpendingLimit

Bound = Literal["usd", "calls", "tokens", "minutes"]

SPENDERS: Final[Mapping[str, Spender]] = {
    "refresh": "refresh",
    "rewrite": "refresh",
    "drift": "drift",
    "drift_reference": "drift",
    "candidate": "candidate",
    "continue": "candidate",
    "watch": "watch",
    **{spender: spender for spender in get_args(Spender)},
}
"""What stands before the colon of a scope, and whose limit holds for it."""

LOOK_AGAIN_SECONDS: Final = 1.0
_SLACK: Final = 1e-9
"""Of a limit in currency: sums of floats never stop a run by a rounding error."""


def spender_of(scope: str) -> Spender | None:
    """Whose limit holds for a scope; None for one that no kind of work has."""
    return SPENDERS.get(scope.partition(":")[0])


@dataclass(frozen=True)
class Stop:
    """Why nothing new is asked: the limit that would be passed, and what its scope has spent."""

    scope: str
    bound: Bound
    limit: float
    spent: Spent

    @property
    def setting(self) -> str:
        """The setting to change."""
        return f"spending.{spender_of(self.scope)}.{self.bound}"


@dataclass
class Purse:
    """One scope's limit, what is spent of it, and what calls in flight may take of it.

    `elsewhere` is what other runs spent, earlier or at the same time.
    """

    scope: str
    limit: SpendingLimit
    elsewhere: Spent = NOTHING
    ours: Spent = NOTHING
    in_flight: dict[CallKey, Spent] = field(default_factory=dict)
    reserved: Spent = NOTHING

    @property
    def spent(self) -> Spent:
        """By all runs, as far as it is known here."""
        return self.elsewhere + self.ours

    def exceeded_by(self, more: Spent) -> Bound | None:
        """The limit that `more` would pass, beside what is in flight."""
        total = self.spent + self.reserved + more
        for bound, amount, limit in (
            ("calls", total.calls, self.limit.calls),
            ("usd", total.usd - _SLACK, self.limit.usd),
            ("tokens", total.tokens, self.limit.tokens),
        ):
            if limit is not None and amount > limit:
                return bound  # type: ignore[return-value]
        return None

    def stop_by(self, bound: Bound) -> Stop:
        """The stop at one of its limits."""
        return Stop(self.scope, bound, float(getattr(self.limit, bound)), self.spent)

    def reserve(self, key: CallKey, expected: Spent) -> None:
        """Sets aside what an attempt is expected to take."""
        self.in_flight[key] = expected
        self.reserved += expected

    def pay(self, attempt: Attempt) -> None:
        """What an attempt took stands for what was set aside for it."""
        self.ours += spent_by(attempt)
        self.reserved -= self.in_flight.pop(attempt.key, NOTHING)
        if not self.in_flight:
            self.reserved = Spent()


class SpendingGuard:
    """Admits attempts while their scope's limit and the run's time allow it.

    An attempt that may not fit waits until those in flight are paid: what they took may leave room
    for it. `stopped` says why there is none; from then on nothing is admitted.
    """

    def __init__(
        self,
        purses: Mapping[str, Purse],
        *,
        expectations: Expectations,
        spent_on: Callable[[str], Spent],
    ) -> None:
        self.purses = purses
        self.stopped: Stop | None = None
        self.paid = Spent()
        self._expectations = expectations
        self._spent_on = spent_on
        self._started_at = time.monotonic()
        self._looked_at = self._started_at
        self._waiting: list[asyncio.Future[None]] = []

    def refuse(self, calls: Mapping[str, int]) -> Stop | None:
        """The limit that so many calls per scope would pass whatever they cost."""
        for scope, purse in self.purses.items():
            bound = purse.exceeded_by(Spent(calls=calls[scope]))
            if bound is not None:
                return purse.stop_by(bound)
        return None

    async def admits(self, key: CallKey, call: ModelCall) -> bool:
        """Whether one attempt at the call may be made now; False ends the run's asking."""
        purse = self.purses.get(key.scope)
        while purse is not None and not self._stop_in_time(purse):
            expected = self._expectations.of(call)
            bound = purse.exceeded_by(expected)
            if bound is None:
                purse.reserve(key, expected)
                return True
            if not purse.in_flight:
                self._stop(purse.stop_by(bound))
                break
            room = asyncio.get_running_loop().create_future()
            self._waiting.append(room)
            await room
        return self.stopped is None

    def pay(self, attempt: Attempt) -> None:
        """Takes an attempt that came back into account."""
        self.paid += spent_by(attempt)
        self._expectations.learn(attempt)
        purse = self.purses.get(attempt.key.scope)
        if purse is not None:
            purse.pay(attempt)
            self._wake()

    async def pause(self, seconds: float) -> None:
        """Sleeps, at most to the end of the run's time."""
        for purse in self.purses.values():
            if self._stop_in_time(purse):
                return
        await asyncio.sleep(seconds)

    async def look_again(self) -> None:
        """Reads what other runs at work spent meanwhile, once a second at most."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_AGAIN_SECONDS:
            return
        self._looked_at = now
        for scope, purse in self.purses.items():
            recorded = await asyncio.to_thread(self._spent_on, scope)
            others = recorded - purse.ours
            purse.elsewhere = Spent(
                max(purse.elsewhere.usd, others.usd),
                max(purse.elsewhere.calls, others.calls),
                max(purse.elsewhere.tokens, others.tokens),
            )

    def _stop_in_time(self, purse: Purse) -> bool:
        minutes = purse.limit.minutes
        if minutes is not None and time.monotonic() - self._started_at >= 60 * minutes:
            self._stop(purse.stop_by("minutes"))
        return self.stopped is not None

    def _stop(self, stop: Stop) -> None:
        self.stopped = self.stopped or stop
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for room in waiting:
            if not room.done():
                room.set_result(None)
