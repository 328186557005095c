"""From a decision to its subsets, to their items, to the labels and weeks those come from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.decision_records import DecisionRecord
from eval_pipeline.errors import SettingsError
from eval_pipeline.evaluation.decision import Decision, SubsetFinding
from eval_pipeline.evaluation.explaining import ItemScores, items_of, looks_of
from eval_pipeline.evaluation.gate_audit.sentences import problem_sentences
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.trial_items import RESERVE_PREFIX, reserve_names
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import (
    ADJUDICATIONS,
    REGRESSION_TRIALS,
    STRATIFIED_INTERACTIONS,
    VERDICTS,
    Table,
)
from eval_pipeline.truth.entries import item_identity

NOT_SETTLED: Final = ("certified", "reported")
GOLDEN_COLUMNS: Final = (
    "item_revision", "week", "route", "stratum", "kind", "subsets", "inclusion_probability",
    "admitted_in", "admitted_on", "reference_label", "label_source", "annotator_kind",
    "labelled_on", "derived_from", "mutation",
)  # fmt: skip
LABEL_COLUMNS: Final = (
    "label", "settled_by", "annotators", "labels", "adjudicated_by", "selection", "reason",
    "label_probability", "labelled_on", "rationale",
)  # fmt: skip
ANSWER_COLUMNS: Final = ("arm", "trial", "served_model", "status", "scorer", "score", "score_error")


@dataclass(frozen=True)
class ExplainedItem:
    """An item's scores, and where it and its label come from; null or empty where nothing is known.

    `golden`: its row in the decision's golden version. `label`: how people settled it. `judges`:
    what each judge said of the logged response. `answers`: both systems' trials, with texts if
    they were asked for and are still there. `history`: the item's events over the versions.
    """

    scores: ItemScores
    week: str | None
    golden: Mapping[str, Any] | None
    label: Mapping[str, Any] | None
    judges: tuple[Mapping[str, Any], ...]
    answers: tuple[Mapping[str, Any], ...]
    history: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class ExplainedSubset:
    """A subset's finding, its figures look by look, and its most telling items."""

    finding: SubsetFinding
    looks: tuple[Mapping[str, Any], ...]
    items_total: int
    items: tuple[ExplainedItem, ...]


