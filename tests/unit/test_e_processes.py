"""E-processes by hand, their limits, and that no order of equal items changes what they end at."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.e_processes import (
    BETS,
    Steps,
    log_harm,
    log_noninferior,
    weigh,
)

DIFFERENCES = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=60)


def plain(differences: list[float]) -> Steps:
    gain = np.asarray(differences, dtype=np.float64)
    return Steps(gain, np.ones_like(gain))


def read(
    differences: list[float], *, margin: float = 0.1, alpha: float = 0.05, hypotheses: int = 2
):
    steps = plain(differences)
    return weigh(
        steps, blocking=steps, margin=margin, block_fraction=0.5, alpha=alpha, hypotheses=hypotheses
    )


def test_noninferiority_is_the_mean_over_bets_of_the_products():
    # A tie and a loss with a margin of .1: (1 + .1 b) (1 - .9 b), over b = .1, .25, .5, .8:
    # 1.01 * .91 = .9191; 1.025 * .775 = .794375; 1.05 * .55 = .5775; 1.08 * .28 = .3024
    expected = (0.9191 + 0.794375 + 0.5775 + 0.3024) / 4
    assert math.exp(log_noninferior(plain([0.0, -1.0]), margin=0.1)[-1]) == pytest.approx(expected)


def test_harm_bets_against_what_the_block_fraction_accepts():
    # A loss, accepted .05: payoff 1 - .05 = .95 at b / 1.05: 1 + .95 b / 1.05.
    expected = np.mean([1 + 0.95 * bet / 1.05 for bet in BETS])
    assert math.exp(log_harm(plain([-1.0]), accepted=0.05)[-1]) == pytest.approx(expected)
    # With a fraction of 0 it is the product of 1 - b d of the methods.
    assert math.exp(log_harm(plain([-1.0]), accepted=0.0)[-1]) == pytest.approx(1 + np.mean(BETS))


@given(DIFFERENCES, st.floats(0.001, 0.999))
def test_no_observation_makes_a_stake_worth_less_than_nothing(differences, margin):
    for logs in (
        log_noninferior(plain(differences), margin=margin),
        log_harm(plain(differences), accepted=margin),
    ):
        assert np.isfinite(logs).all()


@given(st.floats(0.001, 0.9), st.floats(-1, 1))
def test_a_bet_is_fair_at_the_edge_of_its_null(margin, spread):
    # d is -1 or +1 with a mean of -margin: the mean of one factor is exactly 1.
    win = (1 - margin) / 2
    after_win = math.exp(log_noninferior(plain([1.0]), margin=margin)[0])
    after_loss = math.exp(log_noninferior(plain([-1.0]), margin=margin)[0])
    assert win * after_win + (1 - win) * after_loss == pytest.approx(1.0)
    harm_win = math.exp(log_harm(plain([1.0]), accepted=margin)[0])
    harm_loss = math.exp(log_harm(plain([-1.0]), accepted=margin)[0])
    assert win * harm_win + (1 - win) * harm_loss == pytest.approx(1.0)


@given(DIFFERENCES, st.randoms(use_true_random=False))
def test_what_is_owned_at_the_end_does_not_depend_on_the_order(differences, random):
    shuffled = differences.copy()
    random.shuffle(shuffled)
    assert log_noninferior(plain(differences), margin=0.05)[-1] == pytest.approx(
        log_noninferior(plain(shuffled), margin=0.05)[-1]
    )


def test_ties_alone_certify_as_soon_as_the_stakes_reach_one_over_alpha():
    # Largest bet .8 alone, margin .1: (1.08)^n / 4 >= 20 at n = 57; the mixture is a little faster.
    reached = next(n for n in range(1, 100) if read([0.0] * n).state == "certified")
    expected = next(
        n for n in range(1, 100) if np.mean([(1 + bet * 0.1) ** n for bet in BETS]) >= 20
    )
    assert reached == expected
    assert 50 <= reached <= 57


def test_steady_losses_block_and_a_block_needs_the_mean_at_the_margin():
    found = read([-1.0] * 12)
    assert found.state == "blocked"
    assert found.difference == -1.0
    # Thirty losses and 400 wins later the mean is above the margin, but the block came first.
    assert read([-1.0] * 12 + [1.0] * 400).state == "blocked"
    # The other way round, non-inferiority was certified before any loss was seen.
    assert read([1.0] * 400 + [-1.0] * 300).state == "certified"


def test_more_hypotheses_need_more_evidence_for_a_block():
    losses = next(n for n in range(1, 50) if read([-1.0] * n).state == "blocked")
    many = next(n for n in range(1, 50) if read([-1.0] * n, hypotheses=13).state == "blocked")
    assert losses < many


def test_before_the_first_step_nothing_is_known():
    found = read([])
    assert (found.state, found.difference, found.e_noninferior) == ("undecided", None, 1.0)


def test_a_cluster_of_less_mass_moves_less():
    heavy = log_noninferior(Steps(np.array([-1.0]), np.array([1.0])), margin=0.1)[0]
    light = log_noninferior(Steps(np.array([-0.25]), np.array([0.25])), margin=0.1)[0]
    assert heavy < light < 0
