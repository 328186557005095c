"""Going on after the last planned look: the reserve of later weeks, read by e-processes alone.

The planned looks spend their part of alpha and are over; what goes on starts from nothing, on
items that no look has seen, with the part that the policy keeps for it. A subset is certified
falsely with at most the sum of the two (a union bound), so the gate's promise holds.

Weeks are taken in their order, and items in the order of `reserve_order` inside each: what is
asked later never changes what was looked at before.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from eval_pipeline.evaluation.e_processes import Steps, weigh
from eval_pipeline.evaluation.pairs import pair_trials
from eval_pipeline.evaluation.reserve_order import ALL, ReserveOrder, order_items
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.statistics.weights import MAXIMUM_RATIO, capped
from eval_pipeline.tables import CONTINUATION_REPORT, CONTINUATION_TRIALS, REGRESSION_TRIALS

OPEN = ("undecided", "infeasible")


def open_subsets(report: pl.DataFrame) -> list[str]:
    """The gated subsets of a REGRESSION_REPORT that may be continued; none after a block."""
    if (report["state"] == "blocked").any():
        return []
    return sorted(report.filter(pl.col("state").is_in(OPEN))["subset"].to_list())


def unseen(reserve: pl.DataFrame, *, trials: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The reserve rows (`interaction_id`, `conversation_key`) of conversations not asked before."""
    seen: set[str] = set()
    for frame in trials:
        seen.update(frame["item_id"].to_list(), frame["cluster_id"].to_list())
    fresh = [
        reserve_identity(interaction_id) not in seen and key not in seen
        for interaction_id, key in reserve.select("interaction_id", "conversation_key").iter_rows()
    ]
    return reserve.filter(pl.Series(fresh, dtype=pl.Boolean))


def week_items(
    pool: pl.DataFrame, *, wanted: Collection[str], subsets: Collection[str], policy: GateSettings
) -> list[str]:
    """Ids of the week's reserve items to ask for the subsets `wanted`, in hash order.

    `pool`: STRATIFIED_INTERACTIONS rows of one week, unseen. Each subset takes the first of its
    own order, 'all' as many for every subset.
    """
    names = [name for name in subsets if name not in {ALL, SYNTHETIC_SUBSET}]
    order = _order(pool, names)
    chosen: set[str] = set()
    for name in wanted:
        chosen.update(order.of(name)[: _weekly(name, policy=policy, subsets=len(names))])
    return [item_id for item_id in order.of(ALL) if item_id in chosen]


def mix_weights_of(
    pool: pl.DataFrame,
    *,
    first_look: pl.DataFrame,
    subsets: Collection[str],
    live: pl.DataFrame | None = None,
) -> dict[str, float]:
    """By item id, what an item of the week's pool weighs in the aggregate.

    Its cell's share of what the planned looks speak of over its share of the pool: of the live
    traffic, where `live` (`item_id`, `cell`, `cell_share`) says what an item stands for; else of
    the first look, a cell being a combination of subsets. What they do not know weighs nothing; no
    weight is more than ten times their mean.
    """
    ids = [reserve_identity(interaction_id) for interaction_id in pool["interaction_id"]]
    if live is None:
        before, cells = _first_mix(pool, first_look, subsets)
    else:
        told = {
            item_id: (cell, share)
            for item_id, cell, share in live.select("item_id", "cell", "cell_share").iter_rows()
        }
        found = [told.get(item_id, ("", 0.0)) for item_id in ids]
        before, cells = dict(found), [cell for cell, _ in found]
    now = _shares(cells)
    weights = np.array([before.get(cell, 0.0) / now[cell] for cell in cells])
    known = weights > 0
    if known.any():
        weights[known] = capped(weights[known], MAXIMUM_RATIO)
    return dict(zip(ids, weights.tolist(), strict=True))


def _first_mix(
    pool: pl.DataFrame, first_look: pl.DataFrame, subsets: Collection[str]
) -> tuple[dict[str, float], list[str]]:
    """The shares of the first look's combinations of subsets, and the pool's combinations."""
    named = frozenset(subsets) - {ALL, SYNTHETIC_SUBSET}
    golden = first_look.filter(pl.col("look") == 1, pl.col("source") == "golden").unique("item_id")
    before = _shares([_cell(own, named) for own in golden["subsets"]])
    return before, [_cell(own, named) for own in pool["subsets"]]


def continuation_rows(
    trials: pl.DataFrame, *, week: str, weights: Mapping[str, float]
) -> pl.DataFrame:
    """CONTINUATION_TRIALS of REGRESSION_TRIALS rows that a week's reserve was asked for."""
    rows = trials.with_columns(
        week=pl.lit(week),
        mix_weight=pl.Series([weights[item_id] for item_id in trials["item_id"]], dtype=pl.Float64),
    )
    return CONTINUATION_TRIALS.conform(rows)


