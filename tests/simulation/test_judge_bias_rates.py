"""Measurements of judges on made judges: unbiased, intervals that cover, few false alarms.

Seeded; the bounds leave room for the simulation's own error of about a point and a half.
"""

import numpy as np
import polars as pl
import pytest

from eval_pipeline.judging.biases.correlation import effective, shared_errors
from eval_pipeline.judging.biases.drifting import recurring_disagreement
from eval_pipeline.judging.biases.labelled import labelled_verdicts
from eval_pipeline.judging.biases.measured import Measured, finding_of
from eval_pipeline.judging.biases.repeated import excess_flips, first_place_wins
from eval_pipeline.statistics.paired import (
    augmented_interval,
    benjamini_yekutieli,
    mcnemar_exact,
)
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.statistics.regression import slope_within
from tests.judges import label_rows, no_panel, response_rows, verdict_rows

ROUNDS = 1500
CONFIDENCE = 0.95


def covered(intervals, truth):
    lower, upper = np.asarray(intervals).T
    return float(((lower <= truth) & (truth <= upper)).mean())


@pytest.mark.parametrize("flips", [0.02, 0.05, 0.3])
def test_the_retest_interval_covers_and_a_judge_at_its_limit_is_seldom_called_beyond_it(flips):
    rng = np.random.default_rng(20261116)
    hits = rng.binomial(60, flips, size=ROUNDS)
    bounds = [wilson(int(hit) / 60, 60, confidence=CONFIDENCE) for hit in hits]
    assert covered(bounds, flips) > 0.93
    beyond = [finding_of(Measured(0.0, *bound, items=60), flips) for bound in bounds]
    assert np.mean([finding == "beyond_limit" for finding in beyond]) < 0.04


def preferring_judge(rng, rounds, pairs, *, prefers_first, noise):
    """The first response's scores, rounds by pairs by 2, in each of both orders.

    A pair is decided for the first place with `prefers_first`, the same on every rerun; otherwise
    the better response wins, or the other one with `noise`, anew at every call.
    """
    shape = (rounds, pairs, 2, 2)
    by_place = rng.random((rounds, pairs, 1, 1)) < prefers_first
    better = (rng.random((rounds, pairs, 1, 1)) < 0.5) ^ (rng.random(shape) < noise)
    stands_first = np.array([[True, True], [False, False]])
    scores = np.where(by_place, stands_first, better).astype(float)
    return scores[:, :, 0], scores[:, :, 1]


@pytest.mark.parametrize(("prefers_first", "noise"), [(0.0, 0.05), (0.04, 0.0), (0.15, 0.05)])
@pytest.mark.parametrize("pairs", [20, 60])
def test_position_effects_are_unbiased_and_their_intervals_cover(prefers_first, noise, pairs):
    rng = np.random.default_rng(7)
    first, second = preferring_judge(rng, ROUNDS, pairs, prefers_first=prefers_first, noise=noise)
    # A decided pair always flips under a swap; elsewhere swaps and reruns flip alike.
    excess = [excess_flips(*both) for both in zip(first, second, strict=True)]
    assert np.mean(excess) == pytest.approx(prefers_first, abs=0.004)
    bounds = [augmented_interval(one, confidence=CONFIDENCE) for one in excess]
    assert covered(bounds, prefers_first) > 0.93
    # The first place wins every decided pair, and half of the rest.
    wins = [first_place_wins(*both) for both in zip(first, second, strict=True)]
    assert np.mean(wins) == pytest.approx(prefers_first / 2, abs=0.004)
    doubled = [augmented_interval(2 * one, confidence=CONFIDENCE) for one in wins]
    assert covered(doubled, prefers_first) > 0.93


def test_a_judge_without_position_bias_is_hardly_ever_called_beyond_the_limit():
    rng = np.random.default_rng(8)
    first, second = preferring_judge(rng, ROUNDS, 60, prefers_first=0.0, noise=0.1)
    findings = [
        finding_of(
            Measured(
                0.0, *augmented_interval(excess_flips(*both), confidence=CONFIDENCE), items=60
            ),
            0.05,
        )
        for both in zip(first, second, strict=True)
    ]
    assert np.mean([finding == "beyond_limit" for finding in findings]) < 0.01


def test_a_strong_position_bias_is_found_in_sixty_pairs():
    rng = np.random.default_rng(9)
    first, second = preferring_judge(rng, ROUNDS, 60, prefers_first=0.25, noise=0.05)
    found = [
        augmented_interval(excess_flips(*both), confidence=CONFIDENCE)[0] > 0.05
        for both in zip(first, second, strict=True)
    ]
    assert np.mean(found) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.0, 0.06])
