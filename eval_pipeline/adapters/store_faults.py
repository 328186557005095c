"""Why the operational store fails and what to do about it; never in the driver's own words.

A driver's message can quote a row, so it is looked at and not passed on.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa


@dataclass(frozen=True)
class StoreFault:
    """A cause in a few words, and the remedy as the beginning of a sentence."""

    cause: str
    remedy: str


_FULL: Final = StoreFault("its disk is full", "Free space there")
_LOCKED: Final = StoreFault(
    "another process has kept it locked for too long",
    "End what holds it, such as an open transaction in a database shell or a copy being made",
)
_DAMAGED: Final = StoreFault(
    "its file is damaged or no SQLite database",
    "Stop what uses it, keep a copy of the file and of those beside it (-wal, -shm), and restore "
    "the store from its backup",
)
_READ_ONLY: Final = StoreFault(
    "it may only be read",
    "Let `storage.store` name a place, or the primary server, that can be written",
)
_UNOPENED: Final = StoreFault(
    "its file cannot be opened", "Check the folder of `storage.store` and its permissions"
)
_DISK: Final = StoreFault(
    "its disk is full or reports an error",
    "Free space there, or look into the system's log for what is wrong with the disk",
)
_CROWDED: Final = StoreFault(
    "its server takes no more connections",
    "End idle ones, or raise `max_connections` of the server",
)
_CREDENTIALS: Final = StoreFault(
    "its server refuses the user or the password",
    "Mend the user and the password in `storage.store`",
)
_NO_DATABASE: Final = StoreFault(
    "its server has no such database", "Create the database, or mend its name in `storage.store`"
)
_GONE: Final = StoreFault(
    "its server does not answer or has cut the connection", "Start it, or wait until it is up"
)
_NO_TURN: Final = StoreFault(
    "no connection became free in time",
    "Wait until less is asked of it at once, or end what holds its connections",
)

UNKNOWN: Final = StoreFault(
    "",
    "Check that the database is up and the address, user and password in `storage.store` are "
    "right, that it has free space and no long lock",
)

_SQLITE: Final = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _UNOPENED,
    sqlite3.SQLITE_IOERR: _DISK,
}
_STATES: Final = {
    "25006": _READ_ONLY,
    "28000": _CREDENTIALS,
    "28P01": _CREDENTIALS,
    "3D000": _NO_DATABASE,
    "53100": _FULL,
    "53300": _CROWDED,
    "57P01": _GONE,
    "57P02": _GONE,
    "57P03": _GONE,
}
_WORDS: Final = (
    ("too many clients", _CROWDED),
    ("too many connections", _CROWDED),
    ("remaining connection slots", _CROWDED),
    ("password authentication failed", _CREDENTIALS),
    ("no password supplied", _CREDENTIALS),
    ('role "', _CREDENTIALS),
    ('database "', _NO_DATABASE),
    ("connection refused", _GONE),
    ("no such file or directory", _GONE),
    ("starting up", _GONE),
    ("shutting down", _GONE),
    ("timeout expired", _GONE),
    ("timed out", _GONE),
    ("server closed the connection", _GONE),
    ("connection is closed", _GONE),
    ("connection reset", _GONE),
    ("connection is lost", _GONE),
    ("eof detected", _GONE),
)
"""Where a connection fails to come about, the driver gives words and no code."""


def fault_of(error: sa.exc.SQLAlchemyError | sqlite3.Error) -> StoreFault:
    """What the database, its driver or the pool meant."""
    if isinstance(error, sa.exc.TimeoutError):
        return _NO_TURN
    cause = error if isinstance(error, sqlite3.Error) else getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        return _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, UNKNOWN)
    state = getattr(cause, "sqlstate", None)
    if state in _STATES:
        return _STATES[state]
    if state is not None and state[:2] == "08":
        return _GONE
    words = str(cause).lower()
    known = (fault for sign, fault in _WORDS if sign in words)
    # Of a statement that a row is quoted in, the words are not looked at.
    if state is None and cause is not None:
        return next(known, _GONE if getattr(error, "connection_invalidated", False) else UNKNOWN)
    return UNKNOWN


def told(error: sa.exc.SQLAlchemyError | sqlite3.Error) -> tuple[str, str]:
    """What stands after the store's address: the driver's class and the cause; and the remedy."""
    fault = fault_of(error)
    name = type(getattr(error, "orig", None) or error).__name__
    return (f"({name}): {fault.cause}" if fault.cause else f"({name})"), fault.remedy
