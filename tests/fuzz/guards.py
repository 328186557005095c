"""What a case may cost: five seconds of processor time and a gigabyte.

Processor time, because a case that waits its turn on a busy machine does not hang.
"""

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.fuzz.target import BrokenPromiseError

MOST_SECONDS: Final = 5
MOST_BYTES: Final = 2**30
_UNIT: Final = 1 if sys.platform == "darwin" else 1024


class TooSlowError(BrokenPromiseError):
    """A case took longer than `MOST_SECONDS`."""


class TooLargeError(BrokenPromiseError):
    """A case took more memory than `MOST_BYTES`."""


def peak_bytes() -> int:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


@contextmanager
def within_bounds() -> Iterator[None]:
    """One case: raises `TooSlowError`, or `TooLargeError` if it grew the process by too much."""

    def stop(_signal: int, _frame: object) -> None:
        raise TooSlowError(f"more than {MOST_SECONDS} s of processor time")

    before = peak_bytes()
    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)
    grown = peak_bytes() - before
    if grown > MOST_BYTES:
        raise TooLargeError(f"{grown // 2**20} MiB more than before")
