"""Every kind of source is read record by record; what cannot be read is counted, never dropped."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters import known_texts
from eval_pipeline.adapters.known_texts import files_named, read_records, text_record
from eval_pipeline.errors import SettingsError

CHAT = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]}
PAIR = {"instruction": "add", "input": "1 2", "output": "3", "score": 0.5, "tags": ["x", None]}


def texts(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    return [(record.number, record.texts) for record in read_records(path)]


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_json_lines_give_every_string_of_a_line_under_its_number(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", f"\ufeff{json.dumps(CHAT)}\n\n{json.dumps(PAIR)}")
    assert texts(path) == [
        (1, ("user", "hi", "assistant", "yo")),
        (3, ("add", "1 2", "3", "x")),
    ]


def test_json_inside_a_string_is_read_as_json(tmp_path: Path) -> None:
    call = {"arguments": json.dumps({"query": "line one\nline two"}), "note": "[not json"}
    path = written(tmp_path / "a.jsonl", json.dumps(call))
    assert texts(path) == [(1, ("line one\nline two", "[not json"))]


def test_unreadable_lines_are_handed_on_with_their_problem(tmp_path: Path) -> None:
    data = b'{"a": "x"}\n{broken\n"\xff"\n' + b"[" * 100_000 + b'\n{"a": "y"}\n'
    records = list(read_records(written(tmp_path / "a.jsonl", data)))
    assert [record.problem is None for record in records] == [True, False, False, False, True]
    assert [record.number for record in records] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("compress", [None, "gz", "zst"])
def test_a_json_list_is_read_element_by_element_compressed_or_not(
    tmp_path: Path, compress: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_texts, "_READ_BYTES", 7)
    data = json.dumps([CHAT, PAIR, "plain", 12345], indent=1).encode()
    path = tmp_path / f"a.json{f'.{compress}' if compress else ''}"
    if compress == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(data)
    else:
        written(path, gzip.compress(data) if compress else data)
    assert texts(path) == [
        (1, ("user", "hi", "assistant", "yo")),
        (2, ("add", "1 2", "3", "x")),
        (3, ("plain",)),
        (4, ()),
    ]


def test_one_json_object_is_one_record_and_a_broken_list_says_where_it_breaks(
    tmp_path: Path,
) -> None:
    assert texts(written(tmp_path / "a.json", json.dumps(PAIR))) == [(1, ("add", "1 2", "3", "x"))]
    records = list(read_records(written(tmp_path / "b.json", '["x", "y", oops, "z"]')))
    assert [(record.number, record.problem is None) for record in records] == [
        (1, True), (2, True), (3, False),
    ]  # fmt: skip
    assert [record.problem for record in read_records(written(tmp_path / "c.json", '["x"'))] == [
        None, "no JSON from here on",
    ]  # fmt: skip


def test_csv_rows_are_records_and_the_header_is_one_of_them(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'question,answer\n"two\nlines, quoted",b\n')
    assert texts(path) == [(1, ("question", "answer")), (2, ("two\nlines, quoted", "b"))]
    damaged = list(read_records(written(tmp_path / "b.tsv", b"a\tb\nc\xff\td\n")))
    assert [record.problem for record in damaged] == [None, "not UTF-8"]
    assert len(damaged[1].texts) == 2


def test_a_csv_field_past_the_library_s_limit_is_a_record_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "a.csv", f"x\n{'y' * (csv.field_size_limit() + 1)}\nz\n")
    assert [record.problem for record in read_records(path)] == [None, "no CSV", None]


def test_parquet_gives_the_strings_of_every_column_nested_ones_too(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "messages": [CHAT["messages"], None],
            "text": ["a", None],
            "kind": pl.Series(["k", "k"], dtype=pl.Categorical),
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet") == [
        (1, ("user", "hi", "assistant", "yo", "a", "k")),
        (2, ("k",)),
    ]


def test_text_is_one_record_of_lines_and_long_text_overlapping_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "prompt.jinja", "first\n\nthird\n")
    (record,) = read_records(path)
    assert (record.number, record.texts, record.lines) == (1, ("first\n", "\n", "third\n"), True)
    monkeypatch.setattr(known_texts, "PIECE_CHARACTERS", 30)
    monkeypatch.setattr(known_texts, "OVERLAP_CHARACTERS", 10)
    lines = [f"line {number:04d}\n" for number in range(1, 14)]  # ten characters each
    pieces = list(read_records(written(tmp_path / "long.txt", "".join(lines))))
    # Of 40 characters each, the last line again as the first of the next: 1-4, 4-7, 7-10, 10-13.
    assert [(piece.number, len(piece.texts)) for piece in pieces] == [
        (1, 4), (4, 4), (7, 4), (10, 4),
    ]  # fmt: skip
    assert all(piece.texts[0] == lines[piece.number - 1] for piece in pieces)


def test_a_damaged_file_stops_everything_and_the_message_quotes_none_of_it(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps(["secret words"] * 2_000).encode())
    path = written(tmp_path / "a.jsonl.gz", whole[: len(whole) // 2])
    with pytest.raises(SettingsError, match="damaged or cut off") as caught:
        list(read_records(path))
    assert "secret" not in str(caught.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        list(read_records(written(tmp_path / "b.parquet", "no parquet")))


def test_patterns_name_files_and_one_that_names_none_is_an_error(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.txt", "odd[1].txt"):
        written(tmp_path / name, "x")

    def named(pattern: str) -> list[str]:
        located = str(tmp_path / pattern)
        return [path.name for path in files_named(pattern, located=located, setting="s.x")]

    assert named("*.jsonl") == ["a.jsonl", "b.jsonl"]
    assert named("odd[1].txt") == ["odd[1].txt"]
    with pytest.raises(SettingsError, match=r"`s\.x` names 'nothing/\*', and no file is there"):
        named("nothing/*")
    with pytest.raises(SettingsError, match="only files on this machine"):
        named("s3://bucket/train.jsonl")


def test_a_prompt_is_a_record_of_lines() -> None:
    record = text_record("one\ntwo")
    assert (record.number, record.texts, record.lines) == (1, ("one", "two"), True)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(values, min_size=1, max_size=6), st.integers(1, 40))
def test_a_json_list_gives_the_records_that_json_lines_give(elements: list[Any], size: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(known_texts, "_READ_BYTES", size)
        listed = list(known_texts._json_values(io.StringIO(json.dumps(elements))))
    lines = "\n".join(json.dumps(element) for element in elements).encode()
    apart = list(known_texts._json_lines(io.BytesIO(lines)))
    assert [(record.number, record.texts) for record in listed] == [
        (record.number, record.texts) for record in apart
    ]
