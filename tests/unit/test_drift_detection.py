"""Noise floor, detectors and attribution of the weekly re-run, by hand."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.drift_detection.attribution import attribute, judge_is_excluded
from eval_pipeline.evaluation.drift_detection.detectors import (
    Reading,
    cusum,
    e_detector,
    log_e_values,
)
from eval_pipeline.evaluation.drift_detection.noise import (
    NoiseFloor,
    batch_effect,
    item_noise,
    noise_floor,
)

RUNS_SCHEMA = {
    "item_id": pl.String, "item_revision": pl.Int64, "run": pl.Int64, "score": pl.Float64,
}  # fmt: skip


def runs_of(*items: list[float | None]) -> pl.DataFrame:
    """One list of scores per item, one score per run."""
    rows = [
        (f"i{number}", 1, run, score)
        for number, scores in enumerate(items)
        for run, score in enumerate(scores, start=1)
    ]
    return pl.DataFrame(rows, schema=RUNS_SCHEMA, orient="row")


def floor_of(reference: pl.DataFrame) -> NoiseFloor:
    noise = item_noise(reference)
    runs = noise["runs"].cast(pl.Float64).to_numpy()
    return noise_floor(noise["mean"].to_numpy(), noise["variance"].to_numpy(), runs)


def reading(value: float, *, week: str = "2026-11-16", least: float = 0.0, **floor) -> Reading:
    at = {"mu0": 0.8, "sigma": 0.02, "runs": 16.0, "items": 100} | floor
    return Reading(week, value, NoiseFloor(**at), least)


def weekly(*values: float, **more) -> list[Reading]:
    return [
        reading(value, week=f"2026-11-{number + 1:02d}", **more)
        for number, value in enumerate(values)
    ]


def test_the_noise_floor_is_that_of_the_items_not_of_the_binomial() -> None:
    # four runs; items' shares 1/2, 3/4, 1, 1: K/(K-1) p(1-p) = 4/3 x (1/4, 3/16, 0, 0)
    found = floor_of(runs_of([1, 0, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1]))
    assert found.mu0 == pytest.approx(13 / 16)
    assert found.sigma == pytest.approx(math.sqrt(1 / 3 + 1 / 4) / 4)
    assert (found.runs, found.items) == (pytest.approx(4), 4)


def test_scores_between_none_and_full_take_their_own_variance() -> None:
    # .2 and .6: variance .08; .5 and .5: none; the sum over 2²
    assert floor_of(runs_of([0.2, 0.6], [0.5, 0.5])).sigma == pytest.approx(math.sqrt(0.5) / 2)
    # .08 is less than one item in one of two runs, 1/2; with scores further apart it is not
    assert floor_of(runs_of([0, 1], [0, 1])).sigma == pytest.approx(math.sqrt(1.0) / 2)


def test_where_nothing_moved_the_floor_is_one_item_in_one_run() -> None:
    # sum of variances at least 1/K = 1/5: sqrt(.2) / 10 items
    found = floor_of(runs_of(*[[1.0] * 5] * 10))
    assert found.sigma == pytest.approx(math.sqrt(0.2) / 10)


def test_one_run_is_no_noise_floor() -> None:
    with pytest.raises(ValueError, match="at least two scored runs"):
        noise_floor(np.array([1.0]), np.array([0.0]), np.array([1.0]))


def test_a_run_without_a_score_counts_as_none() -> None:
    noise = item_noise(runs_of([1.0, None, 0.0], [1.0, 1.0, 1.0]))
    assert noise["runs"].to_list() == [2, 3]
    assert noise["mean"].to_list() == [0.5, 1.0]


def test_runs_that_move_together_widen_the_floor() -> None:
    # Eight items that are all right or all wrong in a run: the runs' means are 0 or 1.
    together = runs_of(*[[1.0, 0.0, 1.0, 0.0, 1.0, 0.0]] * 8)
    floor = floor_of(together)
    # 6/5 x 1/4 = .3 an item: .3 / 8 for their mean, if they were independent; the means' is .3
    assert floor.sigma == pytest.approx(math.sqrt(0.3 / 8))
    assert batch_effect(together, floor) == pytest.approx(math.sqrt(8))
    apart = runs_of(*[[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]] * 4)
    assert batch_effect(apart, floor_of(apart)) == 1.0


def test_the_slack_grows_with_the_error_of_the_reference_and_with_what_counts() -> None:
    assert reading(0.8, runs=16.0).slack == pytest.approx(0.5 + 2 / 4)
    # .06 that counts is three noise floors of .02: half of it is 1.5
    assert reading(0.8, runs=16.0, least=0.06).slack == pytest.approx(1.5)


def test_the_cusum_adds_up_what_lies_beyond_the_slack() -> None:
    # z = -3, -3, 0, +5 with slack 1: drops 2, 4, 3, 0; rises 0, 0, 0, 4
    sums = cusum(weekly(0.74, 0.74, 0.80, 0.90), threshold=4.0)
    assert sums.down == pytest.approx((2, 4, 3, 0))
    assert sums.up == pytest.approx((0, 0, 0, 4))
    assert (sums.down_began, sums.up_began) == (0, 3)


def test_a_sum_stops_at_twice_the_threshold_so_that_an_alarm_ends() -> None:
    assert cusum(weekly(*[0.5] * 5), threshold=4.0).down[-1] == 8.0


@given(
    st.lists(st.floats(0.5, 1.0), min_size=1, max_size=12),
    st.integers(0, 11),
    st.floats(0.0, 0.3),
)
def test_a_lower_week_never_lowers_the_sum_of_drops(values, place, drop) -> None:
    place %= len(values)
    lowered = [*values[:place], values[place] - drop, *values[place + 1 :]]
    before, after = cusum(weekly(*values), threshold=4.0), cusum(weekly(*lowered), threshold=4.0)
    assert all(b >= a - 1e-9 for a, b in zip(before.down, after.down, strict=True))
    assert all(b <= a + 1e-9 for a, b in zip(before.up, after.up, strict=True))


@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=3, max_size=3), min_size=1))
def test_the_order_of_items_changes_no_floor(items) -> None:
    forth, back = floor_of(runs_of(*items)), floor_of(runs_of(*reversed(items)))
    assert forth.mu0 == pytest.approx(back.mu0)
    assert forth.sigma == pytest.approx(back.sigma)


@given(st.lists(st.floats(0.02, 0.98), min_size=3, max_size=10), st.floats(2, 20))
def test_the_e_values_have_mean_one_at_most_whatever_the_items_chances(chances, runs) -> None:
    # The exact distribution of the number of right answers, item by item.
    counts = np.array([1.0])
    for chance in chances:
        counts = np.convolve(counts, [1 - chance, chance])
    size, variance = len(chances), sum(chance * (1 - chance) for chance in chances)
    floor = {"mu0": sum(chances) / size, "sigma": math.sqrt(variance) / size}
    values = [
        np.exp(log_e_values(reading(right / size, runs=runs, items=size, **floor)))
        for right in range(size + 1)
    ]
    assert (counts @ np.array(values)).max() <= 1 + 1e-9


def test_the_e_detector_adds_one_and_multiplies() -> None:
    one, two = weekly(0.78, 0.74)
    first, second = np.exp(log_e_values(one)), np.exp(log_e_values(two))
    assert e_detector([one]) == pytest.approx(first.mean())
    assert e_detector([one, two]) == pytest.approx(((1 + first) * second).mean())
    assert e_detector([]) == 0.0


def test_the_e_detector_finds_a_lasting_drop_and_no_quiet_year() -> None:
    assert e_detector(weekly(*[0.8] * 20)) < 1
    assert e_detector(weekly(*[0.8] * 20, *[0.7] * 4)) > 1000


ANCHORS = {"mu0": 0.9, "sigma": 0.005}


def attributed(anchors: list[Reading], *alarms: str, sound: bool = True) -> str:
    return attribute(
        shift=-0.06,
        since="2026-11-01",
        anchors=anchors,
        anchor_alarms=alarms,
        guard=("2026-10-05", "2026-11-30"),
        sound=sound,
    )


def test_frozen_answers_that_stand_still_leave_the_provider() -> None:
    assert attributed(weekly(0.9, 0.9, **ANCHORS)) == "provider"


def test_an_alarm_of_the_frozen_answers_nearby_is_the_judge_s() -> None:
    assert attributed(weekly(0.84, 0.84, **ANCHORS), "2026-11-02") == "judge"
    assert attributed(weekly(0.9, 0.9, **ANCHORS), "2026-06-01") == "provider"


def test_nothing_is_attributed_where_the_frozen_answers_cannot_tell() -> None:
    assert attributed([]) == "unattributed"
    # Their mean moved by .05 of .06 and they are not in alarm yet.
    assert attributed(weekly(0.85, 0.85, **ANCHORS)) == "unattributed"
    # Their noise alone, 2 x .05 x sqrt(1/2 + 1/16), is as large as the shift.
    assert attributed(weekly(0.9, 0.9, mu0=0.9, sigma=0.05)) == "unattributed"
    assert attributed(weekly(0.9, 0.9, **ANCHORS), "2026-11-02", sound=False) == "unattributed"


def test_the_judge_is_excluded_by_the_error_of_anchors_and_reference() -> None:
    # two weeks of sigma .005, 16 runs: 2 sqrt(.005²/2 + .005²/16) = .0075
    anchors = weekly(0.9, 0.9, **ANCHORS)
    assert judge_is_excluded(-0.0152, since="2026-11-01", anchors=anchors)
    assert not judge_is_excluded(-0.0148, since="2026-11-01", anchors=anchors)
