"""Within, mix, entry and exit with their errors, and the total's, by the delta method.

All means are under new answers, judges and truth: what is left between the paired items' value
now and today's live value is the population's. Items count by conversation (CR2), shares by the
conversations drawn in each week.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from eval_pipeline.evaluation.decomposition.item_groups import (
    ItemGroup,
    item_groups,
    sum_now,
    sum_of_change,
)
from eval_pipeline.evaluation.decomposition.paired_items import NOW, THEN
from eval_pipeline.evaluation.decomposition.part import Part
from eval_pipeline.evaluation.decomposition.population_algebra import (
    POPULATION,
    population_gradients,
    population_parts,
)
from eval_pipeline.evaluation.decomposition.strata import Strata
from eval_pipeline.statistics.cell_means import CellSum
from eval_pipeline.statistics.clusters import Floats


@dataclass(frozen=True)
class Population:
    """The parts, their total and the value then, over the strata's items."""

    parts: dict[str, Part]
    total: Part
    value_before: float


def population_of(strata: Strata, *, paired: pl.DataFrame, today: pl.DataFrame) -> Population:
    """`paired`: the items of then, on routes of then; `today`: this week's scored ones, on its.

    What cannot happen (no route is new, or gone) is exactly 0.
    """
    groups = item_groups(paired, today)
    known = Part(
        None,
        items=pl.concat([paired["item_id"], today["item_id"]]).n_unique(),
        clusters=pl.concat([paired["conversation_key"], today["conversation_key"]]).n_unique(),
        uncovered=strata.uncovered,
    )
    then, moved = _means(strata, paired, THEN), _means(strata, paired, NOW)
    now = _means(strata, today, "score")
    before_shares, now_shares = strata.shares(strata.before), strata.shares(strata.now)
    point = {"means_before": moved, "means_now": now}
    differences = population_parts(before_shares, now_shares, **point)
    slopes = population_gradients(before_shares, now_shares, **point)
    parts = {}
    for name in POPULATION:
        w0, w1, m0, m1 = (_by_route(strata, row) for row in slopes[name])
        items = sum_now(groups, before=m0, now=m1)
        parts[name] = _told(known, differences[name], *_error(strata, items, (w0, w1)))
    start, end = float(before_shares @ then), float(now_shares @ now)
    return Population(
        parts, _total(strata, groups, known=known, means=(then, now), ends=(start, end)), start
    )


def _total(
    strata: Strata,
    groups: list[ItemGroup],
    *,
    known: Part,
    means: tuple[Floats, Floats],
    ends: tuple[float, float],
) -> Part:
    """Today's live value less the paired items' value then, both by their week's traffic."""
    weights = (
        _by_route(strata, -strata.shares(strata.before)),
        _by_route(strata, strata.shares(strata.now)),
    )
    items = sum_of_change(groups, before=weights[0], now=weights[1])
    slopes = _by_route(strata, -means[0]), _by_route(strata, means[1])
    return _told(known, ends[1] - ends[0], *_error(strata, items, slopes))


def _means(strata: Strata, items: pl.DataFrame, column: str) -> Floats:
    """By route, 0 where there is no item: its share is 0 as well."""
    grouped = items.group_by("route", maintain_order=True).agg(pl.col(column).mean())
    means = dict(grouped.iter_rows())
    return np.array([means.get(route, 0.0) for route in strata.routes])


def _by_route(strata: Strata, values: Floats) -> dict[str, float]:
    return dict(zip(strata.routes, values.tolist(), strict=True))


def _error(
    strata: Strata,
    items: CellSum | None,
    slopes: tuple[Mapping[str, float], Mapping[str, float]],
) -> tuple[float, float | None]:
    """Standard error and Satterthwaite's degrees over items and both weeks' shares."""
    sources = [] if items is None else [(items.standard_error**2, items.degrees)]
    for week, own in zip((strata.before, strata.now), slopes, strict=True):
        sources.append((week.variance(own), max(1.0, week.effective_conversations - 1)))
    variance = sum(part for part, _ in sources)
    if not variance:
        return 0.0, None
    inverse = sum(part**2 / degrees for part, degrees in sources)
    return math.sqrt(variance), variance**2 / inverse


def _told(known: Part, difference: float, error: float, degrees: float | None) -> Part:
    return Part(
        difference=difference,
        standard_error=error,
        degrees=degrees,
        centre=difference,
        items=known.items,
        clusters=known.clusters,
        uncovered=known.uncovered,
    )
