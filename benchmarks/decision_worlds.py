"""Simulated candidates, and what the gate makes of them: comparison, top-ups and decision.

Disjoint subsets, every item its own conversation, a baseline that is right with about .84. All of
it in memory; what is simulated are the two arms' scores alone, everything else is the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.reserve_order import ReserveOrder, order_reserve
from eval_pipeline.evaluation.topup import compare_in_looks
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import GateSettings

SUBSETS = tuple(f"subset_{number:02d}" for number in range(12))
BROKEN = SUBSETS[7]
RESERVE = 1600
BASE_RATE = 0.84


@dataclass(frozen=True)
class World:
    """Shares of wins and losses on every subset; the rest of the pairs agree.

    `broken_drop` more losses on one subset, which has `broken_items` golden items.
    """

    name: str
    wins: float
    losses: float
    broken_drop: float = 0.0
    items: int = 100
    broken_items: int = 100

    def golden(self) -> list[tuple[str, int]]:
        """Golden items by subset."""
        return [
            (name, self.broken_items if name == BROKEN and self.broken_drop else self.items)
            for name in SUBSETS
        ]


def decided(world: World, run: int, *, policy: GateSettings) -> Decision:
    """One candidate through the gate: look 1, as many top-ups as it takes, and the decision."""

    def ask(look: int, item_ids: Sequence[str]) -> pl.DataFrame:
        names = [reserve_names()[item_id] for item_id in item_ids]
        return arms(world, item_ids, names, look=look, seed=_seed(world, run, f"look {look}"))

    compared = compare_in_looks(
        first_look(world, run),
        ask=ask,
        reserve=reserve(),
        policy=policy,
        subsets=SUBSETS,
        order=reserve_order(),
    )
    return decide(
        compared.report,
        candidate_id="candidate",
        baseline_id="baseline",
        golden_version=1,
        policy=policy,
        evidence=Evidence(trials=compared.trials, panel_scored=False),
    )


def first_look(world: World, run: int, *, attempt: str = "first") -> pl.DataFrame:
    """The golden items' trials; another attempt is drawn anew."""
    names = [name for name, count in world.golden() for _ in range(count)]
    ids = [f"{name}-g{number:04d}" for name, count in world.golden() for number in range(count)]
    return arms(world, ids, names, look=1, seed=_seed(world, run, attempt))


def arms(
    world: World, item_ids: Sequence[str], names: Sequence[str], *, look: int, seed: int
) -> pl.DataFrame:
    """Both arms' trials: the columns of REGRESSION_TRIALS that a comparison reads."""
    drop = np.where(np.array(names) == BROKEN, world.broken_drop, 0.0)
    generator = np.random.default_rng(seed)
    drawn, agreed = generator.random(len(names)), generator.random(len(names)) < BASE_RATE
    won = drawn < world.wins
    lost = ~won & (drawn < world.wins + world.losses + drop)
    right = {"baseline": lost | (agreed & ~won), "candidate": won | (agreed & ~lost)}
    shared = pl.DataFrame(
        {
            "item_id": pl.Series(item_ids, dtype=pl.String),
            "subsets": pl.Series(names, dtype=pl.String).reshape((-1, 1)).arr.to_list(),
        }
    ).with_columns(
        cluster_id="item_id",
        trial=pl.lit(1, pl.Int64),
        look=pl.lit(look, pl.Int64),
        source=pl.lit("golden" if look == 1 else "reserve"),
        score_error=pl.lit(None, pl.String),
    )
    return pl.concat(
        shared.with_columns(pl.lit(arm).alias("arm"), pl.Series("score", scores.astype(np.float64)))
        for arm, scores in right.items()
    )


@cache
def reserve() -> pl.DataFrame:
    """What may be asked after look 1."""
    return pl.DataFrame(
        {
            "interaction_id": [f"{name}-{n:04d}" for name in SUBSETS for n in range(RESERVE)],
            "subsets": [[name] for name in SUBSETS for _ in range(RESERVE)],
        }
    )


@cache
def reserve_order() -> ReserveOrder:
    """The reserve's order, the same for every run."""
    return order_reserve(reserve(), SUBSETS)


@cache
def reserve_names() -> dict[str, str]:
    """The subset of each reserve item."""
    ids = reserve()["interaction_id"]
    return {reserve_identity(interaction): interaction.rsplit("-", 1)[0] for interaction in ids}


def _seed(world: World, run: int, purpose: str) -> int:
    return seed_for("decision rates", world.name, str(run), purpose)
