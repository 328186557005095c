"""Weights that stand for a population: two margins at once, and none that weighs too much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eval_pipeline.statistics.clusters import Floats

MAXIMUM_RATIO: Final = 10.0
"""No item weighs more than so many times the average (methods 1.4)."""
ROUNDING: Final = 1e-12
ROUNDS: Final = 1_000
CLOSE: Final = 1e-9


@dataclass(frozen=True)
class Raked:
    """One weight per item, of sum 1.

    `uncovered`: the largest share of a margin that no item stands for. `trimmed`: weight that the
    cap took from items that would weigh too much. `distance`: how far the weights are from a
    margin at most; above 0 where the margins cannot both be met, or where the cap forbids it.
    """

    weights: Floats
    uncovered: float
    trimmed: float
    distance: float


def capped(weights: Floats, ratio: float) -> Floats:
    """Weights of the same sum, none above `ratio` times their mean; the others share the excess."""
    limit = ratio * weights.sum() / weights.size
    values = weights.copy()
    over = np.zeros(values.size, dtype=bool)
    while (values > limit * (1 + ROUNDING)).any():
        over |= values >= limit
        rest = weights.sum() - limit * over.sum()
        values = np.where(over, limit, values)
        values[~over] *= rest / values[~over].sum()
    return values


def trimmed_mass(wanted: Floats, given: Floats) -> float:
    """The share of all weight that a cap took from the items that wanted more."""
    mass = float(np.maximum(wanted / wanted.sum() - given / given.sum(), 0).sum())
    return mass if mass > ROUNDING else 0.0


def rake(
    first: Sequence[str],
    second: Sequence[str],
    *,
    shares: tuple[Mapping[str, float], Mapping[str, float]],
    ratio: float = MAXIMUM_RATIO,
) -> Raked:
    """Weights whose two margins are the population's, without knowing the two jointly.

    Iterative proportional fitting (Deming and Stephan 1940) from equal weights: `first` and
    `second` name each item's value in the margin, `shares` the population's share of each value.
    Values without items are left out and reported as uncovered, the rest is scaled to 1. Needs an
    item with a share in both margins.
    """
    margins = [_margin(own, share) for own, share in zip((first, second), shares, strict=True)]
    weights = np.full(len(first), 1 / len(first))
    for codes, _, wanted in margins:
        weights[wanted[codes] == 0] = 0.0
    for _ in range(ROUNDS):
        before = weights
        for codes, _, wanted in margins:
            held = np.bincount(codes, weights=weights, minlength=wanted.size)
            scale = np.divide(wanted, held, out=np.zeros_like(wanted), where=held > 0)
            weights = weights * scale[codes]
        if np.abs(weights - before).max() < ROUNDING:
            break
    weights = weights / weights.sum()
    given = weights.copy()
    given[weights > 0] = capped(weights[weights > 0], ratio)
    distances = [
        np.abs(np.bincount(codes, weights=given, minlength=wanted.size) - wanted).max()
        for codes, _, wanted in margins
    ]
    distance = float(max(distances))
    return Raked(
        weights=given,
        uncovered=max(uncovered for _, uncovered, _ in margins),
        trimmed=trimmed_mass(weights, given),
        distance=distance if distance > CLOSE else 0.0,
    )


def _margin(own: Sequence[str], shares: Mapping[str, float]) -> tuple[np.ndarray, float, Floats]:
    """Each item's value as a number, the share without items, and the shares of the others."""
    names, codes = np.unique(np.array(own), return_inverse=True)
    wanted = np.array([shares.get(str(name), 0.0) for name in names], dtype=np.float64)
    total = sum(shares.values())
    uncovered = 1 - float(wanted.sum()) / total
    return codes, uncovered if uncovered > ROUNDING else 0.0, wanted / wanted.sum()
