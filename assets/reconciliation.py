"""How the reconciliation of planned calls is told to Dagster; what it counts stands in the core."""

from types import MappingProxyType
from typing import Final

import dagster as dg
import polars as pl

from assets.conventions import markdown
from eval_pipeline.tables import Table, reconciliation_sentences

CALLS_CHECK: Final = MappingProxyType(
    {"calls_reconciled": "Of every system: planned calls = answered + refused + failed."}
)


def calls_check(table: Table, reconciled: pl.DataFrame) -> dg.AssetCheckResult:
    """The table's blocking check, with the counts per system."""
    (name,) = CALLS_CHECK
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name=name,
        passed=bool(reconciled["reconciled"].all()),
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(reconciliation_sentences(reconciled))
        or "Every planned call has its row.",
        metadata={"calls": markdown(reconciled)},
    )
