"""Accuracy against coverage as SVG: what a system may answer alone, and how right it is then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, SYSTEM_COLOURS, drawing, line_key, sheet, svg
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SUBSETS: Final = 5
NAME_LENGTH: Final = 34
PALE: Final = "#B8B8B8"


def coverage_chart(curves: pl.DataFrame) -> str:
    """Both arms' CONFIDENCE_CURVES: all items with a band, each subset as a line, the threshold.

    An arm that states no confidence is one point.
    """
    arms = curves["arm"].unique(maintain_order=True).to_list()
    with drawing():
        figure = sheet(8.2, 4.3)
        figure.subplots_adjust(left=0.09, right=0.97, bottom=0.3, top=0.88, wspace=0.16)
        panels = figure.subplots(1, max(1, len(arms)), sharey=True, squeeze=False)[0]
        subsets = sorted(set(curves["subset"]) - {AGGREGATE})
        shown = dict(zip(subsets[:MOST_SUBSETS], SYSTEM_COLOURS[1:], strict=False))
        for axes, arm in zip(panels, arms, strict=False):
            _draw_arm(axes, curves.filter(pl.col("arm") == arm), colours=shown)
        panels[0].set_ylabel("right, of what is answered")
        keys = [line_key("all items", color=SYSTEM_COLOURS[0], linewidth=2)]
        keys += [
            line_key(clipped(name, NAME_LENGTH), color=colour, linewidth=1)
            for name, colour in shown.items()
        ]
        if len(subsets) > MOST_SUBSETS:
            keys.append(line_key(f"{len(subsets) - MOST_SUBSETS} further", color=PALE, linewidth=1))
        keys.append(
            line_key("supported threshold", color=INK, marker="D", linestyle="none", markersize=7)
        )
        keys.append(line_key("target", color=INK, linestyle="--", linewidth=0.8))
        figure.legend(handles=keys, loc="lower center", ncol=3, frameon=False, fontsize=8)
        return svg(figure, "Accuracy against coverage by stated confidence", name="coverage")


def _draw_arm(axes: Axes, rows: pl.DataFrame, *, colours: dict[str, str]) -> None:
    for name in sorted(set(rows["subset"]) - {AGGREGATE}):
        _line(axes, rows.filter(pl.col("subset") == name), colour=colours.get(name, PALE), width=1)
    whole = rows.filter(pl.col("subset") == AGGREGATE).drop_nulls("accuracy").sort("coverage")
    colour = SYSTEM_COLOURS[0]
    axes.fill_between(
        whole["coverage"].to_list(),
        whole["accuracy_lower"].to_list(),
        whole["accuracy_upper"].to_list(),
        color=colour,
        alpha=0.18,
        linewidth=0,
    )
    if whole.height == 1:
        x, low, high = whole.select("coverage", "accuracy_lower", "accuracy_upper").row(0)
        axes.vlines(x, low, high, color=colour, linewidth=2)
    _line(axes, whole, colour=colour, width=2)
    target = rows["target"].drop_nulls()
    if len(target):
        axes.axhline(target[0], color=INK, linestyle="--", linewidth=0.8)
    arm, system = rows["arm"][0], one_line(rows["system_id"][0])
    unsaid = ", confidence not given" if set(rows["state"]) == {"not_given"} else ""
    axes.set_title(clipped(f"{arm}: {system}{unsaid}", 52), loc="left", fontsize=9)
    axes.set_xlabel("answered by itself, of all items")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)


def _line(axes: Axes, rows: pl.DataFrame, *, colour: str, width: float) -> None:
    """Rows by coverage; a lone point is drawn as one."""
    own = rows.drop_nulls("accuracy").sort("coverage", "threshold")
    marker = "o" if own.height == 1 else ""
    axes.plot(
        own["coverage"].to_list(),
        own["accuracy"].to_list(),
        color=colour,
        linewidth=width,
        marker=marker,
        markersize=4,
    )
    supported = own.filter(pl.col("supported"))
    axes.plot(
        supported["coverage"].to_list(),
        supported["accuracy"].to_list(),
        color=colour,
        marker="D",
        markeredgecolor=INK,
        markersize=7,
        linestyle="none",
    )
