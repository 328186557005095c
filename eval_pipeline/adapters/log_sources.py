"""The team's logs through one door: narrow columns of all rows, texts of the chosen rows only."""

import datetime as dt
import glob
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from eval_pipeline.adapters.log_formats import mapped_records
from eval_pipeline.adapters.queries import collect, connection, load_sql, translated
from eval_pipeline.errors import EmptyWeekError, LogsNotFoundError, SettingsError
from eval_pipeline.settings import LogsSettings
from eval_pipeline.tables import INTERACTION_COLUMNS, INTERACTION_SCHEMA

TEXT_COLUMNS: Final = frozenset({"messages", "response", "attributes"})
NARROW_SCHEMA: Final = pl.Schema(
    {name: dtype for name, dtype in INTERACTION_COLUMNS.items() if name not in TEXT_COLUMNS}
)
_PLACE = "{week}"
_SEVEN_DAYS = dt.timedelta(days=7)


@dataclass(frozen=True)
class _Scope:
    """A week's files and the instants that bound it, open where the files themselves do it."""

    location: str
    files: tuple[str, ...]
    start: str = "-infinity"
    end: str = "infinity"

    @property
    def bounds(self) -> dict[str, object]:
        return {"from": self.start, "until": self.end}


class LogSource:
    """Reads one configured log location; holds nothing between calls.

    Raises `LogsNotFoundError`, `LogSchemaError`, `CorruptFileError` or `EmptyWeekError`; none of
    them quotes what is logged.
    """

    def __init__(self, settings: LogsSettings, *, locate: Callable[[str], str]) -> None:
        self._settings = settings
        self._locate = locate
        self._location = locate(settings.path)
        if "://" in self._location:
            raise SettingsError(
                f"`logs.path` is the URL {self._location}, and logs are read from files. "
                "Nothing was read. Mount or sync the bucket and name the folder."
            )

    def narrow(self, week: dt.date) -> pl.DataFrame:
        """One row per interaction of the week that may be sampled, by id; no column of text.

        Quarantined rows are left out; `profile` counts them. Raises `EmptyWeekError` if no row
        stays.
        """
        scope = self._scope(week)
        with self._opened(scope, trust_statistics=True) as engine:
            found = collect(engine, load_sql("narrow_interactions"), parameters=scope.bounds)
        if found.is_empty():
            raise EmptyWeekError(week.isoformat(), scope.location)
        return found.cast(NARROW_SCHEMA).select(list(NARROW_SCHEMA))

    def profile(self, week: dt.date) -> pl.DataFrame:
        """One row of counts: records, quarantined by reason, nulls, values out of range.

        Records without a time belong to no week and are counted in each. A week with files and
        no record is a row of zeros.
        """
        scope = self._scope(week)
        with self._opened(scope) as engine:
            return collect(engine, load_sql("logs_profile"), parameters=scope.bounds)

    def fetch(self, week: dt.date, interaction_ids: Iterable[str]) -> pl.DataFrame:
        """The interactions of these ids with their texts, in the canonical schema, by id."""
        wanted = pl.DataFrame(
            {"interaction_id": sorted(set(interaction_ids))}, schema={"interaction_id": pl.String}
        )
        scope = self._scope(week)
        with self._opened(scope, trust_statistics=True) as engine:
            engine.register("wanted", wanted.to_arrow())
            found = collect(engine, load_sql("fetched_interactions"), parameters=scope.bounds)
        return found.cast(INTERACTION_SCHEMA).select(list(INTERACTION_SCHEMA))

    def weeks_available(self) -> list[dt.date]:
        """The Mondays that the logs hold: by the files' names, else by the interactions' times."""
        if _PLACE in self._location:
            named = (_week_named(file, pattern=self._location) for file in self._files("*"))
            return sorted({week for week in named if week is not None})
        scope = _Scope(self._location, self._present(self._location))
        with self._opened(scope, trust_statistics=True) as engine:
            weeks: list[dt.date] = collect(engine, load_sql("logged_weeks"))["week"].to_list()
        return weeks

    def _scope(self, week: dt.date) -> _Scope:
        if _PLACE not in self._location:
            return _Scope(
                self._location,
                self._present(self._location),
                start=f"{week.isoformat()}T00:00:00Z",
                end=f"{(week + _SEVEN_DAYS).isoformat()}T00:00:00Z",
            )
        location = self._location.replace(_PLACE, week.isoformat())
        if not _listed(location) and self._files("*"):
            raise EmptyWeekError(week.isoformat(), location)
        return _Scope(location, self._present(location))

    def _files(self, week: str) -> tuple[str, ...]:
        return _listed(self._location.replace(_PLACE, week))

    def _present(self, location: str) -> tuple[str, ...]:
        files = _listed(location)
        if not files:
            raise LogsNotFoundError(location)
        return files

    @contextmanager
    def _opened(
        self, scope: _Scope, *, trust_statistics: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """An engine with the view `interactions` over the scope's files."""
        own_query = self._own_query()
        with connection() as engine, translated(scope.location, files=scope.files):
            mapped_records(
                engine,
                settings=self._settings,
                files=scope.files,
                location=scope.location,
                own_query=own_query,
                trust_statistics=trust_statistics,
            ).create_view("mapped")
            engine.sql(load_sql("sources/canonical")).create_view("interactions")
            yield engine

    def _own_query(self) -> str | None:
        if self._settings.query is None:
            return None
        file = self._locate(self._settings.query)
        try:
            return Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise SettingsError(
                f"`logs.query` names {file}, which cannot be read. Nothing was read. "
                "Put your SELECT there, or choose another `logs.format`."
            ) from None


def _listed(location: str) -> tuple[str, ...]:
    """The files that match, sorted, so that every machine reads them in one order."""
    # pathlib cannot expand an absolute pattern, and `locate` gives absolute ones.
    found = glob.glob(location, recursive=True)  # noqa: PTH207
    return tuple(sorted(file for file in found if Path(file).is_file()))


def _week_named(file: str, *, pattern: str) -> dt.date | None:
    """The Monday that stands in a file's path where the pattern has `{week}`."""
    before, _, after = pattern.partition(_PLACE)
    expression = (
        f"(?s:{_expression(before)})"
        r"(?P<week>\d{4}-\d{2}-\d{2})"
        f"(?s:{_expression(after.replace(_PLACE, '*'))})"
    )
    found = re.fullmatch(expression, file)
    if found is None:
        return None
    try:
        week = dt.date.fromisoformat(found["week"])
    except ValueError:
        return None
    return week if week.weekday() == 0 else None


def _expression(pattern: str) -> str:
    """A glob as a regular expression; a star may stand for folders, as in `**`."""
    escaped = re.escape(pattern)
    return escaped.replace(r"\*", ".*").replace(r"\?", ".")
