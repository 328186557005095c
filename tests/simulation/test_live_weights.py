"""Weights for the live traffic, in a world whose live score is known."""

import numpy as np
import polars as pl
import pytest

from eval_pipeline.tables import GOLDEN_SET, STRATIFIED_INTERACTIONS
from eval_pipeline.truth.live_estimate import live_estimate
from eval_pipeline.truth.post_stratification import live_weights

SEED = 20261116
WORLDS = 400
CELLS = (  # stratum, kind, subsets, traffic, probability of a pass, items of the version
    ("orders", "typical", (), 0.52, 0.95, 60),
    ("orders", "edge", (), 0.10, 0.70, 40),
    ("orders", "typical", ("refunds",), 0.08, 0.80, 40),
    ("advice", "typical", (), 0.22, 0.85, 40),
    ("advice", "adversarial", ("refunds",), 0.08, 0.40, 40),
)
LIVE = sum(cell[3] * cell[4] for cell in CELLS)
STRATA = {"orders": 0.70, "advice": 0.30}
DRAWN = 300
FRAME = pl.DataFrame({"stratum": list(STRATA), "interactions": [70_000, 30_000]})


def golden(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Items, two of a conversation now and then, and their scores, alike inside a conversation."""
    rows, scores = [], []
    for number, (stratum, kind, subsets, _, rate, items) in enumerate(CELLS):
        before = None
        for place in range(items):
            shared = before is not None and rng.random() < 0.2
            own = before[1] if shared and rng.random() < 0.6 else float(rng.random() < rate)
            key = before[0] if shared else f"c{number}-{place}"
            rows.append(
                {
                    "item_id": f"i{number}-{place:03}",
                    "item_revision": 1,
                    "stratum": stratum,
                    "kind": kind,
                    "subsets": list(subsets),
                    "selection": "sample",
                    "conversation_key": key,
                }
            )
            scores.append(own)
            before = None if shared else (key, own)
    frame = pl.DataFrame(rows, schema_overrides={"subsets": pl.List(pl.String)})
    blank = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in GOLDEN_SET.schema.items()
        if name not in frame.columns
    ]
    scored = pl.DataFrame({"item_id": frame["item_id"], "score": scores})
    return frame.with_columns(blank).select(list(GOLDEN_SET.schema)), scored


def week(rng: np.random.Generator) -> pl.DataFrame:
    """Half of the sample from each stratum, so that design weights differ."""
    rows = []
    for stratum, share in STRATA.items():
        own = [cell for cell in CELLS if cell[0] == stratum]
        chances = [cell[3] / share for cell in own]
        for place, pick in enumerate(rng.choice(len(own), size=DRAWN // 2, p=chances)):
            rows.append(
                {
                    "interaction_id": f"{stratum}-{place}",
                    "conversation_key": f"w-{stratum}-{place}",
                    "stratum": stratum,
                    "kind": own[pick][1],
                    "subsets": list(own[pick][2]),
                    "selection": "sample",
                    "design_weight": 100_000 * share / (DRAWN // 2),
                }
            )
    frame = pl.DataFrame(rows, schema_overrides={"subsets": pl.List(pl.String)})
    return frame.select(name for name in STRATIFIED_INTERACTIONS.schema if name in frame.columns)


@pytest.mark.slow
def test_the_weighted_score_is_the_live_one_and_its_interval_holds_it_19_times_in_20() -> None:
    rng = np.random.default_rng(SEED)
    means, plain, held = [], [], 0
    for _ in range(WORLDS):
        items, scores = golden(rng)
        weights = live_weights(
            items, version=1, stratified=week(rng), frame=FRAME, gated={"refunds"}
        )
        found = live_estimate(weights, scores)
        means.append(found.mean)
        plain.append(found.unweighted)
        held += found.lower <= LIVE <= found.upper
    spread = np.std(means) / np.sqrt(WORLDS)
    assert abs(np.mean(means) - LIVE) < 4 * spread
    assert np.mean(plain) - LIVE < -0.07
    # 0.95 +- 3 * sqrt(.95 * .05 / 400) = 0.917 to 0.983
    assert 0.917 <= held / WORLDS <= 0.983
