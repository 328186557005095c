"""Which interactions belong to a week's frame: the watermark, and what arrives after it."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.intake.sampling import ABOVE_ALL
from eval_pipeline.settings import LogsSettings
from eval_pipeline.tables import INTERACTION_SCHEMA

MONDAY = dt.date(2026, 11, 16)
NEXT = MONDAY + dt.timedelta(days=7)
START = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 12, 7, tzinfo=dt.UTC)


def write(file: Path, times: list[tuple[dt.datetime, dt.datetime | None]]) -> None:
    """One interaction per pair of when it occurred and when it arrived, named by its number."""
    file.parent.mkdir(parents=True, exist_ok=True)
    blank = dict.fromkeys(INTERACTION_SCHEMA)
    rows = [
        {
            **blank,
            "interaction_id": f"{file.stem}{number}",
            "conversation_id": f"{file.stem}{number}",
            "occurred_at": occurred,
            "route": "orders",
            "messages": [{"role": "user", "content": "Hi"}],
            "response": "Hello.",
            "ingested": arrived,
        }
        for number, (occurred, arrived) in enumerate(times)
    ]
    schema = {**INTERACTION_SCHEMA, "ingested": pl.Datetime("us", "UTC")}
    pl.DataFrame(rows, schema=schema).write_parquet(file)


def logs(folder: Path, path: str, *, mapped: bool = True, watermark_hours: float = 2) -> LogSource:
    columns = {"arrived_at": "ingested"} if mapped else {}
    settings = LogsSettings(path=path, columns=columns, watermark_hours=watermark_hours)
    return LogSource(settings, locate=lambda name: str(folder / name))


def frame_of(source: LogSource, week: dt.date) -> list[str]:
    everything = pl.DataFrame({"stratum": ["route=orders"], "threshold": [ABOVE_ALL]})
    found = source.drawable(week, thresholds=everything, salt="s")
    return sorted(found["interaction_id"])


def test_a_week_closes_a_watermark_after_its_end(tmp_path: Path) -> None:
    source = logs(tmp_path, "*.parquet", watermark_hours=2.5)
    assert source.closes_at(MONDAY) == dt.datetime(2026, 11, 23, 2, 30, tzinfo=dt.UTC)


def test_what_arrives_after_the_watermark_joins_the_next_week(tmp_path: Path) -> None:
    sunday = START + 167 * HOUR
    closes = START + 170 * HOUR
    write(
        tmp_path / "a.parquet",
        [
            (sunday, sunday),
            (sunday, closes - HOUR),
            (sunday, closes),
            (sunday, None),
            (sunday + 2 * HOUR, sunday + 2 * HOUR),
        ],
    )
    source = logs(tmp_path, "a.parquet")
    assert frame_of(source, MONDAY) == ["a0", "a1", "a3"]
    assert frame_of(source, NEXT) == ["a2", "a4"]
    # one of the next week's two interactions is late
    assert source.strata(NEXT).rows() == [("route=orders", 2, 2, 1)]
    assert source.profile(MONDAY, now=NOW)["left_for_next_week"].item() == 1
    assert source.profile(NEXT, now=NOW)["late_interactions"].item() == 1


def test_without_arrival_times_a_week_holds_what_occurred_in_it(tmp_path: Path) -> None:
    late = START + 400 * HOUR
    write(tmp_path / "a.parquet", [(START, late), (START + 168 * HOUR, late)])
    source = logs(tmp_path, "a.parquet", mapped=False)
    assert frame_of(source, MONDAY) == ["a0"]
    assert frame_of(source, NEXT) == ["a1"]


def test_folders_by_week_hand_their_late_rows_on(tmp_path: Path) -> None:
    write(tmp_path / "2026-11-16" / "a.parquet", [(START, START), (START, START + 200 * HOUR)])
    write(tmp_path / "2026-11-23" / "b.parquet", [(START + 170 * HOUR, START + 170 * HOUR)])
    source = logs(tmp_path, "{week}/*.parquet")
    assert frame_of(source, MONDAY) == ["a0"]
    assert frame_of(source, NEXT) == ["a1", "b0"]


def test_a_time_that_cannot_be_makes_no_week(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [(START, None), (dt.datetime(9999, 1, 1, tzinfo=dt.UTC), None)])
    source = logs(tmp_path, "a.parquet")
    assert source.weeks_available() == [MONDAY]
    assert source.profile(MONDAY, now=NOW)["quarantined"].item() == 1


def test_folders_by_week_alone_decide_where_arrival_is_not_logged(tmp_path: Path) -> None:
    # cut at midnight in Tokyo: the first hours of the folder are Sunday's in UTC
    write(tmp_path / "2026-11-16" / "a.parquet", [(START - 5 * HOUR, None), (START, None)])
    source = logs(tmp_path, "{week}/*.parquet", mapped=False)
    assert source.profile(MONDAY, now=NOW)["left_for_next_week"].item() == 0
    assert frame_of(source, MONDAY) == ["a0", "a1"]
    assert source.strata(MONDAY)["late_interactions"].item() == 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 167), st.integers(0, 168)), min_size=1, max_size=20, unique=True
    ),
    st.floats(0, 100),
)
@pytest.mark.slow
def test_every_interaction_has_exactly_one_frame(
    times: list[tuple[int, int]], watermark: float
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(
            folder / "a.parquet",
            [(START + at * HOUR, START + (at + delay) * HOUR) for at, delay in times],
        )
        source = logs(folder, "a.parquet", watermark_hours=watermark)
        held = frame_of(source, MONDAY) + frame_of(source, NEXT)
    assert sorted(held) == sorted(f"a{number}" for number in range(len(times)))
