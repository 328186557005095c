"""A stream's next value: the t interval where errors have no size, wider while little is known."""

import numpy as np
import pytest
import scipy

from eval_pipeline.statistics.predictive import Predictive, Values, predict_next

RNG_SEED = 20261122


def stream(values, errors) -> Values:
    return Values(np.array(values, dtype=float), np.diag(np.array(errors, dtype=float)))


def test_the_interval_is_that_of_the_t_distribution() -> None:
    # t(.975, 4) = 2.7764; .5 -/+ 2.7764 x .01
    lower, upper = Predictive(0.5, 0.01, 4.0, 0.0).interval(0.95)
    assert (lower, upper) == pytest.approx((0.472236, 0.527764), abs=1e-6)


def test_without_known_errors_it_is_nearly_the_t_interval_of_one_further_value() -> None:
    values = np.array([0.70, 0.74, 0.71, 0.69, 0.75, 0.72, 0.73, 0.70, 0.71, 0.74, 0.72, 0.70])
    found = predict_next(
        stream(values, [1e-8] * 12), error=1e-8, shared=np.zeros(12), confidence=0.95
    )
    half = scipy.stats.t.ppf(0.975, 11) * values.std(ddof=1) * np.sqrt(1 + 1 / 12)
    lower, upper = found.interval(0.95)
    assert found.location == pytest.approx(values.mean(), abs=1e-6)
    assert (upper - lower) / 2 == pytest.approx(half, rel=0.08)


def test_a_shorter_history_gives_a_wider_interval() -> None:
    values = [0.70, 0.74] * 8
    widths = []
    for size in (3, 6, 16):
        own = stream(values[:size], [1e-4] * size)
        found = predict_next(own, error=1e-4, shared=np.zeros(size), confidence=0.95)
        lower, upper = found.interval(0.95)
        widths.append(upper - lower)
    assert widths[0] > widths[1] > widths[2]


def test_an_error_that_stays_is_predicted_to_stay() -> None:
    # All errors share all but a little: the last deviation says what the next one will be.
    size = 12
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    covariance = 4e-4 * 0.95**distance
    values = np.concatenate([np.full(size - 3, 0.70), np.full(3, 0.74)])
    found = predict_next(
        Values(values, covariance),
        error=4e-4,
        shared=4e-4 * 0.95 ** np.arange(size, 0, -1.0),
        confidence=0.95,
    )
    alone = predict_next(
        stream(values, [4e-4] * size), error=4e-4, shared=np.zeros(size), confidence=0.95
    )
    assert found.location > alone.location + 0.01


@pytest.mark.parametrize(("weeks", "noise"), [(8, 0.02), (15, 0.01), (30, 0.03)])
def test_intervals_hold_the_next_value_about_as_often_as_they_say(weeks, noise) -> None:
    # 400 replicates: a coverage of .95 is within .925 and .985 but for 1 in 100 seeds.
    rng = np.random.default_rng(RNG_SEED)
    inside = 0
    for _ in range(400):
        errors = rng.uniform(0.008, 0.02, weeks + 1) ** 2
        values = 0.7 + rng.normal(0, np.sqrt(noise**2 + errors))
        found = predict_next(
            stream(values[:-1], errors[:-1]),
            error=float(errors[-1]),
            shared=np.zeros(weeks),
            confidence=0.95,
        )
        lower, upper = found.interval(0.95)
        inside += lower <= values[-1] <= upper
    assert 0.925 <= inside / 400 <= 0.985


def test_other_streams_sharpen_what_is_known_of_the_noise() -> None:
    quiet = [stream([0.6, 0.6, 0.61, 0.6, 0.6, 0.61, 0.6, 0.6], [1e-4] * 8)] * 3
    own = stream([0.70, 0.73, 0.71, 0.69], [1e-4] * 4)
    widths = [
        predict_next(own, error=1e-4, shared=np.zeros(4), others=others, confidence=0.95).scale
        for others in ([], quiet)
    ]
    assert widths[1] < widths[0]
