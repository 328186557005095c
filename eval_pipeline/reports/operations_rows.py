"""The OPERATIONS_REPORT as rows of a decision's page."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.reports.wording import AGGREGATE
from eval_pipeline.tables import OPERATIONS_REPORT

RATIO: Final = "_ratio"
FINDING_WORDS: Final = {
    "within_limit": "within",
    "undecided": "open: the interval spans the limit",
    "beyond_limit": "beyond",
    "not_measured": "not measured",
    "reported": "no limit",
}
FINDING_STATES: Final = {
    "within_limit": "certified",
    "undecided": "undecided",
    "beyond_limit": "blocked",
    "not_measured": "undecided",
}
"""Which state of a subset a finding looks like."""


def operations_rows(operations: pl.DataFrame | None) -> list[dict[str, Any]]:
    """One row per metric over all items, both arms side by side."""
    if operations is None:
        return []
    by_metric: dict[str, dict[str, Any]] = {}
    whole = operations.select(list(OPERATIONS_REPORT.schema)).filter(pl.col("subset") == AGGREGATE)
    for row in whole.sort("metric", "arm").to_dicts():
        by_metric.setdefault(row["metric"], {})[row["arm"]] = row
    return [
        {"metric": metric, "arms": arms, **_found(arms.get("candidate", {}))}
        for metric, arms in by_metric.items()
    ]


def ratio_rows(operations: pl.DataFrame | None) -> list[dict[str, Any]]:
    """One row per subset: the candidate's ratios over the baseline, by metric."""
    if operations is None:
        return []
    by_subset: dict[str, dict[str, Any]] = {}
    ratios = operations.filter(pl.col("metric").str.ends_with(RATIO), pl.col("subset") != AGGREGATE)
    for row in ratios.sort("subset", "metric").to_dicts():
        by_subset.setdefault(row["subset"], {})[row["metric"]] = {**row, **_found(row)}
    return [{"subset": subset, "ratios": found} for subset, found in by_subset.items()]


def state_of(row: Mapping[str, Any]) -> str:
    """The state of a subset that the row's finding looks like; empty where nothing limits it."""
    return FINDING_STATES.get(row.get("finding") or "reported", "")


def _found(row: Mapping[str, Any]) -> dict[str, str]:
    return {"told": FINDING_WORDS[row.get("finding") or "reported"], "state": state_of(row)}
