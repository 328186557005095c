"""The gate's decision as a document: what other tools read, and the exit code that CI needs."""

import datetime as dt
import json
from typing import Any, Final, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict

from eval_pipeline.errors import NewerDecisionError
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.fingerprint import canonical_json, fingerprint
from eval_pipeline.tables import GATE_DECISION

SCHEMA_VERSION: Final = 1

Verdict = Literal["pass", "block", "inconclusive", "invalid"]
SubsetState = Literal["certified", "blocked", "undecided", "infeasible", "reported"]

EXIT_CODES: Final[dict[Verdict, int]] = {"pass": 0, "block": 1, "inconclusive": 2, "invalid": 3}


class Document(BaseModel):
    """A frozen part of the published decision."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SubsetFinding(Document):
    """One subset's part of the decision; figures are null where nothing was measured.

    'reported' is the state of a subset that the policy does not gate: it decides nothing.

    `losing_items` names up to twenty items on which the candidate lost, for blocked subsets.
    `p_harm` is before Holm's correction. `looks` is the look that decided, or the last one.
    `difference` and its interval are corrected by people's labels where `rectifier`, with its
    standard error and the labelled pairs it rests on, is not null: `judge_difference` is what the
    judges alone would say. `bias_bound` is what a judge-only pass had to clear besides the margin.
    `human_agreement` is the share of what is judged on which two people agree, with its interval
    and the tasks it rests on; `human_kind` is 'scripted' where scripts stood in for people.
    `design_effect` is what weights and clusters cost, items over effective items; the correlation
    is the differences' inside clusters. `uncovered`, of the aggregate, is the share of the week's
    traffic that no item stands for; null where the traffic is not known.
    """

    subset: str
    state: SubsetState
    baseline_mean: float | None
    candidate_mean: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    margin: float
    items: int
    effective_items: float | None
    clusters: int | None
    wins: int | None
    losses: int | None
    p_noninferior: float | None
    p_harm: float | None
    missing_baseline: int
    missing_candidate: int
    looks: int | None
    items_needed: int | None
    method: str | None
    judge_difference: float | None = None
    rectifier: float | None = None
    rectifier_se: float | None = None
    human_labels: int | None = None
    bias_bound: float | None = None
    losing_items: tuple[str, ...] = ()
    human_agreement: float | None = None
    human_lower: float | None = None
    human_upper: float | None = None
    human_tasks: int | None = None
    human_kind: Literal["person", "scripted"] | None = None
    continued_since: int | None = None
    continued_items: int | None = None
    continued_difference: float | None = None
    e_noninferior: float | None = None
    e_noninferior_needed: float | None = None
    e_harm: float | None = None
    e_harm_needed: float | None = None
    design_effect: float | None = None
    intraclass_correlation: float | None = None
    uncovered: float | None = None

    @property
    def corrected(self) -> bool:
        """Whether people's labels of the candidate's own answers are in the difference."""
        return self.rectifier is not None


class DimensionFinding(SubsetFinding):
    """One subset's part in a gated dimension other than the deciding score."""

    dimension: str


class Approval(Document):
    """That a named person looked at the drops of this decision as it was measured."""

    record_id: str
    approved_by: str
    approved_at: dt.datetime
    reason: str


class Waiver(Document):
    """A named person's acceptance of what is open, through the day `until`.

    `subsets` are those it names that are open here: a subset, 'all', or `dimension/subset`.
    """

    record_id: str
    subsets: tuple[str, ...]
    waived_by: str
    waived_at: dt.datetime
    until: dt.date
    reason: str


class InputFile(Document):
    """A file of scored trials that a decision rests on; `content` is its SHA-256."""

    arm: Literal["baseline", "candidate"]
    format: str
    content: str


