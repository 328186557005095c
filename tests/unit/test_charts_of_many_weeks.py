"""A chart of a year has as many strokes as one of two months; only its marks are more."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from eval_pipeline.reports.drift_plots import signal_timeline
from eval_pipeline.reports.drift_timeline import drift_timeline
from eval_pipeline.reports.monitor_plots import quality_panels
from eval_pipeline.reports.outcome_plots import calibration_scatter, prediction_timeline
from eval_pipeline.reports.privacy_plots import recall_chart
from eval_pipeline.tables import (
    ANONYMISATION_REPORT,
    DRIFT_REPORT,
    DRIFT_SIGNALS,
    OUTCOME_PREDICTIONS,
    OUTCOME_TRACKING,
    PRODUCTION_QUALITY,
    Table,
)

MARKS = re.compile(r"<use ")
TICKS = 25
STROKES = re.compile(r"<g\b")


def weekly(table: Table, weeks: int, row: Callable[[int], dict[str, Any]]) -> pl.DataFrame:
    """One row a week, with `week`."""
    rows = []
    for number in range(weeks):
        week = (dt.date(2025, 1, 6) + dt.timedelta(weeks=number)).isoformat()
        rows.append({**dict.fromkeys(table.schema), **row(number), "week": week})
    return pl.DataFrame(rows, schema={**table.schema, "week": pl.String})


def quality(weeks: int) -> str:
    def row(number: int) -> dict[str, Any]:
        finding = ("usual", "unusual", "too_little_history")[number % 3]
        measured = {"quality": 0.8, "lower": 0.7, "upper": 0.9, "finding": finding}
        usual = {"baseline_lower": 0.6, "baseline_upper": 0.95, "baseline_median": 0.8}
        return {"subset": "all", **measured, **usual}

    return quality_panels(weekly(PRODUCTION_QUALITY, weeks, row))


def predictions(weeks: int) -> pl.DataFrame:
    def row(number: int) -> dict[str, Any]:
        foretold = {"predicted": 0.8, "lower": 0.7, "upper": 0.9, "offline": 0.75}
        inside = (None, True, False)[number % 3]
        return {"subset": "all", "outcome": 0.82, "within_interval": inside, **foretold}

    return weekly(OUTCOME_PREDICTIONS, weeks, row)


def signals(weeks: int) -> str:
    def row(number: int) -> dict[str, Any]:
        sums = {"cusum_up": 1.0, "cusum_down": 0.5, "alarm": number % 3 == 0}
        value = {"value": 0.8, "mu0": 0.79, "sigma": 0.01}
        return {"system_id": "assistant", "stream": "rerun", "subset": "all", **value, **sums}

    return signal_timeline(weekly(DRIFT_SIGNALS, weeks, row), threshold=4.0)


def timeline(weeks: int) -> str:
    def row(_: int) -> dict[str, Any]:
        named = {"system_id": "assistant", "golden_version": 1, "subset": "all"}
        change = {"component": "provider", "difference": 0.01, "lower": -0.01, "upper": 0.03}
        return {**named, **change, "finding": "within_noise"}

    return drift_timeline(weekly(DRIFT_REPORT, weeks, row))


def recall(weeks: int) -> str:
    def row(_: int) -> dict[str, Any]:
        value = {"value": 0.99, "lower": 0.98, "upper": 1.0, "limit": 0.95}
        return {"dimension": "week", "measure": "canary_recall", **value}

    return recall_chart(weekly(ANONYMISATION_REPORT, weeks, row))


CHARTS: dict[str, Callable[[int], str]] = {
    "quality": quality,
    "predictions": lambda weeks: prediction_timeline(predictions(weeks)),
    "calibration": lambda weeks: calibration_scatter(predictions(weeks), OUTCOME_TRACKING.empty()),
    "signals": signals,
    "timeline": timeline,
    "recall": recall,
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_year_is_drawn_in_as_many_strokes_as_eight_weeks(name):
    short, long = CHARTS[name](8), CHARTS[name](52)
    # A group of the SVG is a stroke, a tick or a text. A tick more is up to five groups; a stroke
    # for each of the 44 further weeks would be 44 more at least.
    assert len(STROKES.findall(long)) <= len(STROKES.findall(short)) + TICKS
    # All 44 further weeks are there.
    assert len(MARKS.findall(long)) - len(MARKS.findall(short)) >= 44 - 8
