import datetime as dt
import subprocess
import sys
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.late_texts import rows_by_id

NOON = dt.datetime(2026, 11, 17, 12, tzinfo=dt.UTC)


def records(ids: list[Any], **changes: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": ids,
            "at": [NOON] * len(ids),
            "messages": [[{"role": "user", "content": f"Where is {name}?"}] for name in ids],
            "response": [None if name is None else f"On its way: {name}" for name in ids],
        }
    ).with_columns(**changes)


def write(file, frame: pl.DataFrame, **options: Any) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(file, **options)
    return str(file)


def by_duckdb(files: list[str], ids: list[str], *columns: str) -> list[tuple[Any, ...]]:
    statement = """
        SELECT * FROM read_parquet($files, union_by_name = true)
        WHERE list_contains($ids, CAST(id AS VARCHAR))
    """
    with duckdb.connect() as engine:
        found = engine.sql(statement, params={"files": files, "ids": ids})
        return found.select(*columns or ["*"]).fetchall()


def late(files: list[str], ids: list[str], *columns: str) -> list[tuple[Any, ...]]:
    found = rows_by_id(files, column="id", ids=pl.Series(ids, dtype=pl.String))
    assert found is not None
    with duckdb.connect() as engine:
        return engine.from_arrow(found.select(columns or found.column_names)).fetchall()


@settings(max_examples=8, deadline=None)
@given(
    held=st.lists(
        st.lists(st.sampled_from([None, "", "a", "b", "ä", "c" * 300]), max_size=9),
        min_size=1,
        max_size=3,
    ),
    asked=st.lists(st.sampled_from(["", "a", "ä", "c" * 300, "z"]), unique=True),
)
def test_the_records_are_those_that_duckdb_finds(tmp_path_factory, held, asked):
    folder = tmp_path_factory.mktemp("logs")
    files = [
        write(folder / f"{number}.parquet", records(ids).cast({"id": pl.String}), row_group_size=4)
        for number, ids in enumerate(held)
    ]
    assert sorted(late(files, asked), key=repr) == sorted(by_duckdb(files, asked), key=repr)


def test_ids_that_are_numbers_are_found_by_their_digits(tmp_path):
    files = [write(tmp_path / "a.parquet", records([7, 8, None, 9]).cast({"id": pl.Int64}))]
    # 007 and 8.0 are not how the number is written, and 2^70 is none of this column.
    asked = ["7", "007", "8.0", str(2**70), "x"]
    assert late(files, asked) == by_duckdb(files, asked)
    assert len(late(files, asked)) == 1


def test_columns_are_united_by_name_and_folders_give_theirs(tmp_path):
    files = [
        write(tmp_path / "week=2026-11-09" / "a.parquet", records(["a", "b"])),
        write(tmp_path / "week=2026-11-16" / "a.parquet", records(["b"], cost=pl.lit(0.5))),
        write(tmp_path / "week=2026-11-16" / "b.parquet", records(["b"]).select("id", "response")),
        write(tmp_path / "week=2026-11-16" / "c.parquet", pl.DataFrame({"other": [1]})),
    ]
    columns = ("id", "at", "messages", "response", "cost", "other", "week")
    found = late(files, ["b"], *columns)
    assert len(found) == 3
    assert sorted(found, key=repr) == sorted(by_duckdb(files, ["b"], *columns), key=repr)


def test_no_match_leaves_the_columns(tmp_path):
    files = [write(tmp_path / "a.parquet", records(["a"]))]
    found = rows_by_id(files, column="id", ids=pl.Series(["z"]))
    assert found is not None
    assert found.num_rows == 0
    assert found.column_names == ["id", "at", "messages", "response"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT uuid() AS id, 'x' AS response",
        "SELECT 'a' AS id, '{}'::JSON AS messages",
        "SELECT 'a' AS id, [{'p': 'x'::BLOB}] AS messages",
        "SELECT {'id': 'a'} AS id",
        "SELECT 1.5 AS id",
        "SELECT 'a' AS other",
    ],
    ids=["uuid", "json", "blob inside", "nested id", "fraction", "no id"],
)
def test_what_duckdb_reads_by_another_type_is_left_to_it(tmp_path, query):
    file = str(tmp_path / "a.parquet")
    with duckdb.connect() as engine:
        engine.sql(query).write_parquet(file)
    assert rows_by_id([file], column="id", ids=pl.Series(["a"])) is None


def test_what_cannot_be_read_is_left_to_duckdb_which_says_why(tmp_path):
    torn = tmp_path / "a.parquet"
    write(torn, records([str(number) for number in range(1000)]))
    torn.write_bytes(torn.read_bytes()[:-20])
    for file in (torn, tmp_path / "missing.parquet"):
        assert rows_by_id([str(file)], column="id", ids=pl.Series(["a"])) is None


SHORT_OF_MEMORY = """
import polars as pl
from eval_pipeline.adapters.late_texts import rows_by_id
found = rows_by_id(["a.parquet"], column="id", ids=pl.Series([f"{n}" for n in range(40_000)]))
assert found.num_rows == 40_000
"""


def test_short_of_memory_polars_writes_no_text_to_disk(tmp_path):
    write(tmp_path / "a.parquet", records([f"{n}" for n in range(50_000)]), row_group_size=10_000)
    environment = {
        "POLARS_OOC_MEMORY_BUDGET_MB": "1",
        "POLARS_OOC_LOG_METRICS": "1",
        "POLARS_OOC_SPILL_DIR": str(tmp_path / "spill"),
    }
    done = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "spill(succ=100" not in done.stderr + done.stdout
    assert [file.name for file in (tmp_path / "spill").rglob("*") if file.is_file()] == []
