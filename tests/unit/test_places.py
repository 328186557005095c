"""Where the proof looks: leftovers and copies too, the operator's logs and environments not."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.traces import Traces
from eval_pipeline.flows.erasure.places import files_of, is_log_source, look_in_files, look_in_lake
from eval_pipeline.flows.erasure.proof import cover_history

TRACES = Traces(ids=["i-2026-1"], texts=[])


@dataclass(frozen=True)
class FakeProject:
    """A project of which only the folder and the place of the logs are asked."""

    folder: Path
    path: str

    @property
    def settings(self) -> SimpleNamespace:
        return SimpleNamespace(logs=SimpleNamespace(path=self.path))

    def locate(self, path: str) -> str:
        return path if "://" in path else str(self.folder / path)


def put(folder: Path, *names: str, text: str = "i-2026-1") -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def test_a_lake_on_this_machine_is_read_with_what_killed_writers_left(tmp_path):
    lake = Lake(str(tmp_path))
    lake.write_bytes("verdicts/week=1/part-0.parquet", b"nothing")
    put(tmp_path, "verdicts/week=1/.writing-7-0-part-0.parquet")
    looked = look_in_lake(lake, TRACES, chosen=lambda _: True, report=None)
    assert looked.files == 3  # the marker of the lake's format among them
    assert looked.hits == {"verdicts/week=1/.writing-7-0-part-0.parquet": 1}


def test_a_file_that_is_not_what_it_claims_to_be_is_no_proof():
    lake = Lake("memory://")
    lake.write_bytes("golden/items.parquet", b"PAR1 and no more")
    looked = look_in_lake(lake, TRACES, chosen=lambda _: True, report=None)
    assert looked.unread == ("golden/items.parquet",)
    assert not looked.clean


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("logs/week={week}/*.jsonl", {"logs/week=1/a.jsonl", "logs/note.txt"}),
        ("logs", {"logs/week=1/a.jsonl", "logs/note.txt"}),
        ("*.jsonl", {"own.jsonl"}),
        ("own.jsonl", {"own.jsonl"}),
        ("s3://bucket/logs/*", set()),
    ],
)
def test_the_operators_logs_are_not_looked_in(tmp_path, path, left_out):
    names = {"logs/week=1/a.jsonl", "logs/note.txt", "own.jsonl", "queue.txt"}
    put(tmp_path, *names)
    is_log = is_log_source(FakeProject(tmp_path, path))
    kept = {file.relative_to(tmp_path).as_posix() for file in files_of(tmp_path, without=is_log)}
    assert kept == names - left_out


def test_environments_and_repositories_are_not_looked_in(tmp_path):
    put(tmp_path, "venv/pyvenv.cfg", "venv/lib/x.py", ".git/objects/1", "notes/mine.md")
    files = files_of(tmp_path, without=lambda _: False)
    assert [file.name for file in files] == ["mine.md"]
    looked = look_in_files("here", tmp_path, files, TRACES, report=None)
    assert (looked.files, looked.hits) == (1, {"notes/mine.md": 1})


def test_what_an_orchestrators_history_quotes_is_covered_in_databases_and_logs(tmp_path):
    put(tmp_path, "storage/run/x.err", text="failed at i-2026-1, not at i-2026-10\n")
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        connection.execute("CREATE TABLE event_logs (event TEXT)")
        connection.execute('INSERT INTO event_logs VALUES (\'{"of": "i-2026-1"}\')')
        connection.commit()
    assert cover_history(tmp_path, TRACES) == 2
    assert cover_history(tmp_path, TRACES) == 0
    files = files_of(tmp_path, without=lambda _: False)
    assert look_in_files("Dagster's home", tmp_path, files, TRACES, report=None).clean
    told = (tmp_path / "storage/run/x.err").read_text(encoding="utf-8")
    assert told == "failed at xxxxxxxx, not at i-2026-10\n"


def test_without_a_home_there_is_no_history_to_cover():
    assert cover_history(None, TRACES) == 0
