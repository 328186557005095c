"""Trials as pairs: one row per item, both arms' mean scores, ready for paired tests.

Arrays and not tuples: a comparison of a million rows is a comparison all the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.errors import TrialWeightError
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.evaluation.trial_items import SYNTHETIC
from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.statistics.clusters import Floats

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
EQUAL_SCORES = 1e-9
WEIGHT = "weight"
CELL, CELL_SHARE = "cell", "cell_share"
BITS = 60


@dataclass(frozen=True)
class LiveCells:
    """Which cell of the live traffic each item stands for (-1: none), and the cells' shares.

    Shares are of all traffic; what they lack of 1 is traffic that no cell stands for.
    """

    codes: Places
    shares: Floats


@dataclass(frozen=True)
class Pairs:
    """Items in id order; a missing score is NaN here and only here, and is counted as missing.

    `clusters` are whole numbers from 0. `places` says by subset where its items stand. `weights`
    are the items' own, None where all count alike. `live` is None where the traffic is not known.
    """

    item_ids: pl.Series
    baseline: Floats
    candidate: Floats
    looks: Places
    is_reserve: Mask
    is_synthetic: Mask
    clusters: Places
    places: Mapping[str, Places]
    weights: Floats | None = None
    live: LiveCells | None = None

    @cached_property
    def complete(self) -> Mask:
        """Items that have a score in both arms."""
        return ~(np.isnan(self.baseline) | np.isnan(self.candidate))

    @cached_property
    def differences(self) -> Floats:
        """Candidate minus baseline; what rounding alone tells apart is equal."""
        return differences(self.baseline, self.candidate)

    def members(self, name: str) -> Mask:
        """Items of a subset, or of 'all', which speaks of traffic: synthetic items are none."""
        if name == ALL:
            return ~self.is_synthetic
        inside = np.zeros(self.baseline.size, dtype=np.bool_)
        inside[self.places.get(name, [])] = True
        return inside

    def named(self) -> list[str]:
        """Every subset of the traffic that an item names."""
        return sorted(set(self.places) - {SYNTHETIC_SUBSET})

    def combinations(self, names: Collection[str]) -> Places:
        """Whole numbers from 0, equal for items that stand in the same of the named subsets."""
        codes = np.zeros(self.baseline.size, dtype=np.int64)
        known = [name for name in sorted(set(names)) if name in self.places]
        for start in range(0, len(known), BITS):
            bits = np.zeros_like(codes)
            for place, name in enumerate(known[start : start + BITS]):
                bits[self.places[name]] += 1 << place
            _, inner = np.unique(bits, return_inverse=True)
            _, codes = np.unique(
                codes * (int(inner.max(initial=0)) + 1) + inner, return_inverse=True
            )
        return codes.astype(np.int64)


def differences(baseline: Floats, candidate: Floats) -> Floats:
    """Candidate minus baseline, item by item; what rounding alone tells apart is equal."""
    found: Floats = candidate - baseline
    found[np.abs(found) < EQUAL_SCORES] = 0.0
    return found


def pair_trials(trials: pl.DataFrame) -> Pairs:
    """Pairs from REGRESSION_TRIALS: trials of an item are averaged inside it, never counted as n.

    Rows that no scorer could hold against a reference say nothing of either arm and are left out;
    a failed call or judgement leaves the item missing in its arm. A column `weight`, which trials
    of elsewhere may bring, is the item's (null or the same everywhere: all count alike); so are
    `cell` and `cell_share`, null for an item that stands for no traffic. Raises `TrialWeightError`
    for weights that are negative, not finite, or there for some items only.
    """
    items = _items(trials)
    cluster = items["cluster_id"]
    alone = cluster.n_unique() == cluster.len() and cluster.null_count() == 0
    ranks = np.arange(1, cluster.len() + 1) if alone else cluster.rank("dense").to_numpy()
    return Pairs(
        item_ids=items["item_id"],
        baseline=items["baseline"].fill_null(float("nan")).to_numpy(),
        candidate=items["candidate"].fill_null(float("nan")).to_numpy(),
        looks=items["look"].to_numpy().astype(np.int64),
        is_reserve=(items["source"] == "reserve").to_numpy().astype(np.bool_),
        is_synthetic=(items["source"] == SYNTHETIC).to_numpy().astype(np.bool_),
        clusters=ranks.astype(np.int64) - 1,
        places=_places(items["subsets"]),
        weights=_own_weights(items),
        live=_live_cells(items),
    )


def _items(trials: pl.DataFrame) -> pl.DataFrame:
    """One row per item, by id. What describes the item is the baseline's where it has a row."""
    held = [name for name in (WEIGHT, CELL, CELL_SHARE) if name in trials.columns]
    rows = trials.lazy().filter(pl.col("score_error").ne_missing(NO_REFERENCE))
    wanted = rows.select(
        "item_id", "arm", "trial", "look", "source", "cluster_id", "subsets", "score", *held
    ).collect()
    arms = [wanted.filter(pl.col("arm") == arm) for arm in ("baseline", "candidate")]
    if any(arm["item_id"].n_unique() < arm.height for arm in arms):
        arms = [_averaged(arm) for arm in arms]
    baseline, candidate = (
        arm.drop("arm", "trial").rename({"score": name})
        for arm, name in zip(arms, ("baseline", "candidate"), strict=True)
    )
    both = baseline.join(candidate, on="item_id", how="full", coalesce=True, suffix="_other")
    shared = ("source", "cluster_id", "subsets", *held)
    return both.select(
        "item_id",
        pl.col("baseline", "candidate").cast(pl.Float64),
        pl.min_horizontal("look", "look_other").alias("look"),
        *(pl.coalesce(name, f"{name}_other").alias(name) for name in shared),
    ).sort("item_id")


def _averaged(arm: pl.DataFrame) -> pl.DataFrame:
    """Trials in their order, so that the same trials in any order give the same mean."""
    rest = pl.exclude("item_id", "score", "look").first()
    return (
        arm.sort("item_id", "trial")
        .group_by("item_id", maintain_order=True)
        .agg(rest, pl.col("score").mean(), pl.col("look").min())
    )


def _places(subsets: pl.Series) -> dict[str, Places]:
    memberships = (
        pl.DataFrame({"name": subsets})
        .with_row_index("place")
        .explode("name", empty_as_null=True)
        .drop_nulls("name")
        .unique(["name", "place"], maintain_order=True)
    )
    return {
        str(name): own["place"].to_numpy().astype(np.int64)
        for (name,), own in sorted(memberships.partition_by("name", as_dict=True).items())
    }


def _live_cells(items: pl.DataFrame) -> LiveCells | None:
    if CELL not in items.columns or items[CELL].null_count() == items.height:
        return None
    shares = items.group_by(CELL).agg(pl.col(CELL_SHARE).max()).drop_nulls(CELL).sort(CELL)
    codes = items.select(pl.col(CELL).rank("dense").cast(pl.Int64) - 1).to_series()
    return LiveCells(codes.fill_null(-1).to_numpy(), shares[CELL_SHARE].to_numpy())


def _own_weights(items: pl.DataFrame) -> Floats | None:
    if WEIGHT not in items.columns or items[WEIGHT].null_count() == items.height:
        return None
    missing = items[WEIGHT].null_count()
    weights: Floats = items[WEIGHT].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    usable = np.isfinite(weights) & (weights >= 0)
    if not usable.all():
        raise TrialWeightError(int(weights.size - usable.sum()), missing)
    return None if np.ptp(weights) < EQUAL_SCORES else weights
