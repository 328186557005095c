"""How good the judges are, for reading: a table, limits kept or not, a reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.evaluation.gate.calibration import sentence
from eval_pipeline.evaluation.gate.judge_limits import held_against, judges_behind
from eval_pipeline.reports.canvas import INK, Mark, drawing, key, line_key, room, sheet, svg
from eval_pipeline.reports.wording import clipped, one_line
from eval_pipeline.settings import JudgeQualitySettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL_RUBRICS: Final = "all"
PEOPLE: Final = "people"
HIGH_BASE_RATE: Final = 0.85
TELLING_GAP: Final = 0.2
"""Between AC1 and kappa: beyond it the base rate decides what kappa says."""
COLUMNS: Final = {
    "agreement": "agrees with the labels",
    "ac1": "AC1",
    "kappa": "kappa",
    "share_of_ceiling": "of people's alpha",
    "retest_flips": "flips on a rerun",
    "position_excess": "flips under a swap",
    "verbosity": "length",
    "self_preference": "own family",
    "ece_debiased": "calibration error",
}
_PLAIN: Final = ("ac1", "kappa", "share_of_ceiling")
_LOOKS: Final = (
    Mark("#0072B2", "o"),
    Mark("#D55E00", "s"),
    Mark("#009E73", "D"),
    Mark("#CC79A7", "^"),
    Mark("#56B4E9", "v"),
)
_NAME_LENGTH: Final = 48


def page_rows(quality: pl.DataFrame | None) -> list[dict[str, Any]]:
    """One row per judge, panel and people over all rubrics: name, labels, and a cell per column.

    A cell is "value (lower to upper)", or null where it was not measured. `remark` says what
    agreement alone would hide: a base rate at which kappa misleads, sensitivity and specificity,
    an alarm on anchors, and how many independent judges a panel is worth.
    """
    if quality is None or quality.is_empty():
        return []
    together = quality.filter(pl.col("rubric_id") == ALL_RUBRICS)
    names = sorted(set(together["judge_id"]), key=lambda name: (name == PEOPLE, name))
    return [_page_row(together.filter(pl.col("judge_id") == name), name) for name in names]


def in_words(quality: pl.DataFrame) -> pl.DataFrame:
    """`page_rows` as a frame with the columns' names."""
    rows = [
        {
            "who": row["name"],
            "labels": row["labels"],
            **{COLUMNS[measure]: row["cells"][measure] for measure in COLUMNS},
            "remark": row["remark"],
        }
        for row in page_rows(quality)
    ]
    texts = dict.fromkeys((*COLUMNS.values(), "remark"), pl.String)
    return pl.DataFrame(rows, schema_overrides=texts)


def against_limits(quality: pl.DataFrame, policy: JudgeQualitySettings) -> pl.DataFrame:
    """Every judge under every limit of `gate.judges` that is set: kept or not, in a sentence."""
    held = held_against(quality, policy, judges=judges_behind(None, quality))
    return pl.DataFrame(
        [(one.judge_id, one.rubric_id, one.name, one.kept, sentence(one)) for one in held],
        schema=dict.fromkeys(("judge", "rubric", "limit", "state", "what"), pl.String),
        orient="row",
    )


def agreement_chart(quality: pl.DataFrame) -> str:
    """How far each judge and the panel agree with the labels, with intervals; people's for scale.

    From JUDGE_QUALITY rows over all rubrics; the band is how far two people agree.
    """
    rows = (
        quality.filter(pl.col("rubric_id") == ALL_RUBRICS, pl.col("measure") == "agreement")
        .drop_nulls("value")
        .sort("judge_id", "against")
        .unique("judge_id", keep="first", maintain_order=True)
        .to_dicts()
    )
    rows.sort(key=lambda row: (row["judge_id"] == PEOPLE, row["judge_id"]))
    with drawing():
        figure = sheet(8.2, 1.1 + 0.36 * max(len(rows), 1))
        axes = figure.add_axes(room(figure, left=2.75, right=1.75, bottom=0.62, top=0.2))
        for height, row in enumerate(reversed(rows)):
            _draw_agreement(axes, row, height)
        people = [row for row in rows if row["judge_id"] == PEOPLE and row["lower"] is not None]
        for row in people:
            axes.axvspan(100 * row["lower"], 100 * row["upper"], color=INK, alpha=0.09, linewidth=0)
        if not rows:
            axes.text(0.5, 0.5, "Nothing was measured.", ha="center", transform=axes.transAxes)
        axes.set_ylim(-0.6, max(len(rows), 1) - 0.4)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("agrees with the labels, per cent; the band is how far two people agree")
        return svg(figure, f"Agreement of {len(rows)} judges with people", name="judges")


