"""The waterfall of a system's live score: from its reference week to today, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from eval_pipeline.reports.canvas import INK, Mark, drawing, height_of, key, line_key, sheet, svg
from eval_pipeline.reports.decomposition_words import FINDING_WORDS, STEPS, newest_rows
from eval_pipeline.reports.wording import clipped, interval, one_line, points

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

FINDING_MARKS: Final = {
    "drift": Mark("#D55E00", "X"),
    "within_noise": Mark("#56B4E9", "o"),
}
MINUS: Final = "\N{MINUS SIGN}"
MAXIMUM_SYSTEMS: Final = 8
TITLE_LENGTH: Final = 70
THICKNESS: Final = 0.62


def waterfall(report: pl.DataFrame) -> str:
    """One panel per system, all items, from DRIFT_REPORT rows with or without `week`.

    The newest week, and of several golden versions the newest, speak.
    """
    panels = newest_rows(report)
    shown = panels[:MAXIMUM_SYSTEMS]
    with drawing():
        figure = sheet(8.2, 0.85 + 3.05 * max(len(shown), 1))
        figure.subplots_adjust(left=0.19, right=0.66, hspace=0.42)
        figure.subplots_adjust(bottom=0.5 / height_of(figure), top=1 - 0.72 / height_of(figure))
        places = figure.subplots(max(len(shown), 1), 1, squeeze=False)[:, 0]
        for axes, rows in zip(places, shown, strict=False):
            _draw_system(axes, rows)
        if not shown:
            places[0].text(0.5, 0.5, "No system was re-run.", ha="center")
            places[0].set_axis_off()
        else:
            places[-1].set_xlabel("score on live traffic, percent")
            figure.legend(handles=_keys(), loc="upper left", ncols=3, frameon=False, fontsize=9)
        words = f"What moved the score since the reference week, {len(shown)} systems"
        return svg(figure, words, name="waterfall")


def _draw_system(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    by_name = {row["component"]: row for row in rows}
    steps = [by_name[name] for name in STEPS if name in by_name]
    total = by_name.get("total")
    top = len(steps) + 1
    if total is not None and total["before"] is not None:
        _draw_value(axes, total["before"], top, f"then: {_week(total)}")
    for height, row in zip(range(top - 1, 0, -1), steps, strict=True):
        _draw_step(axes, row, height)
    if total is not None and total["after"] is not None:
        _draw_value(axes, total["after"], 0, "now")
        _tell(axes, total, 0)
    axes.set_ylim(-0.6, top + 0.6)
    axes.set_yticks([])
    axes.margins(x=0.08)
    axes.spines["left"].set_visible(False)
    version = rows[0]["golden_version"]
    title = f"{one_line(rows[0]['system_id'])} · golden version {version}"
    axes.set_title(clipped(title, TITLE_LENGTH), loc="left", fontsize=10)


def _week(total: Mapping[str, Any]) -> str:
    return one_line(str(total["reference_week"] or "no reference"))


def _draw_value(axes: Axes, value: float, height: int, name: str) -> None:
    axes.plot([100 * value] * 2, [height - 0.4, height + 0.4], color=INK, linewidth=2.4)
    axes.annotate(
        f"{100 * value:.1f}",
        (100 * value, height),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        fontweight="bold",
    )
    _name(axes, name, height, bold=True)


def _draw_step(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    drifted = row["finding"] == "drift"
    _name(axes, STEPS[row["component"]], height, bold=drifted)
    _tell(axes, row, height)
    if row["before"] is None or row["after"] is None:
        return
    before, after = 100 * row["before"], 100 * row["after"]
    mark = FINDING_MARKS[row["finding"]]
    axes.barh(height, after - before, left=before, height=THICKNESS, color=mark.colour, linewidth=0)
    axes.plot([after, after], [height - 1 + THICKNESS / 2, height], color=INK, linewidth=0.6)
    axes.plot(after, height, color=mark.colour, marker=mark.marker, markersize=6.5)
    if row["lower"] is not None and row["upper"] is not None:
        ends = [_on_scale(before + 100 * row[end]) for end in ("lower", "upper")]
        axes.plot(ends, [height, height], color=INK, linewidth=1, alpha=0.75)


def _on_scale(percent: float) -> float:
    """No score lies beyond; the figures beside say how far an interval reaches."""
    return min(100.0, max(0.0, percent))


def _name(axes: Axes, name: str, height: int, *, bold: bool) -> None:
    axes.text(
        -0.03,
        height,
        name,
        transform=axes.get_yaxis_transform(),
        ha="right",
        va="center",
        fontsize=9,
        fontweight="bold" if bold else "normal",
    )


def _tell(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    told = FINDING_WORDS[row["finding"]]
    if row["difference"] is not None:
        told = f"{points(row['difference'])} ({interval(row)}) {told}"
    axes.text(
        1.03,
        height,
        told.replace("-", MINUS),
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=8.5,
        fontweight="bold" if row["finding"] == "drift" else "normal",
    )


def _keys() -> list[Any]:
    keys = [key(FINDING_WORDS[name], mark) for name, mark in FINDING_MARKS.items()]
    return [*keys, line_key("interval", color=INK, linewidth=1)]
