"""Copies of scored trials, in memory: the baseline against itself, and faults planted in that.

Two runs of one system on one item are exchangeable, so which of them is called the candidate's
changes nothing in truth: a pair of recorded runs, or where an item has but one the measured noise
between two equal systems, is an A/A pair whose true difference is exactly zero. A drop is planted
by making that share of pairs a loss, so the true difference is exactly minus the drop in every
item, whatever weights, looks and cells the gate reads it by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.evaluation.trial_items import SYNTHETIC
from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.statistics.clusters import Floats

CANDIDATE: Final = "planted by the gate's audit"
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Arms:
    """One score per item and arm, in the items' order; NaN is a missing one."""

    baseline: Floats
    candidate: Floats


@dataclass(frozen=True)
class Copies:
    """The baseline's scored items, and every score that it has been given on each.

    `items`: REGRESSION_TRIALS of one arm, a row an item, by id. `runs`: a row an item, its recorded
    scores first and NaN after them. `discordance`: of each item, how often two equal systems differ
    on it by a whole point.
    """

    items: pl.DataFrame
    runs: Floats
    discordance: Floats

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Recorded scores of each item."""
        held: NDArray[np.int64] = (~np.isnan(self.runs)).sum(axis=1)
        return held

    def members(self, subset: str) -> Mask:
        """Items of the subset that have a score; 'all' is the traffic."""
        held = pl.col("subsets").list.contains(subset)
        if subset == ALL:
            held = ~pl.col("subsets").list.contains(SYNTHETIC_SUBSET)
        inside: Mask = self.items.select(held).to_series().to_numpy().astype(np.bool_)
        return inside & (self.counts > 0)

    @cached_property
    def judged(self) -> Mask:
        """Items that judges scored, one answer alone."""
        scorer = pl.col("scorer")
        by_judges = ((scorer == "panel") | scorer.str.starts_with("judge:")) & (
            pl.col("status") == "answered"
        )
        found: Mask = self.items.select(by_judges).to_series().to_numpy().astype(np.bool_)
        return found & (self.counts > 0)

    def equal_arms(self, rng: np.random.Generator) -> Arms:
        """The baseline against itself: two of an item's runs in random order, without replacement.

        Of an item with one run both arms have that score, but for a win or a loss of a whole point,
        equally likely, as often as its discordance says.
        """
        size = self.counts.size
        first = np.floor(rng.random(size) * self.counts).astype(np.int64)
        second = np.floor(rng.random(size) * np.maximum(1, self.counts - 1)).astype(np.int64)
        second += (second >= first) & (self.counts > 1)
        places = np.arange(size)
        baseline = self.runs[places, np.minimum(first, np.maximum(0, self.counts - 1))]
        candidate = self.runs[places, np.minimum(second, np.maximum(0, self.counts - 1))]
        drawn = rng.random(size)
        alone = self.counts == 1
        won = alone & (drawn < self.discordance / 2)
        lost = alone & (drawn >= self.discordance / 2) & (drawn < self.discordance)
        return Arms(
            np.where(won, 0.0, np.where(lost, 1.0, baseline)),
            np.where(won, 1.0, np.where(lost, 0.0, candidate)),
        )

    def trials(self, arms: Arms, *, dropped: Mask | None = None) -> pl.DataFrame:
        """REGRESSION_TRIALS of both arms; of `dropped` items the candidate has no row at all."""
        score = pl.Series("score", arms.baseline, nan_to_null=True)
        baseline = self.items.with_columns(score, arm=pl.lit("baseline"))
        candidate = self.items.with_columns(
            pl.Series("score", arms.candidate, nan_to_null=True),
            arm=pl.lit("candidate"),
            system_id=pl.lit(CANDIDATE),
        )
        if dropped is not None:
            candidate = candidate.filter(pl.Series(~dropped))
        return pl.concat([baseline, candidate])


def lowered(arms: Arms, members: Mask, *, drop: float, rng: np.random.Generator) -> Arms:
    """The arms with a regression of exactly `drop`, in expectation, in every member."""
    lost = losses(members, drop=drop, rng=rng)
    return Arms(np.where(lost, 1.0, arms.baseline), np.where(lost, 0.0, arms.candidate))


def losses(members: Mask, *, drop: float, rng: np.random.Generator) -> Mask:
    """The members that are made losses: each with the chance `drop`."""
    chosen: Mask = members & (rng.random(members.size) < drop)
    return chosen


def copies_of(
    baseline: pl.DataFrame,
    *,
    further: pl.DataFrame,
    discordance: Mapping[str, float],
    synthetic: bool,
) -> Copies:
    """From a baseline's REGRESSION_TRIALS and `further` runs of the same items.

    `further`: `item_id` and `score`, a row a run. `discordance` by subset, and of 'all': an item's
    is the mean of its subsets'. Items that no scorer could hold against a reference are left out;
    so are synthetic ones unless they are asked for.
    """
    held = baseline.filter(pl.col("score_error").ne_missing(NO_REFERENCE))
    if not synthetic:
        held = held.filter(pl.col("source") != SYNTHETIC)
    ordered = held.sort("item_id", "trial")
    items = ordered.unique("item_id", keep="first", maintain_order=True)
    every = pl.concat([ordered.select("item_id", "score"), further.select("item_id", "score")])
    lists = every.drop_nulls("score").group_by("item_id", maintain_order=True).agg("score")
    scores: list[list[float] | None] = items.join(
        lists.rename({"score": "scores"}), on="item_id", how="left", maintain_order="left"
    )["scores"].to_list()
    return Copies(
        items=items.with_columns(trial=pl.lit(1, dtype=pl.Int64)),
        runs=_packed([one or [] for one in scores]),
        discordance=_by_item(items, discordance),
    )


def _packed(scores: Sequence[Sequence[float]]) -> Floats:
    width = max((len(one) for one in scores), default=1)
    packed = np.full((len(scores), max(1, width)), np.nan)
    for place, one in enumerate(scores):
        packed[place, : len(one)] = one
    return packed


def _by_item(items: pl.DataFrame, discordance: Mapping[str, float]) -> Floats:
    overall = discordance[ALL]
    own = [
        float(np.mean([discordance.get(name, overall) for name in names])) if names else overall
        for names in items["subsets"].to_list()
    ]
    return np.asarray(own, dtype=np.float64)
