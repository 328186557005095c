"""Means of what people would say, from scores of all items and labels of a few."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.statistics.heterogeneity import between_variance
from eval_pipeline.statistics.label_strata import TwoPhaseSample
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.statistics.two_phase import two_phase_mean
from eval_pipeline.statistics.two_phase_rate import mover_wilson

NO = float("nan")


def sample(scores, labels, strata, *, step=0.5, **more):
    return TwoPhaseSample(
        np.array(scores, float), np.array(labels, float), np.array(strata), step, **more
    )


SMALL = sample([1, 1, 1, 1, 0, 0], [1, 0, NO, NO, 0, 1], [0, 0, 0, 0, 1, 1])


def test_the_rectifier_is_each_stratum_s_mean_of_label_minus_score_by_its_share():
    found = two_phase_mean(SMALL)
    # Scores: 4/6. Stratum 0 (share 4/6): residuals 0, -1, mean -1/2. Stratum 1: 0, 1, mean 1/2.
    assert found.score_mean == pytest.approx(4 / 6)
    assert found.rectifier == pytest.approx(4 / 6 * -0.5 + 2 / 6 * 0.5)
    assert found.value == pytest.approx(4 / 6 * 0.5 + 2 / 6 * 0.5)
    assert found.labels == 4


def test_its_variance_has_a_part_for_each_phase():
    found = two_phase_mean(SMALL)
    # Second phase, stratum 0 alone (stratum 1 is a census): SS = 1/4 + 1/4, with two
    # pseudo-residuals of 1/2 SS = 1; s2 = 1 / (2 + 1); W2 (1 - 2/4) s2 / 2.
    assert found.rectifier_variance == pytest.approx((4 / 6) ** 2 * 0.5 * (1 / 3) / 2)
    # First: labels' variance inside strata 1/4 * 2/(2 - 1) = 1/2 each, between them 0; over 6.
    assert found.first_variance == pytest.approx(0.5 / 6)
    assert found.variance == pytest.approx(found.first_variance + found.rectifier_variance)
    # Scores: 4/6 * 2/6 over 6.
    assert found.score_variance == pytest.approx(8 / 36 / 6)
    assert found.added_variance == pytest.approx(found.rectifier_variance + 0.5 / 6 - 8 / 36 / 6)


def test_a_census_has_no_second_phase_and_gives_the_labels_mean():
    found = two_phase_mean(sample([1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 0, 0]))
    assert found.value == pytest.approx(3 / 4)
    assert found.rectifier_variance == 0


def test_of_a_stratum_without_a_label_scores_stand_and_nothing_is_sure():
    found = two_phase_mean(sample([1, 1, 1, 0], [1, 0, NO, NO], [0, 0, 0, 1]))
    # Stratum 0: (3/4)(1/2 - 1); stratum 1: no correction, and half the range as its error.
    assert found.rectifier == pytest.approx(3 / 4 * -0.5)
    seen = (3 / 4) ** 2 * (1 / 3) * (1 / 3) / 2
    assert found.rectifier_variance == pytest.approx(seen + (1 / 4 * 0.5) ** 2)
    rate, lower, upper = mover_wilson(
        sample([1] * 30 + [0] * 10, [1, 0] * 15 + [NO] * 10, [0] * 30 + [1] * 10), confidence=0.95
    )
    assert rate == pytest.approx(3 / 4 * 0.5)
    assert upper - rate > 1 / 4 > rate - lower


def test_labels_of_one_conversation_are_one_draw():
    scores, labels = [1.0] * 40, [1, 1, 0, 0] * 5 + [NO] * 20
    alone = two_phase_mean(sample(scores, labels, [0] * 40))
    pairs = np.repeat(np.arange(20), 2)
    together = two_phase_mean(sample(scores, labels, [0] * 40, clusters=pairs))
    # Residuals come in equal pairs: sums of two square to twice as much; pseudo-residuals stay.
    pseudo = 0.5 * 2 * (0.5 / 20) ** 2 * 20 / 21
    assert together.value == alone.value
    assert together.rectifier_variance - pseudo == pytest.approx(
        2 * (alone.rectifier_variance - pseudo)
    )


def test_scores_are_weighed_by_what_they_earned_only_where_a_hundred_labels_say_so():
    scores = [0.0, 1.0] * 100
    noise = [0.0, 0.0, 1.0, 1.0] * 50  # uncorrelated with the scores
    few = [value if place < 99 else NO for place, value in enumerate(noise)]
    assert two_phase_mean(sample(scores, few, [0] * 200), tuned=True).strata[0].tuning == 1
    found = two_phase_mean(sample(scores, noise, [0] * 200), tuned=True)
    assert found.strata[0].tuning == pytest.approx(0, abs=1e-12)
    assert found.value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("seed", "items", "labelled", "value", "lower", "upper"),
    [
        # ppi_py 0.2.3: ppi_mean_pointestimate and ppi_mean_ci(alpha=0.05), lam=1, a simple random
        # sample of 4,000 scores that are right in 85 %, of which the first are labelled.
        (5, 4000, 400, 0.78125, 0.74321491, 0.81928509),
    ],
)
def test_on_a_simple_random_sample_it_is_what_ppi_py_says(
    seed, items, labelled, value, lower, upper
):
    rng = np.random.default_rng(seed)
    truth = (rng.random(items) < 0.8).astype(float)
    scores = np.where(rng.random(items) < 0.85, truth, 1 - truth)
    labels = np.where(np.arange(items) < labelled, truth, NO)
    found = two_phase_mean(sample(scores, labels, np.zeros(items, int)))
    assert found.value == pytest.approx(value)
    # ppi_py takes the labelled items for others than the scored ones, so its interval is wider.
    ours = found.interval(0.95)
    assert lower < ours[0] < value < ours[1] < upper
    assert ours[1] - ours[0] == pytest.approx(upper - lower, rel=0.06)


def test_over_every_draw_of_labels_it_is_unbiased_and_is_the_weighted_sum_of_ratios():
    truth, scores = [1, 0, 1, 1, 0, 1], [1, 1, 1, 0, 0, 1]
    strata = np.array([0, 0, 0, 0, 0, 0])
    values = []
    for drawn in itertools.combinations(range(6), 3):
        labels = [truth[place] if place in drawn else NO for place in range(6)]
        value = two_phase_mean(sample(scores, labels, strata)).value
        # Horvitz and Thompson: mean score plus 1/N times residuals over their probability 1/2.
        by_hand = sum(scores) / 6 + sum((truth[at] - scores[at]) / 0.5 for at in drawn) / 6
        assert value == pytest.approx(by_hand)
        values.append(value)
    assert np.mean(values) == pytest.approx(4 / 6)


def test_mover_wilson_is_wilson_s_where_one_stratum_was_labelled_of_very_many_items():
    labels = [1.0] * 45 + [0.0] * 5 + [NO] * 1_000_000
    rate, lower, upper = mover_wilson(
        sample([1.0] * 1_000_050, labels, np.zeros(1_000_050, int)), confidence=0.95
    )
    assert rate == pytest.approx(0.9)
    assert (lower, upper) == pytest.approx(wilson(0.9, 50, confidence=0.95), abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=30), st.integers(2, 4))
def test_a_rate_stays_inside_its_interval_and_that_between_0_and_1(labels, strata):
    places = np.arange(3 * len(labels)) % strata
    said = np.concatenate([labels, np.full(2 * len(labels), NO)])
    rate, lower, upper = mover_wilson(sample(np.ones(said.size), said, places), confidence=0.95)
    assert 0 <= lower <= rate <= upper <= 1
    assert upper - lower > 0


def test_variance_between_groups_is_dersimonian_and_laird_s():
    # w = 100, 50; mean = (0 * 100 + .3 * 50) / 150 = .1; Q = 100 * .01 + 50 * .04 = 3
    # scale = 150 - 12500 / 150 = 66.67; (3 - 1) / 66.67
    assert between_variance([0.0, 0.3], [0.01, 0.02]) == pytest.approx(2 / (150 - 12500 / 150))
    assert between_variance([0.1, 0.1], [0.01, 0.02]) == 0
    assert between_variance([0.1], [0.01]) == 0
    assert math.isfinite(between_variance([], []))
