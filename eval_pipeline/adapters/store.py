"""The operational store: an SQLAlchemy engine on SQLite or PostgreSQL, migrated when opened."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Self, TypeVar

import sqlalchemy as sa

from eval_pipeline.adapters.engines import (
    UncertainCommitError,
    engine_for,
    expect_schema,
    persistently,
    write_transaction,
)
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.migrations.running import known_revisions, upgrade
from eval_pipeline.adapters.schema_fence import MIGRATION_LOCK
from eval_pipeline.adapters.store_faults import told
from eval_pipeline.errors import StoreError

RESTORING = "restoring"
"""In the place of a schema's number, so that every program leaves the store alone."""

ATTEMPTS = 20
"""How often a step that lost a race is taken again before the store gives up."""

_LOST_RACES = ("40001", "40P01")  # PostgreSQL: serialization failure, deadlock

Result = TypeVar("Result")


class Store:
    """An open operational store; `open` is the only way in."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str, *, migrate: bool = True) -> Self:
        """Connects and migrates to the present schema; several processes may do so at once.

        Raises `StoreError` if the store cannot be reached, was written by a newer program or is
        being restored; and, unless it may `migrate`, if the store has an earlier schema.
        """
        store = cls(engine_for(url))
        try:
            store._bring_to_head(migrate=migrate)
            expect_schema(store.engine, HEAD)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def connect(cls, url: str) -> Self:
        """The store as it is, whatever its schema: for those who look or restore."""
        return cls(engine_for(url))

    def schema(self) -> str | None:
        """The number of its schema, as `HEAD` is one; None where it is empty."""
        with self.reading() as connection:
            return _revision(connection)

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()

    @property
    def address(self) -> str:
        """The URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state; raises `StoreError` where the database fails."""
        with self._explained("read"), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A connection that sees the whole store as it is now until the block ends."""
        with self._explained("read"), self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(  # noqa: PLW2901 - the same one
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, all or nothing; on SQLite it takes its turn before it reads."""
        with self._explained("write to"), write_transaction(self.engine) as connection:
            yield connection

    def transact(
        self, step: Callable[[sa.Connection], Result], *, repeatable: bool = False
    ) -> Result:
        """One `writing` transaction around the step, taken again where it lost a race.

        Where two write what only one may (a unique index says so) or wait for each other, one of
        them is undone in whole; it then sees what the other wrote. The step may run several times,
        also where the connection is cut; once a commit was under way only if it is `repeatable`.
        """
        with self._explained("write to"):
            for _ in range(ATTEMPTS - 1):
                try:
                    return persistently(lambda: self._taken(step), repeatable=repeatable)
                except sa.exc.DBAPIError as error:
                    if not _lost_a_race(error):
                        raise
            return self._taken(step)

    def _taken(self, step: Callable[[sa.Connection], Result]) -> Result:
        with write_transaction(self.engine) as connection:
            return step(connection)

    def compact(self, tables: Sequence[str]) -> None:
        """Writes these tables anew, so that what was deleted or overwritten is in no page of them.

        On SQLite the whole file, and its write-ahead log is emptied; raises `StoreError` while
        another process reads. On PostgreSQL each table is locked for that long.
        """
        if self.engine.dialect.name == "postgresql":
            with (
                self._explained("compact"),
                self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
            ):
                for table in sorted(tables):
                    connection.exec_driver_sql(f'VACUUM (FULL, ANALYZE) "{table}"')
            return
        if self._vacuumed():
            return
        raise StoreError(
            f"The store {self.address} is in use, so deleted rows may still stand in its "
            "write-ahead log. What was erased stays erased. Stop what else uses the store "
            "and run the same command again."
        )

    def _vacuumed(self) -> bool:
        """Writes the SQLite file anew and empties its log; False if a reader keeps the log."""
        connection = self.engine.raw_connection()
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = cursor.fetchone()
            return busy is not None and busy[0] == 0
        except sqlite3.OperationalError:  # it is locked
            return False
        finally:
            cursor.close()
            connection.close()

    def _bring_to_head(self, *, migrate: bool) -> None:
        found = self.schema()
        if found == HEAD:
            return
        if found == RESTORING:
            raise StoreError(
                f"The store {self.address} is being restored from a backup, and was not finished. "
                "Nothing was read or written. Run the same `eval-pipeline restore` again."
            )
        if not migrate and (found is None or found < HEAD):
            raise StoreError(
                f"The store {self.address} has schema {found or 'none'}, this program needs "
                f"{HEAD}, and `storage.upgrades` is `by_command`. Nothing was changed. "
                "Run: eval-pipeline store upgrade."
            )
        self._migrate()

    def _migrate(self) -> None:
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            found = _revision(connection)
            if found is not None and found not in known_revisions():
                raise StoreError(
                    f"The store {self.address} has schema {found}, which this program does not "
                    "know: a newer version wrote it. Nothing was changed. Install that version "
                    "or a later one, or name another `storage.store`."
                )
            if found != HEAD:
                upgrade(connection)

    @contextlib.contextmanager
    def _explained(self, did: str) -> Iterator[None]:
        try:
            yield
        except UncertainCommitError as error:
            cause, remedy = told(error)
            raise StoreError(
                f"The connection to the store {self.address} was cut in the middle of a commit "
                f"{cause}. The last step is stored whole or not at all, and which is not known. "
                f"{remedy}, then run the same command again: it goes on from what is stored."
            ) from None
        except sa.exc.SQLAlchemyError as error:
            cause, remedy = told(error)
            raise StoreError(
                f"The program cannot {did} the store {self.address} {cause}. What it holds is "
                f"untouched. {remedy}, then run the same command again."
            ) from None


def utc(instant: dt.datetime) -> dt.datetime:
    """The instant in UTC, as it is written; refuses one without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(dt.UTC)


def read_utc(instant: dt.datetime) -> dt.datetime:
    """The instant as it was written: SQLite keeps no zone, PostgreSQL answers in its own."""
    return instant.replace(tzinfo=dt.UTC) if instant.tzinfo is None else instant.astimezone(dt.UTC)


def _lost_a_race(error: sa.exc.DBAPIError) -> bool:
    return isinstance(error, sa.exc.IntegrityError) or (
        getattr(error.orig, "sqlstate", None) in _LOST_RACES
    )


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
