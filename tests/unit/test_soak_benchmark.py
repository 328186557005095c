"""What the soak's judging says of made-up years: growth is found, and a flat year is accepted."""

import json
import sqlite3

import polars as pl
import pytest

from benchmarks.soak import flat, main, occupied, read_weeks
from benchmarks.soak_bars import Week, judge, since_start
from benchmarks.soak_plot import growth
from benchmarks.soak_project import CHANGE_AT, SECRETS, Size, SoakProject
from benchmarks.soak_search import planted_in


def week(number: int, **changes) -> Week:
    """A week of 10 processor seconds, 20 wall seconds, 100 MB at its peak and a desk of 50 MB."""
    return {
        "number": number,
        "week": f"week {number}",
        "interrupted": False,
        "candidate": None,
        "processor": {"refresh": 6.0, "drift": 4.0},
        "wall": {"refresh": 12.0, "drift": 8.0},
        "peak_memory": 100_000_000,
        "memory": {"desk": 50_000_000},
        "residents_since": "once",
        "queries": {"runs": 0.010},
        "ticks": {"weekly_aa": 0.020},
        "desk": {"/label": 0.005},
        "bytes": {"lake": 1_000_000 * number},
        "files": {"lake": 10 * number},
        **changes,
    }


def year(**changes) -> list[Week]:
    """52 flat weeks; each change gives a value for the week's number."""
    return [
        week(number, **{name: value(number) for name, value in changes.items()})
        for number in range(1, 53)
    ]


def missed(weeks: list[Week]) -> list[str]:
    return [bar.name for bar in judge(weeks) if bar.missed]


def test_a_flat_year_keeps_every_bar():
    bars = {bar.name: bar for bar in judge(year())}
    assert missed(year()) == []
    # 6 + 4 processor seconds in both weeks
    assert (bars["a week, processor"].early, bars["a week, processor"].late) == (10.0, 10.0)
    assert bars["a week, processor"].ratio == 1.0


def test_the_last_week_is_held_against_the_second_not_the_first():
    # The first week starts everything and takes 10 times as long.
    slow_start = year(processor=lambda number: {"refresh": 100.0 if number == 1 else 10.0})
    assert missed(slow_start) == []
    assert judge(slow_start)[0].early == 10.0


@pytest.mark.parametrize(("late", "kept"), [(12.0, True), (12.1, False)])
def test_a_week_may_take_a_fifth_more_and_no_more(late, kept):
    # 10 s in week 2, so the bar is 1.2 * 10 = 12 s.
    weeks = year(processor=lambda number: {"refresh": late if number == 52 else 10.0})
    assert missed(weeks) == ([] if kept else ["a week, processor"])


def test_growth_by_one_percent_a_week_is_found():
    # 1.01 ** 50 = 1.645 from week 2 to week 52
    weeks = year(processor=lambda number: {"refresh": 10 * 1.01**number})
    (bar,) = [bar for bar in judge(weeks) if bar.missed]
    assert bar.name == "a week, processor"
    assert bar.ratio == pytest.approx(1.01**50)
    # medians of weeks 2 to 4 and 50 to 52: weeks 3 and 51
    assert bar.medians == pytest.approx(1.01**48)


def test_a_busy_machine_is_told_and_misses_no_bar():
    weeks = year(wall=lambda number: {"refresh": 20.0 * number})
    (wall,) = [bar for bar in judge(weeks) if bar.name == "a week, wall"]
    assert (wall.limit, wall.ratio) == (None, 26.0)
    assert missed(weeks) == []


@pytest.mark.parametrize(("late", "kept"), [(110, True), (111, False)])
def test_a_run_may_not_grow_by_more_than_a_tenth(late, kept):
    weeks = year(peak_memory=lambda number: (late if number == 52 else 100) * 1_000_000)
    assert missed(weeks) == ([] if kept else ["peak memory of a run"])


def test_a_leak_of_a_resident_is_found_by_its_name():
    # 50 MB + 0.2 MB a week: 50.4 MB in week 2, 60.4 MB in week 52, a ratio of 1.198
    weeks = year(memory=lambda number: {"desk": (50 + 0.2 * number) * 1e6, "daemon": 7e7})
    (bar,) = [bar for bar in judge(weeks) if bar.missed]
    assert bar.name == "resident memory, desk"
    assert bar.ratio == pytest.approx(60.4 / 50.4)


