"""The team's logs through one door: counts of all rows, keys of few, texts of the drawn."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from eval_pipeline.adapters.logs.duckdb_engine import open_duckdb
from eval_pipeline.adapters.logs.engines import LogEngine, LogFiles, OpenEngine
from eval_pipeline.adapters.logs.files import list_files
from eval_pipeline.adapters.logs.profile import profile_of
from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.errors import EmptyWeekError, LogsNotFoundError, SettingsError
from eval_pipeline.settings import LogsSettings
from eval_pipeline.tables import UTC_MICROSECONDS

ARRIVAL: Final = "arrived_at"
_ARRIVAL_LOGGED: Final = frozenset({"langfuse"})
"""Formats that always tell when a record arrived."""
_PLACE: Final = "{week}"
_SEVEN_DAYS: Final = dt.timedelta(days=7)
_EVER: Final = ("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z")


@dataclass(frozen=True)
class _Frame:
    """A week's files and the instants that bound its frame, open where the files do it."""

    files: LogFiles
    start: str
    end: str
    week_before: str
    closes: str
    closed_before: str

    @property
    def week(self) -> dict[str, object]:
        return {"from": self.start, "until": self.end}

    @property
    def bounds(self) -> dict[str, object]:
        return {
            **self.week,
            "week_before": self.week_before,
            "closes": self.closes,
            "closed_before": self.closed_before,
        }


