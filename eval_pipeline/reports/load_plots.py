"""A load profile drawn: throughput and latency against load, refusals, and the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, key, room, sheet, svg
from eval_pipeline.reports.load_profile_words import findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SERVED: Final = Mark("#0072B2", "o")
LATENCY: Final = Mark("#E69F00", "s")
REFUSED: Final = Mark("#D55E00", "X")
MILLISECONDS: Final = 1000.0
PHASES: Final = (
    ("concurrency", "concurrency", "requests at once"),
    ("rate", "offered_per_second", "requests offered a second"),
)


def load_chart(profile: pl.DataFrame) -> str:
    """Two rows of panels: by requests at once, and by requests offered a second.

    From LOAD_PROFILE rows. The limit with its interval is a vertical band in the second row, and
    where p95 degrades a dashed line in the first.
    """
    with drawing():
        figure = sheet(9.0, 5.6)
        left, bottom, width, height = room(figure, left=0.75, right=0.3, bottom=0.55, top=0.6)
        gap_x, gap_y = 0.10, 0.14
        across, down = (width - gap_x) / 2, (height - gap_y) / 2
        for place, (phase, column, label) in enumerate(PHASES):
            at = bottom + (1 - place) * (down + gap_y)
            rows = profile.filter(pl.col("phase") == phase)
            _draw_served(figure.add_axes((left, at, across, down)), rows, column, label=label)
            latency = figure.add_axes((left + across + gap_x, at, across, down))
            _draw_latency(latency, rows, column, label=label)
        _mark_findings(figure.axes, profile)
        keys = [
            key("served a second", SERVED),
            key("p95 latency, ms", LATENCY),
            key("share refused", REFUSED),
        ]
        figure.legend(handles=keys, loc="upper left", ncols=3, frameon=False, fontsize=9)
        return svg(figure, "Throughput and p95 latency by load, with the rate limit", name="load")


def _draw_served(axes: Axes, rows: pl.DataFrame, column: str, *, label: str) -> None:
    _draw(axes, rows, column, metric="served_per_second", mark=SERVED)
    axes.set_ylim(bottom=0)
    refused = axes.twinx()
    _draw(refused, rows, column, metric="refused_share", mark=REFUSED)
    refused.set_ylim(-0.02, 1.02)
    refused.spines["right"].set_visible(False)
    refused.set_yticks([])
    for row in _of(rows, "refused_share", column).iter_rows(named=True):
        if row["value"]:
            at = (row[column], row["value"])
            refused.annotate(
                f"{100 * row['value']:.0f} %", at, fontsize=7, ha="center", va="bottom"
            )
    axes.set_xlabel(label)
    axes.set_ylabel("served a second")


def _draw_latency(axes: Axes, rows: pl.DataFrame, column: str, *, label: str) -> None:
    _draw(axes, rows, column, metric="latency_p95_seconds", mark=LATENCY, scale=MILLISECONDS)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(label)
    axes.set_ylabel("p95 latency, ms")


def _draw(
    axes: Axes, rows: pl.DataFrame, column: str, *, metric: str, mark: Mark, scale: float = 1.0
) -> None:
    drawn = _of(rows, metric, column)
    at = drawn[column].to_list()
    values = [scale * value for value in drawn["value"].to_list()]
    axes.plot(at, values, color=mark.colour, marker=mark.marker, markersize=5, linewidth=1.2)
    for row in drawn.iter_rows(named=True):
        if row["lower"] is not None and row["upper"] is not None:
            span = [scale * row["lower"], scale * row["upper"]]
            axes.plot([row[column]] * 2, span, color=mark.colour, linewidth=1.6, alpha=0.5)


def _of(rows: pl.DataFrame, metric: str, column: str) -> pl.DataFrame:
    wanted = rows.filter(pl.col("metric") == metric, pl.col("value").is_not_null())
    return wanted.sort(column, "step")


def _mark_findings(axes: list[Any], profile: pl.DataFrame) -> None:
    found = findings(profile)
    limit, slower = found["rate_limit_per_second"], found["degradation_concurrency"]
    plain = [one for one in axes if one.get_xlabel()]
    for one in plain:
        by_rate = one.get_xlabel() == PHASES[1][2]
        marked = limit if by_rate else slower
        if marked["value"] is None:
            continue
        if by_rate and marked["lower"] is not None and marked["upper"] is not None:
            one.axvspan(marked["lower"], marked["upper"], color=REFUSED.colour, alpha=0.18)
        one.axvline(marked["value"], color=INK, linestyle="--", linewidth=0.9)
        words = "rate limit" if by_rate else "p95 degrades"
        one.annotate(
            f" {words} {marked['value']:.3g}",
            (marked["value"], 1.0),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            va="top",
        )
