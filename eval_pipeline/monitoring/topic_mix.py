"""Whether the week's mix of topics differs from the reference weeks' by more than sampling noise.

Both weeks' shares come from one grouping. The test is Rao and Scott's (1981, 1984) second-order
correction of the chi-square of homogeneity: weights, strata and several interactions of one
conversation enter through the estimated covariance of the shares, whose inverse is never taken.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import TOPIC_MIX

Floats = NDArray[np.float64]

ALL: Final = "all"
NONE: Final = "none"
LEAST_CONVERSATIONS: Final = 30
"""Of each week, for any test."""
LEAST_EXPECTED: Final = 5.0
"""Effective conversations of both weeks together; rarer topics are tested as one."""
DECIMALS: Final = 9


@dataclass(frozen=True)
class WeekShares:
    """Shares by topic of one week with their covariance; `freedom` is conversations less strata."""

    shares: Floats
    covariance: Floats
    conversations: NDArray[np.int64]
    freedom: float

    def effective(self, topic: int) -> float:
        """The size of a simple random sample that would tell the share as well."""
        share, variance = float(self.shares[topic]), float(self.covariance[topic, topic])
        total = float(self.conversations.sum())
        if variance <= 0:
            return total
        return min(total, share * (1 - share) / variance)


@dataclass(frozen=True)
class MixTest:
    """The test of the whole mix: how much moved, how much would by chance, and the p-value."""

    moved_share: float
    moved_by_chance: float
    p_value: float


def compare_mix(
    pool: pl.DataFrame, *, topics: Mapping[str, str], reference: str, confidence: float
) -> pl.DataFrame:
    """TOPIC_MIX of a week.

    `pool` has a row per interaction of both weeks: interaction_id, conversation_key, stratum,
    weight, population_size (of the stratum), `now`, and cluster (null: none). `topics` gives the
    clusters' readable names. Differences hold jointly (Bonferroni).
    """
    clusters = [*sorted(topics), NONE]
    own, before = (
        week_shares(pool.filter(pl.col("now") == now), clusters=clusters) for now in (True, False)
    )
    enough = min(own.conversations.sum(), before.conversations.sum()) >= LEAST_CONVERSATIONS
    test = mix_test(own, before) if enough and len(clusters) > 1 else None
    joint = 1 - (1 - confidence) / len(clusters)
    rows = [
        _cluster_row(
            own, before, place, joint=joint if test is not None else None, confidence=confidence
        )
        | {"cluster": cluster, "topic": topics.get(cluster, "no topic"), "reference": reference}
        for place, cluster in enumerate(clusters)
    ]
    rows.append(_whole_row(own, before, test, confidence=confidence) | {"reference": reference})
    return TOPIC_MIX.conform(pl.DataFrame(rows, schema=TOPIC_MIX.schema))


def share_intervals(
    week: pl.DataFrame, *, clusters: Sequence[str], confidence: float
) -> pl.DataFrame:
    """cluster, share_lower and share_upper of each topic's share of one week's traffic.

    `week` has the columns of `compare_mix`'s pool, without `now`.
    """
    places = [*clusters, NONE]
    shares = week_shares(week, clusters=places)
    rows = [
        {"cluster": cluster, **_interval("share", shares, place, confidence)}
        for place, cluster in enumerate(clusters)
    ]
    schema = {"cluster": pl.String, "share_lower": pl.Float64, "share_upper": pl.Float64}
    return pl.DataFrame(rows, schema={**schema, "share": pl.Float64}).drop("share")


def week_shares(week: pl.DataFrame, *, clusters: list[str]) -> WeekShares:
    """Hajek shares with the linearised covariance of a stratified draw of conversations.

    No finite-population correction: the question is about the source of the traffic, not about
    these conversations alone. For the same reason the strata's own sizes vary, by a share of the
    population each.
    """
    place = {cluster: number for number, cluster in enumerate(clusters)}
    ordered = week.sort("stratum", "conversation_key", "interaction_id")
    weights = ordered["weight"].to_numpy()
    total = float(weights.sum())
    if total <= 0:
        nothing = np.zeros(len(clusters))
        return WeekShares(nothing, np.diag(nothing), nothing.astype(np.int64), 0.0)
    held = np.array([place[cluster or NONE] for cluster in ordered["cluster"]], dtype=np.int64)
    member = np.eye(len(clusters))[held]
    shares = weights @ member / total
    residuals = (weights[:, None] * (member - shares)) / total
    units = ordered.select(
        unit=pl.struct("stratum", "conversation_key").rle_id(), stratum=pl.col("stratum").rle_id()
    )
    unit, stratum = units["unit"].to_numpy(), units["stratum"].to_numpy()
    sums = np.zeros((int(unit.max()) + 1, len(clusters)))
    np.add.at(sums, unit, residuals)
    stratum_of = np.zeros(len(sums), dtype=np.int64)
    stratum_of[unit] = stratum
    touched = np.zeros((len(sums), len(clusters)), dtype=np.int64)
    touched[unit, held] = 1
    sizes = ordered.unique("stratum", maintain_order=True)["population_size"].to_numpy()
    masses = np.zeros(len(sums))
    np.add.at(masses, unit, weights / total)
    covariance, freedom = _covariance(
        sums, stratum_of, masses=masses, population=float(sizes.sum())
    )
    return WeekShares(shares, covariance, touched.sum(axis=0), freedom)


def mix_test(own: WeekShares, before: WeekShares) -> MixTest:
    """Rao-Scott, second order: X2 and its Satterthwaite degrees of freedom, referred to an F."""
    own, before = (_merged(week, _rare(own, before)) for week in (own, before))
    difference = own.shares - before.shares
    covariance = own.covariance + before.covariance
    pooled = (own.shares + before.shares) / 2
    held = pooled > 0
    scale = np.sqrt(pooled[held])
    statistic = float(np.sum(np.square(difference[held] / scale)))
    scaled = covariance[np.ix_(held, held)] / np.outer(scale, scale)
    first, second = float(np.trace(scaled)), float(np.sum(np.square(scaled)))
    moved = float(np.abs(difference).sum() / 2)
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    chance = float(math.sqrt(2 / math.pi) * errors.sum() / 2)
    if first <= 0:
        return MixTest(moved, chance, 0.0 if moved > 0 else 1.0)
    freedom = first**2 / second
    p_value = float(
        scipy.stats.f.sf(
            statistic / first, freedom, freedom * max(own.freedom + before.freedom, 1.0)
        )
    )
    return MixTest(moved, chance, p_value)


def _covariance(
    sums: Floats, strata: NDArray[np.int64], *, masses: Floats, population: float
) -> tuple[Floats, float]:
    """Within strata by their conversations; a stratum with one conversation joins the next."""
    within = np.zeros((sums.shape[1], sums.shape[1]))
    between = np.zeros_like(within)
    strata = _collapsed(strata)
    number = int(strata.max()) + 1
    for stratum in range(number):
        rows = sums[strata == stratum]
        centre = rows.mean(axis=0)
        factor = len(rows) / max(len(rows) - 1, 1)
        within += factor * (rows - centre).T @ (rows - centre)
        whole = rows.sum(axis=0)
        between += np.outer(whole, whole) / masses[strata == stratum].sum()
    # A stratum's share of the population is itself a draw of so many conversations.
    return within + between / population, float(len(sums) - number)


def _collapsed(strata: NDArray[np.int64]) -> NDArray[np.int64]:
    """Strata numbered anew, so that none but a lone one has a single conversation."""
    result = np.zeros_like(strata)
    number, held = 0, 0
    for stratum in range(int(strata.max()) + 1):
        rows = strata == stratum
        if held >= 2:  # noqa: PLR2004 - two are needed for a variance
            number, held = number + 1, 0
        result[rows] = number
        held += int(rows.sum())
    if held == 1 and number > 0:
        result[result == number] = number - 1
    return result


def _rare(own: WeekShares, before: WeekShares) -> NDArray[np.bool_]:
    """Topics with too few conversations in both weeks together for the chi-square's tail."""
    return (own.conversations + before.conversations) < LEAST_EXPECTED


