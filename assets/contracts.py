"""How a data contract's result is told to Dagster; the expectations are the adapter's."""

import dagster as dg

from eval_pipeline.adapters.expectations import ContractResult
from eval_pipeline.tables import Table


def contract_check(name: str, table: Table, contract: ContractResult) -> dg.AssetCheckResult:
    """The contract as the result of the asset's own blocking check."""
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name=name,
        passed=contract.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(contract.failures) or "Every expectation holds.",
        metadata={
            "expectations": contract.evaluated,
            "report": dg.MetadataValue.md(contract.as_markdown()),
        },
    )
