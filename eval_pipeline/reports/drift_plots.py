"""Re-runs against their reference by week, with the sums that alarm; and the signals in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, height_of, key, line_key, sheet, svg
from eval_pipeline.reports.gathered_marks import draw_marks, draw_segments
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line, points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

STREAM_MARKS: Final = {"rerun": Mark("#0072B2", "o"), "rejudged": Mark("#E69F00", "s")}
STREAM_WORDS: Final = {
    "rerun": "re-run now (provider and judge)",
    "rejudged": "frozen answers judged now (judge)",
    "frozen": "frozen answers and verdicts (audit)",
}
FINDING_WORDS: Final = {
    "alarm": "alarm",
    "within_noise": "within noise",
    "not_measured": "not measured",
}
MAXIMUM_SYSTEMS: Final = 6
MAXIMUM_WEEKS: Final = 26
TITLE_LENGTH: Final = 60


def in_words(signals: pl.DataFrame) -> pl.DataFrame:
    """DRIFT_SIGNALS for reading: alarms and headlines, in points, with their sums."""
    told = signals.filter((pl.col("subset") == AGGREGATE) | pl.col("alarm"))
    return pl.DataFrame(
        [
            {
                "system": row["system_id"],
                "stream": STREAM_WORDS[row["stream"]],
                "subset": row["subset"],
                "finding": FINDING_WORDS[row["finding"]],
                "since": row["alarm_since"],
                "whose": row["attribution"],
                "shift": points(row["shift"]),
                "noise": points(row["sigma"], signed=False),
                "z": row["z"],
                "sum of drops": row["cusum_down"],
                "sum of rises": row["cusum_up"],
                "items": row["items"],
                "missing": row["missing"],
                "no reference": row["without_reference"],
                "note": row["note"],
            }
            for row in told.iter_rows(named=True)
        ]
    )


def signal_timeline(frame: pl.DataFrame, *, threshold: float) -> str:
    """Per system the headline's deviation and its sums by week, from DRIFT_SIGNALS with `week`.

    Bars are two noise floors each way; dashed lines are the `threshold` of an alarm.
    """
    whole = frame.filter(pl.col("subset") == AGGREGATE, pl.col("value").is_not_null())
    weeks = sorted(set(whole["week"]))[-MAXIMUM_WEEKS:]
    systems = sorted(set(whole["system_id"]))[:MAXIMUM_SYSTEMS]
    with drawing():
        figure = sheet(8.2, 1.0 + 2.9 * max(len(systems), 1))
        figure.subplots_adjust(left=0.12, right=0.97, hspace=0.45)
        figure.subplots_adjust(bottom=0.55 / height_of(figure), top=1 - 0.75 / height_of(figure))
        panels = figure.subplots(2 * max(len(systems), 1), 1, sharex=True, squeeze=False)[:, 0]
        for number, system in enumerate(systems):
            rows = whole.filter(pl.col("system_id") == system, pl.col("week").is_in(weeks))
            _draw_system((panels[2 * number], panels[2 * number + 1]), rows, weeks, threshold)
        if not systems:
            panels[0].text(0.5, 0.5, "No week has a reference yet.", ha="center")
            for axes in panels:
                axes.set_axis_off()
        step = max(1, -(-len(weeks) // 7))
        panels[-1].set_xticks(range(0, len(weeks), step), [one_line(w) for w in weeks[::step]])
        panels[-1].set_xlim(-0.5, max(len(weeks), 1) - 0.5)
        keys = [key(STREAM_WORDS[name], mark) for name, mark in STREAM_MARKS.items()]
        keys.append(line_key("alarm", color=INK, linestyle="--", linewidth=1))
        figure.legend(handles=keys, loc="upper left", ncols=3, frameon=False, fontsize=9)
        return svg(figure, f"Drift signals of {len(weeks)} weeks", name="signals")


def _draw_system(
    panels: tuple[Axes, Axes], rows: pl.DataFrame, weeks: list[str], threshold: float
) -> None:
    deviation, sums = panels
    deviation.axhline(0, color=INK, linewidth=0.8, alpha=0.6)
    deviation.set_ylabel("points")
    sums.set_ylabel("CUSUM")
    for sign in (-1, 1):
        sums.axhline(sign * threshold, color=INK, linestyle="--", linewidth=1)
    for name, mark in STREAM_MARKS.items():
        own = rows.filter(pl.col("stream") == name).sort("week").to_dicts()
        places = [weeks.index(row["week"]) for row in own]
        _draw_deviations(deviation, list(zip(places, own, strict=True)), mark)
        for column, sign in (("cusum_down", -1), ("cusum_up", 1)):
            heights = [sign * row[column] for row in own]
            sums.plot(places, heights, color=mark.colour, marker=mark.marker, markersize=4)
    if not rows.is_empty():
        title = f"{one_line(rows['system_id'][0])}, all items against their reference"
        deviation.set_title(clipped(title, TITLE_LENGTH), loc="left", fontsize=10)


def _draw_deviations(
    axes: Axes, placed: Sequence[tuple[int, Mapping[str, Any]]], mark: Mark
) -> None:
    middles = [(place, 100 * (row["value"] - row["mu0"]), row) for place, row in placed]
    ranges = (
        (place, middle - 200 * row["sigma"], place, middle + 200 * row["sigma"])
        for place, middle, row in middles
    )
    draw_segments(axes, ranges, color=mark.colour, alpha=0.6)
    for alarm, look in (
        (False, {"markersize": 5, "markerfacecolor": "none"}),
        (True, {"markersize": 9, "markerfacecolor": mark.colour}),
    ):
        shown = ((mark, at, middle) for at, middle, row in middles if bool(row["alarm"]) is alarm)
        draw_marks(axes, shown, **look)


def signal_sentence(row: Mapping[str, Any]) -> str:
    """One row of DRIFT_SIGNALS as a sentence, with its figures."""
    subject = f"{row['system_id']}, {STREAM_WORDS[row['stream']]}, {row['subset']}"
    note = f" {row['note']}" if row["note"] else ""
    if row["finding"] == "not_measured":
        return f"{subject}: not measured.{note}"
    figures = (
        f"{points(row['value'] - row['mu0'])} points this week, noise floor "
        f"{points(row['sigma'], signed=False)}, on {row['items']} items"
    )
    if row["finding"] == "within_noise":
        return f"{subject}: within noise; {figures}.{note}"
    whose = {
        "judge": "the judge's change",
        "provider": "the provider's change",
        "unattributed": "whose change it is cannot be told",
        None: "frozen verdicts contradict their reference",
    }[row["attribution"]]
    return f"{subject}: alarm since {row['alarm_since']}, {whose}; {figures}.{note}"
