"""How often an interval with people's labels in it is wrong, in the worlds of methods 3.4."""

import numpy as np
import pytest

from benchmarks.decision_humans import GOOD, gates, rates
from tests.sizes import sized

RUNS = sized(200, full=2000)
GATES = sized(40, full=600)


@pytest.mark.parametrize("audit", [20, 60])
def test_mover_wilson_covers_the_rate_that_judges_and_usual_practice_miss(audit):
    found = [rates(run, audit=audit) for run in range(RUNS)]
    covered = {
        way: np.mean([one[way][1] <= GOOD <= one[way][2] for one in found]) for way in found[0]
    }
    means = {way: np.mean([one[way][0] for one in found]) for way in found[0]}
    # 200 runs at .95: three standard errors are .046.
    assert 0.904 <= covered["MOVER-Wilson"] <= 1
    assert covered["judges alone"] <= 0.2
    assert covered["people where judges differ"] <= 0.05
    assert covered["calibrated on the queue alone"] == 0
    assert means["MOVER-Wilson"] == pytest.approx(GOOD, abs=0.015)
    assert means["judges alone"] > GOOD + 0.02
    assert means["people where judges differ"] > means["judges alone"]
    assert means["calibrated on the queue alone"] > GOOD + 0.15


@pytest.mark.slow
def test_a_candidate_that_is_eight_points_worse_passes_by_judges_alone_and_not_with_people():
    found = [gates(run, drop=0.08, audit=300) for run in range(GATES)]
    states = {way: [one[way]["state"] for one in found] for way in found[0]}
    assert states["judges alone"].count("certified") == GATES
    assert states["people where judges differ"].count("certified") == GATES
    # At a rate of 1 %, two of forty or more would be a chance of 6 %; three of 0.7 %.
    assert states["corrected"].count("certified") <= max(2, 0.02 * GATES)
    assert states["corrected"].count("blocked") > 0
    covered = np.mean(
        [one["corrected"]["lower"] <= -0.08 <= one["corrected"]["upper"] for one in found]
    )
    assert covered >= 0.85
    off = np.mean([one["judges alone"]["difference"] for one in found]) + 0.08
    left = np.mean([one["corrected"]["difference"] for one in found]) + 0.08
    assert off > 0.08
    assert abs(left) < 0.02


@pytest.mark.slow
def test_a_candidate_that_is_no_worse_is_not_blocked_with_people():
    found = [gates(run, drop=0.0, audit=300)["corrected"] for run in range(GATES)]
    states = [one["state"] for one in found]
    assert states.count("blocked") <= max(1, 0.02 * GATES)
    assert states.count("certified") > 0.3 * GATES
