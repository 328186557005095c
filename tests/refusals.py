"""A disk that refuses one step, full, read-only or failing: at a boundary of `tests.kills`."""

import builtins
import contextlib
import errno
import fcntl
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from tests.kills import SYSTEM_CALLS, TORN, Boundaries, Fate

FULL, READ_ONLY = errno.ENOSPC, errno.EROFS
ERRORS = (FULL, READ_ONLY, errno.EACCES, errno.EDQUOT, errno.EIO)


@dataclass
class Refusals(Boundaries):
    """At the fated boundary, and with `lasting` at all after it, the system says no.

    A torn write leaves half of its bytes before it is refused, as a disk does that fills up.
    """

    error: int = FULL
    lasting: bool = False
    struck: bool = False

    def cross(
        self, name: str, act: Callable[[], Any], *, half: Callable[[], None] | None = None
    ) -> Any:
        """Does the act, unless the disk refuses it."""
        if not self.watching:
            return act()
        number = len(self.passed)
        self.passed.append((name, half is not None))
        if self.fate is None or not self._refused(number, name):
            return act()
        self.struck = True
        if half is not None and self.fate.moment == TORN:
            half()
        if name == "close":
            act()
        raise OSError(self.error, os.strerror(self.error), name)

    def _refused(self, number: int, name: str) -> bool:
        assert self.fate is not None
        late = self.lasting and self.struck and name not in {"unlink", "remove", "rmdir", "close"}
        return number == self.fate.boundary or late


@contextlib.contextmanager
def refusing(fate: Fate | None, *, error: int = FULL, lasting: bool = False) -> Iterator[Refusals]:
    """This process on such a disk, and on its own again afterwards."""
    kept = {name: getattr(os, name) for name in SYSTEM_CALLS}
    opened, locked, connected = io.open, fcntl.flock, duckdb.connect
    refusals = Refusals(fate, error=error, lasting=lasting)
    refusals.watch_disk()
    try:
        yield refusals
    finally:
        refusals.watching = False
        for name, call in kept.items():
            setattr(os, name, call)
        io.open = builtins.open = opened
        fcntl.flock, duckdb.connect = locked, connected
