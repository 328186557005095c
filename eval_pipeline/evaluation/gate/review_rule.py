"""Drops that a person must look at before anything passes, whatever is certified.

Certified says that a drop beyond the tolerance is ruled out; this rule is about what was seen, so
it reads point estimates and asks for no proof. It passes nothing and blocks nothing by itself.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from eval_pipeline.evaluation.decision import Approval, SubsetFinding
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.settings import GateSettings
from eval_pipeline.settings.preflight import MINIMUM_CLUSTERS

ROUNDING = 1e-9


def review_grounds(
    findings: Sequence[SubsetFinding],
    dimensions: pl.DataFrame | None,
    *,
    policy: GateSettings,
    candidate_id: str,
) -> Grounds:
    """A sentence for every drop beyond `review_beyond` on at least ten clusters.

    Of the deciding score and of every dimension of the DIMENSION_REPORT, gated or not, in every
    subset and in all items. A dimension that decides on every item of a subset is the deciding
    score and is not told twice.
    """
    beyond = policy.review_beyond
    if beyond is None:
        return Grounds()
    rows = [finding.model_dump() for finding in findings]
    if dimensions is not None:
        rows += _others(dimensions).to_dicts()
    return Grounds(unknown=tuple(_sentences(rows, beyond, candidate_id=candidate_id)))


def approved_grounds(approvals: Sequence[Approval]) -> Grounds:
    """What is said instead once people have recorded that they looked."""
    return Grounds(
        notes=tuple(
            f"{approval.approved_by} looked at the drops that the policy shows to a person, on "
            f"{approval.approved_at:%Y-%m-%d}: {approval.reason}"
            for approval in approvals
        )
    )


def _others(report: pl.DataFrame) -> pl.DataFrame:
    compared = pl.col("items") + pl.max_horizontal("missing_baseline", "missing_candidate")
    return report.filter(compared > pl.col("deciding_items")).sort(
        "dimension", pl.col("subset") != ALL, "subset"
    )


def _sentences(
    rows: Sequence[dict[str, Any]], beyond: float, *, candidate_id: str
) -> Iterator[str]:
    for row in rows:
        difference, clusters = row["difference"], row["clusters"]
        if difference is None or (clusters or 0) < MINIMUM_CLUSTERS:
            continue
        if difference < -beyond - ROUNDING:
            where = "All items" if row["subset"] == ALL else f"Subset '{row['subset']}'"
            named = f" in '{row['dimension']}'" if row.get("dimension") else ""
            drops = "drop" if row["subset"] == ALL else "drops"
            yield (
                f"{where} {drops} {-100 * difference:.1f} points{named} on {row['items']} items, "
                f"beyond the {100 * beyond:g} that pass unseen: look at them and record it by "
                f"`eval-pipeline approve {candidate_id} --by NAME --reason TEXT`."
            )
