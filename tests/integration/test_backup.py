"""Backups of a small project: taken, destroyed, restored, interrupted, damaged; both databases."""

import contextlib
import datetime as dt
import gzip
import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.backups.place import BackupPlace
from eval_pipeline.adapters.backups.store_rows import corrected_first, packed, unpacked
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.review.sign_in import SignIn
from eval_pipeline.adapters.schema import audit_trail, policy_records
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import BackupError, LakeError, StoreError
from eval_pipeline.flows.backups import restoring, taking
from eval_pipeline.flows.health import look
from tests.backed_up import Backed, backed_project
from tests.desk_steps import NOON
from tests.publishing import problems

LATER = NOON + dt.timedelta(hours=1)


@pytest.fixture
def project(store_url, tmp_path) -> Backed:
    return backed_project(tmp_path / "project", store_url=store_url)


@pytest.fixture
def small(tmp_path) -> Backed:
    """The same on SQLite alone, for what does not hang on the database."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    return backed_project(tmp_path / "project", store_url=url)


def test_what_is_restored_is_what_was_backed_up(project):
    files, rows = project.files(), project.rows()
    taken = project.take()
    assert taken.rounds == 1
    assert set(taken.document.lake) == set(files)
    project.destroy()
    restored = project.restore()
    assert restored.sound
    assert project.files() == files
    assert project.rows() == rows
    assert len(rows["labels"]) == 3
    assert problems(project.lake) == []


def test_the_restored_store_goes_on_counting_where_the_old_one_ended(project):
    project.take()
    project.destroy()
    project.restore()
    with contextlib.closing(Store.open(project.store_url)) as store:
        with store.writing() as connection:
            connection.execute(
                sa.insert(audit_trail),
                {"at": NOON, "actor": "x", "action": "y", "subject": "z", "detail_json": "{}"},
            )
        with store.reading() as connection:
            entries = connection.execute(sa.select(audit_trail.c.entry)).scalars().all()
            names = connection.execute(sa.select(audit_trail.c.action)).scalars().all()
    assert len(set(entries)) == len(entries) > 2
    assert "restore" in names


def test_the_restored_store_forbids_what_the_old_one_forbade(project):
    project.take()
    project.destroy()
    project.restore()
    with contextlib.closing(Store.open(project.store_url)) as store:
        for table in (audit_trail, policy_records):
            with pytest.raises(StoreError), store.writing() as connection:
                connection.execute(sa.delete(table))


def test_a_token_of_before_the_backup_is_good_no_more(project):
    project.take()
    project.destroy()
    project.restore()
    with contextlib.closing(Store.open(project.store_url)) as store:
        [token] = SignIn(store).tokens("ada")
    assert token.revoked_at is not None


def test_a_backup_goes_from_one_database_into_the_other(small, postgres_url):
    rows = small.rows()
    small.take()
    other = Backed(small.world, postgres_url, small.backups)
    small.world.configure(lambda tree: tree["storage"].update(store=postgres_url, lake="lake-2"))
    other.restore()
    assert other.rows() == rows


def test_neither_a_full_lake_nor_a_full_store_is_overwritten(project):
    project.take()
    files, rows = project.files(), project.rows(without=())
    with pytest.raises(BackupError, match=r"store .* is not empty"):
        project.restore()
    engine = sa.create_engine(project.store_url)
    assert (project.files(), project.rows(without=())) == (files, rows)
    engine.dispose()
    empty_lake = project.world.folder / "elsewhere"
    project.world.configure(lambda tree: tree["storage"].update(lake=str(empty_lake)))
    with pytest.raises(BackupError, match=r"store .* is not empty"):
        project.restore()
    assert not empty_lake.exists()


def test_a_lake_that_holds_something_is_left_alone(small):
    small.take()
    fresh = f"sqlite:///{small.world.folder / 'fresh.sqlite'}"
    small.world.configure(lambda tree: tree["storage"].update(store=fresh))
    files = small.files()
    with pytest.raises(BackupError, match=r"lake .* is not empty"):
        small.restore()
    assert small.files() == files


class StoppedError(Exception):
    """The process, killed at a file."""


def files_put(small: Backed) -> int:
    [name] = [one.name for one in BackupPlace(small.backups).listed()]
    folder = Path(small.backups) / name
    return sum(file.is_file() for file in folder.rglob("*"))


def test_a_backup_killed_at_any_file_is_never_complete(small, monkeypatch):
    small.take()
    whole = files_put(small)
    shutil.rmtree(small.backups)
    for count in range(whole):
        with monkeypatch.context() as patched:
            storage = BackupPlace(small.backups)._storage
            kind = type(storage)
            put, create = kind.write, kind.create
            calls = iter(range(count))

            def write(self, path, data, *, calls=calls, put=put):
                if "backups" in str(self.root) and next(calls, None) is None:
                    raise StoppedError
                put(self, path, data)

            def finish(self, path, data, *, calls=calls, create=create):
                if "backups" in str(self.root) and next(calls, None) is None:
                    raise StoppedError
                return create(self, path, data)

            patched.setattr(kind, "write", write)
            patched.setattr(kind, "create", finish)
            with pytest.raises(StoppedError):
                small.take(at=NOON + dt.timedelta(minutes=count))
    listed = BackupPlace(small.backups).listed()
    assert len(listed) >= whole - 1
    assert not any(one.complete for one in listed)
    with pytest.raises(BackupError, match="no complete backup"):
        BackupPlace(small.backups).document(None)
    with pytest.raises(BackupError, match="was interrupted"):
        BackupPlace(small.backups).document(listed[0].name)


def test_a_restore_killed_at_any_file_is_finished_by_the_same_command(small, monkeypatch):
    files, rows = small.files(), small.rows()
    small.take()
    kind = type(BackupPlace(small.backups)._storage)
    write = kind.write
    small.destroy()
    for count in range(len(files) + 2):
        with monkeypatch.context() as patched:
            calls = iter(range(count))

            def stopped(self, path, data, *, calls=calls):
                if self.root.name == "lake" and next(calls, None) is None:
                    raise StoppedError
                write(self, path, data)

            patched.setattr(kind, "write", stopped)
            with pytest.raises(StoppedError):
                small.restore()
        if count == 0:
            continue
        with pytest.raises(LakeError, match="is being restored"):
            small.lake.write_bytes("anything", b"")
        if count > 1:
            with pytest.raises(StoreError, match="is being restored"):
                Store.open(small.store_url)
            health = look_at(small)
            assert [part.ok for part in health.parts] == [True, False, False]
    assert small.restore().sound
    assert (small.files(), small.rows()) == (files, rows)
    assert look_at(small).ok


def look_at(project: Backed):
    with project.opened() as pipeline:
        return look(pipeline.project, depth="ready", at=NOON)


def damaged(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def test_every_damaged_file_is_found_before_anything_is_written(small):
    small.take()
    small.destroy()
    files = damaged(Path(small.backups))
    assert len(files) > 5
    for file in files:
        sound = file.read_bytes()
        for broken in (sound[:-1], bytes([sound[0] ^ 1]) + sound[1:], None):
            file.unlink()
            if broken is not None:
                file.write_bytes(broken)
            with pytest.raises(BackupError) as refused:
                small.restore(name=file.relative_to(small.backups).parts[0])
            assert "Nothing was restored" in str(refused.value)
            file.write_bytes(sound)
    assert not small.world.lake.exists()
    assert small.restore().sound


def test_a_backup_of_a_newer_program_is_refused(small):
    taken = small.take()
    file = Path(small.backups) / taken.document.name / "backup.json"
    tree = json.loads(file.read_text())
    file.write_text(json.dumps({**tree, "format": 2}))
    with pytest.raises(BackupError, match="newer eval-pipeline made it"):
        small.restore()
    newer = taken.document.model_copy(update={"store_schema": "9999"})
    with pytest.raises(BackupError, match="holds a store of schema 9999"):
        restoring.refuse_unknown_schema(newer)


def test_a_backup_under_another_key_is_refused(small):
    small.take()
    small.destroy()
    with (
        small.world.entered(EVAL_PIPELINE_KEY="another key that is long enough"),
        pytest.raises(BackupError, match="is not the key"),
        contextlib.closing(restoring_pipeline(small)) as pipeline,
    ):
        restoring.restore_backup(pipeline, small.backups, name=None, ledger=None)
    assert not small.world.lake.exists()


def restoring_pipeline(small: Backed):
    from eval_pipeline.settings_file import load_project

    return restoring.RestoringPipeline(load_project(small.world.config), clock=lambda: NOON)


def test_the_lake_and_the_store_are_of_one_moment(small, monkeypatch):
    """A file that is written while the store is read is copied again, and so is the store."""
    export, changes = taking.export_rows, iter([b"one", b"two"])

    def exporting(connection, **named):
        yield from export(connection, **named)
        new = next(changes, None)
        if new is not None:
            small.lake.write_bytes("notes/a.txt", new)

    monkeypatch.setattr(taking, "export_rows", exporting)
    taken = small.take()
    assert taken.rounds == 3
    entry = taken.document.lake["notes/a.txt"]
    assert BackupPlace(small.backups).get(taken.document.name, entry) == b"two"


def test_a_lake_that_never_rests_is_not_backed_up(small, monkeypatch):
    export = taking.export_rows

    def exporting(connection, **named):
        yield from export(connection, **named)
        small.lake.write_bytes("notes/a.txt", str(len(calls)).encode())
        calls.append(1)

    calls: list[int] = []
    monkeypatch.setattr(taking, "export_rows", exporting)
    with pytest.raises(BackupError, match="written to all the time"):
        small.take()
    assert len(calls) == taking.ROUNDS
    assert [one.complete for one in BackupPlace(small.backups).listed()] == [False]


def test_a_mirror_at_work_does_not_keep_a_backup_from_ending(small, monkeypatch):
    export = taking.export_rows

    def exporting(connection, **named):
        yield from export(connection, **named)
        small.lake.write_bytes("shadow_pairs/segment=b/part-0.parquet", b"written meanwhile")

    monkeypatch.setattr(taking, "export_rows", exporting)
    taken = small.take()
    assert taken.rounds == 1
    assert "shadow_pairs/segment=b/part-0.parquet" in taken.document.lake


def test_a_file_that_vanishes_meanwhile_is_not_in_the_backup(small, monkeypatch):
    export, once = taking.export_rows, iter([1])

    def exporting(connection, **named):
        yield from export(connection, **named)
        if next(once, None):
            small.lake.delete("notes/a.txt")

    small.lake.write_bytes("notes/a.txt", b"here")
    monkeypatch.setattr(taking, "export_rows", exporting)
    taken = small.take()
    assert taken.rounds == 2
    assert "notes/a.txt" not in taken.document.lake


def test_two_backups_of_one_state_differ_in_name_alone(small):
    one, two = small.take(), small.take(at=LATER)
    same = {"name", "made_at"}
    assert one.document.model_dump(exclude=same) == two.document.model_dump(exclude=same)


def test_the_key_is_in_no_file_of_a_backup(small):
    small.take()
    key = small.world.environment()["EVAL_PIPELINE_KEY"].encode()
    for file in damaged(Path(small.backups)):
        data = file.read_bytes()
        assert key not in (gzip.decompress(data) if file.suffix == ".gz" else data)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "text": st.none() | st.text(st.characters(codec="utf-8")),
                "number": st.none() | st.floats(allow_nan=False),
                "at": st.none() | st.datetimes(timezones=st.just(dt.UTC)),
            }
        )
    )
)
def test_rows_come_out_as_they_went_in(rows):
    kinds = {"text": "text", "number": "number", "at": "instant"}
    assert unpacked(packed(rows), kinds) == rows
    assert packed(rows) == packed(rows)


@given(st.permutations(range(7)))
def test_a_row_never_comes_before_the_one_that_it_corrects(order):
    # 0 <- 1 <- 2 <- 3, 4 <- 5, 6
    corrects = {0: None, 1: "0", 2: "1", 3: "2", 4: None, 5: "4", 6: None}
    rows = [{"id": str(one), "corrects": corrects[one]} for one in order]
    placed = [row["id"] for row in corrected_first(rows, key="id")]
    assert sorted(placed) == sorted(row["id"] for row in rows)
    for row in rows:
        if row["corrects"] is not None:
            assert placed.index(row["corrects"]) < placed.index(row["id"])


def test_the_command_says_what_it_did(small):
    told = small.world.run("backup", small.backups, "--json")
    assert told.code == 0, told.err
    facts = json.loads(told.out)
    assert (facts["store_schema"], facts["rounds"]) == (HEAD, 1)
    assert facts["name"] in small.world.run("restore", small.backups, "--list").out
    checked = small.world.run("restore", small.backups, "--check")
    assert (checked.code, "whole" in checked.out) == (0, True)
    small.destroy()
    refused = small.world.run("restore", small.backups)
    assert (refused.code, "Nothing says who was erased" in refused.err) == (1, True)
    restored = small.world.run("restore", small.backups, "--nobody-erased-since")
    assert restored.code == 0, restored.err
    assert "0 erasures made again" in restored.out
    assert small.world.run("health", "--ready").code == 0


def test_a_lake_and_its_backups_may_lie_in_an_object_store(small):
    place = BackupPlace("memory://")
    entry = place.put("a", "lake/x", b"bytes")
    assert [vars(one) for one in place.listed()] == [{"name": "a", "complete": False}]
    assert place.get("a", entry) == b"bytes"
    lake = Lake("memory://")
    lake.write_bytes("x", b"1")
    before = lake.marks()
    lake.write_bytes("x", b"2")
    assert lake.marks().keys() == before.keys() == {"x"}
    assert lake.marks() != before