def _merged(week: WeekShares, rare: NDArray[np.bool_]) -> WeekShares:
    """The rare topics as one, at the end."""
    if not rare.any():
        return week
    joining = np.vstack([np.eye(len(rare))[~rare], rare.astype(np.float64)])
    return WeekShares(
        joining @ week.shares,
        joining @ week.covariance @ joining.T,
        (joining @ week.conversations).astype(np.int64),
        week.freedom,
    )


def _cluster_row(
    own: WeekShares,
    before: WeekShares,
    place: int,
    *,
    joint: float | None,
    confidence: float,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "conversations": int(own.conversations[place]),
        "reference_conversations": int(before.conversations[place]),
        **_interval("share", own, place, confidence),
        **_interval("reference_share", before, place, confidence),
    }
    if joint is None:
        return {**row, "finding": "too_little"}
    difference = float(own.shares[place] - before.shares[place])
    now = wilson(float(own.shares[place]), own.effective(place), confidence=joint)
    then = wilson(float(before.shares[place]), before.effective(place), confidence=joint)
    # Newcombe's interval of a difference, from the two Wilson intervals.
    down = math.hypot(own.shares[place] - now[0], then[1] - before.shares[place])
    up = math.hypot(now[1] - own.shares[place], before.shares[place] - then[0])
    low, high = difference - down, difference + up
    return {
        **row,
        "difference": round(difference, DECIMALS),
        "difference_lower": round(low, DECIMALS),
        "difference_upper": round(high, DECIMALS),
        "finding": "grew" if low > 0 else "shrank" if high < 0 else "steady",
    }


def _interval(
    name: str, week: WeekShares, place: int, confidence: float
) -> dict[str, float | None]:
    """A share with Wilson's interval at the design's effective size; nulls without a week."""
    share = float(week.shares[place])
    effective = week.effective(place)
    if effective <= 0:
        return dict.fromkeys((name, f"{name}_lower", f"{name}_upper"))
    lower, upper = wilson(min(max(share, 0.0), 1.0), effective, confidence=confidence)
    return {
        name: round(share, DECIMALS),
        f"{name}_lower": round(lower, DECIMALS),
        f"{name}_upper": round(upper, DECIMALS),
    }


def _whole_row(
    own: WeekShares, before: WeekShares, test: MixTest | None, *, confidence: float
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "cluster": ALL,
        "topic": "all topics",
        "conversations": int(own.conversations.sum()),
        "reference_conversations": int(before.conversations.sum()),
    }
    if test is None:
        return {**row, "finding": "too_little"}
    return {
        **row,
        "moved_share": round(test.moved_share, DECIMALS),
        "moved_by_chance": round(test.moved_by_chance, DECIMALS),
        "p_value": round(test.p_value, 12),
        "finding": "shifted" if test.p_value < 1 - confidence else "within_noise",
    }
