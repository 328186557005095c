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
    height_of,
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

SYSTEM_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
SYSTEM_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
COMPONENTS: Final = ("provider", "judge", "truth", "within", "mix", "entry", "exit", "total")
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
        _legend(figure, _state_keys(shown))
        words = f"Difference of candidate and baseline with interval, {len(shown)} rows"
        return svg(figure, words, name="forest")


def drift_timeline(frame: pl.DataFrame) -> str:
    """Measured change by week, one panel per component, from DRIFT_REPORT rows with `week`.

    Rows about all items only; where several golden versions were re-run, the newest speaks. A
    component that never moved or was never measured has no panel.
    """
    whole = (
        frame.filter(pl.col("subset") == AGGREGATE)
        .sort("system_id", "week", "component", "golden_version")
        .unique(["system_id", "week", "component"], keep="last", maintain_order=True)
    )
    moved = set(whole.filter(pl.col("difference") != 0)["component"])
    components = [name for name in COMPONENTS if name in moved] or ["total"]
    weeks = sorted(set(whole["week"].cast(pl.String)))
    systems = sorted(set(whole["system_id"]))
    with drawing():
        figure = sheet(8.2, 0.9 + 1.25 * len(components))
        figure.subplots_adjust(left=0.17, right=0.93, hspace=0.35)
        figure.subplots_adjust(bottom=0.55 / height_of(figure), top=1 - 0.4 / height_of(figure))
        panels = figure.subplots(len(components), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, component in zip(panels, components, strict=True):
            rows = whole.filter(pl.col("component") == component)
            _draw_component(axes, component, rows, weeks=weeks, systems=systems)
        _label_weeks(panels[-1], weeks)
        _legend(figure, _system_keys(systems))
        return svg(figure, f"Change by week in points, {len(components)} components", name="drift")


def monitor_chart(frame: pl.DataFrame, *, metric: str, route: str = AGGREGATE) -> str:
    """One metric of one route by week, from PRODUCTION_MONITOR rows with `week`."""
    rows = frame.filter(pl.col("metric") == metric, pl.col("route") == route).sort("week")
    weeks = rows["week"].cast(pl.String).to_list()
    with drawing():
        figure = sheet(8.2, 2.6)
        axes = figure.add_axes(room(figure, left=0.9, right=0.3, bottom=0.55, top=0.45))
        _draw_metric(axes, rows)
        _label_weeks(axes, weeks)
        label = clipped(one_line(f"{metric} · {route}"), 80)
        axes.set_title(label, loc="left", fontsize=10)
        _legend(figure, _monitor_keys(), loc="upper right")
        return svg(figure, f"{label} by week", name="monitor")


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


def _draw_component(
    axes: Axes, component: str, rows: pl.DataFrame, *, weeks: list[str], systems: list[str]
) -> None:
    axes.axhline(0, color=INK, linewidth=0.8, alpha=0.6)
    for number, system in enumerate(systems):
        own = rows.filter(pl.col("system_id") == system, pl.col("difference").is_not_null())
        places = [weeks.index(str(week)) for week in own["week"]]
        colour = SYSTEM_COLOURS[number % len(SYSTEM_COLOURS)]
        marker = SYSTEM_MARKERS[number % len(SYSTEM_MARKERS)]
        values = [100 * value for value in own["difference"]]
        axes.plot(places, values, color=colour, linewidth=1.6)
        for place, row in zip(places, own.iter_rows(named=True), strict=True):
            _draw_week(axes, place, row, colour=colour, marker=marker)
    axes.set_ylabel(component, rotation=0, ha="right", va="center")
    axes.margins(y=0.2)


def _draw_week(axes: Axes, place: int, row: Mapping[str, Any], *, colour: str, marker: str) -> None:
    if row["lower"] is not None and row["upper"] is not None:
        ends = [100 * row["lower"], 100 * row["upper"]]
        axes.plot([place, place], ends, color=colour, linewidth=1.2, alpha=0.6)
    drifted = row["finding"] == "drift"
    axes.plot(
        place,
        100 * row["difference"],
        marker=marker,
        color=colour,
        linestyle="none",
        markersize=9 if drifted else 5,
        markerfacecolor=colour if drifted else "none",
    )
    if drifted:
        axes.annotate(
            "drift",
            (place, 100 * row["difference"]),
            xytext=(7, 5),
            textcoords="offset points",
            fontsize=9,
            fontweight="bold",
        )


def _draw_metric(axes: Axes, rows: pl.DataFrame) -> None:
    for place, row in enumerate(rows.iter_rows(named=True)):
        if row["baseline_median"] is not None:
            axes.plot(
                [place - 0.4, place + 0.4],
                [row["baseline_median"]] * 2,
                color=INK,
                linestyle="--",
                linewidth=1,
                alpha=0.7,
            )
        if row["lower"] is not None and row["upper"] is not None:
            axes.plot([place, place], [row["lower"], row["upper"]], color="#0072B2", alpha=0.6)
        if row["value"] is not None:
            unusual = row["finding"] == "unusual"
            mark = STATE_MARKS["blocked" if unusual else "certified"]
            axes.plot(
                place,
                row["value"],
                marker=mark.marker,
                color=mark.colour,
                linestyle="none",
                markersize=9 if unusual else 5,
            )
    axes.margins(x=0.05, y=0.2)


def _label_weeks(axes: Axes, weeks: list[str]) -> None:
    step = max(1, -(-len(weeks) // 7))
    axes.set_xticks(range(0, len(weeks), step), [one_line(week) for week in weeks[::step]])
    axes.set_xlim(-0.5, max(len(weeks), 1) - 0.5)
    axes.tick_params(axis="x", labelsize=9)


def _legend(
    figure: Figure, keys: list[Line2D], *, loc: Literal["upper left", "upper right"] = "upper left"
) -> None:
    figure.legend(handles=keys, loc=loc, ncols=5, frameon=False, fontsize=9)


def _state_keys(rows: Sequence[SubsetRow]) -> list[Line2D]:
    present = {row["state"] for row in rows}
    keys = [
        key(STATE_WORDS[state], STATE_MARKS[state]) for state in STATE_ORDER if state in present
    ]
    return [*keys, line_key("tolerance", color=INK, marker="|", markersize=10, linestyle="none")]


def _system_keys(systems: Sequence[str]) -> list[Line2D]:
    return [
        key(clipped(one_line(system), NAME_LENGTH), Mark(colour, marker))
        for system, colour, marker in zip(systems, SYSTEM_COLOURS, SYSTEM_MARKERS, strict=False)
    ]


def _monitor_keys() -> list[Line2D]:
    return [
        key("usual", STATE_MARKS["certified"]),
        key("unusual", STATE_MARKS["blocked"]),
        line_key("own median", color=INK, linestyle="--", linewidth=1),
    ]
