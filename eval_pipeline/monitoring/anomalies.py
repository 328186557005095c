"""The week's figures per route against their own history, as PRODUCTION_MONITOR."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from eval_pipeline.monitoring.comparison import (
    Past,
    against_history,
    figures_of,
    judge,
    past_of,
)
from eval_pipeline.monitoring.intervals import Measured
from eval_pipeline.monitoring.mixes import MIXES, Mix, category_shares, whole_mix
from eval_pipeline.monitoring.scales import Figures, Scale
from eval_pipeline.monitoring.traffic import METRICS, WeekTraffic, by_route
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.tables import PRODUCTION_MONITOR

Row = tuple[str, str, Measured]
"""Route, metric, figure."""


def monitor_week(
    traffic: WeekTraffic,
    *,
    history: pl.DataFrame,
    week: str,
    policy: MonitorSettings,
    finished: bool = True,
) -> pl.DataFrame:
    """The PRODUCTION_MONITOR of a week; `history`: PRODUCTION_MONITOR rows with their `week`.

    Rates and means are exact. Quantiles are order statistics, told to within `QUANTILE_ERROR` of
    their value; lengths up to 1000 are exact. A column that the logs lack, or that is null
    throughout, gives `not_logged`. In a week that is not `finished`, figures that need all of it
    are told and not compared.
    """
    history = history.filter(pl.col("week") < week)
    interactions = {route: own.count("interactions") for route, own in by_route(traffic)}
    told = _routes(traffic, history, week=week, policy=policy, finished=finished)
    for mix in MIXES:
        told += _mix(traffic, mix, history=history, week=week, policy=policy)
    rows = [
        {**dict.fromkeys(PRODUCTION_MONITOR.schema), "interactions": interactions[row["route"]]}
        | row
        for row in told
    ]
    return PRODUCTION_MONITOR.conform(pl.DataFrame(rows, schema=PRODUCTION_MONITOR.schema))


def _routes(
    traffic: WeekTraffic,
    history: pl.DataFrame,
    *,
    week: str,
    policy: MonitorSettings,
    finished: bool,
) -> list[dict[str, Any]]:
    told = []
    routes = list(by_route(traffic))
    for name, metric in METRICS.items():
        rows = [(route, name, metric.measure(own)) for route, own in routes]
        past = _past(history, rows, week=week, policy=policy)
        told += _compared(
            rows,
            past.figures,
            metric.scale,
            policy=policy,
            finished=finished or not metric.whole_week,
        )
    return told


def _mix(
    traffic: WeekTraffic,
    mix: Mix,
    *,
    history: pl.DataFrame,
    week: str,
    policy: MonitorSettings,
) -> list[dict[str, Any]]:
    """The categories' rows, and that of each route's whole mix."""
    rows = category_shares(traffic, mix, history=history)
    wholes = [(route, mix.whole, measured) for route, _, measured in rows]
    past = _past(history, rows, week=week, policy=policy)
    # How many were measured is told also in weeks whose mix had nothing to be compared with.
    told_weeks = history.with_columns(value=pl.col("value").fill_null(0.0))
    seen = _past(told_weeks, wholes, week=week, policy=policy)
    shares = _compared(rows, _with_zeros(past, seen), "share", policy=policy)
    told = list(shares)
    for route, own in by_route(traffic):
        parts = [row for row in shares if row["route"] == route]
        whole = whole_mix(parts, measured=own.count(mix.among))
        told.append({"route": route, "metric": mix.whole} | whole)
    return told


def _with_zeros(past: Past, seen: Past) -> Figures:
    """A category without a row in a week whose mix was measured had no case."""
    absent = np.isnan(past.figures.value) & (seen.figures.measured > 0)
    return Figures(
        np.where(absent, 0.0, past.figures.value),
        past.figures.lower,
        past.figures.upper,
        np.where(absent, seen.figures.measured, past.figures.measured),
    )


def _past(
    history: pl.DataFrame, rows: Sequence[Row], *, week: str, policy: MonitorSettings
) -> Past:
    keys = [(route, metric) for route, metric, _ in rows]
    return past_of(history.rename({"route": "subset"}), keys, week=week, policy=policy)


def _compared(
    rows: Sequence[Row],
    past: Figures,
    scale: Scale,
    *,
    policy: MonitorSettings,
    finished: bool = True,
) -> list[dict[str, Any]]:
    """The rows of series that share one budget of false alarms."""
    measured = [figure for _, _, figure in rows]
    judged = judge(figures_of(measured), past, scale, policy=policy)
    told = against_history(measured, judged, scale, finished=finished)
    return [
        {
            "route": route,
            "metric": metric,
            "value": figure.value,
            "lower": figure.lower,
            "upper": figure.upper,
            "measured": figure.count,
            **against,
        }
        for (route, metric, figure), against in zip(rows, told, strict=True)
    ]
