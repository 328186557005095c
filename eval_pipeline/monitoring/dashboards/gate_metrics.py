"""Metrics of decisions: per candidate, dimension and subset."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.dashboards.metrics import Metric, gauge

DECIDING: Final = "deciding"
"""The dimension of the score that the gate decides by."""

Row = Mapping[str, Any]
_FIGURES: Final = (
    ("gate_difference_ratio", "difference", "Candidate less baseline, in shares of 1."),
    ("gate_difference_lower_ratio", "lower", "Lower bound of the difference."),
    ("gate_difference_upper_ratio", "upper", "Upper bound of the difference."),
    ("gate_margin_ratio", "margin", "The largest loss that the policy accepts."),
    ("gate_items", "items", "Items with a score in both arms."),
)


def findings_of(decisions: pl.DataFrame, dimensions: Mapping[str, pl.DataFrame]) -> list[Row]:
    """One row per candidate, dimension and subset, with the figures of its newest decision.

    `decisions`: newest rows of GATE_DECISION. `dimensions`: by candidate its DIMENSION_REPORT, in
    which what the gate decides by stands too, under its own name.
    """
    rows: list[Row] = []
    for row in decisions.iter_rows(named=True):
        document, candidate = json.loads(row["decision_json"]), row["candidate_id"]
        rows += [
            {**finding, "candidate": candidate, "dimension": DECIDING}
            for finding in (document["aggregate"], *document["subsets"])
        ]
        report = dimensions.get(candidate)
        if report is not None:
            rows += [{**one, "candidate": candidate} for one in report.to_dicts()]
    return rows


def gate_metrics(decisions: pl.DataFrame, findings: Sequence[Row]) -> Iterator[Metric]:
    """Verdict and figures of every candidate in `decisions`."""
    rows = decisions.to_dicts()
    yield gauge(
        "gate_verdict",
        "1 for the verdict of the candidate's newest decision.",
        (({"candidate": row["candidate_id"], "verdict": row["verdict"]}, 1) for row in rows),
    )
    yield gauge(
        "gate_golden_version",
        "The golden version of the candidate's newest decision.",
        (({"candidate": row["candidate_id"]}, row["golden_version"]) for row in rows),
    )
    yield gauge(
        "gate_subset_state",
        "1 for the subset's state: certified, blocked, undecided, infeasible or reported.",
        (({**_labels(row), "state": row["state"]}, 1) for row in findings),
    )
    yield gauge(
        "gate_score_ratio",
        "Mean score of an arm, 0 to 1.",
        (
            ({**_labels(row), "arm": arm}, row[f"{arm}_mean"])
            for row in findings
            for arm in ("baseline", "candidate")
        ),
    )
    for name, column, documentation in _FIGURES:
        yield gauge(name, documentation, ((_labels(row), row[column]) for row in findings))
    yield from _missing(findings)


def _missing(findings: Sequence[Row]) -> Iterator[Metric]:
    counts = [
        ({**_labels(row), "arm": arm}, row[f"missing_{arm}"], _asked(row))
        for row in findings
        for arm in ("baseline", "candidate")
    ]
    yield gauge(
        "gate_missing_scores",
        "Items that an arm has no score for.",
        ((labels, missing) for labels, missing, _ in counts),
    )
    yield gauge(
        "gate_missing_ratio",
        "Share of the items asked that an arm has no score for.",
        ((labels, missing / asked) for labels, missing, asked in counts if asked),
    )


def _asked(row: Row) -> int:
    """As the gate counts them: with a score in both, and those that the worse arm lacks."""
    return int(row["items"] + max(row["missing_baseline"], row["missing_candidate"]))


def _labels(row: Row) -> dict[str, object]:
    return {name: row[name] for name in ("candidate", "dimension", "subset")}
