"""Named failure modes of what a candidate lost, the dearest first."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.triage.items import LOST
from eval_pipeline.evaluation.triage.repeats import Reproduced

UNNAMED: Final = "route"
"""What stands for a mode where nobody named one: the route on which it happened."""
OUTCOMES: Final[tuple[Reproduced, ...]] = ("reproduced", "flaky", "not_reproduced")


def failure_modes(items: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Attribute, name and items of every mode that lost anything, by attribute and name.

    Modes are the team's subsets, the topics of clusters, and what people named in their labels;
    a lost item without any of them stands under its route. An item may stand under several.
    """
    for attribute, column in (("label", "labels"), ("subset", "subsets")):
        for name in sorted(set(items.filter(LOST)[column].explode().drop_nulls())):
            yield attribute, name, items.filter(pl.col(column).list.contains(name))
    for name in sorted(set(items.filter(LOST)["topic"].drop_nulls())):
        yield "topic", name, items.filter(pl.col("topic") == name)
    alone = items.filter(
        (pl.col("subsets").list.len() == 0)
        & (pl.col("labels").list.len() == 0)
        & pl.col("topic").is_null()
    )
    for name in sorted(set(alone.filter(LOST)["route"])):
        yield UNNAMED, name, alone.filter(pl.col("route") == name)


def asked_again(rows: pl.DataFrame, failing: pl.DataFrame) -> dict[str, int]:
    """How many of these items were asked again, by what came of it."""
    found = failing.filter(pl.col("item_id").is_in(rows["item_id"].to_list()))["finding"]
    return {outcome: int((found == outcome).sum()) for outcome in OUTCOMES}


def costs(rows: pl.DataFrame, failing: pl.DataFrame, *, weight: float) -> dict[str, float]:
    """What the mode's losses take from the whole score, and what the lost answers cost.

    Losses of items known as flaky are not told; `weight` is that of all items compared.
    """
    flaky = failing.filter(pl.col("finding") == "flaky")["item_id"].to_list()
    lost = rows.filter(LOST & ~pl.col("item_id").is_in(flaky))
    points = float((lost["difference"] * lost["weight"]).sum())
    return {
        "cost_points": -points / weight if weight else 0.0,
        "cost_usd": float(lost["cost_usd"].sum()),
    }


def finding_of(outcomes: dict[str, int]) -> str:
    """What most of a mode's items came to; the worst of two that are as many."""
    if not any(outcomes.values()):
        return "not_asked"
    return max(OUTCOMES, key=lambda outcome: outcomes[outcome])


def ranked(modes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The modes with their rank, 1 for what costs most."""
    order = sorted(modes, key=lambda row: (-row["cost_points"], row["attribute"], row["name"]))
    return [{**row, "rank": place} for place, row in enumerate(order, start=1)]
