"""Charts of decisions and measurements as SVG text.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; a shape always says the
same as its colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl

from eval_pipeline.reports.canvas import (
    INK,
    Mark,
    drawing,
    key,
    line_key,
    room,
    sheet,
    svg,
)
from eval_pipeline.reports.wording import (
    AGGREGATE,
    STATE_ORDER,
    STATE_WORDS,
    SubsetRow,
    clipped,
    interval,
    name_of,
    one_line,
    ordered,
    points,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MINUS: Final = "\N{MINUS SIGN}"
MAXIMUM_ROWS: Final = 60
NAME_LENGTH: Final = 30
STATE_MARKS: Final = {
    "certified": Mark("#0072B2", "o"),
    "blocked": Mark("#D55E00", "X"),
    "undecided": Mark("#E69F00", "D"),
    "infeasible": Mark("#8A8A8A", "^"),
    "reported": Mark("#56B4E9", "s"),
}


def forest(report: pl.DataFrame) -> str:
    """Each subset's difference with its interval and margin, from REGRESSION_REPORT rows."""
    rows = report.to_dicts()
    subsets = ordered([row for row in rows if row["subset"] != AGGREGATE])[:MAXIMUM_ROWS]
    shown = [*subsets, *(row for row in rows if row["subset"] == AGGREGATE)]
    with drawing():
        figure = sheet(8.2, 1.3 + 0.34 * len(shown))
        axes = figure.add_axes(room(figure, left=2.75, right=1.75, bottom=0.62, top=0.42))
        _draw_forest(axes, shown)
        legend(figure, _state_keys(shown))
        words = f"Difference of candidate and baseline with interval, {len(shown)} rows"
        return svg(figure, words, name="forest")


def _draw_forest(axes: Axes, rows: Sequence[SubsetRow]) -> None:
    for height, row in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
        _draw_difference(axes, row, height)
    axes.axvline(0, color=INK, linewidth=0.8)
    if rows and rows[-1]["subset"] == AGGREGATE and len(rows) > 1:
        axes.axhline(0.5, color=INK, linewidth=0.5, alpha=0.35)
    axes.set_ylim(-0.6, max(len(rows), 1) - 0.4)
    axes.set_xlim(*_reach(rows))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("candidate minus baseline, percentage points")


def _draw_difference(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    mark = STATE_MARKS[row["state"]]
    bold = "bold" if row["state"] == "blocked" else "normal"
    margin = -100 * row["margin"]
    # A pale band is what the policy tolerates; its edge is the margin.
    axes.plot(
        [margin, 0], [height, height], color=INK, alpha=0.09, linewidth=11, solid_capstyle="butt"
    )
    axes.plot([margin, margin], [height - 0.3, height + 0.3], color=INK, linewidth=1.4)
    if row["lower"] is not None and row["upper"] is not None:
        ends = [100 * row["lower"], 100 * row["upper"]]
        axes.plot(ends, [height, height], color=mark.colour, linewidth=2.2)
    if row["difference"] is not None:
        axes.plot(
            100 * row["difference"],
            height,
            color=mark.colour,
            marker=mark.marker,
            markersize=7.5,
            linestyle="none",
        )
    name = "all items" if row["subset"] == AGGREGATE else name_of(row)
    beside: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontweight": bold,
    }
    axes.text(-0.03, height, clipped(one_line(name), NAME_LENGTH), ha="right", **beside)
    told = points(row["difference"])
    told = told if row["lower"] is None else f"{told}  ({interval(row)})"
    axes.text(1.03, height, told.replace("-", MINUS), ha="left", fontsize=9, **beside)


def _reach(rows: Sequence[SubsetRow]) -> tuple[float, float]:
    ends = [0.0]
    for row in rows:
        known = [row["lower"], row["upper"], row["difference"], -row["margin"]]
        ends += [100 * value for value in known if value is not None]
    padding = 0.06 * (max(ends) - min(ends)) or 1.0
    return min(ends) - padding, max(ends) + padding


def label_weeks(axes: Axes, weeks: list[str], *, most: int = 7) -> None:
    """At most so many weeks are named; there is room for a mark on both sides."""
    step = max(1, -(-len(weeks) // most))
    axes.set_xticks(range(0, len(weeks), step), [one_line(week) for week in weeks[::step]])
    axes.set_xlim(-0.5, max(len(weeks), 1) - 0.5)
    axes.tick_params(axis="x", labelsize=9)


def legend(
    figure: Figure, keys: list[Line2D], *, loc: Literal["upper left", "upper right"] = "upper left"
) -> None:
    """Above the chart, without a frame."""
    figure.legend(handles=keys, loc=loc, ncols=5, frameon=False, fontsize=9)


def _state_keys(rows: Sequence[SubsetRow]) -> list[Line2D]:
    present = {row["state"] for row in rows}
    keys = [
        key(STATE_WORDS[state], STATE_MARKS[state]) for state in STATE_ORDER if state in present
    ]
    return [*keys, line_key("tolerance", color=INK, marker="|", markersize=10, linestyle="none")]