def report_continuation(
    report: pl.DataFrame, continued: pl.DataFrame, *, golden_version: int, policy: GateSettings
) -> pl.DataFrame:
    """The CONTINUATION_REPORT: what the e-processes say of each subset left undecided.

    `report`: the REGRESSION_REPORT of the planned looks; `continued`: CONTINUATION_TRIALS. Missing
    scores count against what they would help to show. Empty where nothing was continued.
    """
    if continued.is_empty() or policy.continuation_alpha <= 0:
        return CONTINUATION_REPORT.empty()
    gated = report.filter(pl.col("state") != "reported")
    steps = {row["subset"]: row for row in gated.iter_rows(named=True)}
    items = _Items(continued, subsets=list(steps))
    rows = [
        _row(name, items, since=steps[name]["looks"], hypotheses=gated.height, policy=policy)
        for name in open_subsets(report)
    ]
    for row in rows:
        row["golden_version"] = golden_version
    return CONTINUATION_REPORT.conform(pl.DataFrame(rows, schema=CONTINUATION_REPORT.schema))


class _Items:
    """Continued items as pairs, with the week, weight and order that they were asked in."""

    def __init__(self, continued: pl.DataFrame, *, subsets: Sequence[str]) -> None:
        self.pairs = pair_trials(continued.select(list(REGRESSION_TRIALS.schema)))
        self.names = [name for name in subsets if name not in {ALL, SYNTHETIC_SUBSET}]
        facts = continued.unique("item_id").select("item_id", "week", "mix_weight", "subsets")
        by_id = {row[0]: row[1:] for row in facts.iter_rows()}
        self.ids = self.pairs.item_ids.to_list()
        self.weeks = [by_id[item_id][0] for item_id in self.ids]
        self.weights = np.array([by_id[item_id][1] for item_id in self.ids])
        self.subsets = [by_id[item_id][2] for item_id in self.ids]

    def asked(self, name: str, *, policy: GateSettings) -> list[list[int]]:
        """Places of the items that count for a subset, week by week, in hash order."""
        limit = _weekly(name, policy=policy, subsets=len(self.names))
        places = {item_id: place for place, item_id in enumerate(self.ids)}
        batches = []
        for week in sorted(set(self.weeks)):
            held = {
                item_id: self.subsets[place]
                for item_id, place in places.items()
                if self.weeks[place] == week
            }
            order = order_items(held, self.names)
            counted = [places[item_id] for item_id in order.of(name)[:limit]]
            if name == ALL:
                counted = [place for place in counted if self.weights[place] > 0]
            if counted:
                batches.append(counted)
        return batches

    def steps(self, batches: Sequence[Sequence[int]], *, name: str, favour: float) -> Steps:
        """One step per cluster; missing scores are filled in the candidate's favour (1) or not."""
        gains, masses = [np.empty(0)], [np.empty(0)]
        for batch in batches:
            places = np.asarray(batch)
            weights = self.weights[places] if name == ALL else np.ones(places.size)
            differences = np.nan_to_num(self.pairs.candidate[places], nan=favour) - np.nan_to_num(
                self.pairs.baseline[places], nan=1 - favour
            )
            gain, mass = _by_cluster(self.pairs.clusters[places], weights, differences)
            gains.append(gain / mass.max())
            masses.append(mass / mass.max())
        return Steps(np.concatenate(gains), np.concatenate(masses))


def _row(
    name: str, items: _Items, *, since: int | None, hypotheses: int, policy: GateSettings
) -> dict[str, Any]:
    batches = items.asked(name, policy=policy)
    margin = policy.tolerance_of(name)
    shown = weigh(
        items.steps(batches, name=name, favour=0.0),
        blocking=items.steps(batches, name=name, favour=1.0),
        margin=margin,
        block_fraction=policy.block_fraction,
        alpha=policy.continuation_alpha,
        hypotheses=hypotheses,
    )
    places = np.asarray([place for batch in batches for place in batch], dtype=np.int64)
    return {
        "subset": name,
        "state": shown.state,
        "since_look": since or 0,
        "reserve_weeks": len(batches),
        "items": places.size,
        "clusters": shown.steps,
        "difference": shown.difference,
        "margin": margin,
        "e_noninferior": shown.e_noninferior,
        "e_harm": shown.e_harm,
        "hypotheses": hypotheses,
        "alpha": policy.continuation_alpha,
        "missing_baseline": int(np.isnan(items.pairs.baseline[places]).sum()),
        "missing_candidate": int(np.isnan(items.pairs.candidate[places]).sum()),
    }


def _by_cluster(
    clusters: np.ndarray[Any, Any], weights: Floats, differences: Floats
) -> tuple[Floats, Floats]:
    """Summed gain and mass per cluster, clusters in the order of their first item."""
    _, first, codes = np.unique(clusters, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    gain: Floats = np.bincount(codes, weights=weights * differences)[order].astype(np.float64)
    mass: Floats = np.bincount(codes, weights=weights)[order].astype(np.float64)
    return gain, mass


def _weekly(name: str, *, policy: GateSettings, subsets: int) -> int:
    weekly = policy.continuation.weekly_items
    return weekly * max(1, subsets) if name == ALL else weekly


def _order(pool: pl.DataFrame, names: Sequence[str]) -> ReserveOrder:
    held = {
        reserve_identity(interaction_id): own
        for interaction_id, own in pool.select("interaction_id", "subsets").iter_rows()
    }
    return order_items(held, names)


def _cell(own: Collection[str], named: frozenset[str]) -> str:
    return "\x1f".join(sorted(named.intersection(own)))


def _shares(cells: Sequence[str]) -> dict[str, float]:
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell] = counts.get(cell, 0) + 1
    return {cell: count / len(cells) for cell, count in counts.items()}
