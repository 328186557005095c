"""Fixtures of the operational store, for tests that hold on both of its databases."""

import shutil

import pytest

from eval_pipeline.adapters.store import Store
from tests.databases import fresh_database


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
def migrated_database(postgres_server):
    """The same on PostgreSQL, by its address."""
    with fresh_database(postgres_server) as url:
        Store.open(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """The address of an empty database, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return request.getfixturevalue("postgres_url")


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
    server = request.getfixturevalue("postgres_server")
    with fresh_database(server, template=request.getfixturevalue("migrated_database")) as url:
        opened = Store.open(url)
        yield opened
        opened.close()
