"""How well masking did over the weeks: canaries masked, and the estimated share missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, height_of, key, line_key, sheet, svg
from eval_pipeline.reports.gathered_marks import draw_marks, draw_segments
from eval_pipeline.reports.wording import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RECALL: Final = Mark("#0072B2", "o")
_LEAKED: Final = Mark("#D55E00", "D")
_MOST_WEEKS: Final = 52
_LABELS: Final = 7


def recall_chart(frame: pl.DataFrame) -> str:
    """Two panels by week, in percent with intervals, from ANONYMISATION_REPORT rows with `week`.

    Above, the canaries masked whole and the policy's limit; below, the estimated share of personal
    values that was missed. The latest 52 weeks; a week that was not measured has no mark.
    """
    weeks = sorted(set(frame["week"]))[-_MOST_WEEKS:]
    of_week = frame.filter(pl.col("dimension") == "week", pl.col("week").is_in(weeks))
    with drawing():
        figure = sheet(8.2, 4.2)
        figure.subplots_adjust(left=0.13, right=0.96, hspace=0.35)
        figure.subplots_adjust(bottom=0.4 / height_of(figure), top=1 - 0.45 / height_of(figure))
        above, below = figure.subplots(2, 1, sharex=True)
        _draw(above, of_week.filter(pl.col("measure") == "canary_recall"), weeks, mark=_RECALL)
        _draw(below, of_week.filter(pl.col("measure") == "leak_share"), weeks, mark=_LEAKED)
        above.set_ylabel("masked whole, %")
        below.set_ylabel("missed, %")
        below.set_ylim(bottom=0)
        step = max(1, -(-len(weeks) // _LABELS))
        below.set_xticks(range(0, len(weeks), step), [one_line(week) for week in weeks[::step]])
        below.set_xlim(-0.5, max(len(weeks), 1) - 0.5)
        below.tick_params(axis="x", labelsize=9)
        limit = line_key("the policy's limit", color=INK, linestyle="--", linewidth=1)
        handles = [key("canaries masked whole", _RECALL), limit, key("estimated missed", _LEAKED)]
        figure.legend(handles=handles, loc="upper left", ncols=3, frameon=False, fontsize=9)
        words = f"Canaries masked whole and estimated share missed, by week, {len(weeks)} weeks"
        return svg(figure, words, name="recall")


def _draw(axes: Axes, rows: pl.DataFrame, weeks: Sequence[str], *, mark: Mark) -> None:
    measured = rows.drop_nulls("value").sort("week").to_dicts()
    placed = [(weeks.index(row["week"]), row) for row in measured]
    draw_segments(
        axes,
        ((place, 100 * row["lower"], place, 100 * row["upper"]) for place, row in placed),
        color=mark.colour, linewidth=1.6, alpha=0.6,
    )  # fmt: skip
    draw_marks(axes, ((mark, place, 100 * row["value"]) for place, row in placed), markersize=5.5)
    limits = (
        (place - 0.4, 100 * row["limit"], place + 0.4, 100 * row["limit"])
        for place, row in placed
        if row["limit"] is not None
    )
    draw_segments(axes, limits, color=INK, linestyle="--", linewidth=1)
    axes.margins(y=0.15)
