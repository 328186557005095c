"""What failure modes cost, for reading: rows, sentences, and a chart with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, room, sheet, svg
from eval_pipeline.reports.triage import ATTRIBUTE_WORDS
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAXIMUM_ROWS: Final = 20
NAME_LENGTH: Final = 34
LOST: Final = Mark("#D55E00", "X")
UNSURE: Final = Mark("#E69F00", "D")
BASIS_WORDS: Final = {"set": "as configured", "spend": "model price alone"}
MINUS: Final = "\N{MINUS SIGN}"


def ranked_rows(
    costs: pl.DataFrame | None, triage: pl.DataFrame | None = None, *, whys: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The modes that lose, the dearest first, with title, why the team keeps it, and outcome.

    `costs`: FAILURE_COSTS; `triage`: FAILURE_TRIAGE, for what came of asking again.
    """
    if costs is None:
        return []
    again = {} if triage is None else _asked_again(triage)
    return [
        {
            **row,
            "title": _title(row),
            "why": whys.get(row["name"], "") if row["attribute"] == "subset" else "",
            "lost_told": _interval(row, "lost", digits=1),
            "usd_told": _interval(row, "usd", digits=_digits(row)),
            "basis": BASIS_WORDS.get(row["usd_basis"] or "", ""),
            "again": again.get((row["attribute"], row["name"]), ""),
        }
        for row in costs.filter(pl.col("rank").is_not_null()).sort("rank").to_dicts()
    ]


def untold(costs: pl.DataFrame | None) -> list[str]:
    """Sentences on what the ranking leaves out: modes that lose nothing, and unknown costs."""
    if costs is None:
        return []
    others = costs.filter(pl.col("rank").is_null(), pl.col("name") != AGGREGATE)
    unknown = others.filter(pl.col("lost").is_null())
    gaining = others.height - unknown.height
    told = [f"{gaining} more lost nothing against the baseline."] if gaining else []
    return told + [
        f"{_title(row)}: {_counted(row)}the cost is not known, for {row['note']}."
        for row in unknown.head(MAXIMUM_ROWS).iter_rows(named=True)
    ]


def whole_in_words(costs: pl.DataFrame | None) -> str | None:
    """What all live traffic together gains or loses; null where it is not known."""
    if costs is None:
        return None
    whole = costs.filter(pl.col("name") == AGGREGATE, pl.col("lost").is_not_null())
    if whole.is_empty():
        return None
    row = whole.row(0, named=True)
    verb = "loses" if row["lost"] > 0 else "gains"
    size = _ends(row, sign=1 if row["lost"] > 0 else -1)
    return f"All traffic together {verb} {size} successes per 1,000 interactions."


def lost_in_words(row: Mapping[str, Any] | None) -> str | None:
    """'23.5 (11.3 to 37.5) successes per 1,000 interactions'; null where nothing is lost."""
    if row is None or row["lost"] is None or row["lost"] <= 0:
        return None
    told = f"{_interval(row, 'lost', digits=1)} successes per 1,000 interactions"
    if row["usd"] is not None and row["usd_basis"] == "set":
        told += f", {_interval(row, 'usd', digits=_digits(row))} USD a week"
    return told


def in_words(costs: pl.DataFrame) -> pl.DataFrame:
    """The ranking as a frame with the columns that people read."""
    columns = ("rank", "mode", "lost per 1,000", "USD a week", "basis", "items", "won / lost")
    rows = [
        (
            row["rank"], row["title"], row["lost_told"], row["usd_told"], row["basis"],
            row["items"], f"{row['wins']} / {row['losses']}",
        )
        for row in ranked_rows(costs, whys={})
    ]  # fmt: skip
    types = [pl.Int64, pl.String, pl.String, pl.String, pl.String, pl.Int64, pl.String]
    return pl.DataFrame(rows, schema=dict(zip(columns, types, strict=True)), orient="row")


def cost_chart(costs: pl.DataFrame) -> str:
    """Lost successes per 1,000 interactions with intervals, the dearest mode on top."""
    rows = ranked_rows(costs, whys={})[:MAXIMUM_ROWS]
    with drawing():
        figure = sheet(8.2, 1.0 + 0.36 * max(len(rows), 1))
        axes = figure.add_axes(room(figure, left=2.9, right=1.9, bottom=0.62, top=0.15))
        for height, row in enumerate(reversed(rows)):
            _draw(axes, row, height)
        if not rows:
            axes.text(0.5, 0.5, "Nothing is lost.", ha="center", transform=axes.transAxes)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_ylim(-0.6, max(len(rows), 1) - 0.4)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("lost successes per 1,000 interactions of live traffic")
        return svg(figure, f"Cost of {len(rows)} failure modes with intervals", name="costs")


def _draw(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    mark = LOST if row["lost_lower"] > 0 else UNSURE
    axes.plot(
        [row["lost_lower"], row["lost_upper"]], [height] * 2, color=mark.colour, linewidth=2.2
    )
    axes.plot(row["lost"], height, color=mark.colour, marker=mark.marker, markersize=7)
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    name = clipped(f"{row['rank']}. {row['title']}", NAME_LENGTH)
    axes.text(-0.03, height, name, ha="right", **beside)
    axes.text(1.03, height, row["lost_told"].replace("-", MINUS), ha="left", fontsize=9, **beside)


def _counted(row: Mapping[str, Any]) -> str:
    return "" if row["losses"] is None else f"{row['losses']} lost, {row['wins']} won; "


def _asked_again(triage: pl.DataFrame) -> dict[tuple[str, str], str]:
    modes = triage.filter(pl.col("about") == "mode")
    told = {}
    for row in modes.iter_rows(named=True):
        asked = row["reproduced"] + row["flaky"] + row["not_reproduced"]
        if asked:
            told[row["attribute"], row["name"]] = f"{row['reproduced']} of {asked} lost every time"
    return told


def _title(row: Mapping[str, Any]) -> str:
    name = one_line(row["name"])
    return name if row["attribute"] == "subset" else f"{ATTRIBUTE_WORDS[row['attribute']]} {name}"


def _interval(row: Mapping[str, Any], name: str, *, digits: int) -> str:
    if row[name] is None:
        return ""
    lower, upper = (f"{row[f'{name}_{end}']:,.{digits}f}" for end in ("lower", "upper"))
    return f"{row[name]:,.{digits}f} ({lower} to {upper})"


def _ends(row: Mapping[str, Any], *, sign: int) -> str:
    ends = sorted(sign * row[f"lost_{end}"] for end in ("lower", "upper"))
    return f"{sign * row['lost']:.1f} ({ends[0]:.1f} to {ends[1]:.1f})"


def _digits(row: Mapping[str, Any]) -> int:
    return 0 if row["usd"] is not None and abs(row["usd"]) >= 100 else 2  # noqa: PLR2004 - cents
