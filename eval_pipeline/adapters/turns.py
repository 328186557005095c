"""Turns in the order of asking, for threads of one process that write to the same file."""

import threading
from collections import deque


class Turns:
    """First come, first served; not reentrant.

    SQLite's own busy handler polls with growing pauses, so under load some writers wait for
    seconds while others pass them; here each is woken when it is their turn.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def take(self, *, seconds: float) -> bool:
        """Waits for the turn; False if it did not come in that time."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        if called.acquire(timeout=seconds):
            return True
        with self._guard:
            if called not in self._waiting:
                return True  # it was called just now: the turn is its own
            self._waiting.remove(called)
            return False

    def pass_on(self) -> None:
        """Gives the turn to who has waited longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
