"""The operational store: an SQLAlchemy engine on SQLite or PostgreSQL, migrated when opened."""

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.errors import StoreError

BUSY_MILLISECONDS = 30_000
CONNECT_SECONDS = 10
MIGRATION_LOCK = 7_305_911_462_008_141
"""The key of PostgreSQL's advisory lock while migrations run; any constant will do."""

_WRITING = "eval_pipeline_writing"


class Store:
    """An open operational store; `open` is the only way in."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Connects and migrates to the present schema; several processes may do so at once.

        Raises `StoreError` if the store cannot be reached or was written by a newer program.
        """
        store = cls(_engine(url))
        try:
            with store.reading() as connection:
                found = _revision(connection)
            if found != HEAD:
                store._migrate()
        except BaseException:
            store.close()
            raise
        return store

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
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, all or nothing; on SQLite it takes its turn before it reads."""
        with self._explained("write to"), write_transaction(self.engine) as connection:
            yield connection

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

    def _migrate(self) -> None:
        # Alembic takes a third of a second to import, and a store is rarely out of date.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415
        from alembic.script import ScriptDirectory  # noqa: PLC0415

        config = Config()
        config.set_main_option("path_separator", "os")
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            found = _revision(connection)
            if found is not None and found not in known:
                raise StoreError(
                    f"The store {self.address} has schema {found}, which this program does not "
                    "know: a newer version wrote it. Nothing was changed. Install that version "
                    "or a later one, or name another `storage.store`."
                )
            if found != HEAD:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")

    @contextlib.contextmanager
    def _explained(self, did: str) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            # The driver's own message can quote a row, so only its class is passed on.
            cause = type(getattr(error, "orig", None) or error).__name__
            raise StoreError(
                f"The program cannot {did} the store {self.address} ({cause}). What it holds is "
                "untouched. Check that the database is up and the address, user and password in "
                "`storage.store` are right, that it has free space and no long lock, then run "
                "the same command again."
            ) from None


@contextlib.contextmanager
def write_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction, all or nothing; on SQLite it takes its turn before it reads."""
    with (
        engine.connect().execution_options(**{_WRITING: True}) as connection,
        connection.begin(),
    ):
        yield connection


def utc(instant: dt.datetime) -> dt.datetime:
    """The instant in UTC, as it is written; refuses one without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(dt.UTC)


def read_utc(instant: dt.datetime) -> dt.datetime:
    """The instant as it was written: SQLite keeps no zone, PostgreSQL answers in its own."""
    return instant.replace(tzinfo=dt.UTC) if instant.tzinfo is None else instant.astimezone(dt.UTC)


def _engine(url: str) -> sa.Engine:
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
        return sa.create_engine(
            url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS}
        )
    except ModuleNotFoundError:
        raise StoreError(
            "The store is on PostgreSQL and the package 'psycopg' is not installed. "
            'Nothing was read or written. Run: pip install "eval-pipeline[postgres]".'
        ) from None


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if url.database and url.database != ":memory:":
        _private_file(Path(url.database), address=str(url))
    engine = sa.create_engine(url)

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
        writing = connection.get_execution_options().get(_WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _private_file(file: Path, *, address: str) -> None:
    """Makes the file, readable by its owner only; SQLite's side files inherit that."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The store {address} cannot be made: {error.strerror}. Nothing was written. "
            "Check `storage.store` and the folder's permissions."
        ) from None


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
