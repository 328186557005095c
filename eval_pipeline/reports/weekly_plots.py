"""The chart of what the panel passes, for the week's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, key, room, sheet, svg
from eval_pipeline.reports.plots import legend
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOW: Final = Mark("#0072B2", "o")
BEFORE: Final = Mark("#E69F00", "D")
MAXIMUM_ROWS: Final = 60
NAME_LENGTH: Final = 34


def panel_chart(now: pl.DataFrame, before: pl.DataFrame | None = None) -> str:
    """The share that the panel passes, by subset with intervals; last week's in pale beside it."""
    rows = now.drop_nulls("value").sort(pl.col("subset") == AGGREGATE, "value", "subset")
    shown = rows.tail(MAXIMUM_ROWS).to_dicts()
    earlier = {} if before is None else {row["subset"]: row for row in before.to_dicts()}
    with drawing():
        figure = sheet(8.2, 1.25 + 0.36 * max(len(shown), 1))
        axes = figure.add_axes(room(figure, left=2.75, right=1.75, bottom=0.62, top=0.42))
        for height, row in enumerate(reversed(shown)):
            _draw_share(axes, row, height, before=earlier.get(row["subset"]))
        if len(shown) > 1:
            axes.axhline(0.5, color=INK, linewidth=0.5, alpha=0.35)
        axes.set_xlim(-2, 102)
        axes.set_ylim(-0.6, max(len(shown), 1) - 0.4)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("passed by the panel, per cent of traffic")
        keys = [key("this week", NOW)]
        if earlier:
            keys.append(key("the week before", BEFORE))
        legend(figure, keys)
        return svg(figure, f"What the panel passes, {len(shown)} rows", name="panel")


def _draw_share(
    axes: Axes, row: Mapping[str, Any], height: int, *, before: Mapping[str, Any] | None
) -> None:
    if before is not None and before["value"] is not None:
        _draw_interval(axes, before, height - 0.18, BEFORE, size=4.5)
    _draw_interval(axes, row, height + (0.1 if before else 0.0), NOW, size=6.5)
    name = "all traffic" if row["subset"] == AGGREGATE else one_line(row["subset"])
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(-0.03, height, clipped(name, NAME_LENGTH), ha="right", **beside)
    ends = f"{100 * row['lower']:.0f} to {100 * row['upper']:.0f}"
    told = f"{100 * row['value']:.0f} % ({ends}), {row['judged']}"
    axes.text(1.03, height, told, ha="left", fontsize=9, **beside)


def _draw_interval(
    axes: Axes, row: Mapping[str, Any], height: float, mark: Mark, *, size: float
) -> None:
    ends = [100 * row["lower"], 100 * row["upper"]]
    axes.plot(ends, [height, height], color=mark.colour, linewidth=1.8)
    axes.plot(100 * row["value"], height, color=mark.colour, marker=mark.marker, markersize=size)
