import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.logs.files import list_files, named, readable
from eval_pipeline.adapters.queries import connection
from eval_pipeline.errors import SettingsError

FILES = (
    "a.parquet",
    "b.parquet",
    ".hidden.parquet",
    "b/a.parquet",
    "b/ab.jsonl",
    "b/.writing/a.parquet",
    "week=2026-11-09/a.parquet",
    "week=2026-11-16/part [1].parquet",
    "week=2026-11-16/deep/er/a.parquet",
)
PARTS = (
    "*", "**", "a*", "*.parquet", "?.parquet", "[ab].parquet", "[!a]*", "b", "week=*", ".*",
    "week=2026-11-16", "part [[]1].parquet", "a.parquet", "**a*",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    for file in FILES:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")
    return folder


def under(folder: Path, pattern: str) -> list[str]:
    return [str(Path(file).relative_to(folder)) for file in list_files(f"{folder}/{pattern}")]


def test_a_star_stays_within_a_folder_and_two_stars_do_not(folder):
    assert under(folder, "*.parquet") == ["a.parquet", "b.parquet"]
    assert under(folder, "week=*/*") == [
        "week=2026-11-09/a.parquet",
        "week=2026-11-16/part [1].parquet",
    ]
    assert under(folder, "week=*/**/a.parquet") == [
        "week=2026-11-09/a.parquet",
        "week=2026-11-16/deep/er/a.parquet",
    ]


def test_folders_are_no_files_and_nothing_is_no_error(folder):
    assert under(folder, "b") == []
    assert under(folder, "nowhere/*") == []
    assert under(folder, "b/ab.jsonl") == ["b/ab.jsonl"]


@given(parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
def test_keys_of_a_store_are_named_as_paths_of_a_folder_are(folder, parts):
    keys = sorted(key for key in FILES if named(key.split("/"), pattern=parts))
    assert keys == under(folder, "/".join(parts))


def test_a_scheme_that_nobody_serves_is_named_with_those_that_are():
    with pytest.raises(SettingsError, match=r"ftp://.*s3://, gs://, az://"):
        list_files("ftp://host/*.parquet")


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    # None in sys.modules is how Python itself marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "eval_pipeline.adapters.logs.object_files", raising=False)
    monkeypatch.delattr("eval_pipeline.adapters.logs.object_files", raising=False)
    with pytest.raises(SettingsError, match=r'pip install "eval-pipeline\[s3\]"'):
        list_files("s3://bucket/*.parquet")


def test_paths_of_this_machine_change_nothing_in_duckdb(folder):
    with connection() as engine, readable(engine, under(folder, "*")):
        assert engine.list_filesystems() == []
