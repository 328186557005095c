import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.review.agreement import (
    AgreementEstimate,
    cohens_kappa,
    gwets_ac1,
    krippendorffs_alpha,
    percent_agreement,
)

# Four observers, twelve units, with missing ratings: the example of Krippendorff, "Computing
# Krippendorff's Alpha-Reliability" (2011), section C, and of Gwet's handbook.
FOUR_OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
PUBLISHED = [
    tuple(None if rating == "." else rating for rating in unit)
    for unit in zip(*(row.split() for row in FOUR_OBSERVERS), strict=True)
]
# The same paper, section B: two observers, binary, no missing ratings.
TWO_OBSERVERS = list(zip("0100000000", "1110010010", strict=True))


def table(
    *, both_pass: int, first_only: int, second_only: int, both_fail: int
) -> list[tuple[str, str]]:
    return (
        [("pass", "pass")] * both_pass
        + [("pass", "fail")] * first_only
        + [("fail", "pass")] * second_only
        + [("fail", "fail")] * both_fail
    )


def test_percent_agreement_is_the_share_of_agreeing_pairs() -> None:
    # Task 1: 1 of 1 pair. Task 2: a-b, a-c, b-c: 1 of 3. Task 3 has one rating and no pair.
    ratings = [("pass", "pass", None), ("pass", "fail", "pass"), ("fail", None, None)]
    estimate = percent_agreement(ratings, purpose="test")
    assert estimate.value == pytest.approx((1 + 1 / 3) / 2)
    assert estimate.tasks == 2


def test_kappa_of_a_table_worked_by_hand() -> None:
    # po = 35/50 = .70; pe = .5 * .6 + .5 * .4 = .50; (.70 - .50) / .50
    ratings = table(both_pass=20, first_only=5, second_only=10, both_fail=15)
    assert cohens_kappa(ratings, purpose="test").value == pytest.approx(0.4)


def test_kappa_leaves_out_tasks_that_lack_an_annotator() -> None:
    ratings = table(both_pass=20, first_only=5, second_only=10, both_fail=15)
    estimate = cohens_kappa([*ratings, ("pass", None), (None, None)], purpose="test")
    assert estimate.value == pytest.approx(0.4)
    assert estimate.tasks == 50


def test_kappa_is_for_two_annotators() -> None:
    with pytest.raises(ValueError, match="exactly two"):
        cohens_kappa([("pass", "pass", "fail")], purpose="test")


def test_alpha_of_krippendorffs_binary_example() -> None:
    # 4 disagreements in 10 units; 6 ones and 14 zeros: 1 - (4/10) / (2*6*14 / (20*19)) = .0952
    assert krippendorffs_alpha(TWO_OBSERVERS, purpose="test").value == pytest.approx(
        1 - 0.4 / (2 * 6 * 14 / (20 * 19))
    )
    assert krippendorffs_alpha(TWO_OBSERVERS, purpose="test").value == pytest.approx(
        0.095, abs=5e-4
    )


def test_alpha_of_krippendorffs_example_with_missing_ratings() -> None:
    estimate = krippendorffs_alpha(PUBLISHED, purpose="test")
    assert estimate.value == pytest.approx(0.743, abs=5e-4)
    assert estimate.tasks == 11


def test_ac1_of_the_published_four_observers() -> None:
    # Gwet's handbook: AC1 = 0.7754 from agreement .8182 and chance .1903
    estimate = gwets_ac1(PUBLISHED, purpose="test", categories="12345")
    assert estimate.value == pytest.approx(0.77544, abs=5e-6)
    assert percent_agreement(PUBLISHED, purpose="test").value == pytest.approx(0.81818, abs=5e-6)


def test_ac1_withstands_the_prevalence_that_kappa_collapses_under() -> None:
    # po = .9; kappa: pe = .95^2 + .05^2 = .905, (.9-.905)/.095 = -.0526
    # ac1: pe = 2 * .95 * .05 = .095, (.9-.095)/.905 = .8895
    ratings = table(both_pass=90, first_only=5, second_only=5, both_fail=0)
    assert cohens_kappa(ratings, purpose="test").value == pytest.approx(-0.005 / 0.095)
    assert gwets_ac1(ratings, purpose="test").value == pytest.approx(0.805 / 0.905)


