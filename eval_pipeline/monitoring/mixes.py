"""Finish reasons and error codes: the share of each that is frequent, and one test of the whole.

The mix is unusual where any of its categories is, at a cut-off that all categories of all routes
share: one test whose error is the metric's whole budget, whatever depends on what. A population
stability index with fixed limits would alarm by the size of the week (methods 6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import Measured, rate_of
from eval_pipeline.monitoring.scales import CONFIDENCE
from eval_pipeline.monitoring.traffic import ALL, WeekTraffic, by_route

MOST_CATEGORIES: Final = 20
LEAST_TOLD: Final = 5
"""Interactions, or conversations that met an error: a rarer category is not named."""
OTHER: Final = "other"
REMEMBERED_WEEKS: Final = 26


@dataclass(frozen=True)
class Mix:
    """A logged column as categories: `share` is each one's metric, `whole` that of the test."""

    share: str
    whole: str
    among: str

    def metric(self, category: str) -> str:
        """The metric of one category."""
        return f"{self.share}: {category}"


FINISH_REASONS: Final = Mix("finish_reason_share", "finish_reason_mix", "finish_reasons")
ERROR_CODES: Final = Mix("error_code_share", "error_code_mix", "interactions")
MIXES: Final = (FINISH_REASONS, ERROR_CODES)
MIX_OF: Final[Mapping[str, Mix]] = MappingProxyType({mix.whole: mix for mix in MIXES})


def category_of(metric: str) -> str | None:
    """The category of a share of a mix; null for any other metric."""
    family, separator, category = metric.partition(": ")
    return category if separator and family in {mix.share for mix in MIXES} else None


def category_shares(
    week: WeekTraffic, mix: Mix, *, history: pl.DataFrame
) -> list[tuple[str, str, Measured]]:
    """(route, metric, share) of every category that is named, for all routes and each of them.

    A category of the last half year is told again where it has no case now.
    """
    counted = week.finish_reasons if mix is FINISH_REASONS else week.errors
    told = _told_names(counted, mix, history=history)
    named = counted.with_columns(
        category=pl.when(pl.col("category").is_in(told))
        .then(pl.col("category"))
        .otherwise(pl.lit(OTHER))
    )
    rows = []
    for route, own in by_route(week):
        among = own.count(mix.among)
        chosen = named if route == ALL else named.filter(pl.col("route") == route)
        cases = dict(chosen.group_by("category").agg(pl.col("interactions").sum()).iter_rows())
        rows += [
            (
                route,
                mix.metric(category),
                rate_of(int(cases.get(category, 0)), among, confidence=CONFIDENCE),
            )
            for category in sorted({*told, *named["category"]})
        ]
    return rows


def whole_mix(shares: Sequence[Mapping[str, Any]], *, measured: int) -> dict[str, Any]:
    """The row of a route's whole mix of so many interactions, from the rows of its categories.

    `value` is the share that moved: half the sum of the categories' distances from their usual
    shares, where each has one. `robust_z` is that of the category that moved furthest.
    """
    compared = [row for row in shares if row.get("cut_off") is not None]
    weeks = max((row["baseline_weeks"] for row in shares), default=0)
    row: dict[str, Any] = {"measured": measured, "baseline_weeks": weeks}
    if not compared:
        # Where nothing failed there is no code, and none that moved.
        finding = next((row["finding"] for row in shares), "usual" if measured else "not_logged")
        return {**row, "finding": finding}
    furthest = max(compared, key=lambda one: (_extent(one), one["metric"]))
    unusual = any(one["finding"] == "unusual" for one in compared)
    return {
        **row,
        "value": sum(abs(one["change"]) for one in compared) / 2,
        "baseline": furthest["baseline"],
        "robust_z": furthest["robust_z"],
        "cut_off": furthest["cut_off"],
        "finding": "unusual" if unusual else "usual",
    }


def _extent(row: Mapping[str, Any]) -> float:
    """How far beyond its cut-off; what has no z strayed from a share that never moved."""
    z = row["robust_z"]
    return np.inf if z is None else abs(z) / row["cut_off"]


def _told_names(counted: pl.DataFrame, mix: Mix, *, history: pl.DataFrame) -> list[str]:
    column = "conversations" if "conversations" in counted.columns else "interactions"
    seen = counted.group_by("category").agg(
        cases=pl.col("interactions").sum(),
        # Conversations of two routes may be the same: the largest route's count is sure.
        told=pl.col(column).max() if column == "conversations" else pl.col(column).sum(),
    )
    now = seen.filter(pl.col("told") >= LEAST_TOLD).sort(
        "cases", "category", descending=[True, False]
    )
    prefix = mix.metric("")
    weeks = history["week"].unique().sort().tail(REMEMBERED_WEEKS).implode()
    known = history.filter(pl.col("week").is_in(weeks) & pl.col("metric").str.starts_with(prefix))[
        "metric"
    ].unique()
    earlier = sorted(name.removeprefix(prefix) for name in known)
    names = dict.fromkeys([*now["category"], *earlier])
    return sorted([name for name in names if name != OTHER][:MOST_CATEGORIES])
