"""Which rows of a candidate's dimensions a page shows."""

from typing import Any

import polars as pl

from eval_pipeline.reports import wording
from eval_pipeline.tables import DIMENSION_REPORT


def dimension_rows(report: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Rows of DIMENSION_REPORT, by dimension, all items first; empty where all of them decide.

    A dimension that decides on every item is the decision itself and is not told twice, nor is one
    that the policy gates. Of the subsets those are told whose interval leaves out zero.
    """
    if report is None:
        return []
    report = report.filter(pl.col("state") == "reported")
    telling = (pl.col("lower") > 0) | (pl.col("upper") < 0)
    whole = pl.col("subset") == wording.AGGREGATE
    others = report.filter(whole & (_compared() > pl.col("deciding_items")))["dimension"]
    rows = (
        report.select(list(DIMENSION_REPORT.schema))
        .filter(pl.col("dimension").is_in(others.to_list()) & (whole | telling))
        .sort(pl.col("dimension"), ~whole, pl.col("subset"))
    )
    return rows.to_dicts()


def _compared() -> pl.Expr:
    """Items with a score in both arms, and at least those that miss one."""
    return pl.col("items") + pl.max_horizontal("missing_baseline", "missing_candidate")
