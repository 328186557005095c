"""Attempts at one delivery: bounded in number and in time, with waits that double."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eval_pipeline.adapters.alerting.outcome import Delivered, failed

FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 5.0
SHORTEST_ATTEMPT_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Attempted:
    """How one attempt ended; `wait` is how long the other side asks to be left alone."""

    error_code: str | None
    passing: bool = False
    wait_seconds: float | None = None


@dataclass(frozen=True)
class Pace:
    """How long one delivery may take in all, and how many attempts it has."""

    timeout_seconds: float
    attempts: int
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def deliver(self, attempt: Callable[[float], Attempted]) -> Delivered:
        """Calls `attempt` with the seconds that it has, until it is taken, refused or given up.

        An attempt may take half of the whole time at most, so that a silent server leaves time for
        a second one.
        """
        ends = self.clock() + self.timeout_seconds
        made = 0
        while True:
            left = ends - self.clock()
            most = self.timeout_seconds if self.attempts == 1 else self.timeout_seconds / 2
            found = attempt(max(SHORTEST_ATTEMPT_SECONDS, min(left, most)))
            made += 1
            if found.error_code is None:
                return Delivered(attempts=made)
            backoff = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (made - 1))
            wait = max(backoff, found.wait_seconds or 0.0)
            over = made >= self.attempts or self.clock() + wait >= ends
            if over or not found.passing:
                return failed(found.error_code, attempts=made)
            self.sleep(wait)
