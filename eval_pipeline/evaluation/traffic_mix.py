"""The routes' shares of traffic in two weeks, and what the weeks' samples leave open about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.statistics.clusters import Floats, cluster_codes, kish_effective_items

LEAST_EFFECTIVE_CONVERSATIONS: Final = 2.0


@dataclass(frozen=True)
class TrafficWeek:
    """A week's sample: per conversation (row) and route (column) its design weights' sum.

    `shares` are the routes' shares of the week, in the order of `routes`.
    """

    routes: tuple[str, ...]
    masses: Floats

    @property
    def shares(self) -> dict[str, float]:
        """Of the week's traffic, by route."""
        return dict(
            zip(self.routes, (self.masses.sum(axis=0) / self.masses.sum()).tolist(), strict=True)
        )

    @property
    def effective_conversations(self) -> float:
        """Kish's, over the conversations' weights."""
        return kish_effective_items(self.masses.sum(axis=1))

    def on(self, routes: Collection[str]) -> "TrafficWeek":
        """The same week without the other routes; without any traffic an empty one."""
        kept = [place for place, route in enumerate(self.routes) if route in set(routes)]
        masses = self.masses[:, kept]
        return TrafficWeek(
            tuple(self.routes[place] for place in kept), masses[masses.sum(axis=1) > 0]
        )

    def variance(self, slopes: Mapping[str, float]) -> float:
        """Of the sum over routes of slope times share, linearised, by conversation.

        Strata of the draw are left aside, which can only widen it. 0 below two conversations.
        """
        size = len(self.masses)
        if size < LEAST_EFFECTIVE_CONVERSATIONS:
            return 0.0
        values = np.array([slopes.get(route, 0.0) for route in self.routes])
        total = self.masses.sum()
        centre = float(self.masses.sum(axis=0) @ values / total)
        influence = self.masses @ (values - centre) / total
        return float(np.square(influence).sum()) * size / (size - 1)


def traffic_week(stratified: pl.DataFrame | None, *, subset: str | None) -> TrafficWeek | None:
    """From STRATIFIED_INTERACTIONS; the sample's rows alone stand for the whole week.

    None where the week was not drawn or has fewer than two effective conversations of the subset.
    """
    if stratified is None:
        return None
    rows = stratified.filter(pl.col("selection") == "sample").sort("interaction_id")
    if subset is not None:
        rows = rows.filter(pl.col("subsets").list.contains(subset))
    if rows.is_empty():
        return None
    routes = sorted(set(rows["route"]))
    keys = rows.select(pl.coalesce("conversation_key", "interaction_id")).to_series().to_list()
    codes = cluster_codes(rows.height, keys)
    masses = np.zeros((int(codes.max()) + 1, len(routes)))
    places = np.array([routes.index(route) for route in rows["route"]])
    np.add.at(masses, (codes, places), rows["design_weight"].to_numpy())
    week = TrafficWeek(tuple(routes), masses)
    return week if week.effective_conversations >= LEAST_EFFECTIVE_CONVERSATIONS else None
