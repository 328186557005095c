"""Spark as the engine of a log scan: the same statements, the same sample, more machines."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.logs.engines import LogEngine, LogFiles, OpenEngine
from eval_pipeline.adapters.logs.formats import (
    JSON_ENDINGS,
    PARQUET_ENDINGS,
    is_parquet,
    refuse_missing,
    source_statement,
)
from eval_pipeline.adapters.logs.lines import ending
from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.adapters.spark.dialects import carrying, reading_view, source_tables, to_spark
from eval_pipeline.adapters.spark.records import (
    TEXTS,
    keys_of_lines,
    mapped_columns,
    mapped_lines,
    mapped_types,
    numbered_lines,
    parsed_lines,
    rows_as_lines,
    wanted_rows,
)
from eval_pipeline.adapters.spark.sessions import spark_session, translated
from eval_pipeline.adapters.spark.texts import texts_of_lines, texts_of_rows
from eval_pipeline.errors import LogSchemaError, SettingsError
from eval_pipeline.settings import LogsSettings

_ORIGIN: Final = ("raw_line", "record")
_READERS: Final = {
    "read_parquet": "records", "parquet_scan": "records", "read_ndjson_objects": "json_objects",
}  # fmt: skip
_LINES_LOOKED_AT: Final = 1000
_SCHEMES: Final = {"s3": "s3a", "gs": "gs"}


def open_spark(settings: LogsSettings, *, own_query: str | None) -> OpenEngine:
    """How Spark opens files of this format; `own_query` is the SELECT of `format: sql`."""

    @contextmanager
    def opened(files: LogFiles) -> Iterator[LogEngine]:
        with spark_session(settings.spark) as session, translated(files.location):
            scan = SparkEngine(session, files=files, settings=settings, own_query=own_query)
            scan.view_interactions()
            yield scan

    return opened


class SparkEngine:
    """One session over some files; see `LogEngine`."""

    def __init__(
        self, session: Any, *, files: LogFiles, settings: LogsSettings, own_query: str | None
    ) -> None:
        self._session = session
        self._files = files
        self._settings = settings
        self._own_query = own_query
        self._names = settings.columns

    def view_interactions(self) -> None:
        """The view `interactions` over all records of the files."""
        types = self._view_table() if self._is_table() else self._view_lines()
        self._view(
            "interactions",
            to_spark(load_sql("sources/canonical"), types=types, without=TEXTS),
        )

    def define(
        self, view: str, statement: str, *, parameters: Mapping[str, object] | None = None
    ) -> None:
        """Names the result of a SELECT."""
        self._view(view, to_spark(statement, parameters=parameters))

    def select(
        self,
        statement: str,
        *,
        parameters: Mapping[str, object] | None = None,
        frames: Mapping[str, pl.DataFrame] | None = None,
    ) -> pl.DataFrame:
        """The result of one SELECT."""
        for name, frame in (frames or {}).items():
            self._register(name, frame)
        return self._collect(to_spark(statement, parameters=parameters))

    def fetch(self, interaction_ids: pl.Series) -> pl.DataFrame:
        """The records with these ids: Spark finds them raw, DuckDB reads them as it reads files."""
        wanted = pl.DataFrame({"interaction_id": interaction_ids.unique().sort()})
        self._register("wanted", wanted)
        if self._is_table():
            rows = self._arrow(self._rows_wanted())
            return texts_of_rows(rows, settings=self._settings, files=self._files, wanted=wanted)
        lines = self._collect(self._lines_wanted()).unique("record").sort("record")["raw_line"]
        return texts_of_lines(lines, settings=self._settings, files=self._files, wanted=wanted)

    def slices(self) -> int:
        """One: Spark counts distinct ids over all its machines."""
        return 1

    def _is_table(self) -> bool:
        return self._settings.format == "sql" or is_parquet(self._settings, self._files.files)

    def _view_table(self) -> dict[str, str]:
        if self._settings.format == "sql":
            self._view_own_records()
        else:
            self._read_parquet("records")
        types = dict(self._session.table("records").dtypes)
        refuse_missing(set(types), names=self._names, location=self._files.location)
        self._view(
            "mapped",
            mapped_columns(
                types,
                names=self._names,
                location=self._files.location,
                from_json=self._settings.format == "sql",
            ),
        )
        return mapped_types(types, names=self._names)

    def _view_own_records(self) -> None:
        """The team's own SELECT, over Parquet files or over lines of JSON."""
        query = self._own_query or ""
        if "read_ndjson_objects" in source_tables(query):
            self._read_lines()
            self._view("json_objects", to_spark("SELECT line AS json FROM lines"))
        else:
            self._read_parquet("rows")
        functions = {**_READERS, "read_parquet": "rows", "parquet_scan": "rows"}
        statement = reading_view(query, functions=functions)
        self._view("records", to_spark(statement, json_columns={"json"}))

    def _view_lines(self) -> dict[str, str]:
        self._read_lines()
        if self._settings.format == "canonical":
            self._refuse_missing_keys()
            self._view("mapped", mapped_lines(self._names))
            return {}
        if self._settings.format == "otel_genai":
            spans = self._carrying(load_sql("sources/otel_spans"), source="lines")
            self._view("spans", to_spark(spans, json_columns={"line"}, without={"events"}))
        self._view(
            "mapped",
            to_spark(
                self._source_statement(),
                json_columns={"line", "span", "attributes"},
                without=TEXTS,
            ),
        )
        return {}

    def _source_statement(self) -> str:
        statement = source_statement(self._settings.format)
        if self._settings.format == "langfuse":
            return statement
        source = "spans" if self._settings.format == "otel_genai" else "lines"
        return self._carrying(statement, source=source)

    def _carrying(self, statement: str, *, source: str) -> str:
        for column in _ORIGIN:
            statement = carrying(statement, column=column, source=source)
        return statement

    def _rows_wanted(self) -> str:
        return wanted_rows(self._names.get("interaction_id", "interaction_id"))

    def _lines_wanted(self) -> str:
        if self._settings.format == "langfuse":
            return to_spark(load_sql("wanted_trace_lines"), json_columns={"line"})
        return to_spark(load_sql("wanted_lines"))

    def _refuse_missing_keys(self) -> None:
        keys = self._collect(keys_of_lines(among=_LINES_LOOKED_AT))["key"]
        if len(keys):  # no key at all: every line is malformed, which the profile tells better
            refuse_missing(set(keys), names=self._names, location=self._files.location)

    def _read_parquet(self, view: str) -> None:
        read = self._session.read.option("mergeSchema", "true")
        read.parquet(*self._paths()).createOrReplaceTempView(view)

    def _read_lines(self) -> None:
        """The view `lines` (line VARIANT, raw_line, record), also over rows of Parquet files."""
        endings = {ending(file) for file in self._files.files}
        if endings <= PARQUET_ENDINGS:
            self._read_parquet("rows")
            self._view("raw_lines", rows_as_lines())
        elif endings <= JSON_ENDINGS:
            self._refuse_compressed()
            read = self._session.read.option("lineSep", "\n")
            read.text(self._paths()).createOrReplaceTempView("text_lines")
            self._view("raw_lines", numbered_lines())
        else:
            raise LogSchemaError(self._files.location, "its files are not all of one kind")
        self._view("lines", parsed_lines())

    def _refuse_compressed(self) -> None:
        for file in self._files.files:
            if file.lower().endswith(".zst"):
                raise LogSchemaError(
                    self._files.location, "Spark reads lines of .gz files, but not of .zst files"
                )

    def _paths(self) -> list[str]:
        return [spark_path(file) for file in self._files.files]

    def _view(self, name: str, statement: str) -> None:
        with translated(self._files.location):
            self._session.sql(statement).createOrReplaceTempView(name)

    def _register(self, name: str, frame: pl.DataFrame) -> None:
        with translated(self._files.location):
            self._session.createDataFrame(
                frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            ).createOrReplaceTempView(name)

    def _collect(self, statement: str) -> pl.DataFrame:
        found = pl.from_arrow(self._arrow(statement))
        return found if isinstance(found, pl.DataFrame) else found.to_frame()

    def _arrow(self, statement: str) -> Any:
        with translated(self._files.location):
            return self._session.sql(statement).toArrow()


def spark_path(file: str) -> str:
    """The file as Hadoop's libraries name it; signs that they would take for a pattern escaped."""
    scheme, separator, rest = file.partition("://")
    literal = re.sub(r"([\\*?\[\]{}])", r"\\\1", rest if separator else file)
    if not separator:
        return f"file://{Path(literal).absolute()}"
    if scheme not in _SCHEMES:
        known = ", ".join(f"{served}://" for served in _SCHEMES)
        raise SettingsError(
            f"`logs.path` has the scheme '{scheme}://', which Spark is not told to read. "
            f"Nothing was read. Use a path, or one of: {known}."
        )
    return f"{_SCHEMES[scheme]}://{literal}"
