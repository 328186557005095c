"""The section of a page that says how the gate did on planted faults."""

from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.gate_audit.sentences import problem_sentences
from eval_pipeline.reports import page_rows
from eval_pipeline.reports.gate_audit_plots import audit_timeline
from eval_pipeline.reports.gate_audit_words import COLUMNS
from eval_pipeline.reports.gate_audit_words import page_rows as audit_rows

MAXIMUM_ROWS: Final = 120


def section(audit: pl.DataFrame | None, course: pl.DataFrame | None) -> dict[str, Any]:
    """Rates of one audit, what it found against the gate, and the course of all until then.

    `audit`: GATE_AUDIT of a week; null or empty where the week has none. `course`: with `week`.
    """
    if audit is None or course is None or audit.is_empty():
        return {"audit_rows": [], "audit_chart": None}
    week = audit["week"][0]
    rows = audit_rows(audit)
    return {
        "audit_week": week,
        "audit_rows": rows[:MAXIMUM_ROWS],
        "audit_unlisted": max(0, len(rows) - MAXIMUM_ROWS),
        "audit_columns": COLUMNS,
        "audit_problems": problem_sentences(audit),
        "audit_basis": audit["basis"][0],
        "audit_chart": page_rows.drawn(audit_timeline(course)),
    }


def newest(audits: pl.DataFrame | None) -> dict[str, Any]:
    """The section of the newest of these audits."""
    if audits is None or audits.is_empty():
        return section(None, None)
    return section(audits.filter(pl.col("week") == pl.col("week").max()), audits)
