"""What each item weighs in the aggregate: the week's live traffic, or else the mix of look 1."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from eval_pipeline.evaluation.pairs import EQUAL_SCORES, Mask, Pairs, Places
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.statistics.weights import MAXIMUM_RATIO, ROUNDING, capped


@dataclass(frozen=True)
class Aggregate:
    """Weights by item, None where all count alike, and the share of traffic that none stands for.

    `uncovered` is None where the traffic is not known.
    """

    weights: Floats | None
    uncovered: float | None = None


def aggregate_weights(pairs: Pairs, asked: Mask, *, names: Collection[str]) -> Aggregate:
    """Post-stratified to the live shares (methods 2.10); without them to the mix of look 1.

    A cell's share is divided among its items that were asked and have both scores, by their own
    weights where they have such. Items of no live cell stand for no traffic and weigh nothing.
    """
    live = pairs.live
    if live is None:
        return Aggregate(mix_weights(pairs, asked, names=names))
    counted = asked & pairs.complete & (live.codes >= 0)
    if not counted.any():
        return Aggregate(np.zeros(asked.size), 1.0)
    base = np.ones(asked.size) if pairs.weights is None else pairs.weights
    mass = _mass(live.codes, base, counted, size=live.shares.size)
    shares = np.where(mass > 0, live.shares, 0.0)
    uncovered = 1 - float(shares.sum())
    weights = _divided(shares, mass, codes=live.codes, base=base, counted=counted)
    weights[live.codes < 0] = 0.0
    weights[counted] = capped(weights[counted], MAXIMUM_RATIO)
    weights = np.minimum(weights, weights[counted].max())
    equal = np.ptp(weights[asked]) < EQUAL_SCORES
    return Aggregate(None if equal else weights, uncovered if uncovered > ROUNDING else 0.0)


def mix_weights(pairs: Pairs, asked: Mask, *, names: Collection[str]) -> Floats | None:
    """Weights that hold the aggregate to the mix of look 1, whatever the top-ups asked for.

    Cells are the combinations of subsets; an item's weight is its cell's share of look 1 over the
    cell's share of what was asked, times its own weight if it has one. Cells that look 1 does not
    know weigh nothing: they are not part of the mix that the aggregate speaks of. While nothing
    but look 1 was asked, items have their own weights; None where all count alike.
    """
    if bool((pairs.looks[asked] == 1).all()):
        return pairs.weights
    codes = pairs.combinations(names)
    base = np.ones(asked.size) if pairs.weights is None else pairs.weights
    opening, counted = asked & (pairs.looks == 1), asked & pairs.complete
    size = int(codes.max()) + 1
    first = _mass(codes, base, opening, size=size)
    mass = _mass(codes, base, counted, size=size)
    weights = _divided(first, mass, codes=codes, base=base, counted=counted)
    return None if np.ptp(weights[asked]) < EQUAL_SCORES else weights


def _mass(codes: Places, base: Floats, chosen: Mask, *, size: int) -> Floats:
    found: Floats = np.bincount(codes[chosen], weights=base[chosen], minlength=size).astype(
        np.float64
    )
    return found


def _divided(shares: Floats, mass: Floats, *, codes: Places, base: Floats, counted: Mask) -> Floats:
    """Each cell's share over the mass that its counted items have; their mean weight is near 1."""
    scaled = shares / (shares.sum() or 1.0)
    ratio = np.divide(scaled, mass, out=np.zeros(mass.size), where=mass > 0)
    weights: Floats = ratio[codes] * base * counted.sum()
    return weights


def with_cells(trials: pl.DataFrame, live: pl.DataFrame | None) -> pl.DataFrame:
    """REGRESSION_TRIALS with the cell that each item stands for, null where it stands for none.

    `live`: one row per item, `item_id`, `cell` and `cell_share`; None where it is not known.
    """
    if live is None:
        return trials
    joined = trials.drop("cell", "cell_share").join(
        live, on="item_id", how="left", maintain_order="left"
    )
    return joined.select(trials.columns)
