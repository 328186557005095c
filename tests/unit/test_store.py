import datetime as dt
import sqlite3
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters import migrations
from eval_pipeline.adapters.schema import annotators
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.errors import StoreError

CHECKOUT = str(Path(__file__).parents[2])
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'state' / 'store.sqlite'}"


def person(name: str) -> dict[str, object]:
    return {"annotator_id": name, "kind": "person", "may_adjudicate": False, "added_at": NOON}


def count(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(annotators)).scalar_one()


def test_the_store_and_its_side_files_are_the_owners_alone(tmp_path):
    store = Store.open(url_of(tmp_path))
    with store.writing() as connection:
        connection.execute(sa.insert(annotators), person("ada"))
    modes = {
        file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "state").iterdir()
    }
    store.close()
    assert modes == dict.fromkeys(("store.sqlite", "store.sqlite-wal", "store.sqlite-shm"), 0o600)


def test_sqlite_runs_as_configured(tmp_path):
    store = Store.open(url_of(tmp_path))
    with store.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def add_twice(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(sa.insert(annotators), person("ada"))
        connection.execute(sa.insert(annotators), person("ada"))


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    store = Store.open(url_of(tmp_path))
    with pytest.raises(StoreError, match="IntegrityError"):
        add_twice(store)
    assert count(store) == 0
    store.close()


def test_readers_are_not_held_up_by_a_writer(tmp_path):
    store = Store.open(url_of(tmp_path))
    with store.writing() as connection:
        connection.execute(sa.insert(annotators), person("ada"))
        assert count(store) == 0
    assert count(store) == 1
    store.close()


def test_writers_that_read_first_take_turns_and_lose_nothing(tmp_path):
    store = Store.open(url_of(tmp_path))

    def add(_: int) -> None:
        with store.writing() as connection:
            known = connection.execute(sa.select(sa.func.count()).select_from(annotators)).scalar()
            connection.execute(sa.insert(annotators), person(f"person-{known}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert count(store) == 40
    store.close()


def test_a_writer_has_its_turn_before_it_reads(tmp_path):
    store = Store.open(url_of(tmp_path))
    other = sqlite3.connect(tmp_path / "state" / "store.sqlite", timeout=0, isolation_level=None)
    with store.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()
    store.close()


def test_a_store_of_a_newer_program_is_refused_untouched(tmp_path):
    store = Store.open(url_of(tmp_path))
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreError, match=r"schema 9999.*newer version wrote it"):
        Store.open(url_of(tmp_path))


def test_someone_elses_database_is_refused(tmp_path):
    file = tmp_path / "other.sqlite"
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE labels (mine INTEGER)")
    engine.dispose()
    with pytest.raises(StoreError, match="untouched"):
        Store.open(f"sqlite:///{file}")
    engine = sa.create_engine(f"sqlite:///{file}")
    assert sa.inspect(engine).get_table_names() == ["labels"]
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("not a url", "is not an SQLAlchemy URL"),
        ("mysql://u:secret@host/db", "names the database 'mysql'"),
        ("postgresql://u:secret@127.0.0.1:1/db", r"u:\*\*\*@127.0.0.1:1/db \(OperationalError\)"),
        ("sqlite:////proc/nowhere/store.sqlite", "cannot be made"),
    ],
)
def test_an_unusable_store_says_what_to_do_and_hides_the_password(url, message):
    with pytest.raises(StoreError, match=message) as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "store.sqlite"
    file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="DatabaseError"):
        Store.open(f"sqlite:///{file}")
    assert file.read_bytes() == b"not a database at all" * 100


def test_instants_are_kept_in_utc_whatever_zone_they_come_in():
    there = dt.datetime(2026, 11, 20, 13, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert utc(there) == NOON
    assert utc(there).tzinfo is dt.UTC
    assert read_utc(dt.datetime(2026, 11, 20, 12)) == NOON  # noqa: DTZ001 - what SQLite answers
    with pytest.raises(ValueError, match="time zone"):
        utc(dt.datetime(2026, 11, 20, 12))  # noqa: DTZ001 - refused


OPENER = """
    import sys
    sys.path.insert(0, {checkout!r})
    from eval_pipeline.adapters.store import Store
    sys.stdin.readline()
    Store.open({url!r}).close()
"""


def test_processes_that_open_a_new_store_at_once_all_succeed(tmp_path):
    code = textwrap.dedent(OPENER).format(checkout=CHECKOUT, url=url_of(tmp_path))
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for opener in openers:
        opener.stdin.write("go\n")
        opener.stdin.flush()
    ends = [(opener.communicate(timeout=60)[1], opener.returncode) for opener in openers]
    assert ends == [("", 0)] * 3


def test_the_head_that_skips_alembic_is_alembics_head():
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [migrations.HEAD]
