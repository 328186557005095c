"""How often the drift detector is wrong, and how soon it is right, on simulated weeks.

    python benchmarks/decision_drift.py [--runs 400]

200 items in three subsets, ten reference runs; a noise floor of 1.5 points, most items always
right or always wrong. A year of weeks without a change; a step of 5 points of the provider in week
20; and, for the attribution, steps of 5 points of provider, judge, truth and mix. Every week goes
through `signals_of_week` as the asset calls it. Exits with 1 if a bar is not met.
"""

import argparse
import datetime as dt
import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import polars as pl
import scipy

from eval_pipeline.evaluation.drift_detection.readings import FROZEN_COLUMNS
from eval_pipeline.evaluation.drift_detection.signals import signals_of_week
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import DRIFT_REFERENCE, DRIFT_SIGNALS, DRIFT_TRIALS

Cause = Literal["none", "provider", "provider, spread", "judge", "truth", "mix"]

PINNED: Final = dt.date(2026, 1, 5)
YEAR: Final = 52
STEP_WEEK: Final = 20
WITHIN: Final = 4
STEP: Final = 0.05
ITEMS: Final = 200
REFERENCE_RUNS: Final = 10
SUBSETS: Final = ("orders", "refunds", "hours")
SYSTEM: Final = "pinned"
POLICY: Final = DriftSettings()


@dataclass(frozen=True)
class World:
    """Items: how often each is answered right, and how often its frozen answer is passed.

    `kept` are the items that are asked this week, `revised` those whose reference is a new one.
    """

    right: np.ndarray[Any, np.dtype[np.float64]]
    passed: np.ndarray[Any, np.dtype[np.float64]]
    kept: np.ndarray[Any, np.dtype[np.bool_]]
    revised: np.ndarray[Any, np.dtype[np.bool_]]


def world(rng: np.random.Generator, items: int) -> World:
    """A third of the items is flaky; of one frozen answer in ten the judges are not sure."""
    flaky = rng.random(items) < 0.32
    stable = (rng.random(items) < 0.85).astype(float)
    right = np.where(flaky, rng.choice([0.2, 0.8], p=[0.2, 0.8], size=items), stable)
    frozen = (rng.random(items) < right).astype(float)
    unsure = rng.random(items) < 0.1
    passed = np.where(unsure, np.abs(frozen - 0.1), frozen)
    return World(right, passed, np.ones(items, bool), np.zeros(items, bool))


def changed(before: World, cause: Cause, step: float) -> World:
    """The world after a step down of `step`: whose change it is decides which figures move."""
    match cause:
        case "provider":
            # It gets some items wrong from now on that it always got right.
            lost = np.flatnonzero(before.right == 1.0)[: round(step * before.right.size)]
            right = before.right.copy()
            right[lost] = 0.0
            return replace(before, right=right)
        case "provider, spread":
            # Every item is answered right a little less often: more noise than the reference had.
            return replace(before, right=before.right * (1 - step / before.right.mean()))
        case "judge":
            # The judge passes less of what was right, in new answers and in frozen ones alike.
            strict = 1 - step / before.right.mean()
            return replace(before, right=before.right * strict, passed=before.passed * strict)
        case "truth":
            # New references for some items, under which what was right is wrong.
            places = np.flatnonzero(before.right >= 0.8)[: round(step * before.right.size)]
            revised = np.isin(np.arange(before.right.size), places)
            return replace(
                before,
                right=np.where(revised, 0.0, before.right),
                passed=np.where(revised, 0.0, before.passed),
                revised=revised,
            )
        case "mix":
            # Easy items leave until the mean of those that stay is lower by the step.
            easy, kept = np.flatnonzero(before.right >= 0.8), before.kept.copy()
            for place in easy:
                if before.right[kept].mean() <= before.right.mean() - step:
                    break
                kept[place] = False
            return replace(before, kept=kept)
        case "none":
            return before


def weeks_of(
    run: int, cause: Cause, *, weeks: int, step_week: int, policy: DriftSettings
) -> Iterator[tuple[int, pl.DataFrame]]:
    """DRIFT_SIGNALS week by week, each from the weeks before it."""
    rng = np.random.default_rng(seed_for("decision-drift", cause, str(run)))
    before = world(rng, ITEMS)
    after = changed(before, cause, STEP)
    reference = _reference(before, rng)
    late = after.revised.any()
    history: list[pl.DataFrame] = [DRIFT_SIGNALS.empty().with_columns(week=pl.lit(""))]
    for number in range(weeks):
        now = before if number < step_week else after
        if late and number == step_week:
            # A revised item is pinned again: the same answers and judges under the new reference.
            reference = pl.concat([reference, _reference(after, rng, revised=True)])
        week = (PINNED + dt.timedelta(weeks=number)).isoformat()
        signals = signals_of_week(
            _trials(now, rng),
            reference=reference,
            frozen=_frozen(now),
            history=pl.concat(history),
            systems=(SYSTEM,),
            week=week,
            policy=policy,
        )
        history.append(signals.with_columns(week=pl.lit(week)))
        yield number, signals


def _names(now: World) -> dict[str, Any]:
    size = now.right.size
    return {
        "item_id": [f"i{number:04d}" for number in range(size)],
        "item_revision": np.where(now.revised, 2, 1).astype(np.int64),
    }