@dataclass(frozen=True)
class Explanation:
    """The decision, what made it, the golden version under it, and the subsets asked for.

    `gate_audit`: the week of the gate's audit that the decision read, how old it was, and what it
    found; null where it read none.
    """

    decision: Decision
    made_by: Mapping[str, str]
    golden: Mapping[str, Any] | None
    gate_audit: Mapping[str, Any] | None
    subsets: tuple[ExplainedSubset, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {
            "decision": self.decision.model_dump(mode="json"),
            "made_by": dict(self.made_by),
            "golden": None if self.golden is None else dict(self.golden),
            "gate_audit": None if self.gate_audit is None else dict(self.gate_audit),
            "subsets": [
                {**asdict(one), "finding": one.finding.model_dump(mode="json")}
                for one in self.subsets
            ],
        }


def explain(
    pipeline: Pipeline,
    record: DecisionRecord,
    *,
    subset: str | None = None,
    item: str | None = None,
    most: int = 5,
    texts: bool = False,
) -> Explanation:
    """The explanation of a decision on record.

    Without a `subset`, those that are not certified, or the aggregate where all are. Per subset the
    `most` telling items: losses, then missing scores. `item` shows that one alone.

    Raises `SettingsError` for a subset or an item that the decision does not know.
    """
    decision = record.decision
    findings = {one.subset: one for one in (decision.aggregate, *decision.subsets)}
    if subset is not None and subset not in findings:
        known = ", ".join(sorted(findings))
        raise SettingsError(f"The decision has no subset '{subset}'; it has {known}.")
    lineage = _Lineage(pipeline, record, texts=texts)
    explained = []
    for name in [subset] if subset is not None else _asking(decision, item=item):
        items = items_of(record.inputs, name)
        shown = [one for one in items if one.item_id == item] if item else items[:most]
        explained.append(
            ExplainedSubset(
                finding=findings[name],
                looks=tuple(looks_of(record.inputs, name)),
                items_total=len(items),
                items=tuple(lineage.of(one) for one in shown),
            )
        )
    if item is not None and not any(one.items for one in explained):
        raise SettingsError(
            f"The decision rests on no item '{item}'. Item ids begin with 'item-' or "
            f"'{RESERVE_PREFIX}'; `eval-pipeline explain` lists them."
        )
    return Explanation(
        decision=decision,
        made_by=record.made_by,
        golden=lineage.golden_version(),
        gate_audit=_audit_read(record),
        subsets=tuple(explained),
    )


def _audit_read(record: DecisionRecord) -> dict[str, Any] | None:
    audit, standing = record.inputs.evidence.audit, record.inputs.evidence.audit_standing
    if audit is None or standing is None:
        return None
    return {
        "week": standing.week,
        "age_days": standing.age_days,
        "rates": audit.height,
        "problems": problem_sentences(audit),
    }


def _asking(decision: Decision, *, item: str | None) -> list[str]:
    """The subsets that a reader asks about first."""
    if item is not None:
        return [ALL]
    open_ones = [
        one.subset
        for one in (*decision.subsets, decision.aggregate)
        if one.state not in NOT_SETTLED
    ]
    return open_ones or [ALL]


class _Lineage:
    """What the lake knows of items; every table is read once, when it is first asked for."""

    def __init__(self, pipeline: Pipeline, record: DecisionRecord, *, texts: bool) -> None:
        self._pipeline = pipeline
        self._version = record.decision.golden_version
        self._candidate = record.decision.candidate
        self._columns = (*ANSWER_COLUMNS, "response") if texts else ANSWER_COLUMNS
        self._by_interaction: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
        self._trials = pipeline.lake.read(REGRESSION_TRIALS, partition=self._candidate)
        self._golden = {
            row["item_id"]: row
            for row in (
                []
                if self._version is None
                else pipeline.golden.items(self._version).iter_rows(named=True)
            )
        }

    def golden_version(self) -> dict[str, Any] | None:
        """The facts of the manifest that a reader looks for."""
        if self._version is None:
            return None
        manifest = self._pipeline.golden.manifest(self._version)
        return {
            "version": manifest.version,
            "week": manifest.week,
            "items": manifest.counts.items,
            "content_fingerprint": manifest.content_fingerprint,
        }

    def of(self, scores: ItemScores) -> ExplainedItem:
        """The item with all that is known of it."""
        golden = self._golden.get(scores.item_id)
        week = self._reserve_week(scores.item_id) if golden is None else golden["week"]
        labels = [] if week is None else self._rows(ADJUDICATIONS, week).get(scores.item_id, [])
        verdicts = [] if week is None else self._rows(VERDICTS, week).get(scores.item_id, [])
        answers = self._trials.filter(pl.col("item_id") == scores.item_id).sort("arm", "trial")
        return ExplainedItem(
            scores=scores,
            week=week,
            golden=None if golden is None else {name: golden[name] for name in GOLDEN_COLUMNS},
            label={name: labels[0][name] for name in LABEL_COLUMNS} if labels else None,
            judges=tuple(
                {"judge_id": row["judge_id"], "verdict": row["verdict"], "order": row["order"]}
                for row in verdicts
            ),
            answers=tuple(answers.select(self._columns).to_dicts()),
            history=()
            if golden is None
            else tuple(event.as_dict() for event in self._pipeline.golden.history(scores.item_id)),
        )

    def _rows(self, table: Table, week: str) -> dict[str, list[dict[str, Any]]]:
        """The week's rows of the table by the id of the item that their interaction is."""
        found = self._by_interaction.get((table.name, week))
        if found is None:
            found = {}
            if self._pipeline.lake.has(table, partition=week):
                for row in self._pipeline.lake.read(table, partition=week).iter_rows(named=True):
                    found.setdefault(item_identity(row["interaction_id"]), []).append(row)
            self._by_interaction[table.name, week] = found
        return found

    def _reserve_week(self, item_id: str) -> str | None:
        if not item_id.startswith(RESERVE_PREFIX):
            return None
        for week in reversed(self._pipeline.lake.partitions(STRATIFIED_INTERACTIONS)):
            held = self._pipeline.lake.read(
                STRATIFIED_INTERACTIONS, partition=week, columns=["interaction_id"]
            )
            if any(item_id in reserve_names(one) for one in held["interaction_id"]):
                return week
        return None
