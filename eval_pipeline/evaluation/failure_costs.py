"""What each failure mode of a candidate costs in live traffic, the dearest first.

Lost successes per 1,000 interactions = -difference x share of traffic x 1,000, where the difference
is the candidate's minus the baseline's inside the mode. Money per week = lost successes per
interaction x the week's interactions x what one failure costs. Modes overlap: costs do not add up.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl

from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.statistics.clusters import kish_effective_items
from eval_pipeline.statistics.proportions import wilson

PER: Final = 1000
SET: Final = "set"
SPEND: Final = "spend"
SUBSET: Final = "subset"
FAILURE_COSTS: Final = pl.Schema(
    {
        "rank": pl.Int64,
        "attribute": pl.String,
        "name": pl.String,
        "state": pl.String,
        "difference": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "items": pl.Int64,
        "losses": pl.Int64,
        "wins": pl.Int64,
        "share": pl.Float64,
        "share_lower": pl.Float64,
        "share_upper": pl.Float64,
        "lost": pl.Float64,
        "lost_lower": pl.Float64,
        "lost_upper": pl.Float64,
        "usd": pl.Float64,
        "usd_lower": pl.Float64,
        "usd_upper": pl.Float64,
        "usd_basis": pl.String,
        "note": pl.String,
    }
)
"""One row per mode, and 'all' without a rank. `lost`: successes per 1,000 interactions of all live
traffic; below 0 the candidate gains. `usd`: per week. `usd_basis`: set in the configuration; spend:
what it costs to buy the lost successes again. `state`: the subset's in the decision, else null.
`rank`: from 1, of modes that lose; null where nothing is lost or the cost is not known, which
`note` says."""


class Measured(NamedTuple):
    """A figure with its interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Traffic:
    """A week's live traffic: how many interactions, and which share each slice has.

    `shares` are by attribute and name; `interactions` is null where nobody counted.
    """

    interactions: int | None
    shares: Mapping[tuple[str, str], Measured]


@dataclass(frozen=True)
class Prices:
    """What one failure costs in USD: by subset where it is set, and the candidate's own spend."""

    failures: Mapping[str, float]
    spend_per_success: float | None

    def of(self, attribute: str, name: str) -> tuple[float | None, str | None]:
        """The price of a failure in this mode, and what it rests on."""
        if attribute == SUBSET and name in self.failures:
            return self.failures[name], SET
        return self.spend_per_success, None if self.spend_per_success is None else SPEND


def failure_costs(
    report: pl.DataFrame,
    modes: pl.DataFrame | None,
    *,
    traffic: Traffic,
    prices: Prices,
) -> pl.DataFrame:
    """FAILURE_COSTS of a candidate: its subsets, then what triage named besides them.

    `report`: REGRESSION_REPORT; `modes`: FAILURE_TRIAGE, null where nobody asked for it.
    """
    rows = [_row(one, traffic, prices) for one in _modes(report, modes)]
    by_money = all(row["usd"] is not None for row in rows if row["lost"] is not None)
    return pl.DataFrame(_ranked(rows, "usd" if by_money else "lost"), schema=FAILURE_COSTS)


def traffic_shares(
    stratified: pl.DataFrame, *, confidence: float
) -> dict[tuple[str, str], Measured]:
    """Each subset's and route's share of a week's traffic, from STRATIFIED_INTERACTIONS.

    The sample's design weights; Wilson's interval at Kish's effective number of conversations.
    """
    sample = stratified.filter(pl.col("selection") == "sample")
    if sample.is_empty():
        return {}
    masses = sample.group_by("conversation_key").agg(pl.col("design_weight").sum())
    effective = kish_effective_items(masses["design_weight"].sort().to_numpy())
    total = float(sample["design_weight"].sum())
    named = {
        SUBSET: sample.explode("subsets").drop_nulls("subsets").rename({"subsets": "name"}),
        "route": sample.rename({"route": "name"}),
    }
    shares = {}
    for attribute, rows in named.items():
        held = rows.group_by("name").agg(pl.col("design_weight").sum()).sort("name")
        for name, mass in held.select("name", "design_weight").iter_rows():
            share = min(1.0, mass / total)
            shares[attribute, name] = Measured(
                share, *wilson(share, effective, confidence=confidence)
            )
    return shares


