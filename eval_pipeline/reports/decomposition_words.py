"""What moved a live score, in one sentence a system."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.reports.wording import AGGREGATE, interval, one_line, points

STEPS: Final = {
    "truth": "revised truth",
    "judge": "judges",
    "provider": "provider",
    "within": "items within routes",
    "mix": "mix of routes",
    "entry": "new routes",
    "exit": "routes gone",
}
FINDING_WORDS: Final = {
    "drift": "drift",
    "within_noise": "within noise",
    "not_measured": "not measured",
}


def newest_rows(report: pl.DataFrame) -> list[list[dict[str, Any]]]:
    """Per system its DRIFT_REPORT rows of all items, of the newest week and version."""
    rows = report.filter(pl.col("subset") == AGGREGATE)
    if "week" in rows.columns:
        rows = rows.filter(pl.col("week") == pl.col("week").max())
    newest = pl.col("golden_version") == pl.col("golden_version").max().over("system_id")
    return [
        group.to_dicts()
        for _, group in rows.filter(newest).group_by("system_id", maintain_order=True)
    ]


def moved(report: pl.DataFrame) -> list[str]:
    """From DRIFT_REPORT: how far each system's score moved, by which parts, what is missing."""
    systems = [{row["component"]: row for row in rows} for rows in newest_rows(report)]
    return [_sentence(rows) for rows in systems if "total" in rows]


def _sentence(rows: Mapping[str, Mapping[str, Any]]) -> str:
    total = rows["total"]
    system = one_line(total["system_id"])
    if total["difference"] is None:
        return f"What moved the score of '{system}' is not measured: {total['note']}."
    parts = [(words, rows[name]) for name, words in STEPS.items() if name in rows]
    told = [
        f"{words} {points(row['difference'])} ({FINDING_WORDS[row['finding']]})"
        for words, row in parts
        if row["difference"] is not None
    ]
    absent = [words for words, row in parts if row["difference"] is None]
    sentences = [
        (
            f"The score of '{system}' moved by {points(total['difference'])} points "
            f"({interval(total)}) since {total['reference_week']}: {', '.join(told)}."
        ),
        f"Not measured: {', '.join(absent)}." if absent else "",
        f"This is {total['note']}." if total["note"] else "",
    ]
    return " ".join(filter(None, sentences))
