"""How the mix of traffic shifted between two weeks, and what that does to a mean score."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.paired_tests import augmented_mean
from eval_pipeline.statistics.clusters import Floats, cluster_codes, kish_effective_items

LEAST_EFFECTIVE_ITEMS: Final = 2.0


@dataclass(frozen=True)
class TrafficMix:
    """Shares of traffic by route in two weeks, and the effective sample sizes they rest on."""

    before: dict[str, float]
    now: dict[str, float]
    effective_before: float
    effective_now: float


@dataclass(frozen=True)
class MixShift:
    """The mean's change by the mix alone; `uncovered` is this week's share without items."""

    difference: float
    standard_error: float
    uncovered: float


def traffic_mix(
    traffic: pl.DataFrame, reference_traffic: pl.DataFrame | None, *, subset: str | None
) -> TrafficMix | None:
    """From STRATIFIED_INTERACTIONS of two weeks; None where either has too little of the subset."""
    if reference_traffic is None:
        return None
    now, before = _sampled(traffic, subset), _sampled(reference_traffic, subset)
    sizes = [
        kish_effective_items(week["design_weight"]) if week.height else 0.0
        for week in (before, now)
    ]
    if min(sizes) < LEAST_EFFECTIVE_ITEMS:
        return None
    return TrafficMix(_shares(before), _shares(now), *sizes)


def mix_shift(
    mix: TrafficMix, scores: Floats, *, routes: Sequence[str], clusters: Any
) -> MixShift | None:
    """Sum over routes of (share now - share then) x mean score, on routes with items (Kitagawa).

    Shares are renormalised on those routes; None where either week has no traffic on them. The
    variance is that of the two samples' shares and of the routes' means, by the delta method.
    """
    place = np.array(routes)
    known = sorted(set(routes) & (set(mix.before) | set(mix.now)))
    before, now = _renormalised(mix.before, known), _renormalised(mix.now, known)
    if before is None or now is None:
        return None
    means = np.array([scores[place == route].mean() for route in known])
    variance = _share_variance(before, means) / mix.effective_before
    variance += _share_variance(now, means) / mix.effective_now
    for shift, route in zip(now - before, known, strict=True):
        own = scores[place == route]
        codes = cluster_codes(own.size, clusters[place == route])
        variance += (shift * augmented_mean(own, clusters=codes).standard_error) ** 2
    return MixShift(
        difference=float((now - before) @ means),
        standard_error=math.sqrt(variance),
        uncovered=1 - sum(mix.now.get(route, 0.0) for route in known),
    )


def _sampled(traffic: pl.DataFrame, subset: str | None) -> pl.DataFrame:
    """The sample's rows: its weights alone stand for the whole week."""
    rows = traffic.filter(pl.col("selection") == "sample").sort("interaction_id")
    return rows if subset is None else rows.filter(pl.col("subsets").list.contains(subset))


def _shares(week: pl.DataFrame) -> dict[str, float]:
    total = float(week["design_weight"].sum())
    masses = week.group_by("route", maintain_order=True).agg(pl.col("design_weight").sum())
    return {route: mass / total for route, mass in masses.sort("route").iter_rows()}


def _renormalised(shares: dict[str, float], known: Collection[str]) -> Floats | None:
    values = np.array([shares.get(route, 0.0) for route in known], dtype=np.float64)
    return values / values.sum() if values.sum() > 0 else None


def _share_variance(shares: Floats, means: Floats) -> float:
    """Never below zero, which rounding alone could bring it to."""
    return max(0.0, float(shares @ np.square(means) - (shares @ means) ** 2))
