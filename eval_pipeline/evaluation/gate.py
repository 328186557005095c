"""The gate: pass, block, inconclusive or invalid, in sentences that a person can act on.

Invalid when the data cannot carry a verdict; inconclusive when the judge itself has drifted,
whatever the figures say; block on proof; pass only if everything that is gated is certified.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
import scipy

from eval_pipeline.evaluation.ceiling import (
    held_back,
    too_little_agreement,
    with_human_agreement,
)
from eval_pipeline.evaluation.comparison import losing_items
from eval_pipeline.evaluation.decision import Decision, SubsetFinding, Verdict, subset_findings
from eval_pipeline.evaluation.gate_limits import drift_sentences, limit_sentences, points
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import GateSettings

UNEQUAL_MISSING_P = 0.01
NAMED_LOSSES = 20


@dataclass(frozen=True)
class Evidence:
    """What the gate reads besides the report; None means that it was not measured.

    trials: REGRESSION_TRIALS, to name the items lost. calibration: JUDGE_CALIBRATION.
    operations: OPERATIONS_REPORT. drift: this week's DRIFT_REPORT. agreement: people's, the newest
    ANNOTATOR_AGREEMENT. `judge_only`: no person labelled any output of this candidate.
    `panel_scored`: a model's verdict is behind a score.
    `notes`: sentences that belong to the decision and do not change it.
    """

    trials: pl.DataFrame | None = None
    calibration: pl.DataFrame | None = None
    operations: pl.DataFrame | None = None
    drift: pl.DataFrame | None = None
    agreement: pl.DataFrame | None = None
    golden_age_days: int | None = None
    judge_only: bool = True
    panel_scored: bool = True
    notes: tuple[str, ...] = ()


def decide(
    report: pl.DataFrame,
    *,
    candidate_id: str,
    baseline_id: str,
    golden_version: int | None,
    policy: GateSettings,
    evidence: Evidence,
) -> Decision:
    """The decision on a REGRESSION_REPORT; the same inputs give the same decision and id."""
    findings = subset_findings(report)
    named = [
        with_human_agreement(_with_losses(finding, evidence.trials), evidence.agreement)
        for finding in findings.values()
    ]
    too_little = dict(too_little_agreement(named, policy))
    invalid = list(_invalidities(named, policy, evidence))
    blocking = [*_blocks(named), *limit_sentences(evidence.operations, policy, proven=True)]
    judge_drift, provider_drift = drift_sentences(evidence.drift, policy)
    unknown = [
        *judge_drift,
        *_unknowns(named),
        *too_little.values(),
        *limit_sentences(evidence.operations, policy, proven=False),
    ]
    verdict: Verdict = "inconclusive" if unknown else "pass"
    if invalid:
        verdict = "invalid"
    elif blocking and not judge_drift:
        verdict = "block"
    settled = [held_back(finding, frozenset(too_little)) for finding in named]
    judge_only = evidence.judge_only and evidence.panel_scored
    reasons = [*invalid, *blocking, *unknown, *provider_drift, *_reported(named), *evidence.notes]
    if verdict == "pass":
        reasons = [_passed(named), *reasons]
    if judge_only:
        reasons.append("This verdict is judge-only: no person labelled an output of the candidate.")
    return Decision(
        decision_id="",
        candidate=candidate_id,
        baseline=baseline_id,
        golden_version=golden_version,
        confidence=policy.confidence,
        policy_fingerprint=fingerprint(policy.model_dump(mode="json", by_alias=True)),
        verdict=verdict,
        reasons=tuple(reasons),
        judge_only=judge_only,
        aggregate=settled[0],
        subsets=tuple(settled[1:]),
    ).identified()


def _with_losses(finding: SubsetFinding, trials: pl.DataFrame | None) -> SubsetFinding:
    if trials is None or finding.state != "blocked":
        return finding
    lost = losing_items(trials, finding.subset, limit=NAMED_LOSSES)
    return finding.model_copy(update={"losing_items": tuple(lost)})


def _invalidities(
    findings: list[SubsetFinding], policy: GateSettings, evidence: Evidence
) -> Iterator[str]:
    if findings[0].items == 0:
        yield "No item has a score from both systems, so nothing can be compared."
    for finding in findings:
        yield from _too_much_missing(finding, policy)
    yield from _unequal_missing(findings[0])
    yield from _uncalibrated(policy, evidence)
    limit = policy.maximum_golden_age_days
    if limit is not None and (evidence.golden_age_days is None or evidence.golden_age_days > limit):
        age = evidence.golden_age_days
        found = "of unknown age" if age is None else f"{age} days old"
        yield f"The golden version is {found}; the policy accepts {limit} days."


def _too_much_missing(finding: SubsetFinding, policy: GateSettings) -> Iterator[str]:
    """Shares are the largest that the counts allow: over the items and the longer missing list."""
    if finding.state == "reported":
        return
    missing = {"baseline": finding.missing_baseline, "candidate": finding.missing_candidate}
    asked = finding.items + max(missing.values())
    for arm, count in missing.items():
        if asked and count / asked > policy.maximum_missing:
            yield (
                f"{_name(finding)}: the {arm} has no score for {count} of {asked} items "
                f"({count / asked:.1%}); the policy accepts {policy.maximum_missing:.1%}."
            )


def _unequal_missing(aggregate: SubsetFinding) -> Iterator[str]:
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


def _uncalibrated(policy: GateSettings, evidence: Evidence) -> Iterator[str]:
    wanted = policy.minimum_judge_agreement
    if wanted is None or not evidence.panel_scored:
        return
    lower = None
    if evidence.calibration is not None:
        panel = evidence.calibration.filter(
            (pl.col("judge_id") == "panel") & (pl.col("measure") == "agreement")
        )
        lower = panel["lower"].min()
    if lower is None:
        yield (
            "The panel's agreement with people has not been measured; "
            f"the policy demands at least {wanted:.2f}."
        )
    elif float(str(lower)) < wanted:
        yield (
            f"The panel agrees with people in at least {float(str(lower)):.2f} of cases; "
            f"the policy demands {wanted:.2f}."
        )


def _blocks(findings: list[SubsetFinding]) -> Iterator[str]:
    for finding in findings:
        if finding.state == "blocked":
            yield (
                f"{_name(finding)} is worse: {_figures(finding)}, with {finding.losses} losses "
                f"against {finding.wins} wins."
            )


def _unknowns(findings: list[SubsetFinding]) -> Iterator[str]:
    for finding in findings:
        if finding.state == "reported":
            continue
        if finding.items == 0 and finding.subset != ALL:
            yield (
                f"{_name(finding)} is gated but holds no item; "
                f"it needs about {finding.items_needed}."
            )
        elif finding.state == "undecided":
            yield (
                f"{_name(finding)} is undecided: {_figures(finding)}; "
                f"it needs about {finding.items_needed} items."
            )
        elif finding.state == "infeasible":
            yield (
                f"{_name(finding)} cannot be certified with the items there are: "
                f"{_figures(finding)} in {finding.clusters} clusters; it needs about "
                f"{finding.items_needed} items, a wider tolerance, or merging with another subset."
            )


def _passed(findings: list[SubsetFinding]) -> str:
    aggregate = findings[0]
    gated = sum(finding.state != "reported" for finding in findings[1:])
    return (
        f"The aggregate and every gated subset ({gated}) are no worse than their "
        f"tolerances allow; overall {_figures(aggregate)}."
    )


def _reported(findings: list[SubsetFinding]) -> Iterator[str]:
    """What was seen on subsets that decide nothing."""
    for finding in findings:
        if finding.state != "reported":
            continue
        told = "none has a score from both systems"
        if finding.difference is not None and finding.lower is not None:
            passes = [
                f"{round((mean or 0.0) * finding.items, 1):g}"
                for mean in (finding.candidate_mean, finding.baseline_mean)
            ]
            told = (
                f"of {finding.items} the candidate passed {passes[0]} and the baseline "
                f"{passes[1]}: {points(finding.difference)} points ({points(finding.lower)} to "
                f"{points(finding.upper or 0.0)})"
            )
        missing = finding.missing_baseline + finding.missing_candidate
        without = f"; {missing} scores are missing" if missing else ""
        yield f"{_name(finding)} is reported and decides nothing: {told}{without}."


def _figures(finding: SubsetFinding) -> str:
    if finding.difference is None or finding.lower is None or finding.upper is None:
        return "no item has a score from both systems"
    return (
        f"{points(finding.difference)} points ({points(finding.lower)} to "
        f"{points(finding.upper)}; tolerance {100 * finding.margin:g}) on {finding.items} items"
    )


def _name(finding: SubsetFinding) -> str:
    return "The aggregate" if finding.subset == ALL else f"Subset '{finding.subset}'"
