"""Intervals and warnings of the outcome, at small size; `benchmarks/outcomes.py` is the whole."""

import importlib.util
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.sizes import sized

pytestmark = pytest.mark.slow
RUNS = sized(12, full=100)


@pytest.fixture(scope="module")
def outcomes():
    file = Path(__file__).parents[2] / "benchmarks" / "outcomes.py"
    spec = importlib.util.spec_from_file_location("outcomes_benchmark", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_intervals_hold_as_often_as_they_say(outcomes):
    # .96 of twelve histories of 30 weeks and five streams, of which some 19 weeks each count:
    # about 1,140 intervals, standard deviation .007 with their dependence
    found = pl.concat([outcomes.coverage(run, weeks=30) for run in range(RUNS)])
    share = found.filter(pl.col("link_weeks") >= 8)["inside"].mean()
    assert 0.93 <= share <= 0.985


def test_a_link_that_holds_rarely_warns(outcomes):
    # At most .2 a year are declared: of 12 years more than four by chance in 1 of 1,000 cases
    count = sum(sum(outcomes.quiet_warnings(run).values()) for run in range(RUNS))
    assert count <= max(4, 0.4 * RUNS)


def test_a_clear_break_is_named_within_four_weeks(outcomes):
    weeks = [
        outcomes.weeks_to_warning(run, "the outcome falls by 10 points", limit=4)
        for run in range(RUNS)
    ]
    assert sum(week is not None for week in weeks) >= 0.9 * RUNS - 1
