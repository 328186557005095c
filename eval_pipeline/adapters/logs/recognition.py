"""What a sample of someone's logs is: its format, its columns, and how many of its rows fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import duckdb

from eval_pipeline.adapters.logs.column_names import near_canonical
from eval_pipeline.adapters.logs.formats import REQUIRED_COLUMNS, lines_in, mapped_lines
from eval_pipeline.adapters.logs.interactions import view_interactions
from eval_pipeline.adapters.queries import connection, load_sql, translated
from eval_pipeline.errors import LogsNotFoundError
from eval_pipeline.settings import LogsSettings
from eval_pipeline.settings.logs import LogFormat

SAMPLE_ROWS: Final = 1_000
"""So many rows at the start of the sample are read; the rest of the file is not."""

_STRANGE: Final = len(REQUIRED_COLUMNS) - 1
"""A file that lacks so many of the required columns is no log in nearly canonical columns."""

_RECOGNISABLE: Final = tuple(
    name for name in get_args(LogFormat) if name not in {"canonical", "sql"}
)


@dataclass(frozen=True)
class Recognised:
    """What the sample's first rows are.

    `log_format` is null where none fits. `columns`: canonical name to theirs, where they differ;
    `missing`: required columns that none of `found` could be taken for. `quarantined`: reason and
    rows, of `rows`.
    """

    log_format: LogFormat | None
    columns: Mapping[str, str]
    found: tuple[str, ...]
    missing: tuple[str, ...]
    rows: int
    quarantined: tuple[tuple[str, int], ...]
    fitting: int

    @property
    def certainty(self) -> str:
        """sure: nearly all rows fit; likely: most; a guess: fewer."""
        if self.log_format is None or not self.fitting:
            return "a guess"
        share = self.fitting / (self.fitting + sum(count for _, count in self.quarantined))
        return "sure" if share >= 0.95 else "likely" if share >= 0.5 else "a guess"  # noqa: PLR2004


def recognise(
    sample: Path,
    *,
    log_format: LogFormat | None = None,
    columns: Mapping[str, str] | None = None,
) -> Recognised:
    """Reads the sample's first rows and tells the format; `log_format` and `columns` are given.

    Raises `LogsNotFoundError`, `LogSchemaError` or `CorruptFileError`. Nothing is quoted but names
    of columns.
    """
    if not sample.is_file():
        raise LogsNotFoundError(str(sample))
    file = str(sample)
    with connection() as engine, translated(file, files=[file]):
        lines_in(engine, files=[file], location=file).limit(SAMPLE_ROWS).create("lines")
        return _recognised(engine, location=file, log_format=log_format, columns=columns or {})


def _recognised(
    engine: duckdb.DuckDBPyConnection,
    *,
    location: str,
    log_format: LogFormat | None,
    columns: Mapping[str, str],
) -> Recognised:
    signs = engine.sql(load_sql("sources/log_signs")).pl().row(0, named=True)
    keys = engine.sql(load_sql("sources/json_keys")).fetchall()
    found = tuple(sorted(row[0] for row in keys))
    rows = int(signs["records"])
    chosen = log_format or _signed(signs) or "canonical"
    if chosen != "canonical":
        fits = _fits(engine, settings=LogsSettings(path="*", format=chosen), location=location)
        return _with_fits(chosen, {}, found=found, missing=(), rows=rows, fits=fits)
    names = near_canonical(found, given=columns)
    missing = tuple(column for column in REQUIRED_COLUMNS if column not in names)
    if missing:
        known: LogFormat | None = "canonical" if log_format or len(missing) < _STRANGE else None
        return _with_fits(known, names, found=found, missing=missing, rows=rows, fits={})
    differing = {ours: theirs for ours, theirs in names.items() if ours != theirs}
    settings = LogsSettings(path="*", columns=differing)
    fits = _fits(engine, settings=settings, location=location)
    return _with_fits("canonical", names, found=found, missing=(), rows=rows, fits=fits)


def _signed(signs: Mapping[str, int]) -> LogFormat | None:
    """The format whose signs most rows bear, if that is at least half of them."""
    best: LogFormat = max(_RECOGNISABLE, key=lambda name: signs[name])
    return best if 2 * signs[best] >= signs["records"] > 0 else None


def _fits(
    engine: duckdb.DuckDBPyConnection, *, settings: LogsSettings, location: str
) -> dict[str | None, int]:
    view_interactions(engine, mapped_lines(engine, settings=settings, location=location))
    return dict(engine.sql(load_sql("sources/quarantined")).fetchall())


def _with_fits(
    log_format: LogFormat | None,
    names: Mapping[str, str],
    *,
    found: tuple[str, ...],
    missing: tuple[str, ...],
    rows: int,
    fits: dict[str | None, int],
) -> Recognised:
    reasons = sorted((reason, count) for reason, count in fits.items() if reason is not None)
    return Recognised(
        log_format=log_format,
        columns={ours: theirs for ours, theirs in names.items() if ours != theirs},
        found=found,
        missing=missing,
        rows=rows,
        quarantined=tuple(reasons),
        fitting=fits.get(None, 0),
    )
