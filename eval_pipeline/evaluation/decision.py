"""The gate's decision as a document: what other tools read, and the exit code that CI needs."""

from typing import Final, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict

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
    `human_agreement` is the share of what is judged on which two people agree, with its interval
    and the tasks it rests on; `human_kind` is 'scripted' where scripts stood in for people.
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
    losing_items: tuple[str, ...] = ()
    human_agreement: float | None = None
    human_lower: float | None = None
    human_upper: float | None = None
    human_tasks: int | None = None
    human_kind: Literal["person", "scripted"] | None = None


class Decision(Document):
    """Pass, block, inconclusive or invalid, with every figure it rests on."""

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

    @property
    def exit_code(self) -> int:
        """0 pass, 1 block, 2 inconclusive, 3 could not be evaluated."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> str:
        """Canonical JSON: equal decisions give equal text."""
        return canonical_json(self.model_dump(mode="json"))

    def identified(self) -> Self:
        """The same decision under the id that its content has."""
        content = self.model_dump(mode="json", exclude={"decision_id"})
        return self.model_copy(update={"decision_id": fingerprint(content)})


def read_decision(text: str) -> Decision:
    """The decision in its JSON form."""
    return Decision.model_validate_json(text)


def decision_row(decision: Decision) -> pl.DataFrame:
    """The decision as one row of GATE_DECISION; blocked and undecided name 'all' too."""
    findings = (decision.aggregate, *decision.subsets)
    row = {
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
