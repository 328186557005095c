"""The weekly intake against DuckDB's plain scan of the same files: time as a ratio, memory in MB.

    python benchmarks/intake.py [--rows 5000000] [--text-bytes 900] [--rounds 3] [--no-bars]
        [--layouts raw-duckdb raw-pyarrow pages-64k] [--scratch FOLDER]

Makes its logs in a temporary folder, takes every measure in a fresh process, in turns, and prints
medians. Bars are on wall-clock time; processor time stands beside it, for where the two part the
machine was busy with something else. Exits with 1 if a bar is missed. The whole step is what the
assets do for a week without the contract's profile: strata, allocation, thresholds, drawable keys,
draw, and the texts of the drawn interactions.
"""

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
import pyarrow as pa
from intake_logs import LAYOUTS, generate

from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.adapters.queries import connection
from eval_pipeline.intake.allocation import allocate_frame
from eval_pipeline.intake.sampling import draw_salt, draw_sample, thresholds
from eval_pipeline.settings import LogsSettings, SamplingSettings

WEEK: Final = dt.date(2026, 11, 16)
NARROW: Final = """
SELECT max(interaction_id), max(conversation_id), max(route), max(occurred_at)
FROM read_parquet($files)
"""
TEXTS: Final = """
SELECT sum(strlen(response)), sum(list_sum(list_transform(messages, lambda m: strlen(m.content))))
FROM read_parquet($files)
"""
WINDOW: Final = """
SELECT *
FROM (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY route
      ORDER BY substr(md5('weekly|' || conversation_id), 1, 13), interaction_id
    ) AS position
  FROM read_parquet($files)
)
WHERE position <= $wanted
"""


@dataclass(frozen=True)
class Bar:
    """A limit on `measure`, in MB or as a multiple of another measure."""

    measure: str
    limit: float
    of: str | None = None
    faster: bool = False

    def value(self, seconds: dict[str, float], megabytes: dict[str, float]) -> float:
        if self.of is None:
            return megabytes[self.measure]
        ratio = seconds[self.measure] / seconds[self.of]
        return 1 / ratio if self.faster else ratio

    def missed(self, value: float) -> bool:
        return value < self.limit if self.faster else value > self.limit

    def __str__(self) -> str:
        if self.of is None:
            return f"peak of {self.measure}, MB, at most"
        return f"{self.measure} {'faster than' if self.faster else 'as a share of'} {self.of}"


def bars_of(layout: str) -> list[Bar]:
    raw = layout.startswith("raw")
    return [
        Bar("whole step", 1.15 if raw else 0.6, of="text scan"),
        Bar("whole step", 2 if raw else 4, of="row_number()", faster=True),
        Bar("key phase", 3.5, of="narrow scan"),
        Bar("whole step", 400 if raw else 250),
    ]


def scan(sql: str, **parameters: object) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        files = sorted(str(file) for file in folder.glob("*.parquet"))
        with connection() as engine:
            found = engine.sql(sql, params={"files": files, **parameters})
            return found.to_arrow_table().num_rows

    return run


def source_of(folder: Path) -> LogSource:
    settings = LogsSettings.model_validate({"path": "*.parquet"})
    return LogSource(settings, locate=lambda relative: str(folder / relative))


