"""Whether the predicted intervals of the outcome hold, and how soon a broken link is noticed.

    python benchmarks/outcomes.py [--histories 1000] [--years 300] [--breaks 150] [--only NAME]

Simulated histories of all traffic and four subsets. True quality wanders by some three points; the
outcome follows it with a slope between .5 and 1.3 and a level of each subset's own, half a point to
two and a half points of noise a week, and binomial sampling error of 1,500 interactions in all and
40 to 300 in a subset. Offline scores have standard errors of one to three points, of which nothing,
half or nine tenths is the same error from week to week, as items stay. Every week goes through
`predict_week` as the asset calls it, and warnings are read by `breaks_of`, as `track` reads them.
Exits with 1 if a bar is not met.
"""

import argparse
import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

# Small matrices: more threads for linear algebra would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl

from eval_pipeline.fingerprint import seed_for
from eval_pipeline.monitoring.outcome_tracking.history import breaks_of
from eval_pipeline.monitoring.outcome_tracking.predictions import (
    OBSERVED,
    SCORED,
    predict_week,
)
from eval_pipeline.settings import OutcomeTrackingSettings
from eval_pipeline.statistics.proportions import clopper_pearson
from eval_pipeline.tables import OUTCOME_PREDICTIONS

FIRST: Final = dt.date(2026, 1, 5)
NAMES: Final = ("all", "hours", "orders", "refunds", "renewals")
SUBSETS: Final = len(NAMES) - 1
TRAFFIC: Final = 1500
CONFIDENCE: Final = 0.95
RATE: Final = OutcomeTrackingSettings().false_warnings_per_year
BREAKS_BETWEEN: Final = (12, 32)
WITHIN: Final = 4
YEAR: Final = 52
LENGTHS: Final = (9, 52)
BANDS: Final = ((3, 4), (5, 7), (8, 9), (10, 14), (15, 19), (20, 29), (30, 39), (40, 51))
LEAST_BAND: Final = 8
"""Shorter histories are told and stand under no bar."""
BAR: Final = (0.93, 0.97)
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class World:
    """By week (row) and 'all' and subsets (column): scores, their errors, true rates, counts."""

    score: Floats
    score_se: Floats
    rate: Floats
    counts: np.ndarray[Any, np.dtype[np.int64]]
    kept: float


def wander(rng: np.random.Generator, weeks: int, *, spread: float, keep: float) -> Floats:
    """A stationary first-order autoregression of each subset, of this standard deviation."""
    path = np.empty((weeks, SUBSETS))
    path[0] = rng.normal(0, spread, SUBSETS)
    for week in range(1, weeks):
        fresh = rng.normal(0, spread * np.sqrt(1 - keep**2), SUBSETS)
        path[week] = keep * path[week - 1] + fresh
    return path


def world(rng: np.random.Generator, weeks: int) -> World:
    """A history of this length in which the link holds."""
    shares = rng.dirichlet(np.full(SUBSETS, 4.0))
    quality = rng.uniform(0.7, 0.9, SUBSETS) + wander(rng, weeks, spread=0.02, keep=0.8)
    quality += wander(rng, weeks, spread=0.02, keep=0.8)[:, :1]
    noise = rng.uniform(0.005, 0.025)
    slope, levels = rng.uniform(0.5, 1.3), rng.uniform(-0.08, 0.05, SUBSETS)
    shocks = rng.normal(0, noise / np.sqrt(2), (weeks, 1))
    own = rng.normal(0, noise / np.sqrt(2), (weeks, SUBSETS))
    rate = 0.75 + levels + slope * (quality - 0.8) + shocks + own
    kept = float(rng.choice([0.0, 0.5, 0.9]))
    errors = rng.uniform(0.015, 0.03, SUBSETS)
    score = quality + errors * wander(rng, weeks, spread=1.0, keep=kept)
    counts = rng.integers(40, 300, SUBSETS) + rng.integers(-10, 10, (weeks, SUBSETS))
    whole_se = float(np.sqrt(np.square(shares) @ np.square(errors)))
    return World(
        score=np.column_stack([score @ shares, score]),
        score_se=np.broadcast_to(np.append(whole_se, errors), (weeks, SUBSETS + 1)).copy(),
        rate=np.clip(np.column_stack([rate @ shares, rate]), 0.02, 0.98),
        counts=np.column_stack([np.full(weeks, TRAFFIC), counts]),
        kept=kept,
    )


