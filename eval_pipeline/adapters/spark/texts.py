"""The drawn records that Spark found, read by the statements that read the files themselves."""

import json

import polars as pl
import pyarrow as pa

from eval_pipeline.adapters.logs.engines import LogFiles
from eval_pipeline.adapters.logs.formats import REQUIRED_COLUMNS, mapped_lines, mapped_records
from eval_pipeline.adapters.logs.interactions import view_interactions, with_texts
from eval_pipeline.adapters.queries import connection, load_sql, translated
from eval_pipeline.settings import LogsSettings


def texts_of_rows(
    rows: pa.Table, *, settings: LogsSettings, files: LogFiles, wanted: pl.DataFrame
) -> pl.DataFrame:
    """Rows under the logs' own column names, in the canonical schema, in the fixed order."""
    as_table = settings.model_copy(update={"format": "canonical", "query": None})
    with connection() as engine, translated(files.location):
        mapped = mapped_records(
            engine,
            settings=as_table,
            files=("rows.parquet",),
            location=files.location,
            own_query=None,
            records=engine.from_arrow(rows),
        )
        view_interactions(engine, mapped)
        return with_texts(engine, wanted=wanted)


def texts_of_lines(
    lines: pl.Series, *, settings: LogsSettings, files: LogFiles, wanted: pl.DataFrame
) -> pl.DataFrame:
    """Lines as they stand in the files, in the canonical schema, in the fixed order."""
    texts = [_nameable(settings), *lines.to_list()]
    with connection() as engine, translated(files.location):
        engine.register("careful_lines", pa.table({"text": pa.array(texts, pa.large_string())}))
        engine.sql(load_sql("sources/careful_lines")).create_view("lines")
        view_interactions(engine, mapped_lines(engine, settings=settings, location=files.location))
        return with_texts(engine, wanted=wanted)


def _nameable(settings: LogsSettings) -> str:
    """A line with every column and no value: few lines need not name all that the files name."""
    if settings.format != "canonical":
        return "{}"
    names = [settings.columns.get(name, name) for name in REQUIRED_COLUMNS]
    return json.dumps(dict.fromkeys([*names, *settings.columns.values()]))
