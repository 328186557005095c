"""Intervals of a rotation's effect, where few items changed and conversations are alike inside."""

import numpy as np
import polars as pl
import pytest

from eval_pipeline.evaluation.rotation_parts import decompose_rotation

SEED = 5
WORLDS = 300
KEPT, REVISED, LEFT, CAME = 150, 3, 5, 8
RATE, REVISED_RATE, LEFT_RATE, CAME_RATE = 0.9, 0.85, 0.9, 0.8


def rows_of(rng: np.random.Generator, prefix: str, size: int, rate: float) -> list[tuple]:
    """Scores in conversations of one or two items, half of the second ones like the first."""
    made: list[tuple] = []
    while len(made) < size:
        key, first = f"{prefix}-c{len(made)}", float(rng.random() < rate)
        made.append((f"{prefix}{len(made)}", key, first))
        if rng.random() < 0.3 and len(made) < size:
            second = first if rng.random() < 0.5 else float(rng.random() < rate)
            made.append((f"{prefix}{len(made)}", key, second))
    return made


def world(rng: np.random.Generator) -> pl.DataFrame:
    rows = [(*row, 1, True, True) for row in rows_of(rng, "k", KEPT, RATE)]
    rows += [(*row, 1, True, False) for row in rows_of(rng, "x", LEFT, LEFT_RATE)]
    rows += [(*row, 1, False, True) for row in rows_of(rng, "e", CAME, CAME_RATE)]
    for item, key, score in rows_of(rng, "r", REVISED, RATE):
        rows.append((item, key, score, 1, True, False))
        rows.append((item, key, float(rng.random() < REVISED_RATE), 2, False, True))
    columns = ["item_id", "conversation_key", "score", "item_revision", "old", "new"]
    return pl.DataFrame(rows, schema=columns, orient="row")


@pytest.mark.slow
def test_intervals_hold_the_true_effects_at_least_as_often_as_they_say() -> None:
    rng = np.random.default_rng(SEED)
    stay = KEPT + REVISED
    before = (stay * RATE + LEFT * LEFT_RATE) / (stay + LEFT)
    stayed, now = RATE, (KEPT * RATE + REVISED * REVISED_RATE) / stay
    after = (stay * now + CAME * CAME_RATE) / (stay + CAME)
    true = {
        "total": after - before,
        "exits": stayed - before,
        "revisions": now - stayed,
        "entries": after - now,
    }
    held = dict.fromkeys(true, 0)
    for _ in range(WORLDS):
        found = decompose_rotation(world(rng), confidence=0.95)
        for name, value in true.items():
            effect = getattr(found, name)
            held[name] += effect.lower <= value <= effect.upper
    # 0.95 - 3 * sqrt(.95 * .05 / 300) = 0.912
    assert min(held.values()) / WORLDS > 0.912