def weeks_of(one: World, rng: np.random.Generator) -> Iterator[tuple[int, pl.DataFrame]]:
    """OUTCOME_PREDICTIONS of all weeks so far with `week`, after each week."""
    history = OUTCOME_PREDICTIONS.empty().with_columns(week=pl.lit(""))
    for number in range(len(one.score)):
        week = (FIRST + dt.timedelta(weeks=number)).isoformat()
        made = predict_week(
            _scores(one, number, week),
            _outcomes(one, number, rng),
            history=history,
            fixed_slope=1.0,
            confidence=CONFIDENCE,
            false_warnings_per_year=RATE,
        )
        history = pl.concat([history, made.with_columns(week=pl.lit(week))])
        yield number, history


def _scores(one: World, number: int, week: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "subset": NAMES,
            "basis": "rerun",
            "golden_version": 1,
            "rerun_week": week,
            "offline": one.score[number],
            "offline_se": one.score_se[number],
            "items": 200,
            "kept": one.kept,
            "labelled": 0,
        },
        schema={"subset": pl.String, **{name: OUTCOME_PREDICTIONS.schema[name] for name in SCORED}},
    )


def _outcomes(one: World, number: int, rng: np.random.Generator) -> pl.DataFrame:
    counts = one.counts[number]
    found = rng.binomial(counts, one.rate[number]) / counts
    centre = (found * counts + 1) / (counts + 2)
    errors = np.sqrt(centre * (1 - centre) / counts)
    return pl.DataFrame(
        {
            "subset": NAMES,
            "outcome": found,
            "outcome_se": errors,
            "outcome_lower": found,
            "outcome_upper": found,
            "observed": counts,
            "outcome_effective": counts.astype(np.float64),
            "outcome_source": "draw",
        },
        schema={
            "subset": pl.String, **{name: OUTCOME_PREDICTIONS.schema[name] for name in OBSERVED}
        },
    )  # fmt: skip


def coverage(run: int, *, weeks: int | None = None) -> pl.DataFrame:
    """Every prediction of a history in which the link holds: its subset, `link_weeks`, `inside`."""
    rng = np.random.default_rng(seed_for("outcomes-coverage", str(run)))
    length = int(rng.integers(*LENGTHS, endpoint=True)) if weeks is None else weeks
    *_, (_, history) = weeks_of(world(rng, length), rng)
    return history.select(
        "subset", "link_weeks", run=pl.lit(run), inside="within_interval"
    ).drop_nulls("inside")


def quiet_warnings(run: int, *, weeks: int = YEAR) -> dict[str, int]:
    """Times of missing, by subset, in weeks in which the link holds; overlapping ones are one."""
    rng = np.random.default_rng(seed_for("outcomes-quiet", str(run)))
    *_, (_, history) = weeks_of(world(rng, weeks), rng)
    counted = {}
    for subset, (known, breaks) in breaks_of(history, false_warnings_per_year=RATE).items():
        warned, until = 0, -1
        for one in sorted(breaks, key=lambda one: one.noticed):
            warned += one.noticed >= until
            until = max(until, len(known) if one.end is None else one.end)
        counted[subset] = warned
    return counted


def falls(by: float) -> Callable[[World, int, np.random.Generator], World]:
    """The outcome falls, and the score does not."""

    def broken(one: World, week: int, _: np.random.Generator) -> World:
        rate = one.rate.copy()
        rate[week:] -= by
        return replace(one, rate=np.clip(rate, 0.02, 0.98))

    return broken


def score_rises(one: World, week: int, _: np.random.Generator) -> World:
    """The score rises by ten points, as a judge that grew lenient, and the outcome does not."""
    score = one.score.copy()
    score[week:] += 0.10
    return replace(one, score=score)


def slides(one: World, week: int, _: np.random.Generator) -> World:
    """The outcome falls by two more points every week."""
    rate = one.rate.copy()
    rate[week:] -= 0.02 * np.arange(1, len(rate) - week + 1)[:, None]
    return replace(one, rate=np.clip(rate, 0.02, 0.98))


def one_subset_falls(one: World, week: int, _: np.random.Generator) -> World:
    """One subset's outcome falls by twenty points; all traffic's by a quarter of that."""
    rate = one.rate.copy()
    rate[week:, 1] -= 0.20
    rate[week:, 0] -= 0.05
    return replace(one, rate=np.clip(rate, 0.02, 0.98))


def independent(one: World, week: int, rng: np.random.Generator) -> World:
    """The outcome wanders on its own by seven points, whatever the score does."""
    rate = one.rate.copy()
    own = wander(rng, len(rate) - week, spread=0.07, keep=0.5)[:, :1]
    rate[week:] = one.rate[:week].mean(axis=0) + own
    return replace(one, rate=np.clip(rate, 0.02, 0.98))


