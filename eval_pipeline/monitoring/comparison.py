"""This week's figures against their own history: which are usual, and how far off the others."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.monitoring.baselines import (
    Centre,
    Floats,
    centre_of,
    cut_offs,
    robust_z,
    weekly_share,
)
from eval_pipeline.monitoring.intervals import Measured
from eval_pipeline.monitoring.scales import (
    Figures,
    Scale,
    change_of,
    from_scale,
    on_scale,
    rare_by_chance,
    sampling_error,
)
from eval_pipeline.monitoring.seasons import Season, season_of
from eval_pipeline.settings import MonitorSettings

Flags = NDArray[np.bool_]

MOST_YEARS: Final = 5
_WEEK: Final = dt.timedelta(days=7)


@dataclass(frozen=True)
class Judged:
    """Of each series: what it was compared with, and whether it is unusual.

    `comparable`: this week and its history hold enough. `median`, `lower` and `upper` are figures,
    not on the scale; outside of `lower` and `upper` a value is unusual.
    """

    z: Floats
    cut_off: Floats
    unusual: Flags
    comparable: Flags
    enough_now: Flags
    weeks: NDArray[np.int64]
    median: Floats
    lower: Floats
    upper: Floats
    seasonal: Flags


@dataclass(frozen=True)
class Past:
    """The figures of earlier calendar weeks, oldest first, one row a series; NaN: none."""

    weeks: tuple[str, ...]
    figures: Figures


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def judge(
    now: Figures,
    past: Figures,
    scale: Scale,
    *,
    policy: MonitorSettings,
    series: int | None = None,
) -> Judged:
    """One metric's series, `now` of shape (series), `past` of (series, weeks).

    NaN stands for what is not known, and becomes no finding. `series`: how many share the metric's
    budget of false alarms; null: those that can be compared.
    """
    history = np.where(_usable(past, scale, policy=policy), on_scale(past, scale), np.nan)
    seasons = [season_of(own, strength=policy.seasonal_strength) for own in history]
    added, widening = _seasonal(seasons)
    found = centre_of(_without(seasons, history))
    centre = Centre(found.median, found.spread * widening, found.weeks)
    median = centre.median + added
    error = sampling_error(now, scale, median=median)
    z = robust_z(on_scale(now, scale) - added, centre, error=error)
    enough_now = _usable(now, scale, policy=policy)
    comparable = enough_now & (centre.weeks >= policy.minimum_weeks) & ~np.isnan(z)
    share = weekly_share(
        policy.false_alarms_per_year, series=int(comparable.sum()) if series is None else series
    )
    limit = cut_offs(centre.weeks, share, floored=centre.spread < error)
    unusual = comparable & (np.abs(z) > limit)
    unusual[unusual] = _confirmed(now, scale, median=median, chosen=unusual, tail=share / 2)
    reach = limit * np.fmax(centre.spread, error)
    seasonal = np.array([season is not None for season in seasons], dtype=np.bool_)
    usual = centre_of(np.where(np.isfinite(history), past.value, np.nan)).median
    return Judged(
        z=z,
        cut_off=limit,
        unusual=unusual,
        comparable=comparable,
        enough_now=enough_now,
        weeks=centre.weeks,
        median=np.where(seasonal, from_scale(median, scale), usual),
        lower=from_scale(median - reach, scale),
        upper=from_scale(median + reach, scale),
        seasonal=seasonal,
    )


def figures_of(measured: Sequence[Measured]) -> Figures:
    """Measured figures as arrays."""
    columns = [(one.value, one.lower, one.upper, one.count) for one in measured]
    table = np.array(columns, dtype=np.float64).reshape(len(columns), 4)
    return Figures(*table.T)


def past_of(
    history: pl.DataFrame, keys: Sequence[tuple[str, str]], *, week: str, policy: MonitorSettings
) -> Past:
    """The earlier weeks' figures of these (subset, metric), without those acknowledged.

    `history` has a row per week, subset and metric: value, lower, upper and measured. A key may
    stand more than once.
    """
    weeks = _calendar(history, week=week)
    columns = {name: place for place, name in enumerate(weeks)}
    rows: dict[tuple[str, str], list[int]] = {}
    for place, key in enumerate(keys):
        rows.setdefault(key, []).append(place)
    table = np.full((4, len(keys), len(weeks)), np.nan)
    told = history.select("week", "subset", "metric", "value", "lower", "upper", "measured")
    for one_week, subset, metric, *values in told.drop_nulls("value").iter_rows():
        column = columns.get(one_week)
        for row in rows.get((subset, metric), ()) if column is not None else ():
            table[:, row, column] = values
    for row, (subset, metric) in enumerate(keys):
        table[:, row, _acknowledged(weeks, subset, metric, policy=policy)] = np.nan
    return Past(tuple(weeks), Figures(*table))


def against_history(
    measured: Sequence[Measured], judged: Judged, scale: Scale, *, finished: bool = True
) -> list[dict[str, Any]]:
    """The columns that tell of the comparison, a row per series.

    `finished`: the figure speaks of the whole week that it is compared with.
    """
    return [
        _told(one, judged, place, scale=scale, finished=finished)
        for place, one in enumerate(measured)
    ]


def _told(
    measured: Measured, judged: Judged, place: int, *, scale: Scale, finished: bool
) -> dict[str, Any]:
    weeks = int(judged.weeks[place])
    row: dict[str, Any] = {"baseline_weeks": weeks}
    if weeks:
        row["baseline"] = "seasonal" if judged.seasonal[place] else "rolling"
        row["baseline_median"] = float(judged.median[place])
    if measured.value is None:
        return {**row, "finding": "not_logged"}
    if not finished:
        return {**row, "finding": "unfinished"}
    if not judged.comparable[place]:
        finding = "too_little_history" if judged.enough_now[place] else "too_few"
        return {**row, "finding": finding}
    return {
        **row,
        "baseline_lower": _finite(judged.lower[place]),
        "baseline_upper": _finite(judged.upper[place]),
        "change": change_of(measured.value, row["baseline_median"], scale),
        "robust_z": _finite(judged.z[place]),
        "cut_off": float(judged.cut_off[place]),
        "finding": "unusual" if judged.unusual[place] else "usual",
    }


def _usable(figures: Figures, scale: Scale, *, policy: MonitorSettings) -> Flags:
    found = np.isfinite(figures.value)
    if scale == "count":
        return found
    with np.errstate(invalid="ignore"):
        found &= figures.measured >= policy.minimum_measured
    if scale in {"ratio", "level"}:
        # Without both bounds a quantile's sampling error is not known.
        found &= np.isfinite(figures.lower) & np.isfinite(figures.upper)
    return found


def _seasonal(seasons: Sequence[Season | None]) -> tuple[Floats, Floats]:
    added = np.array([0.0 if season is None else season.now for season in seasons])
    widening = np.array([1.0 if season is None else season.widening for season in seasons])
    return added, widening


def _without(seasons: Sequence[Season | None], history: Floats) -> Floats:
    if not any(seasons):
        return history
    none = np.zeros(history.shape[-1])
    return history - np.stack([none if season is None else season.past for season in seasons])


def _confirmed(now: Figures, scale: Scale, *, median: Floats, chosen: Flags, tail: float) -> Flags:
    few = Figures(
        now.value[chosen], now.lower[chosen], now.upper[chosen], np.round(now.measured[chosen])
    )
    rare = rare_by_chance(few, scale, median=median[chosen], tail=np.full(chosen.sum(), tail))
    return rare > 0


def _calendar(history: pl.DataFrame, *, week: str) -> list[str]:
    """Every Monday from the first week of the history to the one before `week`."""
    earlier = history.filter(pl.col("week") < week)["week"]
    if earlier.is_empty():
        return []
    first, last = dt.date.fromisoformat(str(earlier.min())), dt.date.fromisoformat(week)
    first = max(first, last - MOST_YEARS * 52 * _WEEK)
    return [(first + place * _WEEK).isoformat() for place in range((last - first).days // 7)]


def _acknowledged(
    weeks: Sequence[str], subset: str, metric: str, *, policy: MonitorSettings
) -> Flags:
    masked = np.zeros(len(weeks), dtype=np.bool_)
    family = metric.partition(":")[0]
    for known in policy.acknowledged:
        if known.metrics and not {metric, family} & set(known.metrics):
            continue
        if known.routes and subset not in known.routes:
            continue
        first, last = known.week.isoformat(), (known.until or known.week).isoformat()
        masked |= [one < first if known.new_level else first <= one <= last for one in weeks]
    return masked


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
