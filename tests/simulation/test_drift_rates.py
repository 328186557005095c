"""How often drift signals are wrong, at small size; `benchmarks/decision_drift.py` is the whole."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.sizes import sized

pytestmark = pytest.mark.slow
RUNS = sized(4, full=40)


@pytest.fixture(scope="module")
def drift():
    file = Path(__file__).parents[2] / "benchmarks" / "decision_drift.py"
    spec = importlib.util.spec_from_file_location("decision_drift", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_quiet_half_years_rarely_alarm(drift):
    # 3 % of years: of 4 half-years more than one by chance in 1 of 800 cases
    alarms = sum(any(drift.quiet_year(run, weeks=26)) for run in range(RUNS))
    assert alarms <= max(1, 0.15 * RUNS)


def test_a_step_of_five_points_is_found_within_four_weeks(drift):
    found = sum(drift.found_in_time(run) for run in range(RUNS))
    assert found >= 0.85 * RUNS - 1


@pytest.mark.parametrize(
    ("cause", "called"),
    [("provider", "provider"), ("judge", "judge"), ("truth", "none"), ("mix", "none")],
)
def test_a_step_is_called_what_it_is(drift, cause, called):
    right = sum(drift.blamed(run, cause) == called for run in range(RUNS))
    assert right >= 0.9 * RUNS - 1
