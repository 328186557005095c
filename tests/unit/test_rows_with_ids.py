"""The rows of a few ids out of many, as they stand in Parquet files."""

import uuid
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.logs.formats import rows_with_ids
from eval_pipeline.adapters.queries import connection

IDS = st.sampled_from([None, "", "a", "b", "ä", "c" * 300])


def records(ids: list[Any], **changes: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": ids,
            "messages": [[{"role": "user", "content": f"Where is {name}?"}] for name in ids],
            "response": [None if name is None else f"On its way: {name}" for name in ids],
        }
    ).with_columns(**changes)


def write(file, frame: pl.DataFrame, **options: Any) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(file, **options)
    return str(file)


def found(files: list[str], ids: list[str]) -> pl.DataFrame:
    with connection() as engine:
        wanted = pl.DataFrame({"interaction_id": pl.Series(ids, dtype=pl.String)})
        engine.register("wanted", wanted.to_arrow())
        rows = rows_with_ids(engine, files=files, names={"interaction_id": "id"})
        return pl.DataFrame(rows.to_arrow_table())


@settings(max_examples=15, deadline=None)
@given(
    held=st.lists(st.lists(IDS, max_size=9), min_size=1, max_size=3),
    asked=st.lists(st.sampled_from(["", "a", "ä", "c" * 300, "z"]), unique=True),
)
def test_every_row_of_a_wanted_id_is_there_and_no_other(tmp_path_factory, held, asked):
    folder = tmp_path_factory.mktemp("logs")
    frames = [records(ids).cast({"id": pl.String, "response": pl.String}) for ids in held]
    files = [
        write(folder / f"{number}.parquet", frame, row_group_size=4)
        for number, frame in enumerate(frames)
    ]
    expected = [row for frame in frames for row in frame.rows() if row[0] in asked]
    assert sorted(found(files, asked).rows(), key=repr) == sorted(expected, key=repr)


def test_ids_that_are_numbers_are_found_by_their_digits(tmp_path):
    files = [write(tmp_path / "a.parquet", records([7, 8, None, 9]).cast({"id": pl.Int64}))]
    # 007 and 8.0 are not how the number is written, and 2^70 is none of this column.
    assert found(files, ["7", "007", "8.0", str(2**70), "x"])["id"].to_list() == [7]


def test_ids_that_are_uuids_are_found_by_their_text(tmp_path):
    file = str(tmp_path / "a.parquet")
    asked = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")
    with connection() as engine:
        engine.sql(
            "SELECT unnest([$asked::UUID, uuid()]) AS id", params={"asked": str(asked)}
        ).write_parquet(file)
    assert len(found([file], [str(asked)])) == 1


def test_columns_are_united_by_name_and_folders_give_theirs(tmp_path):
    files = [
        write(tmp_path / "week=2026-11-09" / "a.parquet", records(["a", "b"])),
        write(tmp_path / "week=2026-11-16" / "a.parquet", records(["b"], cost=pl.lit(0.5))),
        write(tmp_path / "week=2026-11-16" / "b.parquet", records(["b"]).select("id")),
    ]
    rows = found(files, ["b"]).sort("week", "cost", nulls_last=True)
    assert rows.select(pl.col("week").cast(pl.String), "cost", "response").rows() == [
        ("2026-11-09", None, "On its way: b"),
        ("2026-11-16", 0.5, "On its way: b"),
        ("2026-11-16", None, None),
    ]


def test_no_match_leaves_the_columns(tmp_path):
    rows = found([write(tmp_path / "a.parquet", records(["a"]))], ["z"])
    assert rows.columns == ["id", "messages", "response"]
    assert rows.is_empty()
