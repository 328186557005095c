"""The gate: pass, block, inconclusive or invalid, in sentences that a person can act on.

Invalid when the data cannot carry a verdict; inconclusive when the judge itself has drifted,
whatever the figures say; block on proof; pass only if everything that is gated is certified.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from eval_pipeline.evaluation.comparison import losing_items
from eval_pipeline.evaluation.decision import Decision, SubsetFinding, Verdict, subset_findings
from eval_pipeline.evaluation.gate.aa import aa_grounds
from eval_pipeline.evaluation.gate.audit import audit_grounds
from eval_pipeline.evaluation.gate.calibration import calibration_grounds
from eval_pipeline.evaluation.gate.ceiling import ceiling_grounds, held_back, with_human_agreement
from eval_pipeline.evaluation.gate.continuation import continuation_grounds, with_continuation
from eval_pipeline.evaluation.gate.coverage import coverage_grounds
from eval_pipeline.evaluation.gate.dimensions import dimension_findings, dimension_grounds
from eval_pipeline.evaluation.gate.drift import drift_grounds
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate.freshness import freshness_grounds
from eval_pipeline.evaluation.gate.grounds import Grounds, together
from eval_pipeline.evaluation.gate.human_correction import (
    human_grounds,
    rests_on_judges_alone,
)
from eval_pipeline.evaluation.gate.ledger import ledger_grounds
from eval_pipeline.evaluation.gate.limits import limit_grounds
from eval_pipeline.evaluation.gate.outcome_tracking import tracking_grounds
from eval_pipeline.evaluation.gate.review_rule import approved_grounds, review_grounds
from eval_pipeline.evaluation.gate.subset_states import passed_sentence, subset_grounds
from eval_pipeline.evaluation.gate.validity import age_grounds, missing_grounds
from eval_pipeline.evaluation.gate.waivers import (
    approvals_of,
    only_subsets,
    standing_waivers,
    with_people,
)
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import GateSettings

NAMED_LOSSES = 20


def decide(
    report: pl.DataFrame,
    *,
    candidate_id: str,
    baseline_id: str,
    golden_version: int | None,
    policy: GateSettings,
    evidence: Evidence,
) -> Decision:
    """The decision on a REGRESSION_REPORT; the same inputs give the same decision and id.

    It is measured first, without anybody's word; then people's approvals and waivers of it count.
    """
    continued = [
        with_continuation(finding, evidence.continuation)
        for finding in subset_findings(report).values()
    ]
    findings = [
        with_human_agreement(_with_losses(finding, evidence.trials), evidence.agreement)
        for finding in continued
    ]
    told = {
        "candidate": candidate_id,
        "baseline": baseline_id,
        "golden_version": golden_version,
        "confidence": policy.confidence,
        "policy_fingerprint": fingerprint(policy.model_dump(mode="json", by_alias=True)),
        "judge_only": rests_on_judges_alone(findings, evidence),
        "dimensions": dimension_findings(evidence.dimensions, policy),
        "candidate_fingerprint": evidence.candidate_fingerprint,
        "baseline_fingerprint": evidence.baseline_fingerprint,
    }
    rest = _concerns(findings, policy, evidence)
    asked = review_grounds(findings, evidence.dimensions, policy=policy, candidate_id=candidate_id)
    grounds = together([*rest, asked])
    measured = decision = _document(grounds, findings, told)
    approvals = approvals_of(measured, evidence.records)
    if approvals:
        grounds = together([*rest, approved_grounds(approvals)])
        decision = _document(grounds, findings, told)
    return with_people(
        decision,
        measured_id=measured.decision_id,
        approvals=approvals,
        waivers=standing_waivers(decision, evidence.records, policy=policy, as_of=evidence.as_of),
        waivable=only_subsets(grounds, _claims(findings, policy, evidence)),
    )


def _concerns(
    findings: list[SubsetFinding], policy: GateSettings, evidence: Evidence
) -> list[Grounds]:
    """What every concern says, in the order in which a reader meets it."""
    return [
        missing_grounds(findings, policy),
        calibration_grounds(policy, evidence),
        age_grounds(policy, evidence),
        freshness_grounds(policy, evidence),
        aa_grounds(evidence.aa, policy),
        audit_grounds(evidence.audit, evidence.audit_standing, policy),
        drift_grounds(evidence.drift, policy, signals=evidence.drift_signals),
        tracking_grounds(evidence.tracking, policy),
        continuation_grounds(findings),
        coverage_grounds(findings[0], policy),
        *_claims(findings, policy, evidence),
        limit_grounds(evidence.operations, policy),
        ledger_grounds(evidence.exposure, policy),
        Grounds(notes=evidence.notes),
        human_grounds(findings, policy, evidence),
    ]


def _claims(
    findings: list[SubsetFinding], policy: GateSettings, evidence: Evidence
) -> list[Grounds]:
    """Those of the concerns that speak of subsets by name: what a waiver can name."""
    return [
        subset_grounds(findings),
        ceiling_grounds(findings, policy),
        dimension_grounds(dimension_findings(evidence.dimensions, policy), policy),
    ]


def _verdict(grounds: Grounds) -> Verdict:
    if grounds.invalid:
        return "invalid"
    if grounds.blocking and not grounds.suspending:
        return "block"
    return "inconclusive" if grounds.suspending or grounds.unknown else "pass"


def _document(grounds: Grounds, findings: list[SubsetFinding], told: Mapping[str, Any]) -> Decision:
    """The decision that the grounds make, under its id; `told` is what they have no part in."""
    verdict = _verdict(grounds)
    settled = [held_back(finding, grounds.held) for finding in findings]
    return Decision(
        decision_id="",
        verdict=verdict,
        reasons=(
            *((passed_sentence(findings),) if verdict == "pass" else ()),
            *grounds.invalid,
            *grounds.blocking,
            *grounds.suspending,
            *grounds.unknown,
            *grounds.notes,
        ),
        aggregate=settled[0],
        subsets=tuple(settled[1:]),
        **told,
    ).identified()


def _with_losses(finding: SubsetFinding, trials: pl.DataFrame | None) -> SubsetFinding:
    if trials is None or finding.state != "blocked":
        return finding
    lost = losing_items(trials, finding.subset, limit=NAMED_LOSSES)
    return finding.model_copy(update={"losing_items": tuple(lost)})
