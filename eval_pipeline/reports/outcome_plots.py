"""What offline scores foretold and what production showed, by week, as points and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, height_of, key, line_key, sheet, svg
from eval_pipeline.reports.gathered_marks import draw_marks, draw_segments
from eval_pipeline.reports.wording import AGGREGATE, clipped, one_line, points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

INSIDE: Final = Mark("#0072B2", "o")
OUTSIDE: Final = Mark("#D55E00", "X")
UNPREDICTED: Final = Mark("#777777", "s")
BAND: Final = "#56B4E9"
MOST_SUBSETS: Final = 8
MOST_WEEKS: Final = 52
NAME_LENGTH: Final = 40
ROW_INCHES: Final = 1.25
LEAST_FOR_LINE: Final = 10
FINDING_WORDS: Final = {
    "tracks": "tracks",
    "no_longer_tracks": "no longer tracks",
    "too_little_history": "too little history",
    "not_measured": "not measured",
}


def warnings(tracking: pl.DataFrame) -> list[str]:
    """A sentence for each subset of OUTCOME_TRACKING whose scores no longer track, 'all' first."""
    rows = _headline_first(tracking.filter(pl.col("finding") == "no_longer_tracks"))
    return [f"{one_line(_named(row['subset']))}: {row['sentence']}" for row in rows.to_dicts()]


def predictions_in_words(predictions: pl.DataFrame) -> pl.DataFrame:
    """OUTCOME_PREDICTIONS for reading, in percent."""
    return pl.DataFrame(
        [
            {
                "subset": row["subset"],
                "basis": row["basis"] or "—",
                "of": row["rerun_week"] or "—",
                "score": _rate(row["offline"]),
                "± se": points(row["offline_se"], signed=False),
                "predicted": _rate(row["predicted"]),
                "interval": _range(row["lower"], row["upper"]),
                "outcome": _rate(row["outcome"]),
                "its interval": _range(row["outcome_lower"], row["outcome_upper"]),
                "inside": {None: "—", True: "yes", False: "no"}[row["within_interval"]],
                "observed": row["observed"],
                "weeks of link": row["link_weeks"],
            }
            for row in _headline_first(predictions).to_dicts()
        ]
    )


def tracking_in_words(tracking: pl.DataFrame) -> pl.DataFrame:
    """OUTCOME_TRACKING for reading, in points."""
    return pl.DataFrame(
        [
            {
                "subset": row["subset"],
                "finding": FINDING_WORDS[row["finding"]],
                "inside": f"{row['inside']} of {row['weeks']}",
                "coverage %": _range(row["coverage_lower"], row["coverage_upper"]),
                "bias": points(row["bias"]),
                "its interval": _signed_range(row["bias_lower"], row["bias_upper"]),
                "mean error": points(row["mean_absolute_error"], signed=False),
                "naive error": points(row["naive_error"], signed=False),
                "rank": _figure(row["rank_agreement"], row["rank_lower"], row["rank_upper"]),
                "changes": _figure(row["change_agreement"], None, None),
                "slope": _figure(row["slope"], row["slope_lower"], row["slope_upper"]),
                "verdict": row["sentence"],
            }
            for row in _headline_first(tracking).to_dicts()
        ]
    )


def prediction_timeline(history: pl.DataFrame) -> str:
    """Predicted interval and outcome by week, from OUTCOME_PREDICTIONS with `week`.

    A row each for 'all' and the subsets of the newest week with the most predictions.
    """
    weeks = sorted(set(history["week"]))[-MOST_WEEKS:]
    names = _shown(history, weeks)
    with drawing():
        figure = sheet(8.2, 1.3 + ROW_INCHES * max(len(names), 1))
        figure.subplots_adjust(left=0.09, right=0.97, hspace=0.55)
        figure.subplots_adjust(bottom=0.45 / height_of(figure), top=1 - 0.75 / height_of(figure))
        panels = figure.subplots(max(len(names), 1), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, names or [""], strict=True):
            _draw_weeks(axes, history.filter(pl.col("subset") == name), weeks, name=name)
        step = max(1, -(-len(weeks) // 7))
        panels[-1].set_xticks(range(0, len(weeks), step), [one_line(w) for w in weeks[::step]])
        panels[-1].set_xlim(-0.5, max(len(weeks), 1) - 0.5)
        figure.legend(handles=_keys(), loc="upper left", ncols=4, frameon=False, fontsize=9)
        return svg(figure, f"Predicted and observed outcome of {len(weeks)} weeks", name="outcomes")


def calibration_scatter(history: pl.DataFrame, tracking: pl.DataFrame) -> str:
    """Left: all traffic's outcome against its score, with the line of OUTCOME_TRACKING's slope.

    Right: outcome against prediction of all subsets and weeks; the diagonal is a perfect one.
    """
    rows = history.filter(pl.col("offline").is_not_null(), pl.col("outcome").is_not_null())
    whole = rows.filter(pl.col("subset") == AGGREGATE)
    with drawing():
        figure = sheet(8.2, 4.3)
        figure.subplots_adjust(left=0.09, right=0.97, bottom=0.15, top=0.78, wspace=0.28)
        left, right = figure.subplots(1, 2)
        _draw_points(left, whole, across="offline")
        _draw_line(left, whole, tracking)
        left.set_title("all traffic", loc="left", fontsize=10)
        left.set_xlabel("offline score, %")
        left.set_ylabel("outcome, %")
        _draw_points(right, rows.filter(pl.col("predicted").is_not_null()), across="predicted")
        right.set_title("all subsets", loc="left", fontsize=10)
        right.set_xlabel("predicted outcome, %")
        right.set_ylabel("outcome, %")
        keys = [
            *_keys()[:3],
            line_key("equal", color=INK, linestyle="--", linewidth=1),
            line_key("calibration line", color=OUTSIDE.colour, linewidth=1.5),
        ]
        figure.legend(handles=keys, loc="upper left", ncols=3, frameon=False, fontsize=9)
        return svg(figure, f"Outcome against prediction, {rows.height} points", name="calibration")


def _keys() -> list[Any]:
    return [
        key("outcome inside", INSIDE),
        key("outcome outside", OUTSIDE),
        key("no prediction yet", UNPREDICTED),
        line_key("predicted, with interval", color=BAND, linewidth=5, alpha=0.6),
    ]


def _shown(history: pl.DataFrame, weeks: Sequence[str]) -> list[str]:
    if not weeks:
        return []
    newest = set(history.filter(pl.col("week") == weeks[-1])["subset"])
    counted = (
        history.filter(pl.col("subset").is_in(sorted(newest)), pl.col("subset") != AGGREGATE)
        .group_by("subset")
        .agg(pl.col("predicted").count())
        .sort("predicted", "subset", descending=[True, False])
    )
    return [AGGREGATE, *sorted(counted.head(MOST_SUBSETS)["subset"])]


def _draw_weeks(axes: Axes, rows: pl.DataFrame, weeks: Sequence[str], *, name: str) -> None:
    told = rows.filter(pl.col("week").is_in(list(weeks))).sort("week").to_dicts()
    placed = [(weeks.index(row["week"]), row) for row in told]
    foretold = [(place, row) for place, row in placed if row["predicted"] is not None]
    draw_segments(
        axes,
        ((place, 100 * row["lower"], place, 100 * row["upper"]) for place, row in foretold),
        color=BAND, linewidth=6, alpha=0.6,
    )  # fmt: skip
    draw_segments(
        axes,
        (
            (place - 0.22, 100 * row["predicted"], place + 0.22, 100 * row["predicted"])
            for place, row in foretold
        ),
        color=INK, linewidth=1.4,
    )  # fmt: skip
    observed = [(place, row) for place, row in placed if row["outcome"] is not None]
    draw_marks(
        axes, ((_mark(row), place, 100 * row["outcome"]) for place, row in observed), markersize=6
    )
    axes.set_title(clipped(one_line(_named(name)), NAME_LENGTH), loc="left", fontsize=10)
    axes.set_ylabel("%")
    axes.tick_params(axis="x", labelsize=9)


def _mark(row: Mapping[str, Any]) -> Mark:
    return {None: UNPREDICTED, True: INSIDE, False: OUTSIDE}[row["within_interval"]]


def _draw_points(axes: Axes, rows: pl.DataFrame, *, across: str) -> None:
    told = rows.to_dicts()
    draw_marks(
        axes,
        ((_mark(row), 100 * row[across], 100 * row["outcome"]) for row in told),
        markersize=6, alpha=0.75,
    )  # fmt: skip
    if rows.is_empty():
        axes.text(0.5, 0.5, "Nothing to show yet.", ha="center", transform=axes.transAxes)
        return
    values = 100 * np.concatenate([rows[across].to_numpy(), rows["outcome"].to_numpy()])
    ends = [float(values.min()), float(values.max())]
    axes.plot(ends, ends, color=INK, linestyle="--", linewidth=1, alpha=0.7)


def _draw_line(axes: Axes, rows: pl.DataFrame, tracking: pl.DataFrame) -> None:
    """Through the means, with the slope that has errors in both; none where it is not told."""
    told = tracking.filter(pl.col("subset") == AGGREGATE, pl.col("slope").is_not_null())
    if told.is_empty() or rows.height < LEAST_FOR_LINE:
        return
    scores, outcomes = rows["offline"].to_numpy(), rows["outcome"].to_numpy()
    ends = np.array([scores.min(), scores.max()])
    line = outcomes.mean() + told["slope"][0] * (ends - scores.mean())
    axes.plot(100 * ends, 100 * line, color=OUTSIDE.colour, linewidth=1.5)


def _headline_first(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(pl.col("subset") != AGGREGATE, "subset")


def _named(subset: str) -> str:
    return "all traffic" if subset == AGGREGATE else subset


def _rate(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.1f}"


def _range(lower: float | None, upper: float | None) -> str:
    return "—" if lower is None or upper is None else f"{_rate(lower)} to {_rate(upper)}"


def _signed_range(lower: float | None, upper: float | None) -> str:
    return "—" if lower is None or upper is None else f"{points(lower)} to {points(upper)}"


def _figure(value: float | None, lower: float | None, upper: float | None) -> str:
    if value is None:
        return "—"
    bounds = "" if lower is None or upper is None else f" ({lower:.2f} to {upper:.2f})"
    return f"{value:.2f}{bounds}"