def topic_shares(mix: pl.DataFrame) -> dict[tuple[str, str], Measured]:
    """Each topic's share of a week's traffic, from TOPIC_MIX, where it has an interval."""
    known = mix.drop_nulls(["share", "share_lower", "share_upper"]).sort("cluster")
    rows = known.select("topic", "share", "share_lower", "share_upper").iter_rows()
    return {("topic", topic): Measured(*figures) for topic, *figures in rows}


def product(harm: Measured, share: Measured) -> Measured:
    """Harm x share of two independent estimates, with its interval; `share` is not negative.

    The distances of both intervals are squared and added, each scaled by the other's estimate
    (MOVER: Zou and Donner 2008, linearised at the estimates).
    """
    down, up = share.value - share.lower, share.upper - share.value
    if harm.value < 0:
        down, up = up, down
    value = harm.value * share.value
    return Measured(
        value,
        value - math.hypot(share.value * (harm.value - harm.lower), harm.value * down),
        value + math.hypot(share.value * (harm.upper - harm.value), harm.value * up),
    )


def _modes(report: pl.DataFrame, modes: pl.DataFrame | None) -> Iterator[dict[str, Any]]:
    for row in report.sort("subset").iter_rows(named=True):
        yield {**row, "attribute": SUBSET, "name": row["subset"]}
    if modes is None:
        return
    others = modes.filter(pl.col("about") == "mode", pl.col("attribute") != SUBSET)
    for row in others.sort("attribute", "name").iter_rows(named=True):
        yield {**row, "state": None}


def _row(mode: Mapping[str, Any], traffic: Traffic, prices: Prices) -> dict[str, Any]:
    kept = ("attribute", "name", "state", "difference", "lower", "upper", "items", "losses", "wins")
    row: dict[str, Any] = dict.fromkeys(FAILURE_COSTS) | {name: mode[name] for name in kept}
    attribute, name = row["attribute"], row["name"]
    whole = (attribute, name) == (SUBSET, ALL)
    share = Measured(1.0, 1.0, 1.0) if whole else traffic.shares.get((attribute, name))
    if share is not None:
        row |= {"share": share.value, "share_lower": share.lower, "share_upper": share.upper}
    if None in (row["difference"], row["lower"], row["upper"]):
        return row | {"note": "it could not be compared"}
    if share is None:
        return row | {"note": _without_share(attribute, name)}
    harm = Measured(-row["difference"], -row["upper"], -row["lower"])
    lost = product(harm, share)
    row |= {
        "lost": PER * lost.value,
        "lost_lower": PER * lost.lower,
        "lost_upper": PER * lost.upper,
    }
    price, basis = prices.of(attribute, name)
    if price is not None and traffic.interactions is not None:
        scale = price * traffic.interactions
        row |= {"usd": scale * lost.value, "usd_lower": scale * lost.lower}
        row |= {"usd_upper": scale * lost.upper, "usd_basis": basis}
    return row


def _without_share(attribute: str, name: str) -> str:
    if (attribute, name) == (SUBSET, SYNTHETIC_SUBSET):
        return "synthetic items stand for no traffic"
    return "its share of the traffic is not known"


def _ranked(rows: list[dict[str, Any]], measure: str) -> list[dict[str, Any]]:
    """What loses by cost, then what does not, then what is not known; 'all' last."""
    place = 0
    ordered = sorted(rows, key=lambda row: _order(row, measure))
    for row in ordered:
        if row["lost"] is not None and row["lost"] > 0 and row["name"] != ALL:
            place += 1
            row["rank"] = place
    return ordered


def _order(row: Mapping[str, Any], measure: str) -> tuple[int, float, str, str]:
    if (row["attribute"], row["name"]) == (SUBSET, ALL):
        return 3, 0.0, "", ""
    known = row["lost"] is not None
    group = 2 if not known else 0 if row["lost"] > 0 else 1
    return group, -row[measure] if known else 0.0, row["attribute"], row["name"]
