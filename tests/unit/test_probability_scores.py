"""Proper scores and calibration error, worked by hand and against what is known of chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.statistics.probability_scores import (
    Forecasts,
    bootstrap,
    brier,
    calibration_error,
    debiased_calibration_error,
    log_loss,
    murphy_parts,
    quantile_bins,
    reliability_bins,
)


def forecasts(
    probability: list[float], outcome: list[float], weight: list[float] | None = None
) -> Forecasts:
    given_weights = weight or [1.0] * len(outcome)
    return Forecasts(
        np.array(probability, dtype=float),
        np.array(outcome, dtype=float),
        np.array(given_weights, dtype=float),
        [f"c{place}" for place in range(len(outcome))],
    )


def perfect(count: int, seed: int) -> Forecasts:
    rng = np.random.default_rng(seed)
    probability = rng.beta(4, 1.5, count)
    outcome = (rng.random(count) < probability).astype(float)
    return forecasts(probability.tolist(), outcome.tolist())


FOUR = forecasts([0.8, 0.8, 0.3, 0.3], [1, 0, 0, 1], [1, 1, 2, 2])


def test_the_brier_score_is_the_weighted_mean_square():
    # (1*.04 + 1*.64 + 2*.09 + 2*.49) / 6 = 1.84 / 6
    assert brier(FOUR) == pytest.approx(1.84 / 6)


def test_murphy_s_parts_are_those_of_the_two_probabilities():
    # said .8 came .5, share 1/3; said .3 came .5, share 2/3; base rate .5
    parts = murphy_parts(FOUR)
    assert parts["reliability"] == pytest.approx(0.09 / 3 + 0.04 * 2 / 3)
    assert parts["resolution"] == pytest.approx(0)
    assert parts["uncertainty"] == pytest.approx(0.25)
    assert parts["within_bins"] == pytest.approx(0)


def test_the_log_loss_of_a_certain_error_is_finite():
    assert log_loss(forecasts([1.0, 0.5], [0, 1])) == pytest.approx(
        (-np.log(0.01) - np.log(0.5)) / 2
    )


def test_the_calibration_error_weighs_bins_by_their_weight():
    # |.5 - .8| / 3 + |.5 - .3| * 2 / 3
    assert calibration_error(FOUR) == pytest.approx(0.1 + 0.4 / 3)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0]), st.floats(0.1, 9)), min_size=1)
)
def test_the_parts_always_sum_to_the_score(rows):
    made = forecasts(*map(list, zip(*rows, strict=True)))
    parts = murphy_parts(made)
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    assert total + parts["within_bins"] == pytest.approx(brier(made), abs=1e-12)
    assert parts["reliability"] >= 0
    assert parts["resolution"] >= 0


@given(st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), min_size=1, max_size=60))
def test_equal_probabilities_share_a_bin_and_bins_keep_their_order(values):
    codes = quantile_bins(np.array(values), np.ones(len(values)), bins=4)
    by_value = {value: set(codes[np.array(values) == value]) for value in values}
    assert all(len(bins) == 1 for bins in by_value.values())
    assert sorted(by_value, key=lambda value: (min(by_value[value]), value)) == sorted(by_value)
    assert set(codes) == set(range(codes.max() + 1))


@pytest.mark.parametrize("count", [100, 300])
def test_a_perfect_forecaster_shows_a_raw_error_and_no_debiased_one(count):
    # Ten bins of n/10 outcomes: the mean of |N(0, p(1-p) / (n/10))| is sqrt(2/pi) of its spread,
    # .41 * .80 / sqrt(n/10), which is .10 at n = 100 and .06 at n = 300.
    worlds = [perfect(count, seed) for seed in range(60)]
    errors = [calibration_error(world) for world in worlds]
    debiased = [
        debiased_calibration_error(world, seed=3, resamples=2).value or 0.0 for world in worlds
    ]
    assert np.mean(errors) == pytest.approx(0.41 * 0.80 / (count / 10) ** 0.5, rel=0.1)
    assert abs(np.mean(debiased)) < 0.012


def test_the_debiased_error_of_a_judge_that_promises_too_much_is_near_its_excess():
    rng = np.random.default_rng(11)
    true = rng.uniform(0.2, 0.7, 4000)
    outcome = (rng.random(4000) < true).astype(float)
    made = forecasts((true + 0.2).tolist(), outcome.tolist())
    found = debiased_calibration_error(made, seed=1, resamples=60)
    assert found.value is not None
    assert found.lower is not None
    assert found.upper is not None
    assert found.value == pytest.approx(0.2, abs=0.03)
    assert 0.14 < found.lower < found.value < found.upper < 0.24


def test_the_bootstrap_draws_clusters_and_is_the_same_every_time():
    made = perfect(200, 1)
    twins = Forecasts(
        np.repeat(made.probability, 2),
        np.repeat(made.outcome, 2),
        np.repeat(made.weight, 2),
        [f"c{place // 2}" for place in range(400)],
    )
    alone, together = bootstrap(made, brier, seed=4), bootstrap(twins, brier, seed=4)
    assert (together.lower, together.upper) == pytest.approx((alone.lower, alone.upper))
    assert bootstrap(made, brier, seed=4) == alone


def test_bins_say_what_was_said_and_what_came():
    first, second = reliability_bins(FOUR)
    assert (first.said, first.came.value, first.items) == (pytest.approx(0.3), 0.5, 2)
    assert (second.said, second.share) == (pytest.approx(0.8), pytest.approx(1 / 3))
    assert first.came.lower is not None
    assert first.came.lower < 0.5
