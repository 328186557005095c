"""An SQLite file that is locked, full, gone or damaged: a sentence each, and no label lost."""

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters import engines
from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.schema import labels
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import StoreError
from tests.desk_steps import ask, broken, rows_of, say, staffed, task
from tests.desk_world import desk_world

LONG = "x" * 200_000


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(file, monkeypatch) -> Iterator[Store]:
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 200)
    opened = Store.open(f"sqlite:///{file}")
    yield opened
    opened.close()


def refused(act: Callable[[], object], *signs: str) -> str:
    with pytest.raises(StoreError) as caught:
        act()
    said = str(caught.value)
    assert all(sign in said for sign in signs), said
    assert "\n" not in said
    return said


@contextlib.contextmanager
def held_by_another(file: Path) -> Iterator[None]:
    """Somebody's open transaction in a database shell."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_a_store_that_another_process_keeps_locked_is_named_and_the_label_is_taken_afterwards(
    store, file, fault_ledger
) -> None:
    staffed(store)
    desk = Desk(store)
    leased = ask(desk, "ada")
    with held_by_another(file):
        fault_ledger.injected("store: locked for long", "an answer")
        refused(lambda: say(desk, leased, "ada"), str(file), "locked for too long", "End what")
        assert [row for row in rows_of(store, labels) if row["annotator_id"] == "ada"] == []
    assert say(desk, leased, "ada").repeated is False
    assert say(desk, leased, "ada").repeated is True
    assert broken(store) == []


def test_a_lock_that_ends_in_time_is_only_waited_for(
    store, file, fault_ledger, monkeypatch
) -> None:
    staffed(store)
    desk = Desk(store)
    leased = ask(desk, "ada")
    store.engine.dispose()
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 20_000)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.close)
    timer.start()
    fault_ledger.injected("store: locked for a while", "an answer")
    assert say(desk, leased, "ada").repeated is False
    timer.join()
    assert broken(store) == []


def test_a_store_whose_disk_is_full_takes_no_half_label(store, file, fault_ledger) -> None:
    staffed(store)
    desk = Desk(store)
    leased = ask(desk, "ada")
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    store.engine.dispose()

    @sa.event.listens_for(store.engine, "connect")
    def _no_page_more(connection, _record) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit[0]}").close()

    limit = [pages]
    fault_ledger.injected("store: full", "an answer")
    refused(
        lambda: say(desk, leased, "ada", rationale=LONG), str(file), "disk is full", "Free space"
    )
    fault_ledger.injected("store: full", "new tasks")
    many = [task(f"more-{number}", subject_json=LONG) for number in range(3)]
    refused(lambda: staffed(store, *many), "disk is full")
    assert rows_of(store, labels) == []
    assert broken(store) == []
    limit[0] = 1_000_000
    store.engine.dispose()
    assert say(desk, leased, "ada", rationale=LONG).repeated is False
    assert [row["rationale"] for row in rows_of(store, labels)] == [LONG]
    assert broken(store) == []


@pytest.mark.parametrize("fate", ["removed", "replaced by an older copy", "replaced by nothing"])
def test_a_store_that_is_taken_away_while_open_is_not_written_into(
    store, file, tmp_path, fate, fault_ledger
) -> None:
    staffed(store)
    desk = Desk(store)
    leased = ask(desk, "ada")
    with store.reading() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    away = tmp_path / "away.sqlite"
    shutil.copyfile(file, tmp_path / "older.sqlite")
    file.rename(away)
    if fate == "replaced by an older copy":
        (tmp_path / "older.sqlite").rename(file)
    elif fate == "replaced by nothing":
        file.touch()
    fault_ledger.injected("store: taken away", fate)
    refused(lambda: say(desk, leased, "ada"), str(file), "removed or replaced", "start the program")
    refused(lambda: ask(desk, "ben"), "removed or replaced")
    file.unlink(missing_ok=True)
    away.rename(file)
    assert say(desk, leased, "ada").repeated is False
    assert broken(store) == []


def header_overwritten(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[:16] = b"no database here"
    file.write_bytes(data)


def page_overwritten(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[100:4096] = b"\xff" * 3996
    file.write_bytes(data)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def another_kind(file: Path) -> None:
    file.write_bytes(b"PAR1" + bytes(9000))


@pytest.mark.parametrize(
    "damage",
    [header_overwritten, page_overwritten, cut_off, another_kind],
    ids=lambda one: one.__name__,
)
def test_a_damaged_store_is_named_and_left_as_it_is(file, damage, fault_ledger) -> None:
    store = Store.open(f"sqlite:///{file}")
    staffed(store)
    store.close()
    sound = file.read_bytes()
    damage(file)
    before = file.read_bytes()
    fault_ledger.injected("store: damaged", damage.__name__)
    refused(lambda: Store.open(f"sqlite:///{file}"), str(file), "damaged", "restore", "backup")
    assert file.read_bytes() == before
    file.write_bytes(sound)
    again = Store.open(f"sqlite:///{file}")
    assert broken(again) == []
    again.close()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_a_log_that_is_cut_off_loses_its_last_steps_whole_and_nothing_else(
    file, tmp_path, share, fault_ledger
) -> None:
    store = Store.open(f"sqlite:///{file}")
    staffed(store, *(task(f"t{number}") for number in range(6)))
    desk = Desk(store)
    with store.reading() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for _ in range(4):
        say(desk, ask(desk, "ada"), "ada")
    # As a machine leaves both files that lost its power.
    crashed = tmp_path / "crashed.sqlite"
    shutil.copyfile(file, crashed)
    log = Path(f"{file}-wal").read_bytes()
    store.close()
    Path(f"{crashed}-wal").write_bytes(log[: int(len(log) * share)])
    fault_ledger.injected("store: log cut off", f"after {share:.0%}")
    again = Store.open(f"sqlite:///{crashed}")
    kept = len(rows_of(again, labels))
    assert kept <= 4
    assert broken(again) == []
    desk = Desk(again)
    for _ in range(4 - kept):
        say(desk, ask(desk, "ada"), "ada")
    assert len(rows_of(again, labels)) == 4
    assert broken(again) == []
    again.close()


def test_the_desk_says_503_while_its_store_is_away_and_the_same_form_counts_once(
    tmp_path, monkeypatch, fault_ledger
) -> None:
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 200)
    with desk_world(tmp_path) as world:
        world.add_person("ada")
        world.open_tasks(2)
        world.judge(2)
        visitor = world.visitor(world.app(), "ada")
        lease, csrf = visitor.lease()
        form = {"csrf": csrf, "label": "pass", "rationale": "It agrees with the facts."}
        with held_by_another(tmp_path / "store.sqlite"):
            fault_ledger.injected("store: locked for long", "a form at the desk")
            answered = visitor.client.post(f"/leases/{lease}/answer", data=form)
            assert answered.status_code == 503
            assert "Send this again soon" in answered.text
            assert "Traceback" not in answered.text
        for _ in range(2):
            answered = visitor.client.post(f"/leases/{lease}/answer", data=form)
            assert answered.status_code == 303, answered.text
        assert [row["label"] for row in rows_of(world.pipeline.store, labels)] == ["pass"]
        assert broken(world.pipeline.store) == []