class Decision(Document):
    """Pass, block, inconclusive or invalid, with every figure it rests on.

    `measured_id` is the id that it has without anybody's word; null where nobody said anything.
    `waived`: all that is open was waived by people who may, which does not change the verdict. The
    fingerprints are of the systems as configured; null where the trials came from elsewhere.
    `inputs` are the files that were compared; none where the trials are in the lake.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    decision_id: str
    candidate: str
    baseline: str
    golden_version: int | None
    confidence: float
    policy_fingerprint: str
    verdict: Verdict
    reasons: tuple[str, ...]
    judge_only: bool
    aggregate: SubsetFinding
    subsets: tuple[SubsetFinding, ...]
    dimensions: tuple[DimensionFinding, ...] = ()
    candidate_fingerprint: str | None = None
    baseline_fingerprint: str | None = None
    measured_id: str | None = None
    approvals: tuple[Approval, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    waived: bool = False
    inputs: tuple[InputFile, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 pass or waived, 1 block, 2 inconclusive, 3 could not be evaluated."""
        return 0 if self.waived else EXIT_CODES[self.verdict]

    @property
    def basis_id(self) -> str:
        """What people's words are recorded under: the decision's id before any of them."""
        return self.measured_id or self.decision_id

    def to_json(self) -> str:
        """Canonical JSON: equal decisions give equal text."""
        return canonical_json(self.model_dump(mode="json"))

    def identified(self) -> Self:
        """The same decision under the id that its content has."""
        content = self.model_dump(mode="json", exclude={"decision_id"})
        return self.model_copy(update={"decision_id": fingerprint(content)})


def waiver_name(finding: SubsetFinding) -> str:
    """What a waiver calls the finding: its subset, or `dimension/subset`."""
    if isinstance(finding, DimensionFinding):
        return f"{finding.dimension}/{finding.subset}"
    return finding.subset


def read_decision(text: str) -> Decision:
    """The decision in its JSON form; raises `NewerDecisionError` if a newer program wrote it."""
    _refuse_newer(text)
    return Decision.model_validate_json(text)


def _refuse_newer(text: str) -> None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return  # no JSON, or none that ends: for the model to say
    version = tree.get("schema_version") if isinstance(tree, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise NewerDecisionError(version, SCHEMA_VERSION)


def decisions_with(earlier: pl.DataFrame, decision: Decision) -> pl.DataFrame:
    """GATE_DECISION of one candidate with this decision as the last; unchanged if it is that."""
    if earlier.height and newest_row(earlier)["decision_id"] == decision.decision_id:
        return earlier
    last = int(str(earlier["sequence"].max())) if earlier.height else 0
    return pl.concat([earlier, _row(decision, sequence=last + 1)])


def newest_row(decisions: pl.DataFrame) -> dict[str, Any]:
    """The last row of a candidate's GATE_DECISION."""
    return decisions.sort("sequence").row(-1, named=True)


def _row(decision: Decision, *, sequence: int) -> pl.DataFrame:
    """Blocked and undecided name 'all' too."""
    findings = (decision.aggregate, *decision.subsets)
    row = {
        "sequence": sequence,
        "decision_id": decision.decision_id,
        "candidate_id": decision.candidate,
        "baseline_id": decision.baseline,
        "golden_version": decision.golden_version,
        "verdict": decision.verdict,
        "reasons": list(decision.reasons),
        "blocked_subsets": [each.subset for each in findings if each.state == "blocked"],
        "undecided_subsets": [
            each.subset for each in findings if each.state in {"undecided", "infeasible"}
        ],
        "decision_json": decision.to_json(),
    }
    return GATE_DECISION.conform(pl.DataFrame([row], schema=GATE_DECISION.schema))


def subset_findings(report: pl.DataFrame) -> dict[str, SubsetFinding]:
    """The rows of a REGRESSION_REPORT by subset, 'all' first."""
    rows = {row["subset"]: SubsetFinding.model_validate(row) for row in report.to_dicts()}
    return {name: rows[name] for name in (ALL, *sorted(set(rows) - {ALL}))}
