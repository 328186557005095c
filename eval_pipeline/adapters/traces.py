"""Looks for what could lead to one person, in texts, bytes, Parquet, SQLite and DuckDB."""

import html
import io
import json
import re
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

SHORTEST_WORD: Final = 6
SHORTEST_NUMBER: Final = 8
"""Shorter ids are looked for as whole values only: many texts hold three letters, or a count."""
BEGINNING: Final = 40
"""Characters by which a text is looked for first; only where these stand, for all of it."""
_CHUNK: Final = 32 * 2**20
_ROWS: Final = 5_000
_BEFORE: Final = r"(?<![0-9A-Za-z])(?<![0-9]\.)"
_AFTER: Final = r"(?![0-9A-Za-z]|\.[0-9])"
_SQLITE_SIGN: Final = b"SQLite format 3\x00"
_PARQUET_SIGN: Final = b"PAR1"


UNREADABLE: Final = (
    OSError,
    ValueError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    sqlite3.Error,
    duckdb.Error,
)
"""What reading a file that is not what it claims to be raises."""


class Traces:
    """Ids, found as whole words, and texts, found also as JSON and HTML write them.

    Every answer is a number of places, never what stands there.
    """

    def __init__(self, *, ids: Collection[str], texts: Collection[str]) -> None:
        self._ids = sorted(ids)
        self._long = [one for one in self._ids if _is_telling(one)]
        self._texts = sorted({written for text in texts for written in _written(text)})
        self._whole = [*self._long, *self._texts]
        self._beginnings = sorted({one[:BEGINNING] for one in self._whole})
        self._bytes = [one.encode("utf-8", "surrogatepass") for one in self._whole]
        self._in_latin = [
            one.encode("utf-8", "surrogatepass").decode("latin-1") for one in self._beginnings
        ]
        self._longest = max(map(len, self._bytes), default=0)
        self._words = _words(self._long)

    def __len__(self) -> int:
        """How many ids and texts are looked for."""
        return len(self._ids) + len(self._texts)

    def in_strings(self, values: pl.Series) -> int:
        """How many of the strings hold one."""
        whole = int(values.is_in(self._ids).sum())
        if not self._beginnings:
            return whole
        likely = values.filter(
            values.str.contains_any(self._beginnings).fill_null(value=False)
            & ~values.is_in(self._ids)
        )
        return whole + sum(map(self.in_text, likely.to_list()))

    def in_text(self, text: str) -> bool:
        """Whether one stands in the text."""
        if self._words is not None and self._words.search(text):
            return True
        return any(one in text for one in self._texts)

    def in_bytes(self, data: bytes) -> int:
        """How many of them stand in the bytes as UTF-8."""
        found: set[bytes] = set()
        for start in range(0, len(data), _CHUNK):
            chunk = data[start : start + _CHUNK + self._longest]
            if not self._in_latin or not _any_of(chunk, self._in_latin):
                continue
            held = chunk.decode("utf-8", "replace")
            found.update(
                one
                for place, one in enumerate(self._bytes)
                if one in chunk and (place >= len(self._long) or _is_word(self._whole[place], held))
            )
        return len(found)

    def in_frame(self, frame: pl.DataFrame) -> int:
        """How many values of the frame hold one, lists and structs included."""
        columns = list(strings_of(frame))
        return self.in_strings(pl.concat(columns)) if columns else 0

    def in_file(self, name: str, data: bytes) -> int:
        """The bytes as they are, and decoded where they are Parquet, SQLite or DuckDB."""
        found = self.in_bytes(data)
        if data[:4] == _PARQUET_SIGN:
            found += self.in_frame(pl.read_parquet(io.BytesIO(data), hive_partitioning=False))
        elif data[:16] == _SQLITE_SIGN or name.endswith(".duckdb"):
            with tempfile.TemporaryDirectory(prefix="eval-pipeline-") as folder:
                copy = Path(folder, "copy")
                copy.write_bytes(data)
                rows = duckdb_rows(copy) if name.endswith(".duckdb") else sqlite_rows(copy)
                found += sum(map(self.in_strings, rows))
        return found

    def masked(self, text: str) -> str:
        """The text with each of them covered by as many x."""
        for one in self._texts:
            text = text.replace(one, "x" * len(one))
        if self._words is None:
            return text
        return self._words.sub(lambda match: "x" * len(match.group()), text)


