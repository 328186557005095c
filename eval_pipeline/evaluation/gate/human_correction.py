"""What the gate says of people's labels: what they corrected, or what stands where they lack."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.gate.wording import points
from eval_pipeline.evaluation.human_correction.rectifying import SCRIPTED, TOO_FEW, UNFINISHED
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.settings import GateSettings


def rests_on_judges_alone(findings: Sequence[SubsetFinding], evidence: Evidence) -> bool:
    """Whether models scored this candidate and no person's label is in its difference."""
    labelled = any(finding.corrected for finding in findings)
    return evidence.judge_only and evidence.panel_scored and not labelled


def human_grounds(
    findings: Sequence[SubsetFinding], policy: GateSettings, evidence: Evidence
) -> Grounds:
    """Notes alone: labels and bounds have done their work in the figures."""
    if not evidence.panel_scored:
        return Grounds()
    if rests_on_judges_alone(findings, evidence):
        return Grounds(notes=(" ".join(_judge_only(findings, policy, evidence)),))
    return Grounds(notes=tuple(_corrected(findings[0], evidence)))


def _judge_only(
    findings: Sequence[SubsetFinding], policy: GateSettings, evidence: Evidence
) -> Iterator[str]:
    yield f"This verdict is judge-only: {_why(evidence.correction, policy)}."
    bounds = [finding.bias_bound for finding in findings if finding.bias_bound is not None]
    if bounds:
        yield (
            f"To pass, every difference had to clear its tolerance by {100 * max(bounds):.1f} "
            "points more where judges scored all of it: as far as they were wrong on candidates "
            "that people labelled, or as the policy assumes."
        )
    else:
        yield (
            "What its judges may be wrong by is not bounded: no candidate's answers were labelled "
            "by people yet. `eval-pipeline review audit-candidate` asks for that."
        )


def _why(correction: pl.DataFrame | None, policy: GateSettings) -> str:
    row = _whole(correction)
    if row is None or not row["labelled"]:
        return "no person labelled an output of the candidate"
    if row["state"] == TOO_FEW:
        return (
            f"people settled {row['labelled']} pairs of its answers, and the policy asks for "
            f"{policy.human.minimum_labels}"
        )
    if row["state"] == UNFINISHED:
        return f"of {row['drawn']} drawn pairs of its answers, {row['missing']} are not settled"
    return "people's labels of its answers are of other scores than these"


def _corrected(aggregate: SubsetFinding, evidence: Evidence) -> Iterator[str]:
    row = _whole(evidence.correction)
    if row is None or aggregate.rectifier is None or aggregate.judge_difference is None:
        return
    if row["annotator_kind"] == SCRIPTED:
        yield "Labels by scripts that stand in for people are among those that correct the judges."
    error = 1.96 * (aggregate.rectifier_se or 0.0)
    yield (
        f"People labelled {row['labelled']} pairs of answers, blind: the judges' difference of "
        f"{points(aggregate.judge_difference)} points is corrected by "
        f"{points(aggregate.rectifier)} ({points(aggregate.rectifier - error)} to "
        f"{points(aggregate.rectifier + error)}), and every interval holds both errors."
    )
    if row["missing"]:
        yield f"{row['missing']} of {row['drawn']} drawn pairs have no settled label."
    if row["variance_ratio"] is not None and row["variance_ratio"] > 1:
        yield (
            "The judges did not help: the labels alone would have given a narrower interval "
            f"(variance ratio {row['variance_ratio']:.2f})."
        )
    if row["human_error"] is not None:
        yield (
            f"A settled label is wrong in about {100 * row['human_error']:.1f} % of cases, by how "
            "often two people differ; that could move the correction by "
            f"{50 * row['human_error']:.1f} points either way."
        )


def _whole(correction: pl.DataFrame | None) -> dict[str, Any] | None:
    if correction is None:
        return None
    found = correction.filter(subset=ALL)
    return None if found.is_empty() else found.row(0, named=True)
