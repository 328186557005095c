"""The lake: every table's partitions as Parquet files under one root, replaced whole."""

import io
from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from eval_pipeline.adapters.lake_format import MARKER, claim
from eval_pipeline.adapters.local_folder import LocalFolder
from eval_pipeline.adapters.object_storage import open_storage
from eval_pipeline.adapters.seals import BLANK, SEAL, is_broken, with_seal
from eval_pipeline.errors import (
    CorruptFileError,
    MissingPartitionError,
    TableError,
)
from eval_pipeline.file_names import checked_file_name
from eval_pipeline.tables import Table

ROWS_PER_GROUP = 65_536
PART = "part-0.parquet"


class Lake:
    """Declared tables and raw files under one root: a folder, or an s3:// gs:// az:// URL.

    `memory://` lives as long as this object. A reader sees a partition's old file or its new one,
    never half; a writer killed at any moment leaves the old one. The first write marks the lake's
    format, or raises `LakeError` where a newer program wrote it.
    """

    def __init__(self, url: str, *, restoring: bool = False) -> None:
        self._storage = open_storage(url)
        self.url = str(self._storage.root) if isinstance(self._storage, LocalFolder) else url
        self._claimed = restoring

    def replace(self, table: Table, frame: pl.DataFrame, *, partition: str) -> int:
        """Writes the partition and returns its row count; equal bytes leave the file untouched."""
        path = partition_path(table, partition)
        conformed = table.conform(frame)
        data = sealed_parquet(conformed, place=path)
        if self._bytes_or_none(path) != data:
            self.write_bytes(path, data)
        return conformed.height

    def read(
        self, table: Table, *, partition: str, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The partition, or some of its columns: only these are decoded.

        Raises `MissingPartitionError` or `CorruptFileError`.
        """
        path = partition_path(table, partition)
        data = self._bytes_or_none(path)
        if data is None:
            raise MissingPartitionError(table.name, partition, table.command_for(partition))
        remedy = (
            f"Materialise '{table.name}' for {partition} again "
            f"(`{table.command_for(partition)}` does), or restore the file from a backup."
        )
        where = self.describe(path)
        if is_broken(data, place=path):
            raise CorruptFileError(
                where, "its bytes are not the ones that were written here", remedy
            )
        return parse_parquet(data, table=table, path=where, remedy=remedy, columns=columns)

    def read_all(
        self,
        table: Table,
        *,
        partitions: Sequence[str] | None = None,
        partition_column: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Several partitions (none named: all) one after the other, in the order of their names.

        `columns`: as in `read`. `partition_column` adds the partition's name as a last column.
        """
        if partition_column in table.schema:
            raise TableError(table.name, f"it already has a column '{partition_column}'")
        names = self.partitions(table) if partitions is None else sorted(set(partitions))
        empty = table.empty() if columns is None else table.empty().select(columns)
        frames = [empty] + [self.read(table, partition=name, columns=columns) for name in names]
        if partition_column is None:
            return pl.concat(frames)
        return pl.concat(
            frame.with_columns(pl.lit(name, dtype=pl.String).alias(partition_column))
            for frame, name in zip(frames, ["", *names], strict=True)
        )

    def partitions(self, table: Table) -> list[str]:
        """The names of the table's partitions, sorted."""
        start, end = f"{table.name}/{table.partitioned_by}=", f"/{PART}"
        return sorted(
            path.removeprefix(start).removesuffix(end)
            for path in self._storage.sizes(table.name)
            if path.startswith(start) and path.endswith(end)
        )

    def read_if_made(self, table: Table, *, partition: str) -> pl.DataFrame | None:
        """The partition, or None where it has not been made; raises `CorruptFileError`."""
        if not self.has(table, partition=partition):
            return None
        return self.read(table, partition=partition)

    def has(self, table: Table, *, partition: str) -> bool:
        """Whether the partition has been made."""
        return self._storage.exists(partition_path(table, partition))

    def read_bytes(self, path: str) -> bytes:
        """The raw file; raises `FileNotFoundError`."""
        return self._storage.read(path)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Replaces the raw file whole."""
        self._claim()
        self._storage.write(path, data)

    def create_bytes(self, path: str, data: bytes) -> bool:
        """Writes the raw file unless there is one: of several creators exactly one gets True."""
        self._claim()
        return self._storage.create(path, data)

    def delete(self, path: str) -> None:
        """Removes the raw file, if it is there."""
        self._claim()
        self._storage.delete(path)

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Removes every other raw file of `folder`, and what dead writers left in it."""
        self._claim()
        self._storage.keep_only(folder, names)

    def exists(self, path: str) -> bool:
        """Whether the raw file is there."""
        return self._storage.exists(path)

    def list(self, prefix: str = "") -> list[str]:
        """The paths of all finished files under a folder, sorted."""
        return sorted(self.sizes(prefix))

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """Path to size in bytes of all finished files under a folder, sorted by path."""
        return {path: size for path, size in self._storage.sizes(prefix).items() if path != MARKER}

    def marks(self) -> dict[str, str]:
        """Path to a mark of every finished file: where a file was written again, it differs."""
        return {path: mark for path, mark in self._storage.marks("").items() if path != MARKER}

    def local_path(self, path: str) -> Path | None:
        """Where the file lies on this machine; None in an object store."""
        return self._storage.root / path if isinstance(self._storage, LocalFolder) else None

    def describe(self, path: str) -> str:
        """The whole address of a file, for messages."""
        return f"{self.url.rstrip('/')}/{path}"

    def _claim(self) -> None:
        if not self._claimed:
            claim(self._storage, url=self.url)
            self._claimed = True

    def _bytes_or_none(self, path: str) -> bytes | None:
        try:
            return self._storage.read(path)
        except FileNotFoundError:
            return None


def partition_path(table: Table, partition: str) -> str:
    """The partition's file, relative to the lake's root; raises `PartitionNameError`."""
    return f"{table.name}/{table.partitioned_by}={checked_file_name(partition)}/{PART}"


def parquet_bytes(frame: pl.DataFrame, *, metadata: dict[str, str] | None = None) -> bytes:
    """Parquet that depends on the frame's content only: no times, no names, fixed row groups."""
    buffer = io.BytesIO()
    frame.rechunk().write_parquet(
        buffer,
        compression="zstd",
        compression_level=3,
        row_group_size=ROWS_PER_GROUP,
        metadata=metadata,
    )
    return buffer.getvalue()


def sealed_parquet(frame: pl.DataFrame, *, place: str) -> bytes:
    """`parquet_bytes` with the seal of a table's file at this path of the lake."""
    return with_seal(parquet_bytes(frame, metadata={SEAL: BLANK}), place=place)


def parse_parquet(
    data: bytes,
    *,
    table: Table,
    path: str,
    remedy: str,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """The frame in a file of `table`, or some of its columns.

    Raises `CorruptFileError` unless the file is whole and has all columns as the table declares;
    only those that came `later` may be missing.
    """
    wanted = list(table.schema if columns is None else columns)
    try:
        schema = pl.read_parquet_schema(io.BytesIO(data))
        missing = [name for name in table.schema if name in table.later and name not in schema]
        frame = pl.read_parquet(
            io.BytesIO(data),
            columns=[name for name in wanted if name in schema],
            hive_partitioning=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        problem = f"it is not a whole Parquet file ({type(error).__name__})"
        raise CorruptFileError(path, problem, remedy) from None
    if missing:
        empty = {name: pl.lit(None, dtype=table.schema[name]) for name in missing}
        frame = frame.with_columns(**{n: one for n, one in empty.items() if n in wanted})
        schema = pl.Schema({n: schema.get(n) or table.schema[n] for n in (*table.schema, *schema)})
    if schema != table.schema:
        differing = sorted(
            column
            for column in {**schema, **table.schema}
            if schema.get(column) != table.schema.get(column)
        )
        problem = f"its columns {differing} are not as '{table.name}' declares them"
        raise CorruptFileError(
            path, problem, f"It was written by another version of this program. {remedy}"
        )
    return frame.select(wanted)
