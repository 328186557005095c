import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval_pipeline.evaluation.paired_tests import (
    AugmentedMean,
    DiscordantPairs,
    augmented_mean,
    holm,
    paired_test,
    tango_statistic,
)


@pytest.mark.parametrize(("wins", "losses", "items"), [(9, 2, 40), (0, 5, 30), (17, 17, 100)])
def test_tango_at_zero_is_mcnemar(wins: int, losses: int, items: int) -> None:
    # wins less losses over the root of their number
    expected = (wins - losses) / math.sqrt(wins + losses)
    assert tango_statistic(wins, losses, items, 0.0) == pytest.approx(expected)


def test_tango_statistic_is_that_of_the_paper_s_lens_trial() -> None:
    # Tango (1998), crossover trial of soft lenses: 44 pairs, one discordant, margin .1: Z = 1.709
    assert tango_statistic(0, 1, 44, -0.1) == pytest.approx(1.709, abs=5e-4)


@pytest.mark.parametrize(
    ("pairs", "confidence", "lower", "upper"),
    [
        # Bentur et al. (2009), 1 and 7 discordant of 21, as published by Fagerland et al. (2014)
        (DiscordantPairs(1, 7, 21), 0.95, -0.517, -0.026),
        # R's PropCIs::scoreci.mp(25, 28, 618), 90 %, and (20, 60, 1000), 95 %
        (DiscordantPairs(28, 25, 618), 0.90, -0.0148, 0.0247),
        (DiscordantPairs(60, 20, 1000), 0.95, 0.0231, 0.0584),
    ],
)
def test_tango_intervals_are_the_published_ones(
    pairs: DiscordantPairs, confidence: float, lower: float, upper: float
) -> None:
    assert pairs.interval(confidence) == pytest.approx((lower, upper), abs=5e-4)


@given(
    st.integers(0, 30), st.integers(0, 30), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99])
)
def test_tango_interval_holds_the_estimate_and_mirrors_with_the_arms(
    wins: int, losses: int, ties: int, confidence: float
) -> None:
    items = wins + losses + ties
    lower, upper = DiscordantPairs(wins, losses, items).interval(confidence)
    assert -1 <= lower <= (wins - losses) / items <= upper <= 1
    mirrored = DiscordantPairs(losses, wins, items).interval(confidence)
    assert mirrored == pytest.approx((-upper, -lower), abs=1e-6)


def test_no_discordant_pair_is_no_proof_of_anything_with_thirty_items() -> None:
    # q = .05, T = sqrt(30 x .05 / .95) = 1.2566, p = .1045: a naive variance of 0 would pass it
    assert DiscordantPairs(0, 0, 30).p_above(-0.05) == pytest.approx(0.1045, abs=5e-4)
    assert DiscordantPairs(0, 0, 30).p_below(0.0) == pytest.approx(0.5)


def exact_size(items: int, margin: float, discordance: float, *, alpha: float = 0.05) -> float:
    """P(non-inferiority declared) when the truth is exactly -margin, over all outcomes."""
    wins, losses = np.meshgrid(np.arange(items + 1), np.arange(items + 1), indexing="ij")
    possible = wins + losses <= items
    wins, losses = wins[possible], losses[possible]
    win_rate, loss_rate = discordance / 2, margin + discordance / 2
    chances = stats.multinomial.pmf(
        np.stack([wins, losses, items - wins - losses], axis=1),
        items,
        [win_rate, loss_rate, 1 - win_rate - loss_rate],
    )
    likely = chances > 1e-7
    declared = [
        DiscordantPairs(int(w), int(lost), items).p_above(-margin) <= alpha
        for w, lost in zip(wins[likely], losses[likely], strict=True)
    ]
    return float(chances[likely] @ np.array(declared))


@pytest.mark.parametrize("items", [30, 50, 100, 200])
@pytest.mark.parametrize("margin", [0.03, 0.05, 0.10])
def test_tango_declares_a_loss_of_the_whole_margin_harmless_in_at_most_six_percent(
    items: int, margin: float
) -> None:
    # exact enumeration; outcomes rarer than 1e-7 are left out, together below .003
    worst = max(exact_size(items, margin, discordance) for discordance in (0.0, 0.02, 0.05, 0.10))
    assert worst <= 0.06


@pytest.mark.parametrize(
    ("items", "margin", "discordance", "size"),
    [
        (30, 0.05, 0.10, 0.033),
        (50, 0.05, 0.02, 0.021),
        (100, 0.05, 0.02, 0.035),
        (100, 0.10, 0.10, 0.049),
        (200, 0.03, 0.0, 0.059),
    ],
)
def test_tango_sizes_are_those_of_the_method_of_record(
    items: int, margin: float, discordance: float, size: float
) -> None:
    assert exact_size(items, margin, discordance) == pytest.approx(size, abs=6e-4)


