"""Two weeks of a made-up product in which one thing changed, as the tables that drift reads.

Four routes; items in conversations of one or two, whose chances of a right answer are mostly near
0 or 1; answers differ from run to run; panels flip three verdicts in a hundred; every version
rotates. The true cause is known, because it was planted.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.decomposition.report import decompose
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import DRIFT_TRIALS, STRATIFIED_INTERACTIONS

ROUTES: Final = ("orders", "hours", "returns", "advice")
PASS_RATES: Final = (0.95, 0.9, 0.75, 0.45)
RULE_SCORED: Final = ("orders", "hours")
SHARES: Final = (0.4, 0.3, 0.2, 0.1)
SHIFTED_SHARES: Final = (0.1, 0.1, 0.2, 0.6)
CERTAINTY: Final = 0.6
"""The sum of the Beta's parameters from which an item's chance is drawn: below 2, most are sure."""
FLIPS: Final = 0.03
TURNOVER: Final = 0.15
SECOND_TURN: Final = 0.3
CAUSES: Final = ("nothing", "truth", "judge", "provider", "mix")
PLANTED: Final = -0.2
OLD, NEW = 1, 2


@dataclass(frozen=True)
class TwoWeeks:
    """DRIFT_TRIALS of then and of now, and STRATIFIED_INTERACTIONS of both weeks."""

    trials_then: pl.DataFrame
    trials_now: pl.DataFrame
    traffic_then: pl.DataFrame
    traffic_now: pl.DataFrame


@dataclass(frozen=True)
class _Item:
    name: str
    route: str
    conversation: str
    chance: float
    versions: tuple[int, ...]
    revised: bool

    @property
    def scorer(self) -> str:
        return "exact" if self.route in RULE_SCORED else "panel"


def two_weeks(
    generator: np.random.Generator,
    *,
    cause: str,
    items: int = 200,
    interactions: int = 400,
    size: float = PLANTED,
) -> TwoWeeks:
    """`items` of each version; `size` is what the cause does to the score where it acts on all.

    A judge changes on the routes that a panel scores and truth on those that a rule does, in
    proportion, so that the whole moves by about `size`; the mix shifts from SHARES to
    SHIFTED_SHARES whatever `size` is.
    """
    held = _items(generator, items, revised=-size if cause == "truth" else 0.0)
    asked = [_trials_of(generator, item, cause=cause, size=size) for item in held]
    then = [row for rows, _ in asked for row in rows]
    now = [row for _, rows in asked for row in rows]
    shifted = SHIFTED_SHARES if cause == "mix" else SHARES
    return TwoWeeks(
        pl.DataFrame(then, schema=DRIFT_TRIALS.schema),
        pl.DataFrame(now, schema=DRIFT_TRIALS.schema),
        _traffic(generator, interactions, SHARES),
        _traffic(generator, interactions, shifted),
    )


def named_in(weeks: TwoWeeks) -> frozenset[str]:
    """The components that the product's report names as drift over all items, but the total."""
    report = report_of(weeks, confidence=DriftSettings().confidence)
    drifted = report.filter((pl.col("finding") == "drift") & (pl.col("component") != "total"))
    return frozenset(drifted["component"])


def report_of(weeks: TwoWeeks, *, confidence: float) -> pl.DataFrame:
    """The old version's DRIFT_REPORT over all items."""
    return decompose(
        weeks.trials_now,
        reference_trials=weeks.trials_then,
        traffic=weeks.traffic_now,
        reference_traffic=weeks.traffic_then,
        reference_week="2026-11-09",
        system_id="steady",
        systems=1,
        policy=DriftSettings(confidence=confidence),
    ).filter((pl.col("golden_version") == OLD) & (pl.col("subset") == "all"))


def _items(generator: np.random.Generator, size: int, *, revised: float) -> list[_Item]:
    """The items of both versions: those of one alone are the turnover on either side."""
    only = round(size * TURNOVER)
    membership = [(OLD,)] * only + [(NEW,)] * only + [(OLD, NEW)] * (size - only)
    generator.shuffle(membership)
    found: list[_Item] = []
    for place, versions in enumerate(membership):
        follows = bool(found) and generator.random() < SECOND_TURN
        route = place % len(ROUTES)
        if follows:
            route = ROUTES.index(found[-1].route)
        mean = PASS_RATES[route]
        chance = float(generator.beta(mean * CERTAINTY, (1 - mean) * CERTAINTY))
        rule_scored = ROUTES[route] in RULE_SCORED
        rule_share = sum(SHARES[: len(RULE_SCORED)])
        found.append(
            _Item(
                name=f"i{place:04d}",
                route=ROUTES[route],
                conversation=found[-1].conversation if follows else f"c{place:04d}",
                chance=found[-1].chance if follows and generator.random() < 1 / 2 else chance,
                versions=tuple(versions),
                revised=rule_scored and generator.random() < revised / rule_share / mean,
            )
        )
    return found


def _trials_of(
    generator: np.random.Generator, item: _Item, *, cause: str, size: float
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the item adds to the trials of then and of now."""
    by_panel = item.scorer == "panel"
    panel_share = 1 - sum(SHARES[: len(RULE_SCORED)])
    mean = PASS_RATES[ROUTES.index(item.route)]
    lost = {"provider": -size / mean, "judge": -size / panel_share / mean}.get(cause, 0.0)
    old = generator.random() < item.chance
    new = generator.random() < item.chance
    if cause == "provider":
        new = new and generator.random() >= lost

    def scored(right: bool, *, now: bool) -> float:  # noqa: FBT001 - an answer
        if item.revised and now:
            return 0.0
        if by_panel and cause == "judge" and now:
            right = right and generator.random() >= min(1.0, lost)
        if by_panel and generator.random() < FLIPS:
            right = not right
        return float(right)

    then = [_trial(item, "rerun", scored(old, now=False), 1)] if OLD in item.versions else []
    revision = 2 if item.revised else 1
    today = [_trial(item, "rerun", scored(new, now=True), revision)]
    if then:
        today.append(_trial(item, "rejudged", scored(old, now=True), revision))
    return then, today


def _trial(item: _Item, stream: str, score: float, revision: int) -> dict[str, Any]:
    return {
        "system_id": "steady", "item_id": item.name, "item_revision": revision, "stream": stream,
        "trial": 1, "golden_versions": list(item.versions), "route": item.route, "subsets": [],
        "conversation_key": item.conversation, "scorer": item.scorer, "score": score,
        "status": "answered", "attempts": 1,
    }  # fmt: skip


def _traffic(generator: np.random.Generator, size: int, shares: tuple[float, ...]) -> pl.DataFrame:
    """A sample of conversations of one to three interactions, each on one route."""
    sizes = generator.integers(1, 4, size=size)
    kept = sizes[: int(np.searchsorted(np.cumsum(sizes), size)) + 1]
    routes = generator.choice(len(shares), size=kept.size, p=shares)
    keys = np.repeat(np.arange(kept.size), kept)[:size]
    return pl.DataFrame(
        {
            "interaction_id": [f"x{number:05d}" for number in range(size)],
            "conversation_key": [f"k{key}" for key in keys],
            "route": [ROUTES[routes[key]] for key in keys],
            "selection": ["sample"] * size,
            "subsets": [[]] * size,
            "design_weight": [1.0] * size,
        },
        schema_overrides=dict(STRATIFIED_INTERACTIONS.schema),
    )
