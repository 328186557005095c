"""The week's volume against its own history: in all, and stratum by stratum."""

from dataclasses import dataclass
from typing import Final

import polars as pl

FEWEST_WEEKS: Final = 3
"""A median of fewer weeks is one week's accident."""


@dataclass(frozen=True)
class Volume:
    """The week's interactions and their baseline, null where there is too little history."""

    interactions: int
    baseline: float | None
    weeks: int
    strata: pl.DataFrame  # stratum, interactions, baseline, ratio; judged ones only

    @property
    def ratio(self) -> float | None:
        """The week's interactions, as a multiple of the baseline."""
        return None if self.baseline is None else self.interactions / self.baseline

    def outside(self, *, lower: float, upper: float) -> pl.DataFrame:
        """The strata that hold less or more of their baseline than the bounds allow."""
        return self.strata.filter(~pl.col("ratio").is_between(lower, upper))


def volume_of(
    strata: pl.DataFrame, history: pl.DataFrame, *, weeks: int, smallest_baseline: int
) -> Volume:
    """Compares the week with the median of its last `weeks` weeks.

    `strata`: stratum and interactions of the week. `history`: the same of earlier weeks, with
    `week`; the newest `weeks` of them count. A stratum that is gone holds 0. Its median starts
    with the week in which it was first seen; with fewer than three weeks, or a baseline under
    `smallest_baseline`, it is not judged.
    """
    earlier = history.select("week", "stratum", pl.col("interactions").cast(pl.Int64))
    newest = earlier["week"].unique().sort().tail(weeks)
    recent = earlier.filter(pl.col("week").is_in(newest.implode()))
    totals = recent.group_by("week").agg(pl.col("interactions").sum())["interactions"]
    return Volume(
        interactions=int(strata["interactions"].sum()),
        baseline=_median(totals),
        weeks=newest.len(),
        strata=_by_stratum(strata, recent, smallest_baseline=smallest_baseline),
    )


def _median(totals: pl.Series) -> float | None:
    median = totals.median() if totals.len() >= FEWEST_WEEKS else None
    return float(median) if isinstance(median, int | float) and median > 0 else None


def _by_stratum(
    strata: pl.DataFrame, recent: pl.DataFrame, *, smallest_baseline: int
) -> pl.DataFrame:
    weeks = recent.select(pl.col("week").unique())
    first_seen = recent.group_by("stratum").agg(first_week=pl.col("week").min())
    baselines = (
        first_seen.join(weeks, how="cross")
        .filter(pl.col("week") >= pl.col("first_week"))
        .join(recent, on=["stratum", "week"], how="left")
        .group_by("stratum")
        .agg(weeks=pl.len(), baseline=pl.col("interactions").fill_null(0).median())
        .filter(pl.col("weeks") >= FEWEST_WEEKS, pl.col("baseline") >= smallest_baseline)
    )
    this_week = strata.select("stratum", pl.col("interactions").cast(pl.Int64))
    return (
        baselines.join(this_week, on="stratum", how="left")
        .with_columns(pl.col("interactions").fill_null(0))
        .select(
            "stratum",
            "interactions",
            "baseline",
            ratio=pl.col("interactions") / pl.col("baseline"),
        )
        .sort("stratum")
    )