class LogSource:
    """Reads one configured log location; holds nothing between calls.

    `strata` are the columns whose values make a stratum. Raises `LogsNotFoundError`,
    `LogSchemaError`, `CorruptFileError` or `EmptyWeekError`; none of them quotes what is logged.
    """

    def __init__(
        self,
        settings: LogsSettings,
        *,
        locate: Callable[[str], str],
        strata: Sequence[str] = ("route",),
    ) -> None:
        self._settings = settings
        self._location = locate(settings.path)
        self._open = _engine_of(settings, own_query=_own_query(settings, locate=locate))
        self._strata = {
            f"by_{column}": column in strata
            for column in ("route", "prompt_version", "requested_model")
        }

    def closes_at(self, week: dt.date) -> dt.datetime:
        """When the week's frame is complete: its end and the watermark."""
        end = dt.datetime.combine(week + _SEVEN_DAYS, dt.time(), tzinfo=dt.UTC)
        return end + dt.timedelta(hours=self._settings.watermark_hours)

    def profile(self, week: dt.date, *, now: dt.datetime) -> pl.DataFrame:
        """One row of counts: records, quarantined by reason, nulls, values out of range, repeats.

        Records without a time belong to no week and are counted in each. A week with files and
        no record is a row of zeros.
        """
        frame = self._frame(week)
        with self._framed(frame) as engine:
            repeats = _repeated_ids(engine)
            return profile_of(
                engine,
                parameters={**frame.week, "closes": frame.closes, "now": now.isoformat()},
                duplicate_ids=repeats,
            )

    def strata(self, week: dt.date) -> pl.DataFrame:
        """One row per stratum: `population_size` conversations, interactions, late ones of them.

        Raises `EmptyWeekError` if the frame holds none.
        """
        frame = self._frame(week)
        with self._framed(frame) as engine:
            counted = _in_slices(engine, "week_strata")
        if counted.is_empty():
            raise EmptyWeekError(week.isoformat(), frame.files.location)
        return counted.group_by("stratum").agg(pl.all().cast(pl.Int64).sum()).sort("stratum")

    def drawable(self, week: dt.date, *, thresholds: pl.DataFrame, salt: str) -> pl.DataFrame:
        """The keys of the interactions whose conversation's hash lies below its threshold.

        `thresholds`: stratum, threshold (hex digits, compared with those of md5(salt|id)). Gives
        stratum, conversation_id, conversation_digits, interaction_id, route, occurred_at in hash
        order.
        """
        with self._framed(self._frame(week)) as engine:
            found = engine.select(
                load_sql("drawable_interactions"),
                parameters={"salt": salt, "highest": thresholds["threshold"].max()},
                frames={"thresholds": thresholds},
            )
        order = ("stratum", "conversation_digits", "conversation_id", "interaction_id")
        return found.with_columns(pl.col("occurred_at").cast(UTC_MICROSECONDS)).sort(
            *order, "occurred_at", "route"
        )

    def users(self, week: dt.date, conversation_ids: pl.Series) -> pl.DataFrame:
        """Who wrote the interactions of these conversations of the week's frame; no text.

        Gives interaction_id, conversation_id and user_id, null where the log names nobody.
        """
        wanted = pl.DataFrame({"conversation_id": conversation_ids.unique().sort()})
        with self._framed(self._frame(week)) as engine:
            return engine.select(load_sql("users_of_conversations"), frames={"wanted": wanted})

    def fetch(self, week: dt.date, interaction_ids: pl.Series) -> pl.DataFrame:
        """The records with these ids and their texts, in the canonical schema, by id.

        An id that is logged more than once has all its records, in a fixed order.
        """
        with self._open(self._frame(week).files) as engine:
            return engine.fetch(interaction_ids)

    def examples(self, week: dt.date, *, count: int) -> pl.DataFrame:
        """A few interactions of the week with their texts; which ones, the logs' order decides."""
        with self._framed(self._frame(week)) as engine:
            ids = engine.select(load_sql("some_interactions"), parameters={"count": count})
            found = engine.fetch(ids["interaction_id"])
        return found.unique("interaction_id", keep="first", maintain_order=True)

    def summarise(self, week: dt.date, statement: str) -> pl.DataFrame:
        """What `sql/<statement>.sql` says of the week's frame; for aggregates, not for rows."""
        with self._framed(self._frame(week)) as engine:
            return engine.select(load_sql(statement))

    def weeks_available(self) -> list[dt.date]:
        """The Mondays that the logs hold: by the files' names, else by the interactions' times."""
        if _PLACE in self._location:
            named = (_week_named(file, pattern=self._location) for file in self._listed("*"))
            return sorted({week for week in named if week is not None})
        with self._open(LogFiles(self._location, self._present(self._location))) as engine:
            weeks: list[dt.date] = engine.select(load_sql("logged_weeks"))["week"].to_list()
        return weeks

    @contextmanager
    def _framed(self, frame: _Frame) -> Iterator[LogEngine]:
        """An engine with the view `framed`: the rows of the week's frame, with their stratum."""
        with self._open(frame.files) as engine:
            engine.define(
                "framed",
                load_sql("framed_interactions"),
                parameters={**frame.bounds, **self._strata},
            )
            yield engine

    def _frame(self, week: dt.date) -> _Frame:
        bounds = {
            "start": f"{week.isoformat()}T00:00:00Z",
            "end": f"{(week + _SEVEN_DAYS).isoformat()}T00:00:00Z",
            "week_before": f"{(week - _SEVEN_DAYS).isoformat()}T00:00:00Z",
            "closes": self.closes_at(week).isoformat(),
            "closed_before": self.closes_at(week - _SEVEN_DAYS).isoformat(),
        }
        if _PLACE not in self._location:
            return _Frame(LogFiles(self._location, self._present(self._location)), **bounds)
        files = self._files_of(week)
        if ARRIVAL in self._settings.columns or self._settings.format in _ARRIVAL_LOGGED:
            before = self._listed((week - _SEVEN_DAYS).isoformat())
            return _Frame(LogFiles(files.location, (*before, *files.files)), **bounds)
        # The folder itself says which week a row is of, in whatever time zone it was cut.
        first, last = _EVER
        return _Frame(files, **{**bounds, "start": first, "end": last, "closes": last})

    def _files_of(self, week: dt.date) -> LogFiles:
        location = self._location.replace(_PLACE, week.isoformat())
        files = list_files(location)
        if not files and self._listed("*"):
            raise EmptyWeekError(week.isoformat(), location)
        return LogFiles(location, self._present(location))

    def _listed(self, week: str) -> tuple[str, ...]:
        return list_files(self._location.replace(_PLACE, week))

    def _present(self, location: str) -> tuple[str, ...]:
        files = list_files(location)
        if not files:
            raise LogsNotFoundError(location)
        return files


def _engine_of(settings: LogsSettings, *, own_query: str | None) -> OpenEngine:
    if settings.engine == "spark":
        try:
            from eval_pipeline.adapters.spark.engine import open_spark  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"`logs.engine: spark` needs the package '{error.name}', which is not installed. "
                'Nothing was read. Run: pip install "eval-pipeline[spark]".'
            ) from None
        return open_spark(settings, own_query=own_query)
    return open_duckdb(settings, own_query=own_query)


def _in_slices(engine: LogEngine, statement: str) -> pl.DataFrame:
    slices = engine.slices()
    sql = load_sql(statement)
    return pl.concat(
        engine.select(sql, parameters={"slices": slices, "slice": number})
        for number in range(slices)
    )


def _repeated_ids(engine: LogEngine) -> int:
    return int(_in_slices(engine, "repeated_ids")["repeats"].sum())


def _own_query(settings: LogsSettings, *, locate: Callable[[str], str]) -> str | None:
    if settings.query is None:
        return None
    file = locate(settings.query)
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            f"`logs.query` names {file}, which cannot be read. Nothing was read. "
            "Put your SELECT there, or choose another `logs.format`."
        ) from None


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
