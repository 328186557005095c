"""Slices tested together, evidence over candidates, and items asked again."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.triage.recurrence import (
    BETS,
    e_value,
    over_candidates,
    recurrence_of,
)
from eval_pipeline.evaluation.triage.repeats import (
    flip_rate,
    is_flaky,
    lost_again,
    reproduced,
    shrunk_flip_rate,
)
from eval_pipeline.evaluation.triage.slices import slices_lost


def made(losing: int, winning: int, level: int) -> np.ndarray:
    return np.array([-1.0] * losing + [1.0] * winning + [0.0] * level)


def test_the_plain_p_of_one_slice_is_the_sign_test_s():
    # 9 losses against 1 win: P(at least 9 of 10) = 11 / 1024
    differences = made(9, 1, 20)
    members = {"all": np.ones(30, dtype=bool)}
    (found,) = slices_lost(
        differences, members, clusters=np.arange(30), seed=1, permutations=40_000
    ).values()
    assert found.p_value == pytest.approx(11 / 1024, abs=0.002)
    assert found.adjusted == found.p_value
    assert found.named


def test_items_of_one_conversation_flip_together():
    # Nine losses in three conversations are three signs: 1 / 8 at best, and too few to test.
    differences = made(9, 0, 21)
    members = {"all": np.ones(30, dtype=bool)}
    together = np.concatenate([np.repeat([0, 1, 2], 3), np.arange(3, 24)])
    few = slices_lost(differences, members, clusters=together, seed=1)["all"]
    assert (few.p_value, few.named) == (None, False)
    asked = slices_lost(differences, members, clusters=together, seed=1, least_clusters=3)["all"]
    assert asked.p_value == pytest.approx(1 / 8, abs=0.03)


def test_a_slice_that_lost_is_named_among_slices_that_did_not():
    rng = np.random.default_rng(3)
    differences = rng.choice([-1.0, 0.0, 1.0], p=[0.08, 0.84, 0.08], size=2000)
    bad = np.arange(2000) < 150
    slices = {f"s{place:02}": (rng.random(2000) < 0.1) & ~bad for place in range(39)}
    differences[:150] = rng.choice([-1.0, 0.0, 1.0], p=[0.25, 0.70, 0.05], size=150)
    found = slices_lost(
        differences, {**slices, "bad": bad}, clusters=np.arange(2000), seed=2, permutations=500
    )
    assert [name for name, test in found.items() if test.named] == ["bad"]
    again = slices_lost(
        differences, {**slices, "bad": bad}, clusters=np.arange(2000), seed=2, permutations=500
    )
    assert again == found


def test_adjusted_values_are_never_below_the_plain_ones_and_keep_their_order():
    rng = np.random.default_rng(8)
    differences = rng.choice([-1.0, 0.0, 1.0], size=300)
    members = {f"s{place}": rng.random(300) < 0.4 for place in range(8)}
    for by in ("max_t", "by"):
        found = slices_lost(
            differences, members, clusters=np.arange(300) // 2, seed=4, permutations=400, by=by
        ).values()
        plain = [test.p_value for test in found]
        adjusted = [test.adjusted for test in found]
        assert all(
            (after or 0) >= (before or 0) for before, after in zip(plain, adjusted, strict=True)
        )
        assert np.all(np.diff(np.array(adjusted, dtype=float)[np.argsort(plain)]) >= -0.05)


def test_no_item_is_no_slice():
    empty = np.array([], dtype=float)
    found = slices_lost(empty, {"s": empty.astype(bool)}, clusters=empty.astype(int), seed=1)
    assert found["s"].p_value is None


def test_an_e_value_is_the_mean_of_the_bets():
    means = np.array([-1.0, 0.5])
    expected = np.mean([(1 + bet) * (1 - bet / 2) for bet in BETS])
    assert e_value(means) == pytest.approx(expected)
    assert e_value(np.array([])) == 1.0


@given(st.integers(1, 5))
def test_an_e_value_is_one_on_average_where_nothing_is_lost(count):
    # All 2^n signs of a fair difference, exactly.
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * count)).reshape(count, -1).T
    assert np.mean([e_value(each) for each in signs]) == pytest.approx(1.0)


def test_systematic_stays_so_and_noise_never_was_anything_else():
    # 40 slices at 5 %: 800
    once = over_candidates([900.0, 0.01])
    assert (once.product, once.largest, once.times) == (pytest.approx(9), 900, 2)
    assert recurrence_of(once, slices=40, error_rate=0.05) == "systematic"
    assert recurrence_of(over_candidates([3, 2]), slices=40, error_rate=0.05) == "watch"
    assert recurrence_of(over_candidates([4, 0.5]), slices=40, error_rate=0.05) == "noise"
    assert recurrence_of(over_candidates([]), slices=40, error_rate=0.05) == "noise"


def test_the_flip_rate_is_over_pairs_of_runs():
    # 1 1 1 0: of 6 pairs 3 differ
    assert flip_rate([1, 1, 1, 0]) == pytest.approx(0.5)
    assert flip_rate([1]) is None
    # 4 runs at .5 and 2 at .1 make 2.2 of 6.
    assert shrunk_flip_rate([1, 1, 1, 0], average=0.1) == pytest.approx(2.2 / 6)


def test_too_few_runs_call_no_item_flaky():
    assert is_flaky([1, 0, 1, 0], average=0.1, least_runs=5, limit=0.2) is None
    assert is_flaky([1, 0, 1, 0, 1], average=0.1, least_runs=5, limit=0.2)
    assert is_flaky([1, 1, 1, 1, 1], average=0.1, least_runs=5, limit=0.2) is False


def test_an_item_is_reproduced_if_it_is_lost_every_time():
    assert lost_again([1, 1, None], [0, 1, 0]) == (1, 2)
    assert reproduced(3, 3, flaky=False) == "reproduced"
    assert reproduced(1, 3, flaky=False) == "flaky"
    assert reproduced(0, 3, flaky=False) == "not_reproduced"
    assert reproduced(0, 0, flaky=False) == "not_measured"
    assert reproduced(3, 3, flaky=True) == "flaky"


def test_evidence_of_many_losing_clusters_does_not_overflow():
    assert math.isfinite(math.log(e_value(np.full(400, -1.0))))
