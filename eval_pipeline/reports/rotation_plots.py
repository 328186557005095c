"""The effect of a rotation on comparability: a chart, and one line a person can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, height_of, key, sheet, svg
from eval_pipeline.reports.wording import AGGREGATE, clipped, interval, one_line, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EFFECTS: Final = (
    ("exits", "exit_effect", "exit_", Mark("#E69F00", "v")),
    ("revisions", "revision_effect", "revision_", Mark("#CC79A7", "s")),
    ("entries", "entry_effect", "entry_", Mark("#009E73", "^")),
    ("difference", "difference", "", Mark("#0072B2", "o")),
)
FINDING_WORDS: Final = {
    "shift": "not comparable as they stand",
    "within_noise": "within noise",
    "not_measured": "not measured",
}
MAXIMUM_PANELS: Final = 12
TITLE_LENGTH: Final = 70


def in_words(effects: pl.DataFrame) -> pl.DataFrame:
    """ROTATION_EFFECT for reading: differences in points with their intervals, counts in words."""
    return pl.DataFrame(
        [
            {
                "system": row["system_id"],
                "versions": _versions(row),
                "subset": row["subset"],
                "finding": FINDING_WORDS[row["finding"]],
                **{name: _told(row, column, prefix) for name, column, prefix, _ in EFFECTS},
                "kept": row["items_kept"],
                "revised": row["items_revised"],
                "retired": row["items_retired"],
                "admitted": row["items_admitted"],
                "missing": row["missing_items"],
                "note": row["note"],
            }
            for row in effects.iter_rows(named=True)
        ]
    )


def rotation_chart(effects: pl.DataFrame) -> str:
    """Per system and pair of versions the effects on all items, from ROTATION_EFFECT rows."""
    rows = effects.filter(pl.col("subset") == AGGREGATE).tail(MAXIMUM_PANELS).to_dicts()
    with drawing():
        figure = sheet(8.2, 1.2 + 1.25 * max(len(rows), 1))
        figure.subplots_adjust(left=0.04, right=0.78, hspace=0.55)
        figure.subplots_adjust(bottom=0.55 / height_of(figure), top=1 - 0.62 / height_of(figure))
        panels = figure.subplots(max(len(rows), 1), 1, sharex=True, squeeze=False)[:, 0]
        for axes, row in zip(panels, rows, strict=False):
            _draw_pair(axes, row)
        for axes in panels[len(rows) :]:
            axes.text(0.5, 0.5, "One version was re-run: nothing to compare.", ha="center")
            axes.set_axis_off()
        panels[-1].set_xlabel("later version minus earlier one, percentage points")
        keys = [key(name, mark) for name, _, _, mark in EFFECTS]
        figure.legend(handles=keys, loc="upper left", ncols=4, frameon=False, fontsize=9)
        return svg(figure, f"Effects of rotations, {len(rows)} pairs of versions", name="rotation")


def _draw_pair(axes: Axes, row: Mapping[str, Any]) -> None:
    axes.axvline(0, color=INK, linewidth=0.8, alpha=0.6)
    for height, (_, column, prefix, mark) in enumerate(reversed(EFFECTS)):
        if row[column] is None:
            continue
        if row[f"{prefix}lower"] is not None:
            ends = [100 * row[f"{prefix}lower"], 100 * row[f"{prefix}upper"]]
            axes.plot(ends, [height, height], color=mark.colour, linewidth=1.8)
        axes.plot(
            100 * row[column], height, color=mark.colour, marker=mark.marker, linestyle="none"
        )
        axes.text(
            1.02,
            height,
            _told(row, column, prefix),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8.5,
        )
    axes.set_ylim(-0.6, len(EFFECTS) - 0.4)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    found = FINDING_WORDS[row["finding"]]
    title = f"Versions {_versions(row)}: {found} · {one_line(row['system_id'])}"
    axes.set_title(clipped(title, TITLE_LENGTH), loc="left", fontsize=10)


def _versions(row: Mapping[str, Any]) -> str:
    return f"{row['version_before']} to {row['version_after']}"


def _told(row: Mapping[str, Any], column: str, prefix: str) -> str:
    ends = {end: row[f"{prefix}{end}"] for end in ("lower", "upper")}
    told = points(row[column])
    return told if ends["lower"] is None else f"{told} ({interval(ends)})"
