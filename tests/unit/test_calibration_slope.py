"""A slope with errors in both variables, against its arithmetic and its promised interval."""

import numpy as np
import pytest

from eval_pipeline.statistics.calibration_slope import Stream, moments_of


def stream(x, y, noise) -> Stream:
    size = len(x)
    return Stream(range(size), np.array(x), np.array(y), np.full(size, float(noise)))


def test_without_errors_of_x_it_is_least_squares() -> None:
    # x - mean: -1, 0, 1; y - mean: -2, 1, 1: (2 + 0 + 1) / 2 = 1.5
    assert moments_of([stream([1.0, 2.0, 3.0], [0.0, 3.0, 3.0], 0.0)]).slope == pytest.approx(1.5)


def test_what_known_errors_put_into_x_is_taken_out() -> None:
    # 3 / (2 - 3 x .25 x (1 - 1/3)) = 3 / 1.5
    assert moments_of([stream([1.0, 2.0, 3.0], [0.0, 3.0, 3.0], 0.25)]).slope == pytest.approx(2.0)


def test_with_errors_alone_there_is_no_slope() -> None:
    moments = moments_of([stream([1.0, 2.0, 3.0], [0.0, 3.0, 3.0], 5.0)])
    assert (moments.slope, moments.interval(0.95)) == (None, None)


def test_levels_of_streams_do_not_bear_on_the_slope() -> None:
    one = stream([1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 2.5, 5.0], 0.01)
    moved = Stream(one.weeks, one.x + 7, one.y - 3, one.noise)
    both = moments_of([one, moved]).slope
    assert both == pytest.approx(moments_of([one]).slope)


def simulated(rng: np.random.Generator, *, weeks: int, slope: float) -> Stream:
    truth = rng.normal(0, 0.03, weeks)
    return stream(
        0.8 + truth + rng.normal(0, 0.02, weeks),
        0.7 + slope * truth + rng.normal(0, 0.01, weeks),
        0.02**2,
    )


def test_least_squares_is_attenuated_and_this_is_not() -> None:
    # The reliability is .03^2 / (.03^2 + .02^2) = .69: least squares sees .8 x .69 = .55.
    rng = np.random.default_rng(1)
    found, squares = [], []
    for _ in range(200):
        one = simulated(rng, weeks=60, slope=0.8)
        found.append(moments_of([one]).slope)
        squares.append(np.polyfit(one.x, one.y, 1)[0])
    assert np.mean(squares) == pytest.approx(0.55, abs=0.03)
    assert np.median(found) == pytest.approx(0.8, abs=0.04)


def test_its_interval_holds_the_slope_as_often_as_it_says() -> None:
    # 400 replicates of 30 weeks; 95 % within .92 and .98 but for 1 in 300 seeds.
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(400):
        bounds = moments_of([simulated(rng, weeks=30, slope=0.8)]).interval(0.95)
        inside += bounds is None or bounds[0] <= 0.8 <= bounds[1]
    assert 0.92 <= inside / 400 <= 0.98