def test_memory_is_held_against_the_second_week_of_the_same_processes():
    # Started anew in week 30 with less: only weeks 30 to 52 are of one process.
    weeks = year(
        residents_since=lambda number: "first" if number < 30 else "second",
        memory=lambda number: {"desk": 90e6 if number < 30 else 50e6},
    )
    assert [one["number"] for one in since_start(weeks)] == list(range(30, 53))
    assert missed(weeks) == []
    (bar,) = [bar for bar in judge(weeks) if bar.name == "resident memory, desk"]
    assert (bar.early, bar.late) == (50.0, 50.0)


@pytest.mark.parametrize("number", [2, 52])
def test_a_week_made_in_two_parts_is_no_measure(number):
    weeks = year(interrupted=lambda one: one == number)
    with pytest.raises(ValueError, match=f"Week {number} was interrupted"):
        judge(weeks)


def test_two_weeks_cannot_be_judged():
    with pytest.raises(ValueError, match="at least 3"):
        judge([week(1), week(2)])


def test_a_series_from_nothing_to_something_grew():
    weeks = year(processor=lambda number: {"refresh": float(number == 52)})
    assert missed(weeks) == ["a week, processor"]


def test_a_line_that_a_kill_cut_short_is_not_a_week(tmp_path):
    file = tmp_path / "weeks.jsonl"
    assert read_weeks(file) == []
    file.write_text(json.dumps({"number": 1}) + "\n" + '{"number": 2, "wa')
    assert read_weeks(file) == [{"number": 1}]
    # What is appended next begins on a line of its own.
    assert file.read_text() == '{"number": 1}\n'


def test_a_file_counts_in_one_area_only(tmp_path):
    for name, size in {
        "lake/golden/000001/items.parquet": 5,
        "lake/verdicts/week=1/part-0.parquet": 7,
        "dagster/history/runs.db": 11,
        "store.sqlite": 13,
        "demo-logs/week=1/part-0.parquet": 17,
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)
    sizes, counts = occupied(tmp_path)
    assert (sizes["golden"], sizes["lake"], sizes["Dagster"], sizes["store"]) == (5, 7, 11, 13)
    assert sum(sizes.values()) == 5 + 7 + 11 + 13  # the logs are not ours
    assert sum(counts.values()) == 4


def test_what_was_planted_is_found_in_bytes_in_parquet_and_in_sqlite(tmp_path):
    secret = SECRETS["SOAK_PROVIDER_KEY"]
    planted = [secret, "Xiadani Mthembu", "KD-1234567-89", "nowhere"]
    clean = tmp_path / "clean.log"
    clean.write_text("Nothing to see.")
    (tmp_path / "daemon.log").write_text(f"header Authorization: Bearer {secret}\n")
    (tmp_path / "lake").mkdir()
    frame = pl.DataFrame({"messages": [[{"role": "user", "content": "I am Xiadani Mthembu."}]]})
    frame.write_parquet(tmp_path / "lake" / "part-0.parquet", compression="zstd")
    with sqlite3.connect(tmp_path / "store.sqlite") as store:
        store.execute("CREATE TABLE calls (text)")
        store.execute("INSERT INTO calls VALUES ('customer KD-1234567-89')")
    store.close()
    assert planted_in([clean], planted) == []
    assert planted_in([tmp_path], planted) == sorted(planted[:3])


def test_the_weeks_compared_are_alike():
    project = SoakProject(folder=None, size=Size())
    assert project.candidate(2) is not None
    assert project.candidate(52) is not None
    assert [n for n in range(1, 53) if project.candidate(n)] == list(range(2, 53, 5))
    assert len({project.candidate(n) for n in range(2, 53, 5)}) == 11
    assert project.week(1) == "2025-01-06"
    assert project.week(52) == "2025-12-29"
    assert project.epoch(CHANGE_AT - 1) != project.epoch(CHANGE_AT)


def test_a_folder_that_no_soak_made_is_left_alone(tmp_path, capsys):
    (tmp_path / "eval_pipeline.yaml").write_text("mine")
    with pytest.raises(SystemExit):
        main(["--folder", str(tmp_path), "--weeks", "3", "--afresh"])
    assert "was not made by a soak" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["eval_pipeline.yaml"]


def test_the_plot_names_its_series_and_the_table_every_measure():
    picture = growth(year())
    assert picture.startswith("<svg")
    assert "processor seconds" in picture
    assert "desk" in picture
    row = flat(week(3))
    assert row["processor.drift"] == 4.0
    assert row["bytes.lake"] == 3_000_000
