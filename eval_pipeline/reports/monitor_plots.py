"""Production over the weeks: one small panel a figure, each with the band that it is usual in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import (
    INK,
    Mark,
    drawing,
    height_of,
    key,
    line_key,
    sheet,
    svg,
)
from eval_pipeline.reports.gathered_marks import draw_bands, draw_marks, draw_segments
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

KEY_METRICS: Final = (
    "interactions",
    "cost_per_interaction_usd",
    "error_share",
    "refusal_share",
    "latency_p50_seconds",
    "latency_p99_seconds",
    "mean_input_tokens",
    "mean_output_tokens",
    "mean_response_characters",
    "feedback_mean",
    "escalation_share",
    "outcome_mean",
)
MOST_WEEKS: Final = 52
COLUMNS: Final = 2
ROW_INCHES: Final = 1.35
NAME_LENGTH: Final = 44
USUAL: Final = Mark("#0072B2", "o")
UNUSUAL: Final = Mark("#D55E00", "X")
NOT_COMPARED: Final = Mark("#8A8A8A", "s")
BAND: Final = "#56B4E9"
_COMPARED: Final = ("usual", "unusual")


def monitor_panels(
    frame: pl.DataFrame, *, metrics: Sequence[str] = KEY_METRICS, route: str = AGGREGATE
) -> str:
    """The metrics of one route by week, from PRODUCTION_MONITOR rows with `week`.

    A metric that was never logged has no panel. At most the last year of weeks.
    """
    own = frame.filter(pl.col("route") == route).sort("week")
    logged = set(own.drop_nulls("value")["metric"])
    return _panels(own, [name for name in metrics if name in logged], title=f"route {route}")


def quality_panels(frame: pl.DataFrame) -> str:
    """What the panel passes by week, 'all' first, from PRODUCTION_QUALITY rows with `week`."""
    told = frame.with_columns(
        metric=pl.format("quality, {}", "subset"), value=pl.col("quality")
    ).sort("week")
    judged = set(told.drop_nulls("value")["subset"])
    names = sorted(judged, key=lambda name: (name != AGGREGATE, name))
    return _panels(told, [f"quality, {name}" for name in names], title="production's quality")


def _panels(frame: pl.DataFrame, metrics: Sequence[str], *, title: str) -> str:
    weeks = sorted(set(frame["week"]))[-MOST_WEEKS:]
    rows = max(1, -(-len(metrics) // COLUMNS))
    with drawing():
        figure = sheet(8.6, 0.95 + ROW_INCHES * rows)
        figure.subplots_adjust(left=0.09, right=0.98, hspace=0.62, wspace=0.22)
        figure.subplots_adjust(bottom=0.4 / height_of(figure), top=1 - 0.62 / height_of(figure))
        panels = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False)
        for axes, name in zip(panels.flat, metrics, strict=False):
            _draw(axes, frame.filter(pl.col("metric") == name), weeks, name=name)
        for axes in list(panels.flat)[len(metrics) :]:
            axes.set_visible(False)
        _label_weeks(panels, weeks, count=len(metrics))
        keys = [
            key("usual", USUAL),
            key("unusual", UNUSUAL),
            key("not compared", NOT_COMPARED),
            line_key("usual range", color=BAND, linewidth=7, alpha=0.35),
            line_key("median of its history", color=INK, linestyle="--", linewidth=1),
        ]
        figure.legend(handles=keys, loc="upper left", ncols=5, frameon=False, fontsize=9)
        return svg(figure, f"{title}: {len(metrics)} figures by week", name="monitor")


def _draw(axes: Axes, rows: pl.DataFrame, weeks: list[str], *, name: str) -> None:
    places = {week: place for place, week in enumerate(weeks)}
    told = [row for row in rows.iter_rows(named=True) if row["week"] in places]
    placed = [(places[row["week"]], row) for row in told]
    _draw_ranges(axes, placed)
    _draw_values(axes, placed)
    axes.set_ylim(*_reach(told))
    axes.margins(x=0.03)
    axes.tick_params(axis="y", labelsize=8)
    axes.locator_params(axis="y", nbins=4)
    axes.set_title(clipped(one_line(name), NAME_LENGTH), loc="left", fontsize=9)


def _draw_ranges(axes: Axes, placed: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """What was usual by the history of each week."""
    ranges = [
        (place - 0.5, row["baseline_lower"], place + 0.5, row["baseline_upper"])
        for place, row in placed
        if row["baseline_lower"] is not None and row["baseline_upper"] is not None
    ]
    draw_bands(axes, ranges, color=BAND, alpha=0.35, linewidth=0)
    medians = [
        (place - 0.5, row["baseline_median"], place + 0.5, row["baseline_median"])
        for place, row in placed
        if row["baseline_median"] is not None
    ]
    draw_segments(axes, medians, color=INK, linestyle="--", linewidth=1)


def _draw_values(axes: Axes, placed: Sequence[tuple[int, dict[str, Any]]]) -> None:
    measured = [(place, row) for place, row in placed if row["value"] is not None]
    intervals = [
        (place, row["lower"], place, row["upper"])
        for place, row in measured
        if row["lower"] is not None and row["upper"] is not None
    ]
    draw_segments(axes, intervals, color=INK, alpha=0.45, linewidth=1)
    marked = [(_mark(row), place, row["value"]) for place, row in measured]
    quiet = [one for one in marked if one[0] is not UNUSUAL]
    draw_marks(axes, quiet, markersize=4, zorder=3)
    draw_marks(axes, [one for one in marked if one[0] is UNUSUAL], markersize=7.5, zorder=3)


def _mark(row: dict[str, Any]) -> Mark:
    if row["finding"] not in _COMPARED:
        return NOT_COMPARED
    return UNUSUAL if row["finding"] == "unusual" else USUAL


def _reach(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """From what was measured: a short history's range can be so wide that it hides the rest."""
    ends = [
        float(value)
        for row in rows
        for value in (row["value"], row["lower"], row["upper"], row["baseline_median"])
        if value is not None
    ]
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    padding = 0.18 * (high - low) or 0.1 * abs(high) or 1.0
    return low - padding, high + padding


def _label_weeks(panels: Any, weeks: list[str], *, count: int) -> None:
    step = max(1, -(-len(weeks) // 4))
    for column in range(COLUMNS):
        below = [
            axes for place, axes in enumerate(panels[:, column]) if place * COLUMNS + column < count
        ]
        if below:
            last = below[-1]
            last.set_xticks(range(0, len(weeks), step), [one_line(one) for one in weeks[::step]])
            last.tick_params(axis="x", labelsize=8, labelbottom=True)
            last.set_xlim(-0.6, max(len(weeks), 1) - 0.4)