def test_the_slope_of_errors_is_unbiased_and_covers_with_weights_strata_and_clusters(effect):
    """Errors are 0, 1 or -1; their rate rises with length, and differs between strata."""
    rng = np.random.default_rng(11)
    rows, rounds = 240, 400
    estimates, bounds = [], []
    for _ in range(rounds):
        strata = rng.integers(0, 4, rows)
        clusters = np.repeat(np.arange(rows // 2), 2)
        length = 0.7 * rng.standard_normal(rows // 2)[clusters] + 0.7 * rng.standard_normal(rows)
        length = np.clip(length, -2, 2)
        wrongly_passed = rng.random(rows) < 0.14 + effect * length
        wrongly_failed = rng.random(rows) < 0.02 * strata
        error = wrongly_passed.astype(float) - (wrongly_failed & ~wrongly_passed)
        probability = np.where(rng.random(rows) < 0.3, 1.0, 0.35)
        slope = slope_within(
            error, length, strata=strata, weights=1 / probability, clusters=clusters
        )
        assert slope is not None
        estimates.append(slope.value)
        bounds.append(slope.interval(CONFIDENCE))
    # Of those wrongly passed, 2 to 6 % would have been wrongly failed: the slope is as planted
    # up to a thirtieth.
    assert np.mean(estimates) == pytest.approx(effect, abs=0.004)
    assert 0.925 < covered(bounds, effect) < 0.98


@pytest.mark.slow
@pytest.mark.parametrize("preference", [0.0, 0.1])
def test_self_preference_is_unbiased_and_covers(preference):
    rng = np.random.default_rng(12)
    rows, rounds = 200, 400
    estimates, bounds = [], []
    for _ in range(rounds):
        own = (rng.random(rows) < 0.4).astype(float)
        error = (rng.random(rows) < 0.08 + preference * own).astype(float)
        error -= rng.random(rows) < 0.05
        slope = slope_within(
            error,
            own,
            strata=rng.integers(0, 3, rows),
            weights=np.ones(rows),
            clusters=np.arange(rows),
        )
        assert slope is not None
        estimates.append(slope.value)
        bounds.append(slope.interval(CONFIDENCE))
    assert np.mean(estimates) == pytest.approx(preference, abs=0.006)
    assert 0.925 < covered(bounds, preference) < 0.98


@pytest.mark.slow
def test_the_bootstrap_of_error_correlation_covers():
    """Two judges, 12 % errors each; a third of them shared by construction."""
    rng = np.random.default_rng(13)
    rows, rounds = 300, 250
    # P(both) = .04 + .96 * (.08 / .96)^2; P(one) = .12; phi = (P(both) - .12^2) / (.12 * .88)
    both = 0.04 + 0.96 * (0.08 / 0.96) ** 2
    truth = (both - 0.12**2) / (0.12 * 0.88)
    labels, responses = label_rows(["fail"] * rows), response_rows(rows)
    pairs, panels, values = [], [], []
    for seed in range(rounds):
        shared = rng.random(rows) < 0.04
        own = rng.random((2, rows)) < 0.08 / 0.96
        wrong = np.where(own | shared, "pass", "fail")
        verdicts = pl.concat(
            [verdict_rows("owl", list(wrong[0])), verdict_rows("crow", list(wrong[1]))]
        )
        found = shared_errors(
            labelled_verdicts(verdicts, no_panel(), labels, responses),
            confidence=CONFIDENCE,
            resamples=400,
            seed=seed,
        )
        measured = found.pairs["crow", "owl"]
        values.append(measured.value)
        pairs.append((measured.lower, measured.upper))
        panels.append((found.effective_judges.lower, found.effective_judges.upper))
    assert np.mean(values) == pytest.approx(truth, abs=0.015)
    assert covered(pairs, truth) > 0.9
    assert covered(panels, effective(np.array([truth]), judges=2)) > 0.9


def test_drift_alarms_on_steady_anchors_stay_below_ten_in_a_hundred_weeks():
    """Two judges that flip 5 % of anchors at random, no more to the worse than to the better."""
    rng = np.random.default_rng(14)
    lost, gained = rng.binomial(200, 0.025, size=(2, ROUNDS, 2))
    alarms = [
        min(
            benjamini_yekutieli(
                {str(judge): mcnemar_exact(int(lost[r, judge]), int(gained[r, judge]))
                 for judge in range(2)}
            ).values()
        )
        <= 0.10
        for r in range(ROUNDS)
    ]  # fmt: skip
    assert np.mean(alarms) < 0.10


def test_a_judge_that_turns_worse_on_one_anchor_in_ten_raises_an_alarm():
    rng = np.random.default_rng(15)
    lost, gained = rng.binomial(200, 0.125, size=ROUNDS), rng.binomial(200, 0.025, size=ROUNDS)
    # Beside a steady judge's p of 1, BY of two claims asks for p <= .1 / (2 * 1.5).
    found = [
        mcnemar_exact(int(worse), int(better)) <= 0.1 / 3
        for worse, better in zip(lost, gained, strict=True)
    ]
    assert np.mean(found) > 0.95


def test_errors_that_are_noise_seldom_recur_enough_to_raise_an_alarm():
    """One judge wrong on 15 % of 100 anchors, anew each week; BY of one claim is its own p."""
    rng = np.random.default_rng(16)
    weeks = [f"2026-10-{day:02}" for day in (5, 12, 19, 26)]
    frame = pl.DataFrame(
        {
            "item_id": [f"i{item}" for _ in weeks for item in range(100)],
            "week": [week for week in weeks for _ in range(100)],
            "verdict": ["pass"] * 400,
        }
    )
    alarms = []
    for _ in range(200):
        wrong = pl.Series(np.where(rng.random(400) < 0.15, "missed", ""))
        history = frame.with_columns(fault=pl.when(wrong == "missed").then(pl.lit("missed")))
        found = recurring_disagreement(history, weeks=weeks, fault="missed", confidence=0.95)
        alarms.append(found.p_value <= 0.10)
    assert np.mean(alarms) < 0.14


def test_a_criterion_that_is_always_read_wrongly_on_a_few_anchors_raises_an_alarm():
    weeks = [f"2026-10-{day:02}" for day in (5, 12, 19, 26)]
    rows = [
        {"item_id": f"i{item}", "week": week, "verdict": "fail", "fault": fault}
        for week in weeks
        for item in range(100)
        for fault in ["criterion 2" if item < 3 else None]
    ]
    found = recurring_disagreement(
        pl.DataFrame(rows, infer_schema_length=None),
        weeks=weeks,
        fault="criterion 2",
        confidence=0.95,
    )
    assert found.value == 0.03
    # Six claims (two judges, three criteria): BY asks for p <= .1 / (6 * 2.45).
    assert found.p_value < 0.1 / (6 * 2.45)
