"""Trials as pairs: one row per item, both arms' mean scores, ready for paired tests."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.paired_tests import PairedTest, paired_test
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.evaluation.trials import SYNTHETIC
from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.statistics.clusters import Floats

Mask = NDArray[np.bool_]
EQUAL_SCORES = 1e-9


@dataclass(frozen=True)
class Pairs:
    """Items in id order; a missing score is NaN here and only here, and is counted as missing."""

    item_ids: tuple[str, ...]
    baseline: Floats
    candidate: Floats
    looks: NDArray[np.int64]
    is_reserve: Mask
    is_synthetic: Mask
    clusters: NDArray[np.int64]
    subsets: tuple[tuple[str, ...], ...]

    @property
    def complete(self) -> Mask:
        """Items that have a score in both arms."""
        return ~(np.isnan(self.baseline) | np.isnan(self.candidate))

    def members(self, name: str) -> Mask:
        """Items of a subset, or of 'all', which speaks of traffic: synthetic items are none."""
        if name == ALL:
            return ~self.is_synthetic
        return np.array([name in subsets for subsets in self.subsets], dtype=np.bool_)

    def named(self) -> list[str]:
        """Every subset of the traffic that an item names."""
        named = {name for subsets in self.subsets for name in subsets}
        return sorted(named - {SYNTHETIC_SUBSET})


def pair_trials(trials: pl.DataFrame) -> Pairs:
    """Pairs from REGRESSION_TRIALS: trials of an item are averaged inside it, never counted as n.

    Rows that no scorer could hold against a reference say nothing of either arm and are left out;
    a failed call or judgement leaves the item missing in its arm.
    """
    items = (
        trials.filter(pl.col("score_error").ne_missing(NO_REFERENCE))
        .sort("item_id", "arm", "trial")
        .group_by("item_id", maintain_order=True)
        .agg(
            pl.col("score").filter(pl.col("arm") == "baseline").mean().alias("baseline"),
            pl.col("score").filter(pl.col("arm") == "candidate").mean().alias("candidate"),
            pl.col("look").min(),
            (pl.col("source").first() == "reserve").alias("is_reserve"),
            (pl.col("source").first() == SYNTHETIC).alias("is_synthetic"),
            pl.col("cluster_id").first(),
            pl.col("subsets").first(),
        )
    )
    return Pairs(
        item_ids=tuple(items["item_id"].to_list()),
        baseline=items["baseline"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        candidate=items["candidate"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        looks=items["look"].to_numpy().astype(np.int64),
        is_reserve=items["is_reserve"].to_numpy().astype(np.bool_),
        is_synthetic=items["is_synthetic"].to_numpy().astype(np.bool_),
        clusters=items["cluster_id"].rank("dense").to_numpy().astype(np.int64),
        subsets=tuple(tuple(names) for names in items["subsets"].to_list()),
    )


@dataclass(frozen=True)
class Reading:
    """What one look sees of one subset. `worst` and `best` bound what the missing items hide."""

    baseline_mean: float
    candidate_mean: float
    difference: float
    items: int
    clusters: int
    wins: int
    losses: int
    missing_baseline: int
    missing_candidate: int
    variance: float
    test: PairedTest
    worst: PairedTest
    best: PairedTest


def read_subset(
    pairs: Pairs, chosen: Mask, *, weights: Floats | None, bound_missing_above: float
) -> Reading | None:
    """The reading of the chosen items, or None where no chosen item has both scores.

    `weights` are by item. When more than `bound_missing_above` of the items lack a score, `worst`
    gives them the most damaging value and `best` the most favourable; else both are the test.
    """
    complete = chosen & pairs.complete
    items = int(complete.sum())
    if items == 0:
        return None
    baseline, candidate = pairs.baseline[complete], pairs.candidate[complete]
    differences = candidate - baseline
    differences[np.abs(differences) < EQUAL_SCORES] = 0.0
    mass = None if weights is None else weights[complete]
    test = _test(pairs, complete, filled=(baseline, candidate), weights=weights)
    worst = best = test
    if (chosen.sum() - items) / chosen.sum() > bound_missing_above:
        worst = _test(pairs, chosen, filled=_filled(pairs, chosen, favour=0.0), weights=weights)
        best = _test(pairs, chosen, filled=_filled(pairs, chosen, favour=1.0), weights=weights)
    difference = float(np.average(differences, weights=mass))
    return Reading(
        baseline_mean=float(np.average(baseline, weights=mass)),
        candidate_mean=float(np.average(candidate, weights=mass)),
        difference=difference,
        items=items,
        clusters=int(np.unique(pairs.clusters[complete]).size),
        wins=int((differences > 0).sum()),
        losses=int((differences < 0).sum()),
        missing_baseline=int(np.isnan(pairs.baseline[chosen]).sum()),
        missing_candidate=int(np.isnan(pairs.candidate[chosen]).sum()),
        variance=float(np.average(np.square(differences - difference), weights=mass)),
        test=test,
        worst=worst,
        best=best,
    )


def _filled(pairs: Pairs, chosen: Mask, *, favour: float) -> tuple[Floats, Floats]:
    """Both arms with every missing score in the candidate's favour (1.0) or against it (0.0)."""
    return (
        np.nan_to_num(pairs.baseline[chosen], nan=1 - favour),
        np.nan_to_num(pairs.candidate[chosen], nan=favour),
    )


def _test(
    pairs: Pairs, mask: Mask, *, filled: tuple[Floats, Floats], weights: Floats | None
) -> PairedTest:
    baseline, candidate = filled
    differences = candidate - baseline
    differences[np.abs(differences) < EQUAL_SCORES] = 0.0
    scores = np.concatenate(filled)
    return paired_test(
        differences,
        binary=bool(np.isin(scores, (0.0, 1.0)).all()),
        clusters=pairs.clusters[mask],
        weights=None if weights is None else weights[mask],
    )


def mix_weights(pairs: Pairs, asked: Mask, *, names: Collection[str]) -> Floats | None:
    """Weights that hold the aggregate to the mix of look 1, whatever the top-ups asked for.

    Cells are the combinations of subsets; an item's weight is its cell's share of look 1 over the
    cell's share of what was asked. None while nothing but look 1 was asked. Cells that look 1 does
    not know weigh nothing: they are not part of the mix that the aggregate speaks of.
    """
    if bool((pairs.looks[asked] == 1).all()):
        return None
    gated = frozenset(names)
    signatures = ["\x1f".join(sorted(gated.intersection(own))) for own in pairs.subsets]
    codes = np.unique(np.array(signatures), return_inverse=True)[1]
    first = np.bincount(codes[asked & (pairs.looks == 1)], minlength=int(codes.max()) + 1)
    counted = asked & pairs.complete
    now = np.bincount(codes[counted], minlength=int(codes.max()) + 1)
    ratio = np.divide(first / max(1, first.sum()), now, out=np.zeros(now.size), where=now > 0)
    weights: Floats = ratio[codes] * counted.sum()
    return None if np.ptp(weights[asked]) < EQUAL_SCORES else weights
