"""Every schema that a released program left behind, with rows in it, becomes the present one."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from eval_pipeline.adapters.alerting.deliveries import Deliveries
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.migrations.running import known_revisions
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import annotators, metadata
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import StoreError
from tests.databases import fresh_database
from tests.desk_steps import NOON
from tests.sizes import sized
from tests.store_versions import comparable, rows_now, shape_of, store_of

ROOT = Path(__file__).parents[2]
REVISIONS = ["0001", "0002", "0003", "0004", "0005", "0006"]


def test_every_schema_is_tried_here():
    assert known_revisions() == REVISIONS
    assert REVISIONS[-1] == HEAD


@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_every_schema_are_intact_in_the_present_one(store_url, revision):
    held = store_of(store_url, revision)
    assert all(held.values())
    Store.open(store_url).close()
    assert comparable(rows_now(store_url, held)) == comparable(held)
    Store.open(store_url).close()  # and once more, where there is nothing to do
    assert comparable(rows_now(store_url, held)) == comparable(held)


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_a_migrated_store_enforces_is_what_a_fresh_one_does(
    store_url, revision, tmp_path, request
):
    store_of(store_url, revision)
    Store.open(store_url).close()
    with contextlib.ExitStack() as stack:
        if store_url.startswith("sqlite"):
            fresh = f"sqlite:///{tmp_path / 'fresh.sqlite'}"
        else:
            server = request.getfixturevalue("postgres_server")
            fresh = stack.enter_context(fresh_database(server))
        Store.open(fresh).close()
        migrated, made = shape_of(store_url), shape_of(fresh)
    assert migrated == made
    assert set(migrated) == {*metadata.tables, "alembic_version", "triggers"}
    assert len(migrated["triggers"]) >= 2
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def dying(url: str, *statements: int) -> list[str]:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "dying_upgrade.py"), url, *map(str, statements)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return ended.stdout.split()


def test_a_migration_killed_at_any_statement_is_finished_by_the_next_program(tmp_path):
    seed = tmp_path / "seed.sqlite"
    held = store_of(f"sqlite:///{seed}", "0001")
    shutil.copyfile(seed, tmp_path / "0.sqlite")
    url = f"sqlite:///{tmp_path}/{{}}.sqlite"
    [told] = dying(url, 0)
    statements = int(told)
    assert statements > 50
    step = sized(max(1, statements // 12), full=1)
    chosen = sorted({*range(1, statements + 1, step), statements})
    for statement in chosen:
        shutil.copyfile(seed, tmp_path / f"{statement}.sqlite")
    assert dying(url, *chosen) == ["killed"] * len(chosen)
    wanted = shape_of(f"sqlite:///{tmp_path}/0.sqlite")
    for statement in chosen:
        left = url.format(statement)
        Store.open(left).close()
        assert comparable(rows_now(left, held)) == comparable(held)
        assert shape_of(left) == wanted


def test_the_same_on_postgresql(postgres_server, postgres_url):
    held = store_of(postgres_url, "0001")
    for statement in (20, 60):
        with fresh_database(postgres_server, template=postgres_url) as url:
            assert dying(url, statement) == ["killed"]
            Store.open(url).close()
            assert comparable(rows_now(url, held)) == comparable(held)


def test_a_store_of_a_newer_program_is_left_alone(store):
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    url = store.engine.url.render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="a newer version wrote it"):
        Store.open(url)
    with contextlib.closing(Store.connect(url)) as looked:
        assert looked.schema() == "9999"


def test_a_program_that_still_runs_writes_no_more_once_the_store_was_migrated_past_it(store):
    review = ReviewStore(store)
    review.add_annotator("ada", kind="person", may_adjudicate=False, at=NOON)
    url = store.engine.url.render_as_string(hide_password=False)
    with contextlib.closing(Store.connect(url)) as newer, newer.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=f"from schema {HEAD} to 9999 by another program"):
        review.add_annotator("ben", kind="person", may_adjudicate=False, at=NOON)
    with pytest.raises(StoreError, match="another program"):
        Deliveries(store).release()
    with store.reading() as connection:
        names = connection.execute(sa.select(annotators.c.annotator_id)).scalars().all()
    assert names == ["ada"]


def test_a_writer_and_a_migration_wait_for_each_other_on_postgresql(postgres_url):
    """The writer's transaction is of the old schema to its end; the migration comes after it."""
    Store.open(postgres_url).close()
    with (
        contextlib.closing(Store.open(postgres_url)) as old,
        contextlib.closing(Store.connect(postgres_url)) as newer,
    ):
        with old.writing(), newer.engine.connect() as connection:
            query = f"SELECT pg_try_advisory_xact_lock({7_305_911_462_008_141})"
            assert connection.exec_driver_sql(query).scalar() is False
        with newer.engine.connect() as connection:
            assert connection.exec_driver_sql(query).scalar() is True


def test_a_store_may_be_migrated_by_command_alone(store_url):
    held = store_of(store_url, "0003")
    with pytest.raises(StoreError, match="Run: eval-pipeline store upgrade"):
        Store.open(store_url, migrate=False)
    with contextlib.closing(Store.connect(store_url)) as store:
        assert store.schema() == "0003"
    Store.open(store_url).close()
    Store.open(store_url, migrate=False).close()
    assert comparable(rows_now(store_url, held)) == comparable(held)
