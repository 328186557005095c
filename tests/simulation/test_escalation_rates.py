"""How often a threshold is claimed that does not reach the target: Learn then Test, simulated."""

import numpy as np
import pytest
from scipy.stats import binomtest

from eval_pipeline.evaluation.escalation import THRESHOLDS, search_threshold
from eval_pipeline.settings import EscalationSettings

SEED = 20261122
RUNS = 2000
POLICY = EscalationSettings()


def naive_choice(confidences: np.ndarray, right: np.ndarray) -> float | None:
    """The usual practice: the loosest threshold whose observed accuracy reaches the target."""
    for threshold in THRESHOLDS:
        kept = confidences >= threshold
        if kept.sum() >= 20 and right[kept].mean() >= POLICY.minimum_accuracy:
            return threshold
    return None


def claims(accuracy, *, items: int, runs: int = RUNS) -> tuple[int, int]:
    """How often each way claims a threshold below which the true accuracy misses the target.

    `accuracy` gives P(right | confidence); confidences are uniform, so the accuracy of what a
    threshold c leaves is its mean over [c, 1].
    """
    rng = np.random.default_rng(SEED)
    fine = np.linspace(0, 1, 20_001)
    true = {c: float(accuracy(fine[fine >= c]).mean()) for c in THRESHOLDS}
    wrong = [0, 0]
    for _ in range(runs):
        confidences = rng.random(items)
        right = rng.random(items) < accuracy(confidences)
        found = search_threshold(confidences, right, policy=POLICY).supported
        for place, chosen in enumerate((found, naive_choice(confidences, right))):
            wrong[place] += chosen is not None and true[chosen] < POLICY.minimum_accuracy
    return wrong[0], wrong[1]


WORLDS = {
    "confidence says nothing, and the accuracy lies just below the target": lambda c: np.full(
        c.shape, 0.8999
    ),
    "accuracy rises and just misses the target at the top": lambda c: 0.7 + 0.19999 * c,
    "the most confident are the worst": lambda c: 0.9998 - 0.2 * c,
    "accuracy crosses the target half way": lambda c: 0.6 + 0.4 * c,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("items", [80, 300])
def test_a_threshold_below_the_target_is_claimed_at_most_once_in_twenty(name: str, items: int):
    wrong, _ = claims(WORLDS[name], items=items)
    # Refuted only if the rate is above 0.05 beyond chance: one-sided, 1 in 1,000.
    assert binomtest(wrong, RUNS, 0.05, alternative="greater").pvalue > 0.001


@pytest.mark.slow
def test_the_usual_practice_would_claim_far_more_often():
    wrong, usual = claims(WORLDS[next(iter(WORLDS))], items=300)
    assert usual / RUNS > 0.5
    assert wrong / RUNS < 0.06


@pytest.mark.slow
def test_a_threshold_that_is_there_is_found():
    rng, found = np.random.default_rng(SEED), 0
    for _ in range(500):
        confidences = rng.random(400)
        right = rng.random(400) < np.where(confidences >= 0.5, 0.98, 0.5)
        chosen = search_threshold(confidences, right, policy=POLICY).supported
        found += chosen is not None and chosen <= 0.5
    # The search begins with some 60 items, of which at most two may be wrong: P = 0.88 at 0.98.
    # What is lost later is little: 200 items of that accuracy are rejected with P > 0.99.
    assert found / 500 > 0.8
