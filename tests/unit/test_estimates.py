import math

import pytest

from eval_pipeline.evaluation.estimates import (
    kish_effective_items,
    rate,
    weighted_mean,
    wilson_interval,
)


def test_wilson_interval_of_eight_in_ten() -> None:
    # Newcombe (1998): 8/10 at 95 % gives .4902 to .9433
    found = rate(8, 10, confidence=0.95)
    assert (found.lower, found.upper) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_interval_of_no_success_is_not_empty() -> None:
    # z^2 / (n + z^2) = 3.8415 / 33.8415
    assert wilson_interval(0.0, 30, confidence=0.95) == pytest.approx((0.0, 0.11351), abs=1e-4)


def test_each_item_weighs_its_design_weight() -> None:
    # (1 x 2 + 0 x 4) / (2 + 4)
    assert weighted_mean([1, 0], weights=[2, 4], confidence=0.95).mean == pytest.approx(2 / 6)


def test_kish_counts_what_the_weights_leave() -> None:
    # the square of 1 + 1 + 2 over the squares 1 + 1 + 4
    assert kish_effective_items([1, 1, 2]) == pytest.approx(16 / 6)


def test_without_weights_and_clusters_it_is_the_ordinary_t_interval() -> None:
    # mean .5, sd .5345, se .1890, t(7, .975) = 2.3646: .5 -+ .4469
    found = weighted_mean([0, 1, 0, 1, 0, 1, 0, 1], confidence=0.95)
    assert (found.lower, found.upper) == pytest.approx((0.0531, 0.9469), abs=1e-4)
    assert found.items == found.clusters == 8


def test_items_of_one_cluster_count_once() -> None:
    # four clusters of two equal values: the same as four values
    doubled = weighted_mean(
        [0, 0, 1, 1, 0, 0, 1, 1], clusters=["a", "a", "b", "b", "c", "c", "d", "d"], confidence=0.9
    )
    single = weighted_mean([0, 1, 0, 1], confidence=0.9)
    assert (doubled.lower, doubled.upper) == pytest.approx((single.lower, single.upper))
    assert doubled.effective_items == pytest.approx(4)


def test_one_cluster_says_nothing_of_its_own_uncertainty() -> None:
    found = weighted_mean([1, 0], clusters=["a", "a"], confidence=0.95)
    assert (found.lower, found.upper) == (-math.inf, math.inf)