def key_phase(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    source, policy = source_of(folder), SamplingSettings()
    frame = allocate_frame(
        source.strata(WEEK),
        policy=policy,
        spreads=pl.DataFrame(
            schema={"stratum": pl.String, "spread": pl.Float64, "scored_interactions": pl.Int64}
        ),
        requests=pl.DataFrame(
            schema={
                "stratum": pl.String,
                "requested": pl.Int64,
                "asked_by": pl.List(pl.String),
            }
        ),
    )
    salt = draw_salt(policy, WEEK.isoformat())
    return frame, source.drawable(WEEK, thresholds=thresholds(frame), salt=salt)


def whole_step(folder: Path) -> int:
    frame, drawable = key_phase(folder)
    sampled = draw_sample(
        drawable,
        frame=frame,
        policy=SamplingSettings(),
        week=WEEK.isoformat(),
        key=b"benchmark",
    )
    found = source_of(folder).fetch(WEEK, sampled["interaction_id"])
    if found.height != sampled.height or found["messages"].null_count():
        raise SystemExit(f"{sampled.height} interactions were drawn and {found.height} were found")
    return found.height


MEASURES: Final[dict[str, Callable[[Path], object]]] = {
    "narrow scan": scan(NARROW),
    "text scan": scan(TEXTS),
    "row_number()": scan(WINDOW, wanted=75),
    "key phase": key_phase,
    "whole step": whole_step,
}


def measure(name: str, folder: Path) -> None:
    """Runs one measure; prints seconds, MB at the peak and processor seconds, as JSON."""
    started, used = time.perf_counter(), time.process_time()
    MEASURES[name](folder)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    megabytes = int(status[status.index("VmHWM:") + 1]) / 1024
    print(json.dumps([seconds, megabytes, processor]))


def measured(name: str, folder: Path) -> list[float]:
    """One measure in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", name, "--scratch", str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    taken: list[float] = json.loads(done.stdout.splitlines()[-1])
    return taken


def medians(folder: Path, *, rounds: int, names: Sequence[str]) -> tuple[dict[str, float], ...]:
    """Seconds, MB and processor seconds; the measures take turns, so that noise meets them all."""
    runs: dict[str, list[list[float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            runs[name].append(measured(name, folder))
    return tuple(
        {name: statistics.median(run[part] for run in taken) for name, taken in runs.items()}
        for part in range(3)
    )


def report(layout: str, figures: tuple[dict[str, float], ...]) -> int:
    seconds, megabytes, processor = figures
    print(f"\n{layout}")
    for name, taken in seconds.items():
        print(
            f"  {name:46} {taken:8.2f} s {processor[name]:8.2f} s processor "
            f"{megabytes[name]:8.0f} MB"
        )
    missed = 0
    for bar in bars_of(layout):
        value = bar.value(seconds, megabytes)
        missed += told(str(bar), value=value, limit=bar.limit, missed=bar.missed(value))
    return missed


def told(text: str, *, value: float, limit: float, missed: bool) -> int:
    print(f"  {text:46} {value:8.2f} (bar {limit:g}) {'MISSED' if missed else 'met'}")
    return int(missed)


def run(folder: Path, *, rows: int, text_bytes: int, rounds: int, layouts: tuple[str, ...]) -> int:
    print(
        f"{rows:,} interactions of {text_bytes} bytes of text, medians of {rounds}; "
        f"{os.cpu_count()} processors, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}, "
        f"Polars {pl.__version__}, PyArrow {pa.__version__}"
    )
    started = time.perf_counter()
    generate(folder, rows=rows, text_bytes=text_bytes, layouts=layouts)
    print(f"logs made in {time.perf_counter() - started:.0f} s")
    missed, peaks = 0, {}
    for layout in layouts:
        figures = medians(folder / layout, rounds=rounds, names=tuple(MEASURES))
        missed += report(layout, figures)
        peaks[layout] = figures[1]["whole step"]
    first_file = len(list((folder / layouts[0]).iterdir()))
    generate(folder, rows=rows, text_bytes=text_bytes, layouts=layouts, first_file=first_file)
    print(f"\n{2 * rows:,} interactions")
    for layout in layouts:
        figures = medians(folder / layout, rounds=rounds, names=("whole step",))
        ratio = figures[1]["whole step"] / peaks[layout]
        text = f"{layout}: peak over that of half the rows"
        missed += told(text, value=ratio, limit=1.2, missed=ratio > 1.2)
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--text-bytes", type=int, default=900, help="a row's texts in the mean")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS)
    parser.add_argument("--no-bars", action="store_true", help="exit with 0 whatever is missed")
    parser.add_argument("--scratch", type=Path, help="the folder to put the logs into")
    parser.add_argument("--measure", choices=tuple(MEASURES), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure, asked.scratch)
        return
    with tempfile.TemporaryDirectory(dir=asked.scratch) as folder:
        missed = run(
            Path(folder),
            rows=asked.rows,
            text_bytes=asked.text_bytes,
            rounds=asked.rounds,
            layouts=tuple(asked.layouts),
        )
    raise SystemExit(1 if missed and not asked.no_bars else 0)


if __name__ == "__main__":
    main()
