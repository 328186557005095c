"""Candidate over baseline in cost and latency, as a chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.monitoring.intervals import Measured, log_ratio
from eval_pipeline.reports.canvas import INK, drawing, key, line_key, room, sheet, svg
from eval_pipeline.reports.operations_rows import operations_rows, state_of
from eval_pipeline.reports.plots import STATE_MARKS
from eval_pipeline.reports.wording import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAME: Final = 1.0


def charted_ratios(operations: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Candidate over baseline per metric, 1 being no change, with limits where the policy has one.

    Measured ratios as they are; of other metrics the ratio of the two figures as if they were
    independent, which is wide. A metric without an interval has no row.
    """
    rows = []
    for row in operations_rows(operations):
        candidate, baseline = row["arms"].get("candidate"), row["arms"].get("baseline")
        if candidate is None or candidate["value"] is None:
            continue
        if row["metric"].endswith("_ratio"):
            rows.append({**candidate, "metric": row["metric"], "measured": True})
        elif baseline is not None and (told := _divided(row["metric"], candidate, baseline)):
            rows.append(told)
    return sorted(rows, key=lambda row: (not row["measured"], row["metric"]))


def operations_chart(operations: pl.DataFrame) -> str:
    """Every ratio with its interval, and the limit that the policy sets."""
    rows = charted_ratios(operations)
    with drawing():
        figure = sheet(8.2, 1.2 + 0.36 * max(len(rows), 1))
        axes = figure.add_axes(room(figure, left=2.6, right=1.9, bottom=0.62, top=0.4))
        for height, row in enumerate(reversed(rows)):
            _draw(axes, row, height)
        if not rows:
            axes.text(0.5, 0.5, "Nothing was measured.", ha="center", transform=axes.transAxes)
        axes.axvline(SAME, color=INK, linewidth=0.8)
        axes.set_ylim(-0.6, max(len(rows), 1) - 0.4)
        axes.set_xlim(*_reach(rows))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("candidate over baseline; 1 is no change, less is cheaper or faster")
        keys = [
            key("within limit, or none", STATE_MARKS["certified"]),
            key("open", STATE_MARKS["undecided"]),
            key("beyond limit", STATE_MARKS["blocked"]),
            line_key("limit", color=INK, marker="|", markersize=10, linestyle="none"),
        ]
        figure.legend(handles=keys, loc="upper left", ncols=4, frameon=False, fontsize=9)
        return svg(figure, f"Cost and latency of {len(rows)} measures", name="operations")


def metric_words(metric: str) -> str:
    """The metric's name without underscores and without its unit where it is a ratio."""
    return one_line(metric).replace("_", " ")


def _divided(
    metric: str, candidate: Mapping[str, Any], baseline: Mapping[str, Any]
) -> dict[str, Any] | None:
    ratio = log_ratio(
        *(Measured(row["value"], row["lower"], row["upper"]) for row in (candidate, baseline))
    )
    if ratio.value is None or ratio.lower is None or ratio.upper is None:
        return None
    told = {"value": ratio.value, "lower": ratio.lower, "upper": ratio.upper}
    return {**candidate, **told, "metric": metric, "measured": False}


def _draw(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    mark = STATE_MARKS[state_of(row) or "certified"]
    told = f"{row['value']:.2f}"
    if row["lower"] is not None and row["upper"] is not None:
        axes.plot([row["lower"], row["upper"]], [height] * 2, color=mark.colour, linewidth=2.2)
        told += f" ({row['lower']:.2f} to {row['upper']:.2f})"
    axes.plot(row["value"], height, color=mark.colour, marker=mark.marker, markersize=6.5)
    if row["limit"] is not None:
        axes.plot([row["limit"]] * 2, [height - 0.3, height + 0.3], color=INK, linewidth=1.6)
        told += f"; limit {row['limit']:g}"
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(-0.03, height, metric_words(row["metric"]), ha="right", **beside)
    axes.text(1.03, height, told, ha="left", fontsize=8.5, **beside)


def _reach(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """All figures and near limits; a limit far beyond is told beside and would squeeze the rest."""
    ends = [SAME]
    for row in rows:
        ends += [end for end in (row["lower"], row["upper"], row["value"]) if end is not None]
    furthest = max(ends)
    ends += [row["limit"] for row in rows if row["limit"] and row["limit"] <= 2 * furthest]
    padding = 0.06 * (max(ends) - min(ends)) or 0.1
    return min(ends) - padding, max(ends) + padding
