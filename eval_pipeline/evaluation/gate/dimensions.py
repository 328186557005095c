"""What the gated dimensions say: each subset of each is certified, blocked or open, as any other.

The states stand in the DIMENSION_REPORT; how they come about, in `evaluation.dimension_states`.
"""

from collections.abc import Iterator

import polars as pl

from eval_pipeline.evaluation.decision import DimensionFinding
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.gate.subset_states import subset_grounds
from eval_pipeline.evaluation.gate.validity import too_much_missing, unequal_missing
from eval_pipeline.evaluation.gate.wording import name_of
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.settings import GateSettings


def dimension_findings(
    report: pl.DataFrame | None, policy: GateSettings
) -> tuple[DimensionFinding, ...]:
    """The rows of the dimensions that the policy gates, by dimension, 'all' first."""
    if report is None:
        return ()
    gated = report.filter(
        pl.col("dimension").is_in(list(policy.dimensions)) & (pl.col("state") != "reported")
    ).sort("dimension", pl.col("subset") != ALL, "subset")
    columns = [name for name in DimensionFinding.model_fields if name in report.columns]
    return tuple(DimensionFinding.model_validate(row) for row in gated.select(columns).to_dicts())


def dimension_grounds(findings: tuple[DimensionFinding, ...], policy: GateSettings) -> Grounds:
    """As for the deciding score: missing scores make it invalid, losses block, the rest is open.

    A gated dimension without a finding was not measured under this policy, and nothing passes.
    """
    stated = subset_grounds(list(findings))
    return Grounds(
        invalid=tuple(_missing(findings, policy)),
        blocking=stated.blocking,
        unknown=(*stated.unknown, *_unmeasured(findings, policy)),
    )


def _missing(findings: tuple[DimensionFinding, ...], policy: GateSettings) -> Iterator[str]:
    for finding in findings:
        yield from too_much_missing(finding, policy)
        if finding.subset == ALL:
            yield from (f"{name_of(finding)}: {told}" for told in unequal_missing(finding))


def _unmeasured(findings: tuple[DimensionFinding, ...], policy: GateSettings) -> Iterator[str]:
    measured = {finding.dimension for finding in findings}
    for dimension in sorted(set(policy.dimensions) - measured):
        yield f"Dimension '{dimension}' is gated and was not measured: evaluate again."
