"""Our own files of scored trials: Parquet or JSON Lines, as `compare_input.schema.json` says."""

import difflib
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

from eval_pipeline.adapters.result_files.contract import (
    LARGEST_FILE,
    SMALLER,
    Asked,
    ResultFormat,
    ScoredFile,
    hash_of,
    read_bytes,
    refuse,
    scored_file,
)
from eval_pipeline.adapters.result_files.line_problems import first_problem
from eval_pipeline.evaluation.scored_trials import SCORED_TRIALS

PARQUET_MAGIC: Final = b"PAR1"
MOST_ROWS: Final = 20_000_000
REQUIRED: Final = ("item_id", "score")
SEE_SCHEMA: Final = "`eval-pipeline compare --print-schema` prints what a row may hold."
_SIMILAR: Final = 0.8
_WORDS: Final = {
    pl.String: "text",
    pl.Float64: "a number",
    pl.Int64: "a whole number",
    pl.List: "a list of names",
}
_ARROW_TYPES: Final = {
    pl.String: pa.string(),
    pl.Float64: pa.float64(),
    pl.Int64: pa.int64(),
    pl.List: pa.list_(pa.string()),
}
_ARROW: Final = pa.schema(
    [(name, _ARROW_TYPES[dtype.base_type()]) for name, dtype in SCORED_TRIALS.items()]
)


def read_own(path: Path, asked: Asked) -> ScoredFile:
    """The arm in a Parquet or JSON Lines file; raises `ResultFileError` with the row at fault."""
    if asked.metric is not None or asked.system is not None:
        refuse(path, "a file of our own has one score and one system", "Leave the choice out.")
    data = read_bytes(path)
    trials, notes = _parquet(path, data) if data[:4] == PARQUET_MAGIC else _lines(path, data)
    told = trials.with_columns(pl.col("trial").fill_null(1))
    return scored_file(
        path,
        told,
        name=path.stem,
        result_format=ResultFormat.own,
        content=hash_of({path.name: data}),
        notes=notes,
    )


def _parquet(path: Path, data: bytes) -> tuple[pl.DataFrame, list[str]]:
    try:
        stored = pa.parquet.read_metadata(io.BytesIO(data))
        _check_size(path, stored)
        held = stored.schema.to_arrow_schema().names
        notes = _check_names(path, held)
        frame = pl.read_parquet(data, columns=[name for name in SCORED_TRIALS if name in held])
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        refuse(path, f"it is not sound Parquet ({type(error).__name__})", "Write it anew.")
    columns = []
    for name, wanted in SCORED_TRIALS.items():
        found = frame.schema.get(name)
        if found is not None and not _fits(found, wanted):
            refuse(
                path, f"`{name}` is {found}, and must be {_WORDS[wanted.base_type()]}", SEE_SCHEMA
            )
        column = pl.lit(None) if found is None else pl.col(name)
        columns.append(column.cast(wanted).alias(name))
    return frame.select(columns), notes


def _check_size(path: Path, stored: pa.parquet.FileMetaData) -> None:
    """Refuses what a few bytes can stand for: Parquet holds a repeated value once."""
    groups = [stored.row_group(number) for number in range(stored.num_row_groups)]
    values = sum(
        group.column(number).num_values for group in groups for number in range(group.num_columns)
    )
    unpacked = sum(group.total_byte_size for group in groups)
    if max(stored.num_rows, values // max(1, stored.num_columns)) > MOST_ROWS:
        refuse(path, f"it holds more than {MOST_ROWS:,} rows", SMALLER)
    if unpacked > LARGEST_FILE:
        refuse(path, f"it unpacks to more than {LARGEST_FILE:,} bytes", SMALLER)


def _lines(path: Path, data: bytes) -> tuple[pl.DataFrame, list[str]]:
    notes = _check_names(path, _first_keys(data))
    try:
        table = pa.json.read_json(
            io.BytesIO(data),
            parse_options=pa.json.ParseOptions(
                explicit_schema=_ARROW, unexpected_field_behavior="ignore"
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        # Arrow stops at the first mistake but names rows of a block; the slow way names the line.
        found = first_problem(data.splitlines())
        refuse(path, found or f"it is not JSON Lines ({type(error).__name__})", SEE_SCHEMA)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - what a table becomes
    return frame.cast(SCORED_TRIALS), notes


def _first_keys(data: bytes) -> list[str]:
    """The keys of the first rows; none if they are not JSON."""
    keys: dict[str, None] = {}
    for line in io.BytesIO(data[:1_000_000]).read().splitlines()[:100]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            keys.update(dict.fromkeys(row))
    return list(keys)


def _check_names(path: Path, held: Iterable[str]) -> list[str]:
    """Notes on columns that are not of the contract; refuses what looks like a slip."""
    names = list(held)
    absent = [name for name in SCORED_TRIALS if name not in names]
    if names and (missing := [name for name in REQUIRED if name in absent]):
        refuse(path, f"it has no column {' and no column '.join(missing)}", SEE_SCHEMA)
    unknown = sorted(set(names) - set(SCORED_TRIALS))
    for name in unknown:
        meant = difflib.get_close_matches(name, absent, n=1, cutoff=_SIMILAR)
        if meant:
            refuse(
                path,
                f"the column '{name}' is not of the contract, which knows `{meant[0]}`",
                "Rename it, or leave it out.",
            )
    told = ", ".join(f"'{name}'" for name in unknown)
    return [f"{path.name} holds columns that were not read: {told}."] if unknown else []


def _fits(found: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether a cast loses nothing: any width of a number, text under any encoding."""
    if found in (pl.Null, wanted):
        return True
    if wanted == pl.Float64:
        return found.is_numeric()
    if wanted == pl.Int64:
        return found.is_integer()
    if wanted == pl.String:
        return found in {pl.Categorical, pl.Enum} or isinstance(found, pl.Categorical | pl.Enum)
    return isinstance(found, pl.List) and _fits(found.inner, pl.String)  # type: ignore[arg-type]
