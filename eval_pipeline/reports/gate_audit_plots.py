"""The course of the gate's audits: misses and false blocks, week by week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from eval_pipeline.reports.canvas import Mark, drawing, key, room, sheet, svg
from eval_pipeline.reports.plots import legend
from eval_pipeline.statistics.proportions import clopper_pearson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAXIMUM_WEEKS: Final = 26
LINES: Final = (
    ("nothing", "false_block", "false blocks", Mark("#D55E00", "s")),
    ("nothing", "false_inconclusive", "left open for nothing", Mark("#56B4E9", "^")),
    ("regression", "missed", "regressions missed", Mark("#0072B2", "o")),
    ("dropped_failures", "missed", "missed with failures dropped", Mark("#CC79A7", "D")),
    ("model_change", "unnoticed", "silent changes not noticed", Mark("#E69F00", "v")),
)
"""Fault, measure, name and mark of each line."""


def audit_timeline(audits: pl.DataFrame) -> str:
    """GATE_AUDIT of the weeks, with `week`: each rate over all its subsets and sizes, as a line.

    A regression counts where it loses its tolerance at least. The bars are exact 95 % intervals of
    a week's copies; pooled over subsets of different truth they speak of these copies alone.
    """
    weeks = sorted(audits["week"].unique())[-MAXIMUM_WEEKS:]
    with drawing():
        figure = sheet(8.2, 3.4)
        axes = figure.add_axes(room(figure, left=0.65, right=0.25, bottom=0.75, top=0.72))
        keys = []
        for place, (fault, measure, name, mark) in enumerate(LINES):
            rows = _pooled(audits, fault=fault, measure=measure)
            if _draw(axes, rows, weeks, mark, shift=0.06 * (place - 2)):
                keys.append(key(name, mark))
        axes.set_ylim(-2, 102)
        axes.set_xlim(-0.5, max(len(weeks), 1) - 0.5)
        axes.set_xticks(range(len(weeks)), weeks, rotation=30, ha="right", fontsize=8)
        axes.set_ylabel("% of copies")
        if keys:
            legend(figure, keys)
        return svg(figure, f"What the gate's audits found, {len(weeks)} weeks", name="gate-audit")


def _pooled(audits: pl.DataFrame, *, fault: str, measure: str) -> dict[str, tuple[int, int]]:
    rows = audits.filter(pl.col("fault") == fault, pl.col("measure") == measure)
    if fault == "regression":
        rows = rows.filter(pl.col("size") >= 1)
    summed = rows.group_by("week").agg(pl.col("count").sum(), pl.col("runs").sum())
    return {week: (count, runs) for week, count, runs in summed.iter_rows() if runs}


def _draw(
    axes: Axes, rows: dict[str, tuple[int, int]], weeks: list[str], mark: Mark, *, shift: float
) -> bool:
    places = [place for place, week in enumerate(weeks) if week in rows]
    values = []
    for place in places:
        count, runs = rows[weeks[place]]
        lower, upper = clopper_pearson(count, runs)
        values.append(100 * count / runs)
        axes.plot([place + shift] * 2, [100 * lower, 100 * upper], color=mark.colour, linewidth=1)
    axes.plot(
        [place + shift for place in places], values, color=mark.colour, marker=mark.marker,
        linewidth=1.4, markersize=5,
    )  # fmt: skip
    return bool(places)
