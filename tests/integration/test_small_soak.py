"""A soak of three small weeks: its bars are computed of real weeks, and a real leak would be found.

A year is `make soak`. Webserver, code server, daemon and desk are left out here: three weeks say
nothing of their memory, and they take longer to start than the weeks to run.
"""

import json
import os

import pytest

from benchmarks import soak
from benchmarks.soak_bars import judge
from benchmarks.soak_project import SECRETS, Size, SoakProject
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.tables import GATE_DECISION, WEEKLY_REPORT

pytestmark = pytest.mark.slow
SMALL = Size(conversations=60, budget=40, reserve=30, golden=60)
WEEKS = 3


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> SoakProject:
    return SoakProject(tmp_path_factory.mktemp("soak") / "run", SMALL)


@pytest.fixture(scope="module")
def weeks(project):
    """Two weeks; then, as after an interruption, the third by another driver."""
    before = dict(os.environ)
    try:
        assert [one["number"] for one in soak.run(project, weeks=2, served=False)] == [1, 2]
        return soak.run(project, weeks=WEEKS, served=False)
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_every_job_of_every_week_is_measured_once(project, weeks):
    assert [one["number"] for one in weeks] == [1, 2, 3]
    assert [one["interrupted"] for one in weeks] == [False] * WEEKS
    assert soak.read_weeks(project.measured) == weeks
    for one in weeks:
        jobs = {"refresh", "labels", "publish", "judge_checks", "drift", "aa", "report", "digest"}
        assert jobs <= one["processor"].keys() == one["wall"].keys()
        assert one["processor"]["refresh"] > 0
        assert one["files_read"]["refresh"] > 0
        assert one["statements"]["labels"] > 0
    lake = Lake(str(project.lake))
    assert lake.partitions(WEEKLY_REPORT) == [project.week(n) for n in (1, 2, 3)]
    assert lake.partitions(GATE_DECISION) == [project.candidate(2)]
    assert [one["candidates"] for one in weeks] == [
        "No new candidate.", project.candidate(2), "No new candidate.",
    ]  # fmt: skip


def test_the_disk_grows_by_what_a_week_adds(weeks):
    lake = [one["files"]["lake"] for one in weeks]
    assert lake[0] < lake[1] < lake[2]
    assert [one["files"]["golden"] for one in weeks] == [2, 4, 6]


def test_its_bars_are_computed_and_nothing_planted_is_found(project, weeks, tmp_path):
    bars, found = soak.report(project, weeks, out=tmp_path)
    assert found == []
    assert {bar.name for bar in bars if bar.limit is not None} == {
        "a week, processor",
        "peak memory of a run",
    }
    told = json.loads((tmp_path / "soak.json").read_text())
    assert told["planted_found_outside_the_logs"] == 0
    assert told["planted"] > len(SECRETS)
    assert len(told["series"]) == WEEKS
    assert len((tmp_path / "soak.csv").read_text().splitlines()) == 1 + WEEKS
    assert (tmp_path / "soak.svg").read_text().startswith("<svg")


def test_a_third_week_of_twice_the_work_would_miss_its_bar(weeks):
    doubled = {name: 2 * used for name, used in weeks[1]["processor"].items()}
    missed = [bar.name for bar in judge([*weeks[:2], {**weeks[2], "processor": doubled}])
              if bar.missed]  # fmt: skip
    assert "a week, processor" in missed


def test_a_secret_that_a_job_left_behind_is_found(project, weeks, tmp_path):
    left = project.folder / "dagster" / "left.log"
    left.write_text(f"key {SECRETS['EVAL_PIPELINE_KEY']}")
    try:
        _, found = soak.report(project, weeks, out=tmp_path)
    finally:
        left.unlink()
    assert found == [SECRETS["EVAL_PIPELINE_KEY"]]
