"""Boundaries: the moments between a process's changes to the disk, at each of which it can die.

Writing, flushing, syncing, linking, renaming, removing, making folders and taking locks are
counted where Python asks the operating system for them, and each statement of DuckDB, whose own
writes go to a private folder. So are commits of databases, by the database's name, and requests
over HTTP: before one is sent, and when it is answered and nobody has noted that yet. Nothing knows
the code under test: whoever calls `os.link` is seen.
"""

import builtins
import fcntl
import io
import os
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import duckdb
import httpcore
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

BEFORE, TORN, AFTER = "before", "torn", "after"
SYSTEM_CALLS = ("mkdir", "link", "replace", "rename", "unlink", "remove", "rmdir", "fsync")


@dataclass(frozen=True)
class Fate:
    """Which boundary is the last, and on which side of it the process dies."""

    boundary: int
    moment: str


@dataclass(frozen=True)
class Death:
    """A fate by name: the process dies at the `nth` boundary of this name, counted from 0.

    Where threads and requests overlap, the hundredth boundary is another one in every run; the
    tenth commit of the store is not.
    """

    name: str
    nth: int
    moment: str

    def __str__(self) -> str:
        return f"{self.moment} {self.name} ({self.nth})"


@dataclass
class Boundaries:
    """Counts the boundaries of this process; at the fated one the process kills itself."""

    fate: Fate | Death | None
    passed: list[tuple[str, bool]] = field(default_factory=list)
    """What was done, and whether half of it could have been done."""
    watching: bool = True
    _counted_so_far: Counter[str] = field(default_factory=Counter)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def install(self) -> None:
        """Watches disk, commits and requests, for the rest of this process's life."""
        self.watch_disk()
        self._watch_commits()
        self._watch_requests()

    def watch_disk(self) -> None:
        """Wraps the operating system's calls and DuckDB's."""
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
        fated = self._comes_to(name, half=half is not None)
        if fated == BEFORE:
            die()
        if half is not None and fated == TORN:
            half()
            die()
        try:
            return act()
        finally:
            if fated == AFTER:
                die()

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            return self.cross(name, lambda: call(*args, **kwargs))

        return counted

    def _comes_to(self, name: str, *, half: bool) -> str | None:
        """Notes the boundary; the moment at which the process is to die there, if it is."""
        with self._counting:
            number, nth = len(self.passed), self._counted_so_far[name]
            self.passed.append((name, half))
            self._counted_so_far[name] += 1
        match self.fate:
            case Fate(boundary, moment) if boundary == number:
                return moment
            case Death(fated, count, moment) if (fated, count) == (name, nth):
                return moment
        return None

    def _watch_commits(self) -> None:
        commit, ending = DefaultDialect.do_commit, threading.local()

        @sa.event.listens_for(sa.Engine, "commit")
        def about_to_end(connection: sa.Connection) -> None:
            ending.database = Path(connection.engine.url.database or "memory").stem

        def commit_counted(dialect: Any, connection: Any) -> None:
            name = f"commit {_family(getattr(ending, 'database', 'another'))}"
            self.cross(name, lambda: commit(dialect, connection))

        DefaultDialect.do_commit = commit_counted

    def _watch_requests(self) -> None:
        asked, sent = (
            httpcore.AsyncConnectionPool.handle_async_request,
            httpcore.ConnectionPool.handle_request,
        )

        async def ask_counted(pool: Any, request: Any) -> Any:
            return await self._cross_later("request", lambda: asked(pool, request))

        def send_counted(pool: Any, request: Any) -> Any:
            return self.cross("request", lambda: sent(pool, request))

        httpcore.AsyncConnectionPool.handle_async_request = ask_counted
        httpcore.ConnectionPool.handle_request = send_counted

    async def _cross_later(self, name: str, act: Callable[[], Awaitable[Any]]) -> Any:
        if not self.watching:
            return await act()
        fated = self._comes_to(name, half=False)
        if fated == BEFORE:
            die()
        try:
            return await act()
        finally:
            if fated == AFTER:
                die()


def _family(database: str) -> str:
    """Dagster has a database of its own for each run, named by the run's id."""
    return (
        "a run's events"
        if len(database) == len("01234567-89ab-cdef-0123-456789abcdef")
        else (database)
    )


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
