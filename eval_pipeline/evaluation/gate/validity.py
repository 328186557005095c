"""Whether the data can carry a verdict at all: what is missing, and whether it is unequal.

Shares are the largest that the counts allow: over the items and the longer missing list.
"""

from collections.abc import Iterator

import scipy

from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.gate.wording import name_of
from eval_pipeline.settings import GateSettings

UNEQUAL_MISSING_P = 0.01


def missing_grounds(findings: list[SubsetFinding], policy: GateSettings) -> Grounds:
    """Invalid where nothing, too little, or unequally much of the two arms was scored."""
    return Grounds(invalid=tuple(_missing(findings, policy)))


def age_grounds(policy: GateSettings, evidence: Evidence) -> Grounds:
    """Invalid where the golden version is older than the policy accepts, or of unknown age."""
    limit, age = policy.maximum_golden_age_days, evidence.golden_age_days
    if limit is None or (age is not None and age <= limit):
        return Grounds()
    found = "of unknown age" if age is None else f"{age} days old"
    return Grounds(invalid=(f"The golden version is {found}; the policy accepts {limit} days.",))


def _missing(findings: list[SubsetFinding], policy: GateSettings) -> Iterator[str]:
    if findings[0].items == 0:
        yield "No item has a score from both systems, so nothing can be compared."
    for finding in findings:
        yield from too_much_missing(finding, policy)
    yield from unequal_missing(findings[0])


def too_much_missing(finding: SubsetFinding, policy: GateSettings) -> Iterator[str]:
    """A sentence for each arm that lacks a larger share of scores than the policy accepts."""
    if finding.state == "reported":
        return
    missing = {"baseline": finding.missing_baseline, "candidate": finding.missing_candidate}
    asked = finding.items + max(missing.values())
    for arm, count in missing.items():
        if asked and count / asked > policy.maximum_missing:
            yield (
                f"{name_of(finding)}: the {arm} has no score for {count} of {asked} items "
                f"({count / asked:.1%}); the policy accepts {policy.maximum_missing:.1%}."
            )


def unequal_missing(aggregate: SubsetFinding) -> Iterator[str]:
    """A sentence if scores miss more often in one arm than chance explains."""
    baseline, candidate = aggregate.missing_baseline, aggregate.missing_candidate
    asked = aggregate.items + max(baseline, candidate)
    if not asked:
        return
    table = [[baseline, asked - baseline], [candidate, asked - candidate]]
    p_value = float(scipy.stats.fisher_exact(table).pvalue)
    if p_value < UNEQUAL_MISSING_P:
        yield (
            f"Scores are missing unequally: {baseline} of the baseline's and {candidate} of the "
            f"candidate's {asked} (Fisher p = {p_value:.4f}), so the arms cannot be compared."
        )
