"""Parquet: every string at any depth; the schema stays, row groups are streamed."""

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path as FilePath
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from eval_pipeline.adapters.text_files.arrow_schema import check_schema
from eval_pipeline.adapters.text_files.arrow_strings import ArrowStrings, Place
from eval_pipeline.adapters.text_files.failures import AnonymiseRequestError, UnreadableFileError
from eval_pipeline.adapters.text_files.field_paths import Path, value_at
from eval_pipeline.adapters.text_files.json_text import Reading
from eval_pipeline.adapters.text_files.records import (
    BATCH_BYTES,
    Batch,
    Decoded,
    Places,
    Record,
)
from eval_pipeline.adapters.text_files.streams import STANDARD, Input, Output, reading

_MOST_ROWS: Final = 256
_GROUP_ROWS: Final = 100_000
_GROUP_BYTES: Final = 32 * 2**20
_KEPT_METADATA: Final = frozenset({b"pandas", b"huggingface"})
"""Of a file's own notes only what describes its columns; others may say anything."""


class ParquetRows:
    """The format of `.parquet`; a row is a record."""

    def check(self, name: str, reading: Reading) -> None:
        """Raises `AnonymiseRequestError` if a column can be neither scanned nor left alone."""
        if name == STANDARD:
            raise AnonymiseRequestError(
                "Parquet cannot be read from standard input without storing it raw. "
                "Nothing was read. Name the file."
            )
        with _opened(name) as file:
            check_schema(file.schema_arrow, reading, reading.choice)

    def batches(self, source: Input, places: Places, *, seen: set[Path]) -> Iterator[Batch]:
        """Batches of rows; a conversation is never divided."""
        with reading(source.name), _opened(source.name) as file:
            rows = _rows_a_batch(file.metadata)
            found = (
                pa.Table.from_batches([batch])
                for batch in file.iter_batches(batch_size=rows, use_threads=False)
                if batch.num_rows
            )
            first = 1
            for table, runs in _in_conversations(found, places.conversation, seen=seen):
                yield Batch(first, _stored(table), runs)
                first += table.num_rows
                source.told = (source.size or 0) * (first - 1) // file.metadata.num_rows

    def decode(self, batch: Batch, reading: Reading, places: Places) -> Decoded:
        """One record a row, its strings column by column."""
        table = pa.ipc.open_stream(batch.payload).read_all().combine_chunks()
        records = [Record(batch.first + row) for row in range(table.num_rows)]
        if places.route is not None:
            for record, route in zip(records, _values(table, places.route), strict=True):
                if route is not None:
                    reading.choice.seen.add(places.route)
                    record.route = str(route)
        strings = ArrowStrings(records, reading)
        rows = table.to_batches()[0].to_struct_array()
        rebuild = strings.read(rows, [Place(row, ()) for row in range(len(records))])

        def encoded(masked: Sequence[Sequence[str]]) -> bytes:
            members = rebuild(masked).flatten()
            return _stored(pa.Table.from_arrays(members, schema=table.schema))

        return Decoded(records, encoded, strings.blanked)

    def writer(self, output: Output, source: Input) -> "ParquetWriter":
        """Row groups in the source's compression."""
        return ParquetWriter(output, source.name)


class ParquetWriter:
    """Gathers batches into row groups of fair size."""

    def __init__(self, output: Output, source: str) -> None:
        with _opened(source) as file:
            schema, metadata = file.schema_arrow, file.metadata
            held = metadata.num_row_groups and metadata.num_columns
            codec = metadata.row_group(0).column(0).compression if held else "SNAPPY"
        kept = {
            key: value for key, value in (schema.metadata or {}).items() if key in _KEPT_METADATA
        }
        self._schema = schema.with_metadata(kept or None)
        compression = "NONE" if codec == "UNCOMPRESSED" else codec
        self._writer = pq.ParquetWriter(output.stream, self._schema, compression=compression)
        self._held: list[pa.Table] = []

    def write(self, payload: bytes) -> None:
        """Adds rows."""
        self._held.append(pa.ipc.open_stream(payload).read_all())
        rows = sum(table.num_rows for table in self._held)
        if rows >= _GROUP_ROWS or sum(table.nbytes for table in self._held) >= _GROUP_BYTES:
            self._flush()

    def finish(self) -> None:
        """Writes the last row group and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            table = pa.concat_tables(self._held).replace_schema_metadata(self._schema.metadata)
            self._writer.write_table(table, row_group_size=max(1, table.num_rows))
            self._held = []


def _opened(name: str) -> pq.ParquetFile:
    if not FilePath(name).is_file():
        raise UnreadableFileError(name, "there is no such file")
    with reading(name):
        return pq.ParquetFile(name, pre_buffer=False)


def _rows_a_batch(metadata: Any) -> int:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    return int(max(1, min(_MOST_ROWS, BATCH_BYTES * metadata.num_rows // max(1, size))))


def _in_conversations(
    tables: Iterator[pa.Table], path: Path | None, *, seen: set[Path]
) -> Iterator[tuple[pa.Table, tuple[int, ...] | None]]:
    """The tables cut where conversations end; the last one of a table waits for the next table."""
    if path is None:
        for table in tables:
            yield table, None
        return
    carried: list[pa.Table] = []
    for table in tables:
        keys = _values(table, path)
        runs = _runs(keys)
        if any(key is not None for key in keys):
            seen.add(path)
        held = carried and _values(carried[-1].slice(carried[-1].num_rows - 1), path)[0]
        if len(runs) == 1 and carried and keys[0] is not None and held == keys[0]:
            carried.append(table)
            continue
        joined = pa.concat_tables([*carried, table])
        runs = _runs([key for part in (*carried, table) for key in _values(part, path)])
        last = joined.num_rows - runs[-1]
        if last:
            yield joined.slice(0, last), tuple(runs[:-1])
        carried = [joined.slice(last)]
    if carried:
        joined = pa.concat_tables(carried)
        yield joined, tuple(_runs(_values(joined, path)))


def _runs(keys: Sequence[Any]) -> list[int]:
    """Lengths of stretches of equal keys; a null is a stretch of its own."""
    unequal = ((index, None) if key is None else (-1, key) for index, key in enumerate(keys))
    return [sum(1 for _ in stretch) for _, stretch in groupby(unequal)]


def _values(table: pa.Table, path: Path) -> list[Any]:
    if not path or path[0] not in table.column_names:
        return [None] * table.num_rows
    return [value_at({path[0]: value}, path) for value in table.column(str(path[0])).to_pylist()]


def _stored(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()
