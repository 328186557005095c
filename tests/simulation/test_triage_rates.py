"""The rates that triage promises, in seeded worlds where nothing, or one thing, is true."""

import math

import numpy as np
import pytest

from eval_pipeline.evaluation.triage.slices import slices_lost

pytestmark = pytest.mark.slow

SLICES, ITEMS, WORLDS = 40, 1200, 400


def test_with_nothing_true_max_t_names_one_of_forty_slices_in_a_twentieth_of_worlds():
    # Two of three items share a conversation. The worst slice falls by 5 points nearly always.
    false = naive = 0
    for world in range(WORLDS):
        rng = np.random.default_rng((31, world))
        differences = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=ITEMS)
        sizes = rng.uniform(0.03, 0.25, SLICES)
        members = {f"s{at:02}": rng.random(ITEMS) < size for at, size in enumerate(sizes)}
        named = slices_lost(
            differences,
            members,
            clusters=np.arange(ITEMS) * 2 // 3,
            seed=world,
            permutations=200,
        )
        false += any(test.named for test in named.values())
        naive += min(float(differences[own].mean()) for own in members.values()) <= -0.05
    error = math.sqrt(0.05 * 0.95 / WORLDS)
    assert false / WORLDS <= 0.05 + 3 * error
    assert naive / WORLDS > 0.8
