"""Weights by measured reliability: by hand, and against a majority of heads by simulation."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval_pipeline.judging.reliability import judge_weights
from eval_pipeline.tables import JUDGE_CALIBRATION

Rate = tuple[int, float | None]


def calibration(**rates: tuple[Rate, Rate]) -> pl.DataFrame:
    """JUDGE_CALIBRATION of judges by (labels, sensitivity) and (labels, specificity)."""
    rows = [
        {
            "judge_id": judge_id,
            "measure": measure,
            "value": value,
            "labelled": labels,
            "weeks": 1,
        }
        for judge_id, both in rates.items()
        for measure, (labels, value) in zip(("sensitivity", "specificity"), both, strict=True)
    ]
    return JUDGE_CALIBRATION.conform(pl.DataFrame(rows, schema=JUDGE_CALIBRATION.schema))


def test_a_weight_is_the_log_odds_of_the_shrunk_mean_of_both_rates() -> None:
    frame = calibration(owl=((90, 1.0), (10, 0.9)), crow=((90, 0.8), (10, 0.5)))
    # Sensitivity of both: (90 + 72 + 1) / 182 = .8956; owl (90 + 8.956) / 100 = .98956, crow
    # (72 + 8.956) / 100 = .80956. Specificity of both: (9 + 5 + 1) / 22 = .6818; owl
    # (9 + 6.818) / 20 = .7909, crow (5 + 6.818) / 20 = .5909.
    owl, crow = (0.98956 + 0.7909) / 2, (0.80956 + 0.5909) / 2
    odds = {name: math.log(p / (1 - p)) for name, p in {"owl": owl, "crow": crow}.items()}
    mean = sum(odds.values()) / 2
    assert judge_weights(frame, judges=odds) == pytest.approx(
        {name: each / mean for name, each in odds.items()}, rel=1e-4
    )


def test_a_judge_that_passes_everything_weighs_next_to_nothing_however_often_it_agrees() -> None:
    # Of 900 that pass it passes all, of 100 that fail none is failed: it agrees with 900 of 1,000.
    weights = judge_weights(
        calibration(lax=((900, 1.0), (100, 0.0)), fair=((900, 0.85), (100, 0.85))),
        judges=["lax", "fair"],
    )
    assert weights["lax"] < 0.1 * weights["fair"]


def test_at_or_below_chance_a_judge_weighs_nothing_and_so_may_all() -> None:
    bad = ((200, 0.3), (200, 0.3))
    good = ((200, 0.95), (200, 0.95))
    weights = judge_weights(calibration(bad=bad, good=good), judges=["bad", "good"])
    assert weights == {"bad": 0.0, "good": 2.0}
    assert judge_weights(calibration(bad=bad), judges=["bad"]) == {"bad": 0.0}


@pytest.mark.parametrize("frame", [None, calibration(), calibration(a=((0, None), (0, None)))])
def test_without_labels_all_weigh_the_same(frame: pl.DataFrame | None) -> None:
    assert judge_weights(frame, judges=["a", "b", "c"]) == {"a": 1.0, "b": 1.0, "c": 1.0}


def test_few_labels_move_a_weight_little_and_an_unknown_judge_weighs_like_the_rest() -> None:
    few = judge_weights(
        calibration(a=((3, 1.0), (2, 1.0)), b=((3, 0.67), (2, 0.5))), judges=["a", "b", "new"]
    )
    assert all(0.7 < weight < 1.4 for weight in few.values())
    assert few["b"] < few["new"] < few["a"]


RATES = st.tuples(st.integers(0, 300), st.floats(0, 1))


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.tuples(RATES, RATES)))
def test_weights_are_finite_never_negative_and_have_mean_one(
    rates: dict[str, tuple[Rate, Rate]],
) -> None:
    weights = judge_weights(calibration(**rates), judges=["a", "b", "c"])
    assert all(0 <= weight < math.inf for weight in weights.values())
    assert sum(weights.values()) == pytest.approx(3) or set(weights.values()) == {0.0}


def simulated(accuracies: list[float], *, labels: int, seed: int) -> tuple[float, float, float]:
    """Accuracy on 2,000 responses, half of which pass, of weights, of heads and of the best judge.

    Judges err independently and alike on both sides; weights come from `labels` others.
    """
    draws = np.random.default_rng(seed)

    def judged(count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        truth = draws.random(count) < 0.5
        right = draws.random((count, len(accuracies))) < accuracies
        return truth, right == truth[:, None]

    names = [f"j{number}" for number in range(len(accuracies))]
    truth, votes = judged(labels)
    rates = {
        name: (
            (int(truth.sum()), float(vote[truth].mean())),
            (int((~truth).sum()), float((~vote[~truth]).mean())),
        )
        for name, vote in zip(names, votes.T, strict=True)
    }
    weights = judge_weights(calibration(**rates), judges=names)
    truth, votes = judged(2000)
    signs = np.where(votes, 1.0, -1.0)
    weighted = (signs @ np.array([weights[name] for name in names]) > 0) == truth
    heads = (signs.sum(axis=1) > 0) == truth
    best = votes[:, int(np.argmax(accuracies))] == truth
    return float(weighted.mean()), float(heads.mean()), float(best.mean())


def averaged(accuracies: list[float], *, labels: int) -> tuple[float, float, float]:
    """Over 40 seeds: 80,000 responses, so a standard error below sqrt(.25 / 80000) = .0018."""
    runs = [simulated(accuracies, labels=labels, seed=seed) for seed in range(40)]
    weighted, heads, best = (sum(column) / len(runs) for column in zip(*runs, strict=True))
    return weighted, heads, best


def test_one_good_judge_among_four_weak_ones_is_not_outvoted() -> None:
    # By heads: .95 * P(2 of 4 weak) + .05 * P(3 of 4) with .6 each = .95 * .8208 + .05 * .4752.
    weighted, heads, best = averaged([0.95, 0.6, 0.6, 0.6, 0.6], labels=200)
    assert heads == pytest.approx(0.8035, abs=0.006)
    assert best == pytest.approx(0.95, abs=0.006)
    assert weighted > heads + 0.12
    assert weighted > best - 0.01


@pytest.mark.parametrize("labels", [30, 200])
def test_equal_judges_lose_nothing_by_being_weighed(labels: int) -> None:
    weighted, heads, best = averaged([0.8] * 5, labels=labels)
    assert heads > best + 0.1
    assert weighted > heads - 0.006
