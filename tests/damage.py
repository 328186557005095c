"""Damage to files: what disks, copies and people do to them, drawn by a seed."""

import datetime as dt
import io
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import polars as pl

from eval_pipeline.tables import Table

ROWS: Final = 7


def rows_of(table: Table, *, seed: str, rows: int = ROWS) -> pl.DataFrame:
    """A frame of the table with so many rows, each with a key of its own and texts of its own."""
    random = Random(f"{table.name} {seed}")
    columns = {
        name: [_value(dtype, number, random) for number in range(rows)]
        for name, dtype in table.schema.items()
    }
    return pl.DataFrame(columns, schema=table.schema)


def _value(dtype: Any, number: int, random: Random) -> Any:
    if isinstance(dtype, pl.List):
        return [_value(dtype.inner, number, random) for _ in range(1 + number % 3)]
    if isinstance(dtype, pl.Struct):
        return {field.name: _value(field.dtype, number, random) for field in dtype.fields}
    plain = {
        pl.Boolean: lambda: bool(random.getrandbits(1)),
        pl.Date: lambda: dt.date(2026, 1, 1) + dt.timedelta(days=number),
        pl.Datetime: lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=number),
        pl.String: lambda: f"{number}-{random.getrandbits(64):x}",
    }
    numeric = random.random if dtype.is_float() else lambda: number
    return numeric() if dtype.is_numeric() else plain[dtype.base_type()]()


def flipped(data: bytes, random: Random, *, start: int, end: int) -> bytes:
    """One bit of the bytes from `start` to before `end`."""
    at = random.randrange(start, end)
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]


def footer_of(data: bytes) -> int:
    """Where a Parquet file's footer begins."""
    return len(data) - 8 - int.from_bytes(data[-8:-4], "little")


def without_a_column(data: bytes) -> bytes:
    """The file as some other tool wrote it again, without its first column."""
    frame = pl.read_parquet(io.BytesIO(data), hive_partitioning=False)
    buffer = io.BytesIO()
    frame.drop(frame.columns[0]).write_parquet(buffer)
    return buffer.getvalue()


DAMAGES: Final[Mapping[str, Callable[[bytes, Random], bytes]]] = {
    "cut anywhere": lambda data, random: data[: random.randrange(1, len(data))],
    "cut at its end": lambda data, random: data[: -random.randrange(1, 9)],
    "emptied": lambda data, random: b"",
    "a bit of its data": lambda data, random: flipped(data, random, start=4, end=footer_of(data)),
    "a bit of its footer": lambda data, random: flipped(
        data, random, start=footer_of(data), end=len(data) - 8
    ),
    "a bit of its end": lambda data, random: flipped(
        data, random, start=len(data) - 8, end=len(data)
    ),
    "zeros in its middle": lambda data, random: data[:9] + bytes(len(data) - 18) + data[-9:],
    "longer by a byte": lambda data, random: data + b"\0",
    "without a column": lambda data, random: without_a_column(data),
    "no Parquet": lambda data, random: b"route,metric\na,b\n",
}
"""By what became of the file: its bytes afterwards."""
