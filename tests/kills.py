"""Boundaries: the moments between a process's changes to the disk, at each of which it can die.

Writing, flushing, syncing, linking, renaming, removing, making folders and taking locks are
counted where Python asks the operating system for them, and each statement of DuckDB, whose own
writes go to a private folder. Nothing knows the code under test: whoever calls `os.link` is seen.
"""

import builtins
import fcntl
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import duckdb

BEFORE, TORN, AFTER = "before", "torn", "after"
SYSTEM_CALLS = ("mkdir", "link", "replace", "rename", "unlink", "remove", "rmdir", "fsync")


@dataclass(frozen=True)
class Fate:
    """Which boundary is the last, and on which side of it the process dies."""

    boundary: int
    moment: str


@dataclass
class Boundaries:
    """Counts the boundaries of this process; at the fated one the process kills itself."""

    fate: Fate | None
    passed: list[tuple[str, bool]] = field(default_factory=list)
    """What was done, and whether half of it could have been done."""
    watching: bool = True

    def install(self) -> None:
        """Wraps the operating system's calls, for the rest of this process's life."""
        for name in SYSTEM_CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        fcntl.flock = self._counted("flock", fcntl.flock)
        opened, connected = io.open, duckdb.connect

        def open_counted(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not set(mode) & set("wxa+"):
                return opened(file, mode, *args, **kwargs)
            made = self.cross(f"open {mode}", lambda: opened(file, mode, *args, **kwargs))
            return MortalFile(made, self)

        def connect_counted(*args: Any, **kwargs: Any) -> Any:
            made = self.cross("duckdb connect", lambda: connected(*args, **kwargs))
            return MortalConnection(made, self)

        io.open = builtins.open = open_counted
        duckdb.connect = connect_counted

    def cross(
        self, name: str, act: Callable[[], Any], *, half: Callable[[], None] | None = None
    ) -> Any:
        """Does the act, unless the process dies before it, in its middle or after it."""
        if not self.watching:
            return act()
        number = len(self.passed)
        self.passed.append((name, half is not None))
        self._die_at(number, BEFORE)
        if half is not None and self.fate == Fate(number, TORN):
            half()
            die()
        try:
            return act()
        finally:
            self._die_at(number, AFTER)

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            return self.cross(name, lambda: call(*args, **kwargs))

        return counted

    def _die_at(self, number: int, moment: str) -> None:
        if self.fate == Fate(number, moment):
            die()


def die() -> None:
    """SIGKILL: no handler, no `finally`, no buffer is written out."""
    os.kill(os.getpid(), signal.SIGKILL)


class MortalFile:
    """A file that is being written, boundary by boundary."""

    def __init__(self, file: Any, boundaries: Boundaries) -> None:
        self._file, self._boundaries = file, boundaries

    def write(self, data: Any) -> int:
        def half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        return self._boundaries.cross("write", lambda: self._file.write(data), half=half)

    def flush(self) -> None:
        self._boundaries.cross("flush", self._file.flush)

    def close(self) -> None:
        self._boundaries.cross("close", self._file.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class MortalConnection:
    """A connection to DuckDB, statement by statement."""

    def __init__(self, connection: Any, boundaries: Boundaries) -> None:
        self._connection, self._boundaries = connection, boundaries

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        return self._boundaries.cross(
            "duckdb execute", lambda: self._connection.execute(*args, **kwargs)
        )

    def close(self) -> None:
        self._boundaries.cross("duckdb close", self._connection.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
