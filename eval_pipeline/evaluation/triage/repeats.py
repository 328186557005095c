"""Whether a lost item is lost again, and whether its score is worth telling at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Reproduced = Literal["reproduced", "flaky", "not_reproduced", "not_measured"]
PRIOR_RUNS = 2.0
"""How many runs the average item's flip rate counts for beside an item's own."""
SAME = 1e-9


@dataclass(frozen=True)
class Runs:
    """The scores of one system on one item, rerun by rerun; null where a run has none."""

    scores: tuple[float | None, ...]

    @property
    def answered(self) -> list[float]:
        """The scores that there are."""
        return [score for score in self.scores if score is not None]


def flip_rate(runs: Sequence[float]) -> float | None:
    """The share of pairs of runs that score differently; null with fewer than two."""
    count = len(runs)
    if count < 2:  # noqa: PLR2004 - a pair
        return None
    values = np.asarray(runs)
    differs = np.abs(values[:, None] - values[None, :]) > SAME
    return float(differs.sum() / (count * (count - 1)))


def shrunk_flip_rate(runs: Sequence[float], *, average: float) -> float | None:
    """An item's flip rate drawn towards the average item's, as a beta-binomial does.

    Runs count as themselves, the average as `PRIOR_RUNS` runs more: a single flip among five runs
    of an item of a steady system weighs less than of a system that flips everywhere.
    """
    own = flip_rate(runs)
    if own is None:
        return None
    return (len(runs) * own + PRIOR_RUNS * average) / (len(runs) + PRIOR_RUNS)


def is_flaky(
    runs: Sequence[float], *, average: float, least_runs: int, limit: float
) -> bool | None:
    """Whether reruns differ too often; null with too few runs to say."""
    if len(runs) < least_runs:
        return None
    rate = shrunk_flip_rate(runs, average=average)
    return rate is not None and rate > limit


def lost_again(
    baseline: Sequence[float | None], candidate: Sequence[float | None]
) -> tuple[int, int]:
    """In how many repeats the candidate lost, and how many have a score of both systems."""
    pairs = [
        (one, other)
        for one, other in zip(baseline, candidate, strict=True)
        if one is not None and other is not None
    ]
    return sum(other < one - SAME for one, other in pairs), len(pairs)


def reproduced(lost: int, compared: int, *, flaky: bool) -> Reproduced:
    """Lost in every repeat, in none, or now and then; an item known as flaky stays so."""
    if not compared:
        return "not_measured"
    if flaky or 0 < lost < compared:
        return "flaky"
    return "reproduced" if lost else "not_reproduced"
