"""The store's rows out of either database and into either, as compressed JSON lines."""

import datetime as dt
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from eval_pipeline.adapters.backups.document import ColumnKind, FileEntry, TableEntry
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.adapters.store import read_utc

ROWS_PER_FILE: Final = 5_000
LEFT_OUT: Final = frozenset({"call_claims", "desk_sessions"})
"""What holds for minutes: a claim of a run that is at work, and who is signed in."""

Row = dict[str, Any]
Put = Callable[[str, bytes], FileEntry]

_KINDS: Final[tuple[tuple[type[sa.types.TypeEngine[Any]], ColumnKind], ...]] = (
    (sa.DateTime, "instant"),
    (sa.Date, "day"),
    (sa.Boolean, "boolean"),
    (sa.Integer, "integer"),
    (sa.Float, "number"),
    (sa.String, "text"),
)
_TYPES: Final[Mapping[ColumnKind, sa.types.TypeEngine[Any]]] = {
    "instant": sa.DateTime(timezone=True),
    "day": sa.Date(),
    "boolean": sa.Boolean(),
    "integer": sa.Integer(),
    "number": sa.Float(),
    "text": sa.Text(),
}

_READ: Final[Mapping[ColumnKind, Callable[[str], dt.date]]] = {
    "instant": dt.datetime.fromisoformat,
    "day": dt.date.fromisoformat,
}


def export_rows(connection: sa.Connection, *, folder: str, put: Put) -> Iterator[TableEntry]:
    """Every table's rows by primary key, written in files of `ROWS_PER_FILE`.

    The connection must see one state throughout. A row that corrects another comes after it.
    """
    for table in metadata.sorted_tables:
        if table.name in LEFT_OUT:
            continue
        query = sa.select(table).order_by(*table.primary_key)
        streamed = connection.execution_options(yield_per=ROWS_PER_FILE).execute(query).mappings()
        rows: Iterator[Row] = (dict(row) for row in streamed)
        if "corrects" in table.c:
            rows = iter(corrected_first(list(rows), key=_only_key(table)))
        files: list[FileEntry] = []
        count = 0
        while part := list(islice(rows, ROWS_PER_FILE)):
            path = f"{folder}/{table.name}-{len(files):05d}.jsonl.gz"
            files.append(put(path, packed(part)))
            count += len(part)
        kinds = {column.name: _kind(column) for column in table.columns}
        yield TableEntry(name=table.name, columns=kinds, rows=count, files=tuple(files))


def import_rows(
    connection: sa.Connection, tables: Sequence[TableEntry], *, get: Callable[[FileEntry], bytes]
) -> int:
    """Inserts every row into tables that are there and empty; returns how many rows.

    The tables may be of the schema that the backup was made with, which is not the present one.
    """
    count = 0
    for entry in tables:
        columns = [sa.column(name, _TYPES[kind]) for name, kind in entry.columns.items()]
        into = sa.table(entry.name, *columns)
        for file in entry.files:
            rows = unpacked(get(file), entry.columns)
            connection.execute(into.insert(), rows)
            count += len(rows)
        _continue_numbering(connection, entry)
    return count


def packed(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines, compressed; equal rows give equal bytes."""
    lines = (json.dumps({k: _plain(v) for k, v in row.items()}, ensure_ascii=False) for row in rows)
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), 6, mtime=0)


def unpacked(data: bytes, columns: Mapping[str, ColumnKind]) -> list[Row]:
    """The rows as the database takes them."""
    times = {name: _READ[kind] for name, kind in columns.items() if kind in _READ}
    rows: list[Row] = []
    # No `splitlines`: a text may hold what Unicode calls a line's end.
    for line in gzip.decompress(data).decode().split("\n")[:-1]:
        row: Row = json.loads(line)
        for name, read in times.items():
            if row[name] is not None:
                row[name] = read(row[name])
        rows.append(row)
    return rows


def corrected_first(rows: Sequence[Row], *, key: str) -> list[Row]:
    """The rows in their order, but each after the one that it `corrects`."""
    by_key = {row[key]: row for row in rows}
    placed: dict[str, Row] = {}
    for row in rows:
        chain = [row]
        while (before := chain[-1]["corrects"]) is not None and before not in placed:
            chain.append(by_key[before])
        placed |= {one[key]: one for one in reversed(chain)}
    return list(placed.values())


def _only_key(table: sa.Table) -> str:
    [column] = table.primary_key
    return column.name


def _kind(column: sa.Column[Any]) -> ColumnKind:
    return next(kind for of, kind in _KINDS if isinstance(column.type, of))


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return read_utc(value).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value


def _continue_numbering(connection: sa.Connection, entry: TableEntry) -> None:
    """PostgreSQL numbers rows by a sequence, which knows nothing of rows that brought a number."""
    if connection.dialect.name != "postgresql" or not entry.rows:
        return
    keys = sa.inspect(connection).get_pk_constraint(entry.name)["constrained_columns"]
    if len(keys) != 1 or entry.columns.get(keys[0]) != "integer":
        return
    [column] = keys
    quoted = connection.dialect.identifier_preparer.quote(entry.name)
    numbers = sa.func.pg_get_serial_sequence(quoted, column)
    highest: sa.ColumnElement[int] = sa.func.max(sa.column(column, sa.Integer))
    last = sa.select(highest).select_from(sa.table(entry.name))
    connection.execute(sa.select(sa.func.setval(numbers, last.scalar_subquery())))
