"""The routes that both weeks' traffic and items can speak of, with their shares of traffic."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from eval_pipeline.evaluation.traffic_mix import TrafficWeek
from eval_pipeline.statistics.clusters import Floats


@dataclass(frozen=True)
class Strata:
    """Two weeks of traffic on the routes that are measured, and what had to be left out of each.

    A route with traffic and without items in either week is left out of both: what it would add
    to one week's value alone would pass for a change.
    """

    before: TrafficWeek
    now: TrafficWeek
    uncovered_before: float
    uncovered_now: float

    @property
    def routes(self) -> tuple[str, ...]:
        """Of either week, by name."""
        return tuple(sorted({*self.before.shares, *self.now.shares}))

    @property
    def uncovered(self) -> float:
        """The larger of the two weeks' shares."""
        return max(self.uncovered_before, self.uncovered_now)

    def shares(self, week: TrafficWeek) -> Floats:
        """In the order of `routes`, 0 where the week has none."""
        return np.array([week.shares.get(route, 0.0) for route in self.routes])


def strata_of(
    before: TrafficWeek | None,
    now: TrafficWeek | None,
    *,
    paired: pl.DataFrame,
    today: pl.DataFrame,
) -> Strata | str:
    """The strata, or why there are none: `paired` are compared, `today` is asked now."""
    if before is None or now is None:
        return "traffic of both weeks is needed"
    then_items, now_items = set(paired["route"]), set(today["route"])
    bare = (set(before.shares) - then_items) | (set(now.shares) - now_items)
    measured_before = before.on(set(before.shares) - bare)
    measured_now = now.on(set(now.shares) - bare)
    if not set(measured_before.routes) & set(measured_now.routes):
        return "no route has items and traffic in both weeks"
    return Strata(
        measured_before,
        measured_now,
        uncovered_before=_share(before.shares, bare),
        uncovered_now=_share(now.shares, bare),
    )


def _share(shares: Mapping[str, float], routes: set[str]) -> float:
    return sum(share for route, share in sorted(shares.items()) if route in routes)


def item_weights(items: pl.DataFrame, shares: Mapping[str, float]) -> Floats:
    """Each item's part of its route's share, which its route's items share equally; sum to 1."""
    sizes = items.group_by("route").len()
    counts = dict(sizes.iter_rows())
    return np.array([shares.get(route, 0.0) / counts[route] for route in items["route"]])