def test_without_variation_kappa_and_alpha_are_undefined_and_ac1_is_one() -> None:
    ratings = [("pass", "pass")] * 5
    assert cohens_kappa(ratings, purpose="test") == AgreementEstimate("kappa", None, None, None, 5)
    assert krippendorffs_alpha(ratings, purpose="test").value is None
    assert gwets_ac1(ratings, purpose="test").value == 1.0


@pytest.mark.parametrize("ratings", [[], [("pass", None)], [(None, None)]])
def test_without_a_task_rated_twice_everything_is_null(
    ratings: list[tuple[str | None, str | None]],
) -> None:
    for measure in (percent_agreement, cohens_kappa, krippendorffs_alpha, gwets_ac1):
        estimate = measure(ratings, purpose="test")
        assert (estimate.value, estimate.lower, estimate.upper, estimate.tasks) == (
            None, None, None, 0,
        )  # fmt: skip


def test_five_tasks_of_perfect_agreement_are_no_certainty() -> None:
    # Wilson at 5 of 5, z = 1.96: lower = n / (n + z^2) = 5 / 8.8415 = .5655; chance .5 with
    # pass and fail at 1/2 would give (.5655 - .5) / .5. Here AC1's prevalence is 3/5: chance .48.
    ratings = [("pass", "pass")] * 3 + [("fail", "fail")] * 2
    estimate = gwets_ac1(ratings, purpose="test")
    wilson = 5 / (5 + 1.959964**2)
    assert estimate.value == 1.0
    assert estimate.lower == pytest.approx((wilson - 0.48) / 0.52, abs=1e-6)
    assert estimate.upper == pytest.approx(1.0)


def test_the_interval_is_the_same_for_the_same_purpose_and_holds_the_value() -> None:
    first = krippendorffs_alpha(PUBLISHED, purpose="2026-11-16")
    assert first == krippendorffs_alpha(PUBLISHED, purpose="2026-11-16")
    assert first != krippendorffs_alpha(PUBLISHED, purpose="2026-11-23")
    assert first.lower < first.value < first.upper


def test_no_resamples_leave_the_interval_out() -> None:
    estimate = krippendorffs_alpha(PUBLISHED, purpose="test", resamples=0)
    assert (estimate.lower, estimate.upper) == (None, None)
    assert estimate.value == pytest.approx(0.743, abs=5e-4)


def test_the_bootstrap_interval_of_kappa_covers_the_truth() -> None:
    # Two raters, each right with .9 on labels that pass with .6. Population kappa:
    # po = .82; marginal = .6*.9 + .4*.1 = .58; pe = .58^2 + .42^2 = .5128; kappa = .6305.
    # 300 worlds of 100 tasks, seed 11: nominal .95; the simulation's own error is about .013.
    truth = (0.82 - 0.5128) / (1 - 0.5128)
    rng = np.random.default_rng(11)
    covered = 0
    for world in range(300):
        label = rng.random(100) < 0.6
        raters = [np.where(rng.random(100) < 0.9, label, ~label) for _ in range(2)]
        ratings = [
            tuple("pass" if vote else "fail" for vote in pair) for pair in zip(*raters, strict=True)
        ]
        estimate = cohens_kappa(ratings, purpose=str(world), resamples=400)
        covered += estimate.lower <= truth <= estimate.upper
    assert 0.90 <= covered / 300 <= 0.99


RATINGS = st.lists(
    st.tuples(*[st.sampled_from(["pass", "fail", None])] * 3), min_size=1, max_size=12
)


@settings(deadline=None)
@given(RATINGS, st.randoms(use_true_random=False))
def test_neither_the_order_of_tasks_nor_of_annotators_matters(ratings, shuffler) -> None:
    shuffled = [shuffler.sample(task, k=3) for task in ratings]
    shuffler.shuffle(shuffled)
    for measure in (percent_agreement, krippendorffs_alpha, gwets_ac1):
        straight = measure(ratings, purpose="test", resamples=0).value
        other = measure(shuffled, purpose="test", resamples=0).value
        assert (straight is None) == (other is None)
        assert straight is None or math.isclose(straight, other, abs_tol=1e-12)


@settings(deadline=None)
@given(RATINGS)
def test_no_measure_exceeds_one_or_is_not_a_number(ratings) -> None:
    for measure in (percent_agreement, krippendorffs_alpha, gwets_ac1):
        estimate = measure(ratings, purpose="test", resamples=50)
        for number in (estimate.value, estimate.lower, estimate.upper):
            assert number is None or number <= 1 + 1e-12
