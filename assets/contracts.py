"""How a data contract's result is told to Dagster; the expectations are the adapter's."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import dagster as dg

from eval_pipeline.adapters.contracts.results import ContractResult
from eval_pipeline.tables import Table

LOG_CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {"logs_contract": "The week's logs keep every promise of their contract that is blocking."}
)
LOG_WARNINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"logs_warnings": "The week's logs keep the promises of their contract that only warn."}
)
"""Not to be declared blocking: automation waits for every blocking check, whatever its severity."""


def contract_check(
    name: str, table: Table, contract: ContractResult, *, page: str | None = None
) -> dg.AssetCheckResult:
    """The contract as the result of the asset's own blocking check."""
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name=name,
        passed=contract.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(contract.failures) or "Every expectation holds.",
        metadata=_metadata(contract, page=page),
    )


def contract_checks(
    table: Table, contract: ContractResult, *, page: str | None = None
) -> Iterator[dg.AssetCheckResult]:
    """The logs' contract as two results: what blocks, and what only warns.

    `page` is where the contract's page lies.
    """
    (blocking,), (warning,) = LOG_CHECKS, LOG_WARNINGS
    yield contract_check(blocking, table, contract, page=page)
    yield dg.AssetCheckResult(
        asset_key=table.name,
        check_name=warning,
        passed=not contract.warnings,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(contract.warnings) or "Nothing unusual.",
        metadata=_metadata(contract, page=page),
    )


def _metadata(contract: ContractResult, *, page: str | None) -> dict[str, dg.MetadataValue]:
    told: dict[str, dg.MetadataValue] = {
        "expectations": dg.MetadataValue.int(contract.evaluated),
        "report": dg.MetadataValue.md(contract.as_markdown()),
    }
    if page is not None:
        told["page"] = dg.MetadataValue.url(page) if "://" in page else dg.MetadataValue.path(page)
    return told
