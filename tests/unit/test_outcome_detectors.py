"""Sums that warn when predictions begin to miss."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.monitoring.outcome_tracking.detectors import (
    Limits,
    breaks_in,
    broken_places,
    limits_for,
)

LIMITS = Limits(shift=4.0, spread=8.0)


def test_what_falls_below_adds_up_beyond_the_slack() -> None:
    # 2 - .75 = 1.25 a week from the third on: 1.25, 2.5, 3.75, 5: the sixth passes 4
    (found,) = breaks_in([0.0, 0.0, -2.0, -2.0, -2.0, -2.0], LIMITS)
    assert (found.way, found.start, found.noticed, found.end) == ("below", 2, 5, None)


def test_no_week_warns_alone() -> None:
    assert breaks_in([0.0] * 5 + [-8.0] + [0.0] * 5, limits_for(0.1)) == []


def test_a_warning_ends_when_predictions_come_true_again() -> None:
    # 2.25 a week: 2.25, then 4 (cut); it falls by .75 a week: 3.25, 2.5, 1.75 is below half of 4
    (found,) = breaks_in([-3.0, -3.0, 0.0, 0.0, 0.0, 0.0], LIMITS)
    assert (found.noticed, found.end) == (1, 5)
    assert broken_places([found], 6) == {0, 1, 2, 3, 4}


def test_misses_to_both_sides_are_noticed_too() -> None:
    scores = [3.4, -3.4] * 4
    assert {one.way for one in breaks_in(scores, LIMITS)} == {"apart"}


def test_weeks_that_were_not_measured_change_nothing() -> None:
    with_gaps = [-2.0, None, -2.0, None, -2.0, -2.0]
    (found,) = breaks_in(with_gaps, LIMITS)
    assert (found.start, found.noticed) == (0, 5)


def test_rarer_false_warnings_and_more_streams_need_higher_limits() -> None:
    assert limits_for(0.01).shift > limits_for(0.1).shift > limits_for(1.0).shift
    assert limits_for(0.1, among=8) == pytest.approx(limits_for(0.1 / 8))


def test_false_warnings_come_as_rarely_as_declared() -> None:
    # 400 years of standard normal errors at one warning a year: 400 expected, sd 20 at most;
    # the sum for spread has a bound in place of its rate, so there are fewer.
    rng = np.random.default_rng(3)
    limits = limits_for(1.0)
    count = sum(len(breaks_in(list(rng.normal(0, 1, 52)), limits)) for _ in range(400))
    assert 200 <= count <= 460


@given(st.lists(st.none() | st.floats(-8, 8), max_size=60))
def test_breaks_lie_in_the_sequence_and_do_not_overlap_their_own_way(scores) -> None:
    found = breaks_in(scores, LIMITS)
    for one in found:
        assert 0 <= one.start <= one.noticed < len(scores)
        assert one.end is None or one.noticed < one.end <= len(scores)
    for way in ("below", "above", "apart"):
        own = [one for one in found if one.way == way]
        assert all(a.end is not None and a.end <= b.start for a, b in itertools.pairwise(own))


@given(st.lists(st.floats(-8, 8), max_size=40))
def test_what_is_below_is_above_in_the_mirror(scores) -> None:
    mirrored = breaks_in([-score for score in scores], LIMITS)
    turned = {"below": "above", "above": "below", "apart": "apart"}
    expected = {(turned[one.way], one.start, one.noticed) for one in breaks_in(scores, LIMITS)}
    assert {(one.way, one.start, one.noticed) for one in mirrored} == expected