def lines_in(values: pl.Series, lines: Collection[str]) -> set[str]:
    """Which of the lines stand in one of the strings."""
    by_beginning: dict[str, list[str]] = {}
    for line in lines:
        by_beginning.setdefault(line[:BEGINNING], []).append(line)
    beginnings = sorted(by_beginning)
    if not beginnings:
        return set()
    likely = values.filter(values.str.contains_any(beginnings).fill_null(value=False))
    found: set[str] = set()
    for text, begun in zip(
        likely, likely.str.extract_many(beginnings, overlapping=True), strict=True
    ):
        found.update(line for one in set(begun) for line in by_beginning[one] if line in text)
    return found


def strings_of(frame: pl.DataFrame) -> Iterator[pl.Series]:
    """Every string of the frame, column by column, out of lists and structs."""
    for column in frame.get_columns():
        yield from _strings(column)


def sqlite_rows(file: Path) -> Iterator[pl.Series]:
    """Every string of every table of an SQLite file, read as it is now, its log included."""
    # Not opened for reading only: that would leave its side files behind.
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for table in _tables(connection):
            cursor = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its own names
            while rows := cursor.fetchmany(_ROWS):
                yield from _values(rows)


def duckdb_rows(file: Path) -> Iterator[pl.Series]:
    """Every string of every table of a DuckDB file; its views read other files."""
    with duckdb.connect(file, read_only=True) as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        for (table,) in names:
            rows = connection.sql(f'SELECT * FROM "{table}"').to_arrow_table()  # noqa: S608 - its own names
            yield from strings_of(pl.DataFrame(rows))


def cover_in_sqlite(file: Path, traces: Traces) -> int:
    """Covers what is found in an SQLite file, and writes the file anew; how many values it was.

    For Dagster's history, which quotes what earlier versions reported; what it says else stays.
    """
    covered = 0
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.create_function("covered", 1, traces.masked, deterministic=True)
        connection.create_function(
            "holds", 1, lambda value: isinstance(value, str) and traces.in_text(value)
        )
        for table in _tables(connection):
            for column in _columns(connection, table):
                change = (
                    f'UPDATE "{table}" SET "{column}" = covered("{column}") '  # noqa: S608 - as above
                    f'WHERE holds("{column}")'
                )
                covered += connection.execute(change).rowcount
        if covered:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return covered


def is_sqlite(file: Path) -> bool:
    """Whether the file says that it is an SQLite database."""
    with file.open("rb") as opened:
        return opened.read(16) == _SQLITE_SIGN


def _strings(values: pl.Series) -> Iterator[pl.Series]:
    if values.dtype == pl.String:
        yield values.drop_nulls()
    elif isinstance(values.dtype, pl.List):
        yield from _strings(values.explode(empty_as_null=True).drop_nulls())
    elif isinstance(values.dtype, pl.Struct):
        for name in values.struct.fields:
            yield from _strings(values.struct.field(name))


def _values(rows: Collection[tuple[object, ...]]) -> Iterator[pl.Series]:
    strings = [value for row in rows for value in row if isinstance(value, str)]
    yield pl.Series(strings, dtype=pl.String)


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in found if not name.startswith("sqlite_")]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


def _written(text: str) -> set[str]:
    """The text as it stands in files: plain, inside JSON, inside HTML."""
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    return {text, plain, json.dumps(text)[1:-1], html.escape(text), json.dumps(plain)[1:-1]}


def _words(ids: Collection[str]) -> re.Pattern[str] | None:
    if not ids:
        return None
    longest_first = sorted(ids, key=lambda one: (-len(one), one))
    alternatives = "|".join(map(re.escape, longest_first))
    return re.compile(f"{_BEFORE}(?:{alternatives}){_AFTER}")


def _is_word(one: str, text: str) -> bool:
    return re.search(f"{_BEFORE}{re.escape(one)}{_AFTER}", text) is not None


def _is_telling(one: str) -> bool:
    return len(one) >= (SHORTEST_NUMBER if one.isdigit() else SHORTEST_WORD)


def _any_of(chunk: bytes, readings: list[str]) -> bool:
    return bool(pl.Series([chunk.decode("latin-1")]).str.contains_any(readings).item())