def _draw_agreement(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    look = _LOOKS[1] if row["judge_id"] == PEOPLE else _LOOKS[0]
    if row["lower"] is not None and row["upper"] is not None:
        ends = [100 * row["lower"], 100 * row["upper"]]
        axes.plot(ends, [height, height], color=look.colour, linewidth=2.2)
    axes.plot(100 * row["value"], height, color=look.colour, marker=look.marker, markersize=6.5)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    name = "two people" if row["judge_id"] == PEOPLE else one_line(row["judge_id"])
    axes.text(-0.03, height, clipped(name, _NAME_LENGTH), ha="right", **beside)
    told = f"{_cell(row)}, {row['items']}"
    axes.text(1.03, height, told, ha="left", fontsize=9, **beside)


def reliability_diagram(bins: pl.DataFrame) -> str:
    """What was said against what came, with intervals, over all rubrics; on the diagonal is right.

    The area of a mark is the bin's share of what was judged.
    """
    rows = bins.filter(pl.col("rubric_id") == ALL_RUBRICS).sort("judge_id", "against", "bin")
    groups = list(rows.group_by("judge_id", "against", maintain_order=True))
    with drawing():
        figure = sheet(6.4, 5.2)
        axes = figure.add_axes(room(figure, left=0.75, right=1.95, bottom=0.62, top=0.3))
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, alpha=0.6, linestyle="--")
        handles = [line_key("as said", color=INK, linestyle="--", linewidth=0.8)]
        for place, ((judge, reading), group) in enumerate(groups):
            look = _LOOKS[place % len(_LOOKS)]
            _draw(axes, group, look)
            handles.append(key(clipped(f"{one_line(judge)}: {reading}", _NAME_LENGTH), look))
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("said: probability that people pass it")
        axes.set_ylabel("came: share that people passed")
        figure.legend(handles=handles, loc="center right", frameon=False, fontsize=9)
        told = f"Reliability of {len(groups)} graded readings"
        return svg(figure, told, name="judge-reliability")


def _draw(axes: Axes, group: pl.DataFrame, look: Mark) -> None:
    said = group["said"].to_list()
    for row in group.iter_rows(named=True):
        ends = [row["lower"], row["upper"]]
        axes.plot([row["said"]] * 2, ends, color=look.colour, linewidth=1.4, alpha=0.8)
        size = 3 + 9 * row["weight_share"] ** 0.5
        axes.plot(row["said"], row["came"], color=look.colour, marker=look.marker, markersize=size)
    axes.plot(said, group["came"].to_list(), color=look.colour, linewidth=0.9, alpha=0.6)


def _page_row(rows: pl.DataFrame, name: str) -> dict[str, Any]:
    by_measure: dict[str, Mapping[str, Any]] = {}
    for row in rows.sort("against").iter_rows(named=True):
        known = by_measure.get(row["measure"])
        if known is None or known["value"] is None:
            by_measure[row["measure"]] = row
    labels = by_measure["agreement"]["items"] if "agreement" in by_measure else 0
    return {
        "name": "two people" if name == PEOPLE else one_line(name),
        "labels": labels,
        "ceiling": by_measure.get("agreement", {}).get("ceiling"),
        "cells": {measure: _cell(by_measure.get(measure)) for measure in COLUMNS},
        "remark": _remark(by_measure),
    }


def _cell(row: Mapping[str, Any] | None) -> str | None:
    if row is None or row["value"] is None:
        return None
    if row["lower"] is None or row["upper"] is None:
        return _number(row["measure"], row["value"])
    ends = " to ".join(_number(row["measure"], row[end], unit="") for end in ("lower", "upper"))
    return f"{_number(row['measure'], row['value'])} ({ends})"


def _number(measure: str, value: float, *, unit: str = " %") -> str:
    return f"{value:.2f}" if measure in _PLAIN else f"{100 * value:.1f}{unit}"


def _remark(rows: Mapping[str, Mapping[str, Any]]) -> str | None:
    """What kappa or agreement alone would hide."""

    def value(measure: str) -> float | None:
        return rows[measure]["value"] if measure in rows else None

    told = []
    if rows.get("anchor_accuracy_change", {}).get("finding") == "alarm":
        told.append("changed on its anchors")
    worth = value("effective_judges")
    if worth is not None:
        told.append(f"worth {worth:.1f} judges of independent errors")
    base, ac1, kappa = value("base_rate"), value("ac1"), value("kappa")
    if base is not None and max(base, 1 - base) > HIGH_BASE_RATE:
        told.append(f"{100 * base:.0f} % of labels pass: read AC1, not kappa")
    right, wrong = value("sensitivity"), value("specificity")
    gap = None if ac1 is None or kappa is None else abs(ac1 - kappa)
    if gap is not None and gap > TELLING_GAP and right is not None and wrong is not None:
        told.append(f"sees {100 * right:.0f} % of passes and {100 * wrong:.0f} % of fails")
    return "; ".join(told) or None
