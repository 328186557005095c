"""DuckDB as the engine of a log scan: in this process, in memory, nothing spilt to disk."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb
import polars as pl

from eval_pipeline.adapters.logs.engines import LogEngine, LogFiles, OpenEngine
from eval_pipeline.adapters.logs.files import readable
from eval_pipeline.adapters.logs.formats import is_parquet, mapped_records, rows_with_ids
from eval_pipeline.adapters.logs.interactions import view_interactions, with_texts
from eval_pipeline.adapters.queries import collect, connection, load_sql, translated
from eval_pipeline.settings import LogsSettings

INTERACTIONS_A_SLICE = 6_000_000
"""Distinct ids are counted over so many rows at a time: some 60 bytes of memory for each id."""


def open_duckdb(settings: LogsSettings, *, own_query: str | None) -> OpenEngine:
    """How DuckDB opens files of this format; `own_query` is the SELECT of `format: sql`."""

    @contextmanager
    def opened(files: LogFiles) -> Iterator[LogEngine]:
        with (
            connection() as engine,
            translated(files.location, files=files.files),
            readable(engine, files.files),
        ):
            scan = DuckdbEngine(engine, files=files, settings=settings, own_query=own_query)
            scan.view_interactions()
            yield scan

    return opened


class DuckdbEngine:
    """One open connection over some files; see `LogEngine`."""

    def __init__(
        self,
        engine: duckdb.DuckDBPyConnection,
        *,
        files: LogFiles,
        settings: LogsSettings,
        own_query: str | None,
    ) -> None:
        self._engine = engine
        self._files = files
        self._settings = settings
        self._own_query = own_query

    def view_interactions(self, records: duckdb.DuckDBPyRelation | None = None) -> None:
        """The view `interactions` over all records of the files, or over `records` of them."""
        mapped = mapped_records(
            self._engine,
            settings=self._settings,
            files=self._files.files,
            location=self._files.location,
            own_query=self._own_query,
            records=records,
        )
        view_interactions(self._engine, mapped)

    def define(
        self, view: str, statement: str, *, parameters: Mapping[str, object] | None = None
    ) -> None:
        """Names the result of a SELECT."""
        self._engine.sql(statement, params=dict(parameters or {})).create_view(view)

    def select(
        self,
        statement: str,
        *,
        parameters: Mapping[str, object] | None = None,
        frames: Mapping[str, pl.DataFrame] | None = None,
    ) -> pl.DataFrame:
        """The result of one SELECT."""
        for name, frame in (frames or {}).items():
            self._engine.register(name, frame.to_arrow())
        return collect(self._engine, statement, parameters=parameters)

    def fetch(self, interaction_ids: pl.Series) -> pl.DataFrame:
        """The records with these ids; only their own texts are read where the files allow it."""
        wanted = pl.DataFrame({"interaction_id": interaction_ids.unique().sort()})
        if not is_parquet(self._settings, self._files.files):
            return with_texts(self._engine, wanted=wanted)
        # First the rows as they are, by their ids alone, then their meaning: the view asks every
        # row why it cannot be sampled.
        self._engine.register("wanted", wanted.to_arrow())
        rows = rows_with_ids(self._engine, files=self._files.files, names=self._settings.columns)
        with connection() as engine:
            few = DuckdbEngine(
                engine, files=self._files, settings=self._settings, own_query=self._own_query
            )
            few.view_interactions(engine.from_arrow(rows.to_arrow_table()))
            return with_texts(engine, wanted=wanted)

    def slices(self) -> int:
        """One slice for every few million rows; files without a count of rows are one slice."""
        if not is_parquet(self._settings, self._files.files):
            return 1
        counted = self._engine.sql(
            load_sql("sources/parquet_rows"), params={"files": list(self._files.files)}
        ).fetchall()
        return 1 + int(counted[0][0]) // INTERACTIONS_A_SLICE
