"""Planned calls against the rows that rest on them: none lost, none twice, none from elsewhere."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from eval_pipeline.errors import ReconciliationError
from eval_pipeline.tables.outcomes import with_kind

SYSTEM: Final = "system"
RECONCILED: Final = pl.Schema(
    {
        SYSTEM: pl.String,
        "planned": pl.Int64,
        "answered": pl.Int64,
        "truncated": pl.Int64,
        "refused": pl.Int64,
        "failed": pl.Int64,
        "failures": pl.String,
        "missing": pl.Int64,
        "repeated": pl.Int64,
        "unplanned": pl.Int64,
        "cost_usd": pl.Float64,
        "reconciled": pl.Boolean,
    }
)
"""One row per system. answered, refused and failed count planned calls with a row, once each;
truncated are among the answered. `failures` names the kinds of the failed with how many each;
`missing` planned calls have no row, `repeated` rows repeat a planned call, `unplanned` rows have
no plan. `cost_usd` is that of all rows. reconciled: planned = answered + refused + failed, and
nothing is missing, repeated or unplanned."""


def reconcile(planned: pl.DataFrame, rows: pl.DataFrame, *, key: Sequence[str]) -> pl.DataFrame:
    """RECONCILED, by system.

    `planned` and `rows` have the columns `system` and `key`, `rows` those of calls as well. The
    plan comes from what was to be asked, never from the rows.
    """
    identity = [SYSTEM, *key]
    plan = planned.select(identity).unique()
    told = with_kind(rows).with_columns(
        planned=pl.struct(identity).is_in(plan.select(pl.struct(identity)).to_series().implode()),
        repeat=pl.int_range(pl.len()).over(identity) > 0,
    )
    counted = told.filter(pl.col("planned") & ~pl.col("repeat"))
    per_system = (
        pl.concat([plan.select(SYSTEM), rows.select(SYSTEM)])
        .unique()
        .join(plan.group_by(SYSTEM).len("planned"), on=SYSTEM, how="left")
        .join(_met(counted), on=SYSTEM, how="left")
        .join(_failures(counted), on=SYSTEM, how="left")
        .join(
            told.group_by(SYSTEM).agg(
                repeated=(pl.col("planned") & pl.col("repeat")).sum(),
                unplanned=(~pl.col("planned")).sum(),
                cost_usd=pl.col("cost_usd").sum(),
            ),
            on=SYSTEM,
            how="left",
        )
        .with_columns(pl.col("failures").fill_null(""), pl.selectors.numeric().fill_null(0))
        .with_columns(missing=pl.col("planned") - pl.col("met"))
    )
    met = pl.col("answered") + pl.col("refused") + pl.col("failed")
    nothing_else = (pl.col("missing") == 0) & (pl.col("repeated") + pl.col("unplanned") == 0)
    return (
        per_system.with_columns(reconciled=(pl.col("planned") == met) & nothing_else)
        .select(pl.col(name).cast(dtype) for name, dtype in RECONCILED.items())
        .sort(SYSTEM)
    )


def require_reconciled(found: pl.DataFrame, *, table: str) -> None:
    """Raises `ReconciliationError` unless every system of a RECONCILED frame is."""
    wrong = found.filter(~pl.col("reconciled"))
    if wrong.height:
        raise ReconciliationError(table, reconciliation_sentences(wrong))


def reconciliation_sentences(found: pl.DataFrame) -> list[str]:
    """What is wrong with each system that is not reconciled, in words."""
    return [
        f"{row[SYSTEM]}: {row['planned']:,} planned, {row['answered']:,} answered, "
        f"{row['refused']:,} refused, {row['failed']:,} failed; {row['missing']:,} missing, "
        f"{row['repeated']:,} repeated, {row['unplanned']:,} unplanned"
        for row in found.filter(~pl.col("reconciled")).iter_rows(named=True)
    ]


def _met(counted: pl.DataFrame) -> pl.DataFrame:
    status = pl.col("status")
    return counted.group_by(SYSTEM).agg(
        met=pl.len(),
        answered=(status == "answered").sum(),
        truncated=(pl.col("outcome") == "truncated").sum(),
        refused=(status == "refused").sum(),
        failed=(status == "failed").sum(),
    )


def _failures(counted: pl.DataFrame) -> pl.DataFrame:
    kinds = (
        counted.filter(pl.col("status") == "failed")
        .group_by(SYSTEM, pl.col("outcome").str.strip_prefix("failed:"))
        .len("calls")
        .sort(SYSTEM, -pl.col("calls").cast(pl.Int64), "outcome")
    )
    told = pl.format("{} {}", pl.col("calls"), pl.col("outcome"))
    return kinds.group_by(SYSTEM, maintain_order=True).agg(failures=told.str.join(", "))
