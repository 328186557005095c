import numpy as np
import pytest

from eval_pipeline.statistics.regression import slope_within

ONE = np.zeros(6, dtype=np.int64)
ALONE = np.arange(6)


def test_the_slope_of_a_binary_regressor_is_the_difference_of_means():
    # means 3 and 1; CR2 of a two-group regression is Welch's: s1^2/n1 + s2^2/n2 with n-1
    values = np.array([2.0, 3.0, 4.0, 0.0, 1.0, 2.0])
    own = np.array([1.0, 1, 1, 0, 0, 0])
    slope = slope_within(values, own, strata=ONE, weights=np.ones(6), clusters=ALONE)
    assert slope is not None
    assert slope.value == pytest.approx(2.0)
    assert slope.standard_error == pytest.approx((1 / 3 + 1 / 3) ** 0.5)
    # Welch-Satterthwaite for equal spreads of 3 and 3: 4
    assert slope.degrees == pytest.approx(4.0)


def test_a_stratum_in_which_nothing_varies_bears_on_nothing():
    values = np.array([2.0, 3.0, 4.0, 0.0, 1.0, 2.0, 50.0, -70.0])
    own = np.array([1.0, 1, 1, 0, 0, 0, 1, 1])
    strata = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    slope = slope_within(values, own, strata=strata, weights=np.ones(8), clusters=np.arange(8))
    assert slope is not None
    assert slope.value == pytest.approx(2.0)
    assert slope.standard_error == pytest.approx((2 / 3) ** 0.5)


def test_a_heavier_row_pulls_more():
    # group means: (2*3 + 4*1)/4 = 2.5 and 1
    slope = slope_within(
        np.array([2.0, 4.0, 1.0, 1.0]),
        np.array([1.0, 1, 0, 0]),
        strata=np.zeros(4, dtype=np.int64),
        weights=np.array([3.0, 1, 1, 1]),
        clusters=np.arange(4),
    )
    assert slope is not None
    assert slope.value == pytest.approx(1.5)


def test_a_slope_that_cannot_be_told_is_none():
    same = np.ones(6)
    assert slope_within(same, same, strata=ONE, weights=same, clusters=ALONE) is None
    two = np.array([0, 0, 0, 1, 1, 1])
    own = np.array([1.0, 0, 1, 0, 1, 0])
    assert slope_within(own, own, strata=ONE, weights=same, clusters=two) is None
