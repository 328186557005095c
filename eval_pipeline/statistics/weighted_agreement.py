"""Weighted agreement of two binary raters: shares by Wilson, chance-corrected by the bootstrap."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import cluster_codes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A value with its two-sided interval; all null where the measure is undefined."""

    value: float | None
    lower: float | None
    upper: float | None


def effective_count(weight: Floats) -> float:
    """Kish's effective n: (sum of weights) squared over the sum of squares."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def share_interval(
    hits: NDArray[np.bool_] | Floats,
    weight: Floats,
    *,
    confidence: float,
    clusters: Sequence[str] | None = None,
) -> Interval:
    """The weighted share of hits, each from 0 to 1, with Wilson's interval at Kish's effective n.

    Hits of one cluster count as one observation of their joint weight: as if they always came out
    the same, which is never too sure. Whole hits are Wilson's case; parts vary less.
    """
    if not len(hits):
        return Interval(None, None, None)
    share = float((weight * hits).sum() / weight.sum())
    codes = cluster_codes(len(hits), clusters)
    counted = np.bincount(codes, weights=weight).astype(np.float64)
    lower, upper = wilson(share, effective_count(counted), confidence=confidence)
    # At 0 and at 1 an end is the share itself, but for rounding.
    return Interval(share, min(lower, share), max(upper, share))


def wilson(share: float, count: float, *, confidence: float) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share of `count` trials, which need not be whole."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    shrunk = 1 + z**2 / count
    centre = (share + z**2 / (2 * count)) / shrunk
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / shrunk
    return max(0.0, centre - half), min(1.0, centre + half)


# A table is the last axis: pass-pass, pass-fail, fail-pass, fail-fail; it sums to the raters' n.
def _chance_of_kappa(table: Floats) -> Floats:
    total = table.sum(axis=-1)
    first = (table[..., 0] + table[..., 1]) / total
    second = (table[..., 0] + table[..., 2]) / total
    chance: Floats = first * second + (1 - first) * (1 - second)
    return chance


def _chance_of_ac1(table: Floats) -> Floats:
    prevalence = (table[..., 0] + (table[..., 1] + table[..., 2]) / 2) / table.sum(axis=-1)
    chance: Floats = 2 * prevalence * (1 - prevalence)
    return chance


def _chance_of_alpha(table: Floats) -> Floats:
    values = 2 * table.sum(axis=-1)
    passes = 2 * table[..., 0] + table[..., 1] + table[..., 2]
    disagreement: Floats = 2 * passes * (values - passes) / (values * (values - 1))
    return 1 - disagreement


CHANCE_CORRECTED: Final = MappingProxyType[str, Callable[[Floats], Floats]](
    {"ac1": _chance_of_ac1, "kappa": _chance_of_kappa, "alpha": _chance_of_alpha}
)
"""Agreement expected by chance: Gwet (2008), Cohen (1960), Krippendorff (nominal, two raters)."""


def chance_corrected_interval(
    measure: str,
    ratings: NDArray[np.bool_],
    weight: Floats,
    *,
    confidence: float,
    resamples: int,
    seed: int,
    clusters: Sequence[str] | None = None,
) -> Interval:
    """(agreement - chance) / (1 - chance), with the percentile bootstrap over rows or clusters.

    `ratings` has one row per interaction and two columns. Weights are scaled to sum to the number
    of rows. Null where chance agreement is certain. Where all agree or all disagree the bootstrap
    collapses to a point, so there the bounds are Wilson's for the agreement at the same chance.
    """
    count = len(ratings)
    if not count:
        return Interval(None, None, None)
    cells = _cells(ratings) * (weight * count / weight.sum())[:, None]
    value = float(_corrected(measure, cells.sum(axis=0)))
    if not math.isfinite(value):
        return Interval(None, None, None)
    agree = ratings[:, 0] == ratings[:, 1]
    if agree.all() or not agree.any():
        share = 1.0 if agree.all() else 0.0
        chance = float(CHANCE_CORRECTED[measure](cells.sum(axis=0)))
        held = np.bincount(cluster_codes(count, clusters), weights=weight).astype(np.float64)
        bounds = np.array(wilson(share, effective_count(held), confidence=confidence))
        lower, upper = (bounds - chance) / (1 - chance)
        return Interval(value, float(lower), float(upper))
    sums = _by_cluster(cells, clusters)
    draws = np.random.default_rng(seed).multinomial(
        len(sums), np.full(len(sums), 1 / len(sums)), size=resamples
    )
    tables = draws @ sums
    tables *= (count / tables.sum(axis=-1))[:, None]
    replicates = _corrected(measure, tables)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    lower, upper = np.quantile(replicates[np.isfinite(replicates)], tails)
    return Interval(value, float(lower), float(upper))


def _by_cluster(cells: Floats, clusters: Sequence[str] | None) -> Floats:
    if clusters is None:
        return cells
    codes = cluster_codes(len(cells), clusters)
    sums = np.zeros((int(codes.max()) + 1, cells.shape[1]))
    np.add.at(sums, codes, cells)
    return sums


def _cells(ratings: NDArray[np.bool_]) -> Floats:
    first, second = ratings[:, 0], ratings[:, 1]
    cells: Floats = np.column_stack(
        [first & second, first & ~second, ~first & second, ~first & ~second]
    ).astype(np.float64)
    return cells


def _corrected(measure: str, table: Floats) -> Floats:
    chance = CHANCE_CORRECTED[measure](table)
    agreement = (table[..., 0] + table[..., 3]) / table.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected: Floats = np.where(chance < 1, (agreement - chance) / (1 - chance), np.nan)
    return corrected
