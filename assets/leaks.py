"""How the checks of masking are told to Dagster; what they find is the core's."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import dagster as dg

from eval_pipeline.anonymisation.checks.findings import (
    Finding,
    known_values_finding,
    residual_finding,
)
from eval_pipeline.anonymisation.checks.scans import Scans
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, Table

LEAK_CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "residual_scan": "Recognisers find nothing more in the masked texts.",
        "known_values": "No known value of a real customer stands in what is written.",
    }
)


def leak_checks(scans: Scans) -> Iterator[dg.AssetCheckResult]:
    """The scans of what is about to be written, as the asset's own blocking checks."""
    findings = {
        "residual_scan": residual_finding(scans.residual),
        "known_values": known_values_finding(scans.known_hits, known_values=scans.known_values),
    }
    for name, finding in findings.items():
        yield privacy_check(
            name, ANONYMISED_INTERACTIONS, finding, severity=dg.AssetCheckSeverity.ERROR
        )


def privacy_check(
    name: str, table: Table, finding: Finding, *, severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    """One finding as a check of the table's asset; its figures can be plotted over the weeks."""
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name=name,
        passed=finding.passed,
        severity=severity,
        description=finding.sentence,
        metadata={
            figure: dg.MetadataValue.float(value) for figure, value in finding.figures.items()
        },
    )
