"""Which items tell most about a comparison: losses in what stops it, other losses, gains."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from eval_pipeline.evaluation.pairs import EQUAL_SCORES
from eval_pipeline.evaluation.reserve_order import ALL

STATES: Final = ("blocked", "undecided", "infeasible", "certified", "reported")
STOPPING: Final = frozenset({"blocked", "undecided", "infeasible"})
MOST: Final = 20
OF_STOPPING: Final = 10
OF_GAINS: Final = 4

Why = Literal["loss", "gain"]


@dataclass(frozen=True)
class TellingItem:
    """An item on which the arms differ, under the subset that it was chosen for."""

    item_id: str
    subset: str
    why: Why
    difference: float


def telling_items(
    trials: pl.DataFrame, states: Mapping[str, str], *, most: int = MOST
) -> list[TellingItem]:
    """At most `most` items of REGRESSION_TRIALS, in the order in which they are to be read.

    `states`: each subset's state in the decision, 'all' too. Half of the places go to losses of
    what blocks or is not settled, a fifth to gains, the others to losses of all other subsets;
    places that one kind leaves open go to the next. Inside a kind subsets take turns, each giving
    its largest differences first, of equal ones those with a human label, then by id.
    """
    rows = _differences(trials)
    groups = sorted(states, key=lambda name: (STATES.index(states[name]), name == ALL, name))
    stopping = [name for name in groups if states[name] in STOPPING]
    others = [name for name in groups if name not in stopping and name != ALL]
    losses = [row for row in rows if row["difference"] < -EQUAL_SCORES]
    gains = [row for row in rows if row["difference"] > EQUAL_SCORES]
    named = [name for name in groups if name != ALL]
    better = [*_in_turn(gains, named, why="gain"), *_in_turn(gains, [ALL], why="gain")]
    before_gains = most - min(most * OF_GAINS // MOST, len(gains))
    chosen: dict[str, TellingItem] = {}
    for limit, offered in (
        (most * OF_STOPPING // MOST, _in_turn(losses, stopping, why="loss")),
        (before_gains, _in_turn(losses, others, why="loss")),
        (before_gains, _in_turn(losses, stopping, why="loss")),
        (before_gains, _in_turn(losses, [ALL], why="loss")),
        (most, better),
    ):
        for one in offered:
            if len(chosen) >= limit:
                break
            chosen.setdefault(one.item_id, one)
    return list(chosen.values())


def _differences(trials: pl.DataFrame) -> list[dict[str, Any]]:
    """Items with a score in both arms: the largest differences first, either way."""
    score, arm = pl.col("score"), pl.col("arm")
    return (
        trials.sort("item_id", "arm", "trial")
        .group_by("item_id", maintain_order=True)
        .agg(
            pl.col("subsets").first(),
            golden=(pl.col("source") == "golden").any(),
            difference=score.filter(arm == "candidate").mean()
            - score.filter(arm == "baseline").mean(),
        )
        .drop_nulls("difference")
        .sort(-pl.col("difference").abs(), ~pl.col("golden"), "item_id")
        .to_dicts()
    )


def _in_turn(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], *, why: Why
) -> Iterator[TellingItem]:
    """One item of each subset after the other, until none has any left; no item twice."""
    queues = {
        name: deque(row for row in rows if name == ALL or name in row["subsets"]) for name in names
    }
    told: set[str] = set()
    while any(queues.values()):
        for name, queue in queues.items():
            while queue and queue[0]["item_id"] in told:
                queue.popleft()
            if queue:
                row = queue.popleft()
                told.add(row["item_id"])
                yield TellingItem(row["item_id"], name, why, row["difference"])