BROKEN: Final[dict[str, Callable[[World, int, np.random.Generator], World]]] = {
    "the outcome falls by 10 points": falls(0.10),
    "the outcome falls by 7 points": falls(0.07),
    "the outcome falls by 5 points": falls(0.05),
    "the score rises by 10 points": score_rises,
    "the outcome slides by 2 points a week": slides,
    "one subset's outcome falls by 20 points": one_subset_falls,
    "the outcome wanders on its own": independent,
}
CLEAR: Final = ("the outcome falls by 10 points", "one subset's outcome falls by 20 points")
"""Held to the bar. A score that rises by ten points breaks the link by five to thirteen."""


def weeks_to_warning(run: int, cause: str, *, limit: int = 12) -> int | None:
    """How many weeks of the broken link are seen when a warning stands, from 1; null: over `limit`.

    A warning of any subset counts, if it was not there before the break.
    """
    rng = np.random.default_rng(seed_for("outcomes-breaks", cause, str(run)))
    week = int(rng.integers(*BREAKS_BETWEEN, endpoint=True))
    one = BROKEN[cause](world(rng, week + limit), week, rng)
    *_, (_, history) = weeks_of(one, rng)
    found = breaks_of(history, false_warnings_per_year=RATE)
    noticed = [each.noticed for _, breaks in found.values() for each in breaks]
    after = [place - week + 1 for place in noticed if place >= week]
    return min(after) if after else None


def of_histories(frame: pl.DataFrame) -> tuple[float, float, float]:
    """A share with its interval, whole histories drawn: their weeks depend on each other."""
    by_run = frame.group_by("run").agg(inside=pl.col("inside").sum(), weeks=pl.len())
    inside, weeks = by_run["inside"].to_numpy(), by_run["weeks"].to_numpy()
    share = float(inside.sum() / weeks.sum())
    error = float(np.sqrt(np.square(inside - share * weeks).sum()) / weeks.sum())
    return share, share - 1.96 * error, share + 1.96 * error


def report_coverage(histories: int) -> bool:
    """By length of the history behind the link, for all traffic and for subsets."""
    found = pl.concat([coverage(run) for run in range(histories)])
    good = True
    print(f"coverage of {CONFIDENCE:.0%} intervals, {histories} histories")
    for low, high in BANDS:
        band = found.filter(pl.col("link_weeks").is_between(low, high))
        whole = of_histories(band)
        parts = [
            of_histories(band.filter((pl.col("subset") == "all") == flag)) for flag in (True, False)
        ]
        told = " | ".join(f"{share:.3f} ({a:.3f} to {b:.3f})" for share, a, b in (whole, *parts))
        held = low < LEAST_BAND or BAR[0] <= whole[0] <= BAR[1]
        good &= held
        print(f"| {low} to {high} | {told} | {'' if held else 'missed'}")
    return good


def report_quiet(years: int) -> bool:
    """Warnings a year while the link holds, beside the declared rate."""
    counted = [quiet_warnings(run) for run in range(years)]
    whole = sum(one["all"] for one in counted)
    others = sum(count for one in counted for name, count in one.items() if name != "all")
    warned = sum(any(one.values()) for one in counted)
    lower, upper = clopper_pearson(warned, years)
    print(f"| false warnings a year | {whole / years:.3f} all, {others / years:.3f} subsets "
          f"(declared {RATE / 2:g} each) | years with any: {warned / years:.3f} "
          f"({lower:.3f} to {upper:.3f}) |")  # fmt: skip
    return (whole + others) / years <= RATE


def report_breaks(runs: int, *, only: Sequence[str] = ()) -> bool:
    """The share of broken links that a warning names within four weeks, and the median."""
    good = True
    for cause in only or BROKEN:
        weeks = [weeks_to_warning(run, cause) for run in range(runs)]
        found = sum(week is not None and week <= WITHIN for week in weeks)
        lower, upper = clopper_pearson(found, runs)
        median = sorted(99 if week is None else week for week in weeks)[runs // 2]
        print(
            f"| {cause} | {found / runs:.3f} ({lower:.3f} to {upper:.3f}) | {median} |", flush=True
        )
        good &= cause not in CLEAR or found / runs >= 0.95
    return good


def main() -> int:
    """Runs what was asked for; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--years", type=int, default=300)
    parser.add_argument("--breaks", type=int, default=150)
    parser.add_argument("--only", choices=["coverage", "quiet", "breaks"], action="append")
    asked = parser.parse_args()
    reports = {
        "coverage": lambda: report_coverage(asked.histories),
        "quiet": lambda: report_quiet(asked.years),
        "breaks": lambda: report_breaks(asked.breaks),
    }
    results = [report() for name, report in reports.items() if name in (asked.only or reports)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
