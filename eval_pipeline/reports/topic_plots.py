"""The topics' shares of traffic over the weeks, as a small multiple: one row per topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, height_of, key, sheet, svg
from eval_pipeline.reports.gathered_marks import draw_marks
from eval_pipeline.reports.wording import clipped, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TOPICS: Final = 12
NAME_LENGTH: Final = 34
MARKS: Final = {
    "born": Mark("#009E73", "^"),
    "kept": Mark("#0072B2", "o"),
    "returned": Mark("#E69F00", "D"),
    "died": Mark("#D55E00", "X"),
}
ROW_INCHES: Final = 0.56


def topics_chart(frame: pl.DataFrame) -> str:
    """Share by week of the largest topics of the latest week, from TOPIC_CLUSTERS with `week`.

    Bars are the shares' intervals; the latest week's are told beside.
    """
    weeks = sorted(set(frame["week"]))
    shown = _shown(frame, weeks)
    with drawing():
        figure = sheet(8.2, 1.2 + ROW_INCHES * max(len(shown), 1))
        figure.subplots_adjust(left=0.38, right=0.85, hspace=0.25)
        figure.subplots_adjust(bottom=0.6 / height_of(figure), top=1 - 0.4 / height_of(figure))
        panels = figure.subplots(max(len(shown), 1), 1, sharex=True, sharey=True, squeeze=False)
        for axes, (cluster, topic) in zip(panels[:, 0], shown or [("", "no topics")], strict=True):
            _draw(axes, frame.filter(pl.col("cluster") == cluster).sort("week"), weeks, name=topic)
        last = panels[-1, 0]
        step = max(1, -(-len(weeks) // 7))
        last.set_xticks(range(0, len(weeks), step), [one_line(week) for week in weeks[::step]])
        last.set_xlim(-0.5, max(len(weeks), 1) - 0.5)
        last.tick_params(axis="x", labelsize=9)
        handles = [key(identity, mark) for identity, mark in MARKS.items()]
        figure.legend(handles=handles, loc="upper left", ncols=5, frameon=False, fontsize=9)
        return svg(figure, f"Share of traffic by week of {len(shown)} topics", name="topics")


def _shown(frame: pl.DataFrame, weeks: list[str]) -> list[tuple[str, str]]:
    if not weeks:
        return []
    latest = frame.filter(pl.col("week") == weeks[-1])
    largest = latest.sort("share", "cluster", descending=[True, False]).head(MOST_TOPICS)
    return list(largest.select("cluster", "topic").iter_rows())


def _draw(axes: Axes, rows: pl.DataFrame, weeks: list[str], *, name: str) -> None:
    places = [weeks.index(week) for week in rows["week"]]
    shares = [100 * share for share in rows["share"]]
    lower, upper = ([100 * bound for bound in rows[f"share_{end}"]] for end in ("lower", "upper"))
    axes.plot(places, shares, color=INK, linewidth=0.8, alpha=0.5)
    axes.vlines(places, lower, upper, color=INK, linewidth=1.4, alpha=0.55)
    marked = zip((MARKS[identity] for identity in rows["identity"]), places, shares, strict=True)
    draw_marks(axes, marked, markersize=3.5)
    if shares:
        told = f"{shares[-1]:.0f} % ({lower[-1]:.0f} to {upper[-1]:.0f})"
        axes.text(1.01, 0.5, told, transform=axes.transAxes, va="center", fontsize=9)
    axes.set_ylabel(
        clipped(one_line(name), NAME_LENGTH), rotation=0, ha="right", va="center", fontsize=9
    )
    axes.set_yticks([])
    axes.margins(y=0.25)
    axes.set_ylim(bottom=0)
