"""The drawn records that Spark found, read by the statements that read the files themselves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from eval_pipeline.adapters.logs.engines import LogFiles
from eval_pipeline.adapters.logs.formats import REQUIRED_COLUMNS, mapped_lines, mapped_records
from eval_pipeline.adapters.queries import collect, connection, load_sql, translated
from eval_pipeline.settings import LogsSettings
from eval_pipeline.tables import INTERACTION_SCHEMA


def texts_of_rows(
    rows: pa.Table, *, settings: LogsSettings, files: LogFiles, wanted: pl.DataFrame
) -> pl.DataFrame:
    """Rows under the logs' own column names, in the canonical schema, in the fixed order."""
    as_table = settings.model_copy(update={"format": "canonical", "query": None})
    with _engine(files, wanted=wanted) as engine:
        mapped = mapped_records(
            engine,
            settings=as_table,
            files=("rows.parquet",),
            location=files.location,
            own_query=None,
            records=engine.from_arrow(rows),
        )
        return _fetched(engine, mapped)


def texts_of_lines(
    lines: pl.Series, *, settings: LogsSettings, files: LogFiles, wanted: pl.DataFrame
) -> pl.DataFrame:
    """Lines as they stand in the files, in the canonical schema, in the fixed order."""
    texts = [_nameable(settings), *lines.to_list()]
    with _engine(files, wanted=wanted) as engine:
        engine.register("careful_lines", pa.table({"text": pa.array(texts, pa.large_string())}))
        engine.sql(load_sql("sources/careful_lines")).create_view("lines")
        mapped = mapped_lines(engine, settings=settings, location=files.location)
        return _fetched(engine, mapped)


def _nameable(settings: LogsSettings) -> str:
    """A line with every column and no value: few lines need not name all that the files name."""
    if settings.format != "canonical":
        return "{}"
    names = [settings.columns.get(name, name) for name in REQUIRED_COLUMNS]
    return json.dumps(dict.fromkeys([*names, *settings.columns.values()]))


@contextmanager
def _engine(files: LogFiles, *, wanted: pl.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    with connection() as engine, translated(files.location):
        engine.register("wanted", wanted.to_arrow())
        yield engine


def _fetched(engine: duckdb.DuckDBPyConnection, mapped: Any) -> pl.DataFrame:
    mapped.create_view("mapped")
    engine.sql(load_sql("sources/canonical")).create_view("interactions")
    found = collect(engine, load_sql("fetched_interactions"))
    return found.cast(INTERACTION_SCHEMA).select(list(INTERACTION_SCHEMA))
