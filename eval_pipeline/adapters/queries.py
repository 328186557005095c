"""DuckDB, in memory, per call: statements from `sql/`, values as parameters, frames by Arrow."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path

import duckdb
import polars as pl

from eval_pipeline.errors import (
    CorruptFileError,
    EvalPipelineError,
    LogSchemaError,
    LogsNotFoundError,
    QueryError,
)

MAXIMUM_THREADS = 4
_UNREADABLE = (
    "magic bytes", "too small to be a parquet", "decompress", "failed to read file",
    "could not read", "corrupt", "footer", "invalid parquet", "not a gzip", "unexpected end",
    "thrift", "checksum", "don't know what type",
)  # fmt: skip


@cache
def load_sql(name: str) -> str:
    """The statement in `sql/<name>.sql`, from the installed package or the checkout."""
    shipped = resources.files("eval_pipeline") / "_sql" / f"{name}.sql"
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    checkout = Path(__file__).resolve().parents[2] / "sql" / f"{name}.sql"
    if checkout.is_file():
        return checkout.read_text(encoding="utf-8")
    raise QueryError(f"There is no statement '{name}' in sql/; the installation is incomplete.")


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A fresh engine in memory: bounded threads, UTC, nothing downloaded, nothing spilt to disk.

    Without a temporary folder raw text cannot come to rest on the disk by way of a spill.
    """
    engine = duckdb.connect(
        ":memory:",
        config={
            "threads": min(MAXIMUM_THREADS, os.cpu_count() or 1),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": "",
            "preserve_insertion_order": True,
        },
    )
    try:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute("SET enable_progress_bar = false")
        # Whole row groups in advance of their use are a third of a scan's memory.
        engine.execute("SET disable_parquet_prefetching = true")
        yield engine
    finally:
        engine.close()


def query(
    sql: str,
    *,
    parameters: Mapping[str, object] | None = None,
    frames: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """The result of one SELECT; `frames` are the views it may name, `parameters` its `$names`.

    Raises `LogsNotFoundError`, `CorruptFileError`, `LogSchemaError` or `QueryError`; DuckDB's own
    message is never passed on, for it may quote data.
    """
    with connection() as engine, translated("the query's files"):
        for name, frame in (frames or {}).items():
            engine.register(name, frame.to_arrow())
        return collect(engine, sql, parameters=parameters)


def collect(
    engine: duckdb.DuckDBPyConnection, sql: str, *, parameters: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """The result of one SELECT on an open engine."""
    relation = engine.sql(sql, params=dict(parameters)) if parameters else engine.sql(sql)
    found: pl.DataFrame = relation.pl()
    return found


@contextmanager
def translated(location: str, *, files: Sequence[str] = ()) -> Iterator[None]:
    """Turns DuckDB's failures into ours, naming a file of `files` if the failure names one."""
    try:
        yield
    except duckdb.Error as error:
        raise _translation(error, location=location, files=files) from None


def _translation(error: duckdb.Error, *, location: str, files: Sequence[str]) -> EvalPipelineError:
    message = str(error)
    culprit = next((file for file in files if file in message), location)
    lowered = message.lower()
    if "no files found" in lowered or "cannot open file" in lowered:
        return LogsNotFoundError(culprit)
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        return LogSchemaError(culprit, _binding_problem(message))
    if any(sign in lowered for sign in _UNREADABLE):
        return CorruptFileError(
            culprit,
            "it is damaged or not of the type its name says",
            "Write it again from its source and run the same command again.",
        )
    if isinstance(error, duckdb.ConversionException | duckdb.TypeMismatchException):
        return LogSchemaError(culprit, "a value does not have the type that its column declares")
    return QueryError(
        f"DuckDB could not answer a query over {culprit} ({type(error).__name__}). "
        "Nothing was written. Its message is withheld, for it may quote logged text."
    )


def _binding_problem(message: str) -> str:
    """What a statement names in vain; names of columns are schema, not data."""
    quoted = message.partition("\n")[0].split('"')
    if "column" in message.lower() and len(quoted) >= 3:  # noqa: PLR2004 - text "name" text
        return f"there is no column '{quoted[1]}' of a fitting type"
    return "a column, table or function that the statement names is missing or of another type"
