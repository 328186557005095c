"""The records of a few ids out of many in Parquet files: ids are read first, then their texts."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import polars as pl
import pyarrow as pa

from eval_pipeline.errors import EvalPipelineError

_OTHERWISE_TYPED = (pl.Binary, pl.Time, pl.Duration, pl.Object, pl.Array, pl.Categorical, pl.Enum)
"""What Polars gives a type that DuckDB does not: binary is its word for UUID, too."""


def rows_by_id(files: Sequence[str], *, column: str, ids: pl.Series) -> pa.Table | None:
    """The records of `files` whose `column` is among `ids` (text), with every column of any file.

    `files` are Parquet, paths or URLs; their columns are united by name. Repeats of an id are all
    there, in no order; a null id is never among `ids`. None where DuckDB would understand the
    files otherwise, or where they cannot be read: it then says why.
    """
    try:
        found = list(_found(files, column=column, ids=ids))
        return pa.concat_tables(found, promote_options="permissive")
    except (_OtherwiseReadError, pl.exceptions.PolarsError, pa.ArrowException, OSError):
        return None


class _OtherwiseReadError(EvalPipelineError):
    """The files are for DuckDB; never leaves this module."""


def _found(files: Sequence[str], *, column: str, ids: pl.Series) -> Iterator[pa.Table]:
    known = ((_scan(file).collect_schema(), file) for file in files)
    matched = False
    for schema, group in groupby(known, key=lambda pair: pair[0]):
        yield schema.to_frame().to_arrow()
        if any(_holds_foreign(dtype) for dtype in schema.dtypes()):
            raise _OtherwiseReadError
        if column in schema:
            matched = True
            wanted = _as_type(ids, dtype=schema[column])
            yield from _texts([file for _, file in group], column=column, wanted=wanted)
    if not matched:
        raise _OtherwiseReadError


def _scan(files: str | list[str]) -> pl.LazyFrame:
    return pl.scan_parquet(
        files,
        parallel="prefiltered",
        glob=False,
        hive_partitioning=True,
        credential_provider=None,
    )


def _texts(files: list[str], *, column: str, wanted: pl.Series) -> list[pa.Table]:
    """The matching records, row group by row group, while at most a few of these are in memory.

    A filtered frame keeps the whole pages that its few strings lie in, so each is copied at once.
    `collect` would let Polars write what it collects to a file when memory is short; batches that
    are handed out cannot get there.
    """
    batches: list[pa.Table] = []
    (
        _scan(files)
        .filter(pl.col(column).is_in(wanted.implode()))
        .map_batches(_copied, streamable=True)
        .sink_batches(lambda batch: batches.append(batch.to_arrow()), engine="streaming")
    )
    return batches


def _copied(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(frame.to_arrow(), schema=frame.schema)


def _as_type(ids: pl.Series, *, dtype: pl.DataType) -> pl.Series:
    """The ids as the column holds them, without those that it cannot hold."""
    if dtype == pl.String:
        return ids
    if not dtype.is_integer():
        raise _OtherwiseReadError
    numbers = ids.cast(dtype, strict=False)
    return numbers.filter(numbers.cast(pl.String) == ids)


def _holds_foreign(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List):
        return _holds_foreign(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return any(_holds_foreign(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    return isinstance(dtype, _OTHERWISE_TYPED)
