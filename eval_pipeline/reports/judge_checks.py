"""The judges' biases for reading: a table, a chart, and one sentence per finding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from eval_pipeline.reports.canvas import INK, Mark, drawing, key, room, sheet, svg
from eval_pipeline.reports.wording import clipped, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURE_WORDS: Final = {
    "retest_flips": "changes its verdict when asked the very same again",
    "position_excess": "changes its preference when the two responses change places",
    "position_bias": "prefers whichever response stands first",
    "rationale_mismatch": "gives reasons that support the other verdict",
    "verbosity": "is led by the length of responses",
    "self_preference": "favours responses of its own family",
    "error_correlation": "errs where another judge errs",
    "effective_judges": "effective number of judges",
    "anchor_changes": "changes its verdict on anchors",
    "anchor_accuracy": "is right on anchors",
    "anchor_accuracy_change": "has become better or worse on anchors",
    "recurring_disagreement": "is wrong on the same anchors week after week",
}
NOTABLE: Final = ("beyond_limit", "alarm")
FINDING_WORDS: Final = {
    "within_limit": "within the limit",
    "undecided": "too few to tell",
    "beyond_limit": "beyond the limit",
    "within_noise": "within noise",
    "alarm": "alarm",
    "reported": "",
    "not_measured": "not measured",
}
_MARKS: Final = {
    "within_limit": Mark("#0072B2", "o"),
    "within_noise": Mark("#0072B2", "o"),
    "undecided": Mark("#E69F00", "D"),
    "beyond_limit": Mark("#D55E00", "X"),
    "alarm": Mark("#D55E00", "X"),
    "reported": Mark("#56B4E9", "s"),
}
_KEYS: Final = {
    "within the limit, or noise": _MARKS["within_limit"],
    "too few to tell": _MARKS["undecided"],
    "beyond the limit, or alarm": _MARKS["beyond_limit"],
    "no limit": _MARKS["reported"],
}
_OBVIOUS: Final = frozenset({"itself", "labels", "first_verdicts"})
_COUNTED: Final = "effective_judges"
_NAME_LENGTH: Final = 64
_FINGERPRINT: Final = re.compile(r"@[0-9a-f]{8}:?")


def warnings(biases: pl.DataFrame) -> tuple[str, ...]:
    """One plain sentence per JUDGE_BIASES row beyond its limit or in alarm."""
    notable = biases.filter(pl.col("finding").is_in(NOTABLE))
    return tuple(sentence(row) for row in notable.iter_rows(named=True))


def sentence(row: Mapping[str, Any]) -> str:
    """What one row says, such as "arbiter-b prefers whichever response stands first: …"."""
    words = MEASURE_WORDS[row["measure"]]
    if row["against"] not in _OBVIOUS:
        words += f" ({one_line(row['against'])})"
    if row["value"] is None:
        return f"{one_line(row['judge_id'])} {words}: not measured, {row['note']}"
    told = f"{one_line(row['judge_id'])} {words}: {_told(row)}, on {row['items']}"
    if row["limit"] is not None:
        told += f", where {_number(row, row['limit'])} are allowed"
    if row["p_value"] is not None:
        told += f", adjusted p = {row['p_value']:.2g}"
    return told if row["note"] is None else f"{told} ({row['note']})"


def in_words(biases: pl.DataFrame) -> pl.DataFrame:
    """JUDGE_BIASES for reading, what is notable first."""
    ordered = biases.sort(~pl.col("finding").is_in(NOTABLE), "judge_id", "measure", "against")
    return pl.DataFrame(
        [
            {
                "judge": row["judge_id"],
                "what": MEASURE_WORDS[row["measure"]],
                "against": row["against"],
                "size": None if row["value"] is None else _told(row),
                "limit": None if row["limit"] is None else _number(row, row["limit"]),
                "items": row["items"],
                "missing": row["missing"],
                "finding": FINDING_WORDS[row["finding"]],
                "note": row["note"],
            }
            for row in ordered.iter_rows(named=True)
        ],
        schema_overrides={"size": pl.String, "limit": pl.String, "note": pl.String},
    )


def bias_chart(biases: pl.DataFrame) -> str:
    """Every measured share with its interval and limit, judge by judge.

    Without correlations and counts, which are no points, and accuracy, which is no bias.
    """
    apart = [_COUNTED, "error_correlation", "anchor_accuracy"]
    rows = biases.filter(pl.col("value").is_not_null() & ~pl.col("measure").is_in(apart)).to_dicts()
    with drawing():
        figure = sheet(8.5, 1.4 + 0.3 * max(len(rows), 1))
        axes = figure.add_axes(room(figure, left=4.4, right=0.25, bottom=0.62, top=0.55))
        axes.axvline(0, color=INK, linewidth=0.8, alpha=0.6)
        for height, row in enumerate(reversed(rows)):
            _draw(axes, row, height)
        names = [clipped(_name(row), _NAME_LENGTH) for row in reversed(rows)]
        axes.set_yticks(range(len(rows)), names, fontsize=8.5)
        axes.set_ylim(-0.7, max(len(rows), 1) - 0.3)
        axes.set_xlabel("percentage points; grey: what the policy allows")
        figure.legend(
            handles=[key(label, mark) for label, mark in _KEYS.items()],
            loc="upper left",
            ncols=4,
            frameon=False,
            fontsize=9,
        )
        return svg(figure, f"Biases of judges, {len(rows)} measurements", name="judge-biases")


def _draw(axes: Axes, row: Mapping[str, Any], height: int) -> None:
    mark = _MARKS[row["finding"]]
    if row["limit"] is not None:
        ends = [-100 * row["limit"], 100 * row["limit"]]
        axes.plot(ends, [height, height], color="#8A8A8A", linewidth=7, alpha=0.35)
    ends = [100 * row["lower"], 100 * row["upper"]]
    axes.plot(ends, [height, height], color=mark.colour, linewidth=1.8)
    axes.plot(100 * row["value"], height, color=mark.colour, marker=mark.marker, linestyle="none")


def _name(row: Mapping[str, Any]) -> str:
    against = "" if row["against"] in _OBVIOUS else row["against"]
    # A rubric's fingerprint would push the criterion out of the label.
    against = _FINGERPRINT.sub("", against)
    name = f"{one_line(row['judge_id'])}: {row['measure'].replace('_', ' ')}"
    return f"{name}, {one_line(against)}" if against else name


def _told(row: Mapping[str, Any]) -> str:
    lower, upper = (_number(row, row[name], unit="") for name in ("lower", "upper"))
    return f"{_number(row, row['value'])} ({lower} to {upper})"


def _number(row: Mapping[str, Any], value: float, *, unit: str = " points") -> str:
    """Counts and correlations as they are, everything else in percentage points."""
    if row["measure"] in {_COUNTED, "error_correlation"}:
        return f"{value:.2f}"
    return f"{100 * value:.1f}{unit}"
