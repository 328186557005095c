"""Engines of the operational store: SQLite on one machine, PostgreSQL for several."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from eval_pipeline.adapters.schema_fence import standing_schema
from eval_pipeline.adapters.turns import Turns
from eval_pipeline.errors import StoreError

BUSY_MILLISECONDS = 30_000
CONNECT_SECONDS = 10
CONNECTIONS = 64
"""Of one process to an SQLite file, as many as it has threads: nobody waits for one to read."""

PATIENCE_SECONDS = 10.0
"""How long a process that has reached a PostgreSQL server waits for it to come back."""

TRIES = 3
"""How often a transaction is begun whose connection is cut."""

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_WRITING = "eval_pipeline_writing"

Result = TypeVar("Result")


class UncertainCommitError(sa.exc.SQLAlchemyError):
    """The connection was cut while a commit was under way: it may stand or not."""

    def __init__(self, error: sa.exc.DBAPIError) -> None:
        super().__init__("the outcome of a commit is not known")
        self.orig = error.orig
        self.connection_invalidated = True


_TURNS: WeakKeyDictionary[sa.Engine, Turns] = WeakKeyDictionary()
_SCHEMAS: WeakKeyDictionary[sa.Engine, str] = WeakKeyDictionary()


def engine_for(url: str) -> sa.Engine:
    """The engine of this URL, not yet connected; raises `StoreError` where it is none of ours."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StoreError(
            "`storage.store` is not an SQLAlchemy URL. Nothing was read or written. "
            "Write sqlite:///store.sqlite or postgresql+psycopg://user:password@host/database."
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(parsed)
    if backend == "postgresql":
        return _postgres_engine(parsed.set(drivername="postgresql+psycopg"))
    raise StoreError(
        f"`storage.store` names the database '{backend}'. Nothing was read or written. "
        "Use sqlite:/// for one machine or postgresql+psycopg:// for several."
    )


def _postgres_engine(url: sa.URL) -> sa.Engine:
    try:
        engine = sa.create_engine(
            url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS}
        )
    except ModuleNotFoundError:
        raise StoreError(
            "The store is on PostgreSQL and the package 'psycopg' is not installed. "
            'Nothing was read or written. Run: pip install "eval-pipeline[postgres]".'
        ) from None
    sa.event.listen(engine, "do_connect", _patient_connection())
    return engine


def _patient_connection() -> Callable[..., Any]:
    """Connects; where it once succeeded it tries again for a while, for servers do restart.

    A wrong address or password is told at once, since nothing succeeded before.
    """
    reached = False

    def connect(dialect: sa.Dialect, _record: Any, arguments: Any, parameters: Any) -> Any:
        nonlocal reached
        pause, ends = _FIRST_PAUSE_SECONDS, time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                made = dialect.connect(*arguments, **parameters)
            except dialect.loaded_dbapi.OperationalError:
                if not reached or time.monotonic() + pause > ends:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                reached = True
                return made

    return connect


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    standing = None
    if url.database and url.database != ":memory:":
        standing = _private_file(Path(url.database), address=str(url))
    engine = sa.create_engine(url, pool_size=CONNECTIONS)
    _TURNS[engine] = Turns()

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # SQLAlchemy, not the driver, says when a transaction begins: see `_begin`.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            # What is deleted is overwritten at once, not when the page is used again.
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if standing is not None and url.database:
            _still_there(Path(url.database), standing)
        writing = connection.get_execution_options().get(_WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _private_file(file: Path, *, address: str) -> os.stat_result:
    """Makes the file, readable by its owner only; SQLite's side files inherit that."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.chmod(0o600)
        return file.stat()
    except OSError as error:
        raise StoreError(
            f"The store {address} cannot be made: {error.strerror}. Nothing was written. "
            "Check `storage.store` and the folder's permissions."
        ) from None


def expect_schema(engine: sa.Engine, revision: str) -> None:
    """From now on writes are refused where another program took the store past `revision`."""
    _SCHEMAS[engine] = revision


def _still_there(file: Path, standing: os.stat_result) -> None:
    """Raises `StoreError` where the file is another than the one that was opened.

    SQLite would go on writing into the file that has no name any more, and all of it would be lost.
    """
    try:
        same = os.path.samestat(file.stat(), standing)
    except OSError:
        same = False
    if not same:
        raise StoreError(
            f"The store's file {file} was removed or replaced while this program had it open. "
            "Nothing was read or written. Put the right file there and start the program again."
        )


@contextlib.contextmanager
def write_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction, all or nothing; on SQLite it takes its turn before it reads.

    Raises `UncertainCommitError` where the connection was cut and nobody knows which, and
    `StoreError` where the store was migrated past the schema that this program expects.
    """
    committing = False
    try:
        with (
            _turn(engine),
            engine.connect().execution_options(**{_WRITING: True}) as connection,
            connection.begin(),
        ):
            expected = _SCHEMAS.get(engine)
            if expected is not None:
                _refuse_another_schema(connection, expected)
            yield connection
            committing = True
    except sa.exc.DBAPIError as error:
        if committing and error.connection_invalidated:
            raise UncertainCommitError(error) from None
        raise


def persistently(step: Callable[[], Result], *, repeatable: bool) -> Result:
    """The step's result; it is taken again where its connection was cut, a few times.

    `repeatable`: a step that was committed after all may be taken again without doing harm. Any
    other is not, once its commit is under way.
    """
    for _ in range(TRIES - 1):
        try:
            return step()
        except UncertainCommitError:
            if not repeatable:
                raise
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
    return step()


def _refuse_another_schema(connection: sa.Connection, expected: str) -> None:
    """An earlier schema can only be a store put in the place of the one that was opened."""
    found = standing_schema(connection)
    if found == expected or (found is not None and found.isdecimal() and found < expected):
        return
    raise StoreError(
        f"The store {connection.engine.url.render_as_string(hide_password=True)} was taken from "
        f"schema {expected} to {found or 'none'} by another program while this one ran, so this "
        "one writes to it no more. Nothing was written, and what it holds is untouched. Stop this "
        "program and start the version that the others run."
    )


@contextlib.contextmanager
def _turn(engine: sa.Engine) -> Iterator[None]:
    """This process's writers queue before the file's lock, where nobody would queue."""
    turns = _TURNS.get(engine)
    if turns is None:
        yield
        return
    if not turns.take(seconds=BUSY_MILLISECONDS / 1000):
        raise sa.exc.TimeoutError("no turn to write")
    try:
        yield
    finally:
        turns.pass_on()
