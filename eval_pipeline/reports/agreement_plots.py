"""How far people agree, subset by subset, as a chart: raw, and weighted to all that was judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, key, room, sheet, svg
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CEILING: Final = Mark("#0072B2", "o")
RAW: Final = Mark("#E69F00", "D")
MEASURES: Final = {"ceiling": CEILING, "percent": RAW}
WORDS: Final = {"ceiling": "of all that was judged", "percent": "of the tasks asked"}
MAXIMUM_ROWS: Final = 60
NAME_LENGTH: Final = 30

Row = Mapping[str, Any]
Measured = dict[str, Row]


def agreement_forest(report: pl.DataFrame) -> str:
    """Each subset's agreement with intervals over the window, from ANNOTATOR_AGREEMENT rows.

    People's where there are any; scripts' figures are named as theirs. All items stand last.
    """
    shown = _shown(report)
    with drawing():
        figure = sheet(8.2, 1.35 + 0.42 * max(len(shown), 1))
        axes = figure.add_axes(room(figure, left=2.75, right=1.95, bottom=0.62, top=0.46))
        for height, (name, measured) in enumerate(reversed(shown)):
            _draw(axes, name, measured, height=height)
        if len(shown) > 1:
            axes.axhline(0.5, color=INK, linewidth=0.5, alpha=0.35)
        axes.set_ylim(-0.6, max(len(shown), 1) - 0.4)
        axes.set_xlim(-2, 102)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("two people agree, per cent")
        drawn = {name for _, measured in shown for name in measured}
        keys = [key(WORDS[name], mark) for name, mark in MEASURES.items() if name in drawn]
        figure.legend(handles=keys, loc="upper left", ncols=2, frameon=False, fontsize=9)
        words = f"Agreement of two people with intervals, {len(shown)} rows"
        return svg(figure, words, name="agreement")


def ceiling_rows(findings: Sequence[Row]) -> pl.DataFrame:
    """The human ceilings that a decision's findings hold, as rows for `agreement_forest`."""
    rows = [
        {
            "subset": row["subset"],
            "span": "window",
            "annotator_kind": row["human_kind"],
            "measure": "ceiling",
            "value": row["human_agreement"],
            "lower": row["human_lower"],
            "upper": row["human_upper"],
            "tasks": row["human_tasks"],
        }
        for row in findings
        if row.get("human_agreement") is not None
    ]
    return pl.DataFrame(rows)


def _shown(report: pl.DataFrame) -> list[tuple[str, Measured]]:
    """The rows to draw from top to bottom: each subset, lowest ceiling first, then all items."""
    rows = report.filter(
        pl.col("span") == "window", pl.col("measure").is_in(list(MEASURES))
    ).drop_nulls("value")
    by_subset: dict[str, dict[str, Measured]] = {}
    for row in rows.iter_rows(named=True):
        kinds = by_subset.setdefault(row["subset"], {})
        kinds.setdefault(row["annotator_kind"], {})[row["measure"]] = row
    shown = []
    for subset, kinds in by_subset.items():
        kind = "person" if "person" in kinds else "scripted"
        name = "all items" if subset == AGGREGATE else one_line(subset)
        suffix = "" if kind == "person" else " (scripted)"
        named = clipped(name, NAME_LENGTH - len(suffix)) + suffix
        shown.append((subset == AGGREGATE, _value(kinds[kind]), named, kinds[kind]))
    shown.sort(key=lambda row: row[:3])
    return [(name, measured) for *_, name, measured in shown][-MAXIMUM_ROWS:]


def _value(measured: Measured) -> float:
    return float(next(measured[name]["value"] for name in MEASURES if name in measured))


def _draw(axes: Axes, name: str, measured: Measured, *, height: int) -> None:
    for offset, (measure, mark) in zip((0.12, -0.16), MEASURES.items(), strict=True):
        row = measured.get(measure)
        if row is None:
            continue
        place = height + (offset if len(measured) > 1 else 0.0)
        if row["lower"] is not None and row["upper"] is not None:
            ends = [100 * row["lower"], 100 * row["upper"]]
            axes.plot(ends, [place, place], color=mark.colour, linewidth=2)
        axes.plot(
            100 * row["value"],
            place,
            color=mark.colour,
            marker=mark.marker,
            markersize=6.5,
            linestyle="none",
        )
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(-0.03, height, name, ha="right", **beside)
    axes.text(1.03, height, _told(measured), ha="left", fontsize=9, **beside)


def _told(measured: Measured) -> str:
    row = next(measured[name] for name in MEASURES if name in measured)
    interval = (
        "" if row["lower"] is None else f" ({100 * row['lower']:.0f} to {100 * row['upper']:.0f})"
    )
    counted = f"{row['tasks']} task{'' if row['tasks'] == 1 else 's'}"
    return f"{100 * row['value']:.0f} %{interval}, {counted}"
