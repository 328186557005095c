import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.review.agreement import (
    cohens_kappa,
    fleiss_kappa,
    gwets_ac1,
    krippendorffs_alpha,
    percent_agreement,
    weighted_percent,
)
from eval_pipeline.review.agreement_intervals import AgreementEstimate

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
# Fleiss, "Measuring nominal scale agreement among many raters" (1971), table 1: thirty patients,
# six psychiatrists each, five diagnoses.
DIAGNOSES = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
# The worked example that textbooks give after him: ten subjects, fourteen raters, five categories.
FOURTEEN_RATERS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip


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


def rated(counts: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
    return [
        tuple(str(category) for category, count in enumerate(row) for _ in range(count))
        for row in counts
    ]


def test_fleiss_kappa_of_his_own_table() -> None:
    # Fleiss 1971: agreement .556, chance .220, kappa .430
    counts = [[int(digit) for digit in row] for row in DIAGNOSES.split()]
    estimate = fleiss_kappa(rated(counts), purpose="test")
    assert estimate.value == pytest.approx(0.430, abs=5e-4)
    assert estimate.tasks == 30


def test_fleiss_kappa_of_fourteen_raters() -> None:
    # agreement .378, chance .213: (.378 - .213) / (1 - .213) = .210
    assert fleiss_kappa(rated(FOURTEEN_RATERS), purpose="test").value == pytest.approx(
        0.210, abs=5e-4
    )


def test_fleiss_kappa_with_missing_ratings_is_gwets_generalisation() -> None:
    # Gwet's handbook, the four observers: agreement .81818, chance .23872, kappa .76117
    assert fleiss_kappa(PUBLISHED, purpose="test").value == pytest.approx(0.76117, abs=5e-6)


def test_fleiss_kappa_of_two_raters_is_scotts_pi() -> None:
    # po = .70; passes 25 + 30 of 100: .55^2 + .45^2 = .505; (.70 - .505) / .495
    ratings = table(both_pass=20, first_only=5, second_only=10, both_fail=15)
    assert fleiss_kappa(ratings, purpose="test").value == pytest.approx(0.195 / 0.495)


def test_each_task_weighs_one_over_its_chance_to_be_asked() -> None:
    # An agreement asked with chance .1 and a disagreement with .5: 10 / (10 + 2)
    estimate = weighted_percent([("pass", "pass"), ("pass", "fail"), ("fail", None)], [10, 2, 7])
    assert estimate.value == pytest.approx(10 / 12)
    assert estimate.tasks == 2


def test_the_ceilings_interval_is_wilsons_at_kishs_count() -> None:
    # Weights 10, 10, 2, 2: 24^2 / 208 = 2.769 tasks; Wilson of 1 there: 2.769 / (2.769 + 3.8415)
    estimate = weighted_percent([("pass", "pass")] * 4, [10, 10, 2, 2])
    count = 24**2 / 208
    assert estimate.lower == pytest.approx(count / (count + 1.959964**2), abs=1e-6)
    assert estimate.upper == pytest.approx(1.0)


def test_tasks_of_one_conversation_are_one_observation() -> None:
    # Twenty agreements of two conversations: Wilson at 2, not at 20
    ratings = [("pass", "pass")] * 10 + [("fail", "fail")] * 10
    clusters = ["a"] * 10 + ["b"] * 10
    for estimate in (
        weighted_percent(ratings, [1] * 20, clusters=clusters),
        percent_agreement(ratings, purpose="test", clusters=clusters),
    ):
        assert estimate.lower == pytest.approx(2 / (2 + 1.959964**2), abs=1e-6)


def test_the_bootstrap_draws_conversations_and_not_tasks() -> None:
    # Five conversations of eight equal tasks: an interval of five, not of forty
    ratings = table(both_pass=16, first_only=8, second_only=8, both_fail=8)
    clusters = [str(place // 8) for place in range(40)]
    for measure in (percent_agreement, krippendorffs_alpha, fleiss_kappa, gwets_ac1, cohens_kappa):
        alone = measure(ratings, purpose="test")
        together = measure(ratings, purpose="test", clusters=clusters)
        assert together.value == alone.value
        assert together.upper - together.lower > 1.5 * (alone.upper - alone.lower)


def test_a_conversation_each_is_the_same_as_none_named() -> None:
    names = [f"c{place}" for place in range(len(PUBLISHED))]
    assert krippendorffs_alpha(PUBLISHED, purpose="t", clusters=names) == krippendorffs_alpha(
        PUBLISHED, purpose="t"
    )


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


def pair_of(label: bool, *, accuracy: float, rng: np.random.Generator) -> tuple[str, str]:
    votes = [label if rng.random() < accuracy else not label for _ in range(2)]
    return tuple("pass" if vote else "fail" for vote in votes)


@pytest.mark.slow
def test_the_intervals_cover_the_truth_where_conversations_share_their_difficulty() -> None:
    # Conversations of one to three tasks; in three of ten each rater is right with .6, else .95;
    # labels pass with .7. Agreement: .3 * (.36 + .16) + .7 * (.9025 + .0025) = .7895. A vote
    # passes with .7 * .845 + .3 * .155 = .638: chance .638^2 + .362^2 = .53809.
    # 300 worlds of 40 conversations, seed 5: nominal .95, the simulation's own error .013.
    agreement, votes = 0.7895, 0.638
    by_chance = votes**2 + (1 - votes) ** 2
    corrected = (agreement - by_chance) / (1 - by_chance)
    ac1 = (agreement - 2 * votes * (1 - votes)) / (1 - 2 * votes * (1 - votes))
    truths = {
        percent_agreement: agreement,
        cohens_kappa: corrected,
        fleiss_kappa: corrected,
        krippendorffs_alpha: corrected,
        gwets_ac1: ac1,
    }
    rng = np.random.default_rng(5)
    covered = dict.fromkeys(truths, 0)
    for world in range(300):
        ratings, clusters = [], []
        for conversation in range(40):
            accuracy = 0.6 if rng.random() < 0.3 else 0.95
            for _ in range(rng.integers(1, 4)):
                ratings.append(pair_of(rng.random() < 0.7, accuracy=accuracy, rng=rng))
                clusters.append(str(conversation))
        for measure, truth in truths.items():
            estimate = measure(ratings, purpose=str(world), clusters=clusters, resamples=300)
            covered[measure] += estimate.lower <= truth <= estimate.upper
    assert all(0.90 <= count / 300 <= 0.99 for count in covered.values()), covered


@pytest.mark.slow
def test_the_ceiling_is_unbiased_where_raw_agreement_of_the_queue_is_ten_points_low() -> None:
    # 300 judged, one in five disputed; people agree on .6 of those and .93 of the rest: .864 of
    # all. Asked: 24 at random, 16 of the disputes. 400 weeks, seed 3. Kish's count errs to the safe
    # side, so the interval covers more than its .95.
    truth = 0.8 * 0.93 + 0.2 * 0.6
    rng = np.random.default_rng(3)
    covered, ceilings, raw = 0, [], []
    for _ in range(400):
        audited = set(rng.choice(300, 24, replace=False).tolist())
        queued = set(rng.choice(60, 16, replace=False).tolist())
        ratings, weights = [], []
        for place in sorted(audited | queued):
            disputed = place < 60
            agree = rng.random() < (0.6 if disputed else 0.93)
            ratings.append(("pass", "pass" if agree else "fail"))
            chance = 1 - (1 - 24 / 300) * (1 - 16 / 60) if disputed else 24 / 300
            weights.append(1 / chance)
        estimate = weighted_percent(ratings, weights)
        covered += estimate.lower <= truth <= estimate.upper
        ceilings.append(estimate.value)
        raw.append(np.mean([first == second for first, second in ratings]))
    assert np.mean(ceilings) == pytest.approx(truth, abs=0.01)
    assert np.mean(raw) < truth - 0.08
    assert covered / 400 >= 0.94


RATINGS = st.lists(
    st.tuples(*[st.sampled_from(["pass", "fail", None])] * 3), min_size=1, max_size=12
)


UNPAIRED = (percent_agreement, krippendorffs_alpha, fleiss_kappa, gwets_ac1)


def same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-12)


@settings(deadline=None)
@given(RATINGS, st.randoms(use_true_random=False))
def test_neither_the_order_of_tasks_nor_of_annotators_matters(ratings, shuffler) -> None:
    shuffled = [shuffler.sample(task, k=3) for task in ratings]
    shuffler.shuffle(shuffled)
    for measure in UNPAIRED:
        straight = measure(ratings, purpose="test", resamples=0)
        assert same(straight.value, measure(shuffled, purpose="test", resamples=0).value)


@settings(deadline=None)
@given(RATINGS)
def test_the_names_of_the_labels_do_not_matter(ratings) -> None:
    turned = {"pass": "fail", "fail": "pass", None: None}
    other = [tuple(turned[rating] for rating in task) for task in ratings]
    for measure in UNPAIRED:
        straight = measure(ratings, purpose="test", resamples=0)
        assert same(straight.value, measure(other, purpose="test", resamples=0).value)
    pairs, turned_pairs = ([task[:2] for task in tasks] for tasks in (ratings, other))
    kappa = cohens_kappa(pairs, purpose="test", resamples=0)
    assert same(kappa.value, cohens_kappa(turned_pairs, purpose="test", resamples=0).value)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["pass", "fail"]), min_size=2, max_size=12))
def test_where_everybody_agrees_every_defined_measure_is_one(labels) -> None:
    ratings = [(label, label) for label in labels]
    for measure in (*UNPAIRED, cohens_kappa):
        assert measure(ratings, purpose="test", resamples=0).value in (None, pytest.approx(1))


@settings(deadline=None)
@given(RATINGS)
def test_every_number_is_between_its_bounds(ratings) -> None:
    for measure in UNPAIRED:
        estimate = measure(ratings, purpose="test", resamples=50)
        for number in (estimate.value, estimate.lower, estimate.upper):
            assert number is None or number <= 1 + 1e-12
    for estimate in (
        percent_agreement(ratings, purpose="test", resamples=50),
        weighted_percent(ratings, range(1, len(ratings) + 1)),
    ):
        if estimate.value is not None:
            assert -1e-12 <= estimate.lower <= estimate.value + 1e-12
            assert estimate.value <= estimate.upper + 1e-12 <= 1 + 2e-12