def brute_force_cr2(values: np.ndarray, codes: np.ndarray) -> float:
    """Bell and McCaffrey's CR2 of an intercept with (I - H)^(-1/2) by eigenvalues."""
    size = values.size
    design = np.ones((size, 1))
    bread = np.linalg.inv(design.T @ design)
    residuals = values - values.mean()
    meat = 0.0
    for code in np.unique(codes):
        rows = codes == code
        block = np.eye(rows.sum()) - design[rows] @ bread @ design[rows].T
        roots, vectors = np.linalg.eigh(block)
        inverse_root = vectors @ np.diag(roots**-0.5) @ vectors.T
        meat += float((design[rows].T @ inverse_root @ residuals[rows])[0]) ** 2
    return float(bread[0, 0] * meat * bread[0, 0])


def test_the_closed_form_variance_is_brute_force_cr2_of_the_augmented_data() -> None:
    generator = np.random.default_rng(7)
    for _ in range(20):
        codes = generator.integers(0, 12, size=60)
        values = generator.choice([-1.0, -0.5, 0.0, 0.0, 0.5, 1.0], size=60)
        ours = augmented_mean(values, clusters=codes)
        augmented = np.concatenate([values, [1.0, -1.0]])
        expected = brute_force_cr2(augmented, np.concatenate([codes, [98, 99]]))
        assert ours.standard_error**2 == pytest.approx(expected, rel=1e-9)
        assert ours.centre == pytest.approx(augmented.mean())


def test_degrees_of_freedom_are_kish_s_clusters_less_one() -> None:
    # clusters of 3, 2 and 1 and two pseudo-clusters: 8^2 / (9 + 4 + 1 + 1 + 1) - 1 = 3
    tested = augmented_mean(np.zeros(6), clusters=np.array([0, 0, 0, 1, 1, 2]))
    assert tested.degrees == pytest.approx(3.0)
    # without the pseudo-clusters: 6^2 / (9 + 4 + 1)
    assert tested.effective_items == pytest.approx(36 / 14)


def test_differences_that_never_vary_still_have_a_variance() -> None:
    # 0 twenty times and +1, -1: V = (1 + 1) / (1 - 1/22) / 22^2
    tested = augmented_mean(np.zeros(20))
    assert tested.standard_error**2 == pytest.approx(2 / (21 / 22) / 22**2)


def test_equal_weights_change_nothing() -> None:
    values = np.array([1.0, 0.0, -1.0, 0.0, 0.5, 0.0])
    plain, weighted = augmented_mean(values), augmented_mean(values, weights=np.full(6, 3.0))
    assert weighted.centre == pytest.approx(plain.centre)
    assert weighted.standard_error == pytest.approx(plain.standard_error)


def test_the_score_test_is_kept_for_binary_pairs_that_stand_alone() -> None:
    values = np.array([1.0, 0.0, -1.0])
    alone, together = np.array([1, 2, 3]), np.array([1, 1, 2])
    assert isinstance(paired_test(values, binary=True, clusters=alone), DiscordantPairs)
    assert isinstance(paired_test(values, binary=True, clusters=together), AugmentedMean)
    assert isinstance(paired_test(values, binary=False, clusters=alone), AugmentedMean)
    weighted = paired_test(values, binary=True, clusters=alone, weights=np.ones(3))
    assert isinstance(weighted, AugmentedMean)


def test_clustered_size_stays_near_nominal_where_pretending_independence_doubles_it() -> None:
    # 30 conversations of 4 items that share their fate, truth exactly -.05; seed 11, 2,000 runs,
    # Monte Carlo standard error of .05 is .005
    generator = np.random.default_rng(11)
    codes = np.repeat(np.arange(30), 4)
    declared = naive = 0
    for _ in range(2000):
        fates = generator.choice([-1.0, 0.0, 1.0], size=30, p=[0.20, 0.65, 0.15])
        values = fates[codes]
        declared += augmented_mean(values, clusters=codes).p_above(-0.05) <= 0.05
        naive += augmented_mean(values).p_above(-0.05) <= 0.05
    assert declared / 2000 <= 0.07
    assert naive / 2000 >= 0.12


def test_holm_steps_down_and_never_falls() -> None:
    # sorted .01 .02 .04: 3 x .01, 2 x .02, 1 x .04, each at least its predecessor
    assert holm({"b": 0.02, "a": 0.01, "c": 0.04}) == pytest.approx(
        {"a": 0.03, "b": 0.04, "c": 0.04}
    )


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8))
def test_holm_never_makes_a_p_value_smaller(p_values: dict[str, float]) -> None:
    adjusted = holm(p_values)
    assert all(p_values[name] <= adjusted[name] <= 1 for name in p_values)
