"""Traces of a person are found however a file holds them, and nothing else is."""

import html
import json
import sqlite3
from contextlib import closing

import duckdb
import polars as pl
import pytest

from eval_pipeline.adapters.lake import parquet_bytes
from eval_pipeline.adapters.traces import (
    BEGINNING,
    Traces,
    cover_in_sqlite,
    is_sqlite,
    lines_in,
    sqlite_rows,
)

ID = "i-20260907-00104-2"
LINE = 'My "tablets" & pills are <late>'
TRACES = Traces(ids=[ID, "ann@example.org", "u7"], texts=[LINE])
WRITTEN = [
    LINE,
    json.dumps({"text": f"{LINE} again"}),
    json.dumps(json.dumps(LINE)),
    html.escape(LINE),
    f"asked by {ID}.",
    f"reserve-{ID}",
    "ann@example.org",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_an_id_or_a_line_is_found_as_plain_text_json_and_html_write_it(text):
    assert TRACES.in_text(text)
    assert TRACES.in_bytes(b"\x00\xff" + text.encode() + b"\xfe") == 1
    assert TRACES.in_strings(pl.Series([text, "nothing"])) == 1


@pytest.mark.parametrize("text", [f"{ID}0", f"1{ID}", "joann@example.organic", "u7", "xu7x", ""])
def test_an_id_inside_another_is_not_that_id_and_a_short_one_is_looked_for_whole(text):
    assert not TRACES.in_text(text)
    assert TRACES.in_bytes(text.encode()) == 0
    assert TRACES.in_strings(pl.Series([text])) == (text == "u7")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.12345678", 0), ("12345678.5", 0), ("user 12345678.", 1), ("x12345678", 0),
        ('{"id": 12345678}', 1), ("1234567", 0),
    ],
)  # fmt: skip
def test_a_number_is_found_where_it_is_an_id_and_not_where_it_is_part_of_a_number(text, found):
    numbers = Traces(ids=["12345678", "1234567"], texts=[])
    assert numbers.in_bytes(text.encode()) == found
    # The shorter one is looked for as a whole value only.
    assert numbers.in_strings(pl.Series([text])) == (found or text == "1234567")


def test_an_id_that_begins_another_is_found_where_both_stand():
    assert TRACES.in_bytes(f"{ID}0 {ID}".encode()) == 1


def test_lists_and_structs_are_looked_into():
    frame = pl.DataFrame(
        {
            "names": [["a", ID], [], None],
            "messages": [[{"role": "user", "content": LINE}], [], None],
            "number": [1, 2, 3],
        }
    )
    assert TRACES.in_frame(frame) == 2
    assert TRACES.in_frame(frame.tail(2)) == 0


def test_what_parquet_compresses_is_found():
    data = parquet_bytes(pl.DataFrame({"text": [f"{number} {LINE}" for number in range(500)]}))
    assert TRACES.in_file("part-0.parquet", data) >= 500


def test_what_duckdb_compresses_is_found(tmp_path):
    file = tmp_path / "catalog.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("CREATE TABLE items AS SELECT ? AS text FROM range(3000)", [LINE])
    assert TRACES.in_file(file.name, file.read_bytes()) >= 3000


def sqlite_with(file, text: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE events (body TEXT, number INTEGER)")
        connection.execute("INSERT INTO events VALUES (?, 1), ('other', 2)", [text])
        connection.commit()


def test_what_sqlite_breaks_over_two_pages_is_found(tmp_path):
    file = tmp_path / "history.db"
    # The line is longer than a page of 4096 bytes, so no page holds all of it.
    long = "a line of many words " * 400
    sqlite_with(file, f"{'before ' * 300}{long}{'after ' * 300}")
    traces = Traces(ids=[], texts=[long])
    assert is_sqlite(file)
    assert traces.in_bytes(file.read_bytes()) == 0
    assert sum(map(traces.in_strings, sqlite_rows(file))) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["history.db"]


def test_covering_leaves_every_other_character_and_no_byte_of_the_id(tmp_path):
    file = tmp_path / "history.db"
    sqlite_with(file, f"| {ID} | {ID}0 | {LINE} |")
    assert cover_in_sqlite(file, TRACES) == 1
    assert cover_in_sqlite(file, TRACES) == 0
    with closing(sqlite3.connect(file)) as connection:
        (body,) = connection.execute("SELECT body FROM events WHERE number = 1").fetchone()
    assert body == f"| {'x' * len(ID)} | {ID}0 | {'x' * len(LINE)} |"
    assert TRACES.in_file(file.name, file.read_bytes()) == 0


def test_lines_that_begin_alike_are_told_apart():
    alike = "the same beginning of two lines, " * 2
    assert len(alike) > BEGINNING
    mine, others = f"{alike}mine", f"{alike}theirs"
    assert lines_in(pl.Series([f"x {others}", "nothing", None]), [mine, others]) == {others}
    assert lines_in(pl.Series([mine]), []) == set()
    traces = Traces(ids=[], texts=[mine])
    assert traces.in_strings(pl.Series([others, mine])) == 1
    assert (traces.in_bytes(others.encode()), traces.in_bytes(mine.encode())) == (0, 1)


def test_with_nothing_to_look_for_nothing_is_found():
    nothing = Traces(ids=[], texts=[])
    assert len(nothing) == 0
    assert nothing.in_bytes(b"anything") == nothing.in_strings(pl.Series(["anything"])) == 0
    assert nothing.masked("anything") == "anything"
