"""Reads what a system may have learnt from, record by record, in bounded memory.

Text and Markdown, JSON lines, JSON, CSV and Parquet, the first four also as .gz or .zst. A record
is all the strings in it; a record that cannot be read is handed on with its problem.
"""

import codecs
import csv
import glob
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from eval_pipeline.adapters.text_files.failures import UnreadableFileError
from eval_pipeline.adapters.text_files.records import MAXIMUM_LINE_BYTES
from eval_pipeline.adapters.text_files.streams import COMPRESSIONS, opened_input, reading
from eval_pipeline.errors import SettingsError
from eval_pipeline.truth.source_search import SourceRecord

PIECE_CHARACTERS: Final = 200_000
OVERLAP_CHARACTERS: Final = 50_000
"""A text file is read in pieces that overlap, so that an item up to so long is never cut."""

PARQUET_ROWS: Final = 256
_NESTED: Final = 4
_READ_BYTES: Final = 2**20
_BLANKS: Final = re.compile(r"[\s,]*")
_AFTER: Final = " \t\r\n,]"
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")


def files_named(pattern: str, *, located: str, setting: str) -> list[Path]:
    """The files that a path or pattern names, sorted; raises `SettingsError` if there is none.

    `located` is the pattern from the root; `setting` is the key that holds it.
    """
    if "://" in pattern:
        raise SettingsError(
            f"`{setting}` names '{pattern}': only files on this machine can be compared. "
            "Nothing was compared. Copy it here, or leave it out."
        )
    # `Path.glob` takes no pattern that begins at the root.
    named = sorted(Path(path) for path in glob.glob(located, recursive=True))  # noqa: PTH207
    files = [path for path in named if path.is_file()]
    if Path(located).is_file():  # its name may hold characters that mean something in a pattern
        files = [Path(located)]
    if not files:
        raise SettingsError(
            f"`{setting}` names '{pattern}', and no file is there. Nothing was compared, because "
            "an item in a file that is not read would count as unknown. Correct the path, or leave "
            "it out."
        )
    return files


def read_records(path: Path) -> Iterator[SourceRecord]:
    """The file's records in order; raises `SettingsError` for a damaged file."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = bool(suffixes) and suffixes[-1] in COMPRESSIONS
    if compressed:
        suffixes.pop()
    ending = suffixes[-1] if suffixes else ""
    try:
        if ending in {".parquet", ".pq"}:
            yield from _parquet(path)
            return
        with opened_input(str(path)) as source, reading(str(path)):
            match ending:
                case ".jsonl" | ".ndjson":
                    yield from _json_lines(source.stream)
                case _:
                    with io.TextIOWrapper(
                        source.stream, "utf-8-sig", "surrogateescape", newline=""
                    ) as text:
                        yield from _READERS.get(ending, _pieces)(text)
    except UnreadableFileError as error:
        raise SettingsError(
            f"{error} Nothing was compared, because an item in a file that is not read would "
            "count as unknown. Mend the file, or take it out of the configuration."
        ) from None


def text_record(text: str) -> SourceRecord:
    """A text of the configuration, such as a prompt, as one record of lines."""
    return SourceRecord(1, tuple(text.splitlines()), lines=True)


def _json_lines(stream: BinaryIO) -> Iterator[SourceRecord]:
    number = 0
    while line := stream.readline(MAXIMUM_LINE_BYTES):
        number += 1
        if len(line) == MAXIMUM_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := stream.readline(MAXIMUM_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield SourceRecord(number, (), problem="too long")
            continue
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            yield SourceRecord(number, (), problem="no JSON in UTF-8")
        else:
            yield SourceRecord(number, tuple(_strings(value)))


def _json_values(text: TextIO) -> Iterator[SourceRecord]:
    """The elements of a list, or values one behind the other; past an error nothing is read."""
    decoder = json.JSONDecoder()
    held = text.read(_READ_BYTES)
    in_list = held.lstrip()[:1] == "["
    position = held.find("[") + 1 if in_list else 0
    number = 0
    while True:
        position = _blanks_end(held, position)
        if position < len(held) and in_list and held[position] == "]":
            return
        try:
            value, end = decoder.raw_decode(held, position)
            # A number at the buffer's end, or one like `0.`, may go on behind it.
            whole = end < len(held) and (not isinstance(value, float | int) or held[end] in _AFTER)
        except (ValueError, RecursionError):
            value, end, whole = None, 0, False
        more = "" if whole else text.read(max(_READ_BYTES, len(held) - position))
        held, position = (held[position:] + more, 0) if more else (held, position)
        if more and len(held) < MAXIMUM_LINE_BYTES:
            continue
        if not end:
            if position < len(held) or in_list:
                yield SourceRecord(number + 1, (), problem="no JSON from here on")
            return
        number += 1
        yield _with_decoding(number, tuple(_strings(value)))
        position = end


def _csv_rows(text: TextIO, *, delimiter: str = ",") -> Iterator[SourceRecord]:
    """Rows from 1, the header among them: a file without one loses nothing."""
    rows = csv.reader(text, delimiter=delimiter)
    number = 0
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield SourceRecord(number, (), problem="no CSV")
        else:
            yield _with_decoding(number, tuple(row))


def _pieces(lines: TextIO) -> Iterator[SourceRecord]:
    held: list[str] = []
    first, size = 1, 0
    fresh = False
    while line := lines.readline(PIECE_CHARACTERS):
        held.append(line)
        size += len(line)
        fresh = True
        if size >= PIECE_CHARACTERS + OVERLAP_CHARACTERS:
            yield _with_decoding(first, tuple(held), lines=True)
            fresh = False
            done = 0
            while size - len(held[done]) >= OVERLAP_CHARACTERS:
                size -= len(held[done])
                done += 1
            held, first = held[done:], first + done
    if fresh:
        yield _with_decoding(first, tuple(held), lines=True)


_READERS: Final[Mapping[str, Callable[[TextIO], Iterator[SourceRecord]]]] = {
    ".json": _json_values,
    ".csv": _csv_rows,
    ".tsv": partial(_csv_rows, delimiter="\t"),
}


def _parquet(path: Path) -> Iterator[SourceRecord]:
    with reading(str(path)), pq.ParquetFile(path, pre_buffer=False) as file:
        columns = [field.name for field in file.schema_arrow if _holds_text(field.type)]
        number = 0
        for batch in file.iter_batches(batch_size=PARQUET_ROWS, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield SourceRecord(number, tuple(_strings(row)))


def _holds_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_nested(kind):
        return any(_holds_text(kind.field(index).type) for index in range(kind.num_fields))
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Every string inside a value, in order; those of JSON inside a string in its place."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += reversed(list(one.values()))
        elif isinstance(one, list | tuple):
            waiting += reversed(one)
        elif isinstance(one, str):
            inner = _inner(one) if depth < _NESTED else None
            if inner is None:
                yield one
            else:
                yield from _strings(inner, depth + 1)


def _inner(text: str) -> Any:
    if text[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _with_decoding(number: int, texts: tuple[str, ...], *, lines: bool = False) -> SourceRecord:
    """The record; bytes that are no UTF-8 make it one that could not be read in part."""
    damaged = any(not text.isascii() and _NOT_UTF8.search(text) for text in texts)
    return SourceRecord(number, texts, lines, problem="not UTF-8" if damaged else None)


def _blanks_end(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return blanks.end() if blanks else position