def _scored(chances: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    return (rng.random(chances.size) < chances).astype(float)


def _reference(now: World, rng: np.random.Generator, *, revised: bool = False) -> pl.DataFrame:
    pinned = PINNED.isoformat()
    frames = [
        pl.DataFrame(
            {
                **_names(now),
                "stream": stream,
                "run": np.full(now.right.size, run + 1, np.int64),
                "score": _scored(chances, rng),
                "asked_on": PINNED + dt.timedelta(days=run % 3),
            }
        ).filter(pl.lit(not revised) | pl.Series(now.revised))
        for run in range(REFERENCE_RUNS)
        for stream, chances in (("rerun", now.right), ("rejudged", now.passed))
    ]
    return (
        pl.concat(frames)
        .select(
            **{
                name: pl.col(name) if name in frames[0].columns else pl.lit(None, dtype=dtype)
                for name, dtype in DRIFT_REFERENCE.schema.items()
            }
        )
        .with_columns(
            system_id=pl.lit(SYSTEM), pinned_week=pl.lit(pinned), frozen_week=pl.lit(pinned)
        )
    )


def _trials(now: World, rng: np.random.Generator) -> pl.DataFrame:
    subsets = pl.Series([[SUBSETS[number % 3]] for number in range(now.right.size)])
    frames = [
        pl.DataFrame(
            {**_names(now), "subsets": subsets, "stream": stream, "score": _scored(chances, rng)}
        ).filter(pl.Series(now.kept))
        for stream, chances in (("rerun", now.right), ("rejudged", now.passed))
    ]
    columns = {"system_id", "trial"}
    return (
        pl.concat(frames)
        .with_columns(system_id=pl.lit(SYSTEM), trial=pl.lit(1, dtype=pl.Int64))
        .select([name for name in DRIFT_TRIALS.schema if name in columns | set(frames[0].columns)])
    )


def _frozen(now: World) -> pl.DataFrame:
    scores = np.where(now.revised, np.nan, (now.passed >= 0.5).astype(float))
    return pl.DataFrame(
        {
            **_names(now),
            "system_id": SYSTEM,
            "frozen_week": PINNED.isoformat(),
            "frozen_score": pl.Series(scores).fill_nan(None),
        }
    ).select(list(FROZEN_COLUMNS))


@functools.cache
def quiet_year(run: int, *, policy: DriftSettings = POLICY, weeks: int = YEAR) -> tuple[bool, bool]:
    """Whether the re-run's headline, and whether any subset in either stream, alarms for nothing.

    A year in which nothing changes.
    """
    headline = subset = False
    for _, signals in weeks_of(run, "none", weeks=weeks, step_week=weeks, policy=policy):
        headline |= _headline(signals)["alarm"]
        subset |= signals.filter(pl.col("subset") != "all")["alarm"].any()
    return headline, subset


def found_in_time(run: int, *, cause: Cause = "provider", policy: DriftSettings = POLICY) -> bool:
    """Whether a step down of 5 points is in alarm in its week or one of the three after it."""
    story = weeks_of(run, cause, weeks=STEP_WEEK + WITHIN, step_week=STEP_WEEK, policy=policy)
    after = [_headline(signals) for number, signals in story if number >= STEP_WEEK]
    return any(row["alarm"] and row["shift"] < 0 for row in after)


def blamed(run: int, cause: Cause, *, policy: DriftSettings = POLICY) -> str:
    """What the headline says eight weeks after a step: its attribution, or 'none'."""
    *_, (_, last) = weeks_of(run, cause, weeks=16, step_week=8, policy=policy)
    return str(_headline(last)["attribution"] or "none")


def _headline(signals: pl.DataFrame) -> dict[str, Any]:
    whole = signals.filter(pl.col("stream") == "rerun", pl.col("subset") == "all")
    return whole.row(0, named=True)


def measure(runs: int) -> list[dict[str, Any]]:
    """One row per claim: claim, bar, value, the ends of its 95 % interval, and whether it is met.

    A bar is met where the value is on its right side.
    """
    share = _share_of(runs)
    rows = [
        share(
            "drift: headline alarms in a year without change",
            "<= 0.05",
            lambda run: quiet_year(run)[0],
        ),
        share(
            "drift: any subset alarms in a year without change",
            "<= 0.05",
            lambda run: quiet_year(run)[1],
        ),
        share("drift: step of 5 points found within 4 weeks", ">= 0.95", found_in_time),
        share(
            "drift: the same, spread over all items: noisier than the reference, no bar but this",
            ">= 0.80",
            lambda run: found_in_time(run, cause="provider, spread"),
        ),
    ]
    for cause, truth in (
        ("provider", "provider"), ("judge", "judge"), ("truth", "none"), ("mix", "none"),
    ):  # fmt: skip
        rows.append(
            share(
                f"drift: a step of the {cause} is called {truth}",
                ">= 0.95",
                lambda run, cause=cause, truth=truth: blamed(run, cause) == truth,  # type: ignore[misc]
            )
        )
    return rows


def _share_of(runs: int) -> Callable[[str, str, Callable[[int], bool]], dict[str, Any]]:
    def share(claim: str, bar: str, event: Callable[[int], bool]) -> dict[str, Any]:
        seen = sum(event(run) for run in range(runs))
        interval = scipy.stats.binomtest(seen, runs).proportion_ci(method="wilson")
        sign, limit = bar.split()
        value = seen / runs
        met = value <= float(limit) if sign == "<=" else value >= float(limit)
        return {
            "claim": claim, "bar": bar, "value": value,
            "lower": float(interval.low), "upper": float(interval.high), "met": met,
        }  # fmt: skip

    return share


def main() -> int:
    """Runs the simulation; 0 if every bar is met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    rows = measure(parser.parse_args().runs)
    for row in rows:
        print(
            f"{row['claim']}: {row['value']:.3f} ({row['lower']:.3f} to {row['upper']:.3f}), "
            f"bar {row['bar']}, {'met' if row['met'] else 'MISSED'}"
        )
    return 0 if all(row["met"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
