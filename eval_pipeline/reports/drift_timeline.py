"""Change of the pinned systems by week, part by part, with the alarms and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import (
    INK,
    SYSTEM_COLOURS,
    SYSTEM_MARKERS,
    Mark,
    drawing,
    height_of,
    key,
    sheet,
    svg,
)
from eval_pipeline.reports.drift_attribution import PANEL_OF, Alarm, alarms
from eval_pipeline.reports.gathered_marks import draw_marks, draw_segments
from eval_pipeline.reports.plots import NAME_LENGTH, label_weeks, legend
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

COMPONENTS: Final = ("provider", "judge", "truth", "within", "mix", "entry", "exit", "total")
ALARM: Final = Mark("#D55E00", "X")


def drift_timeline(frame: pl.DataFrame, *, signals: pl.DataFrame | None = None) -> str:
    """Measured change by week, one panel per component, from DRIFT_REPORT rows with `week`.

    Rows about all items only; where several golden versions were re-run, the newest speaks. A
    component that never moved or was never measured has no panel. `signals`, DRIFT_SIGNALS with
    `week`, mark the weeks of an alarm and say whose change it was found to be.
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
    raised = [one for one in alarms(signals) if one.week in weeks]
    with drawing():
        figure = sheet(8.2, 0.9 + 1.25 * len(components))
        figure.subplots_adjust(left=0.17, right=0.93, hspace=0.35)
        figure.subplots_adjust(bottom=0.55 / height_of(figure), top=1 - 0.4 / height_of(figure))
        panels = figure.subplots(len(components), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, component in zip(panels, components, strict=True):
            rows = whole.filter(pl.col("component") == component)
            _draw_component(axes, component, rows, weeks=weeks, systems=systems)
            _draw_alarms(axes, component, raised, weeks=weeks, components=components)
        label_weeks(panels[-1], weeks)
        legend(figure, _keys(systems, raised))
        words = f"Change by week in points, {len(components)} components"
        told = f"{words}, {len(raised)} alarms" if raised else words
        return svg(figure, told, name="drift")


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
        placed = list(zip(places, own.to_dicts(), strict=True))
        _draw_intervals(axes, placed, colour=colour)
        _draw_findings(axes, placed, mark=Mark(colour, marker))
    axes.set_ylabel(component, rotation=0, ha="right", va="center")
    axes.margins(y=0.2)


def _draw_intervals(
    axes: Axes, placed: Sequence[tuple[int, Mapping[str, Any]]], *, colour: str
) -> None:
    intervals = [
        (place, 100 * row["lower"], place, 100 * row["upper"])
        for place, row in placed
        if row["lower"] is not None and row["upper"] is not None
    ]
    draw_segments(axes, intervals, color=colour, linewidth=1.2, alpha=0.6)


def _draw_findings(
    axes: Axes, placed: Sequence[tuple[int, Mapping[str, Any]]], *, mark: Mark
) -> None:
    drifted = [(place, row) for place, row in placed if row["finding"] == "drift"]
    quiet = [(place, row) for place, row in placed if row["finding"] != "drift"]
    for shown, look in (
        (quiet, {"markersize": 5, "markerfacecolor": "none"}),
        (drifted, {"markersize": 9, "markerfacecolor": mark.colour}),
    ):
        draw_marks(axes, ((mark, place, 100 * row["difference"]) for place, row in shown), **look)
    for place, row in drifted:
        axes.annotate(
            "drift",
            (place, 100 * row["difference"]),
            xytext=(7, 5),
            textcoords="offset points",
            fontsize=9,
            fontweight="bold",
        )


def _draw_alarms(
    axes: Axes, component: str, raised: Sequence[Alarm], *, weeks: list[str], components: list[str]
) -> None:
    """A mark above the week of each alarm in its part's panel; a line where its change began."""
    place = axes.get_xaxis_transform()
    told: set[tuple[str, str | None]] = set()
    for alarm in raised:
        own = PANEL_OF.get(alarm.attribution or "", "total")
        if component != (own if own in components else components[-1]):
            continue
        at = weeks.index(alarm.week)
        axes.plot(
            at, 1.0, marker=ALARM.marker, color=ALARM.colour, transform=place, clip_on=False,
            markersize=7, linestyle="none",
        )  # fmt: skip
        if (alarm.system_id, alarm.since) in told:
            continue
        told.add((alarm.system_id, alarm.since))
        if alarm.since in weeks:
            axes.axvline(weeks.index(alarm.since), color=ALARM.colour, linestyle=":", linewidth=1.4)
        whose = alarm.attribution or "contradiction"
        axes.annotate(
            f"alarm: {whose}",
            (at, 1.0),
            xycoords=place,
            xytext=(-7, -3),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9,
            fontweight="bold",
        )


def _keys(systems: Sequence[str], raised: Sequence[Alarm]) -> list[Line2D]:
    keys = [
        key(clipped(one_line(system), NAME_LENGTH), Mark(colour, marker))
        for system, colour, marker in zip(systems, SYSTEM_COLOURS, SYSTEM_MARKERS, strict=False)
    ]
    if raised:
        keys.append(key("alarm, since the dotted line", ALARM))
    return keys
