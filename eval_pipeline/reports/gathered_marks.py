"""Marks of many weeks in as few strokes as one week needs.

An artist of its own for each mark made a chart of a year take twenty times as long as one of two
weeks; a line with gaps, and one line of markers a look, are drawn as fast as they are short.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from eval_pipeline.reports.canvas import Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Segment = tuple[float, float, float, float]
"""From x, y to x, y."""

_GAP: Final = float("nan")


def draw_segments(axes: Axes, segments: Iterable[Segment], **look: Any) -> None:
    """All segments as one line with gaps; without any, nothing."""
    across: list[float] = []
    up: list[float] = []
    for left, bottom, right, top in segments:
        across += [left, right, _GAP]
        up += [bottom, top, _GAP]
    if across:
        axes.plot(across, up, **look)


def draw_bands(axes: Axes, bands: Iterable[Segment], **look: Any) -> None:
    """Filled boxes, each from its left, lower corner to its right, upper one; as one area."""
    across: list[float] = []
    lower: list[float] = []
    upper: list[float] = []
    for left, bottom, right, top in bands:
        across += [left, right, _GAP]
        lower += [bottom, bottom, _GAP]
        upper += [top, top, _GAP]
    if across:
        axes.fill_between(across, lower, upper, **look)


def draw_marks(axes: Axes, marks: Iterable[tuple[Mark, float, float]], **look: Any) -> None:
    """Points at x, y; those of one mark together, without a line between them."""
    points: dict[Mark, tuple[list[float], list[float]]] = {}
    for mark, across, up in marks:
        places = points.setdefault(mark, ([], []))
        places[0].append(across)
        places[1].append(up)
    for mark, (xs, ys) in points.items():
        how = {"color": mark.colour, "marker": mark.marker, "linestyle": "none", **look}
        axes.plot(xs, ys, **how)
