"""Which columns lead to a person, and what an erasure therefore does with each table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import polars as pl

from eval_pipeline.errors import TableError
from eval_pipeline.tables.erasures import ERASURES
from eval_pipeline.tables.evaluation import GATE_DECISION
from eval_pipeline.tables.intake import ANONYMISED_INTERACTIONS
from eval_pipeline.tables.shadow import SHADOW_PAIRS
from eval_pipeline.tables.table import Table
from eval_pipeline.tables.truth import GOLDEN_SET

Role = Literal["user", "conversation", "interaction", "interactions", "item", "text", "document"]
"""interactions: a list of interaction ids. document: JSON that names items."""

Treatment = Literal["remove", "unlist", "blank", "document", "versions", "mapping", "nothing"]
"""remove: the person's rows go. unlist: their ids go from lists. blank: rows keep their figures
and lose text and conversation. versions: golden versions are issued again. mapping: removed last,
for it alone leads from the person to everything else."""

_ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "user_key": "user",
        "conversation_key": "conversation",
        "cluster_id": "conversation",
        "interaction_id": "interaction",
        "pair_id": "interaction",
        "source_interaction_id": "interaction",
        "members": "interactions",
        "reference_members": "interactions",
        "examples": "interactions",
        "item_id": "item",
        "derived_from": "item",
        "answered_from": "item",
        "decision_json": "document",
        "messages": "text",
        "response": "text",
        "logged_response": "text",
        "reference_response": "text",
        "rationale": "text",
        "criteria": "text",
        "claim": "text",
        "quote": "text",
        "error": "text",
        "attributes": "text",
    }
)

MAPPINGS: Final = (ANONYMISED_INTERACTIONS, SHADOW_PAIRS)
"""The tables that lead from a person to everything else; an erasure removes them last."""

IMPERSONAL: Final = frozenset(
    {
        "about", "action", "adjudicated_by", "admitted_week", "against", "alarm_since",
        "anchor_week", "annotator_kind", "annotators", "anonymiser_fingerprint", "answered_by",
        "arm", "asked_by", "attribute", "attribution", "baseline_fingerprint", "baseline_id",
        "blocked_subsets", "candidate_fingerprint", "candidate_id", "cell", "cluster",
        "component", "confirmation", "decided_by", "decision_id", "dimension", "error_code",
        "expected", "expected_behaviour", "family", "fate", "fault", "fates", "feedback", "figures",
        "finding", "finish_reason", "first_week", "frozen_week", "golden_asked_by",
        "golden_versions", "identity",
        "item_fingerprint", "judge_id", "kind", "label", "label_source", "label_stratum",
        "labels", "logged_model", "look_kind", "masked", "matched", "measure", "method", "metric",
        "mutation", "name", "new_hash", "note", "old_hash", "order", "panel_verdict",
        "person_link", "phase", "pinned_week", "place", "policy_fingerprint", "preferences",
        "probe",
        "profile", "prompt_use", "prompt_version", "provider", "reason", "reasons",
        "record_id", "recurrence", "reference", "reference_label", "reference_week",
        "refuter_id", "remarks", "requested_by", "requested_model", "route", "rubric_id",
        "score_error", "scorer", "selection", "sentence", "served_model", "settled_by",
        "source", "source_kind", "span", "state", "status", "stratum", "stream", "subset",
        "subset_stub", "subsets", "system_fingerprint", "system_id", "task_id", "template",
        "terms", "topic", "treatment", "trials_fingerprint", "undecided_subsets", "vectors",
        "verdict", "versions", "week", "weight_reason",
        "baseline", "basis", "link", "link_from", "next_step", "outcome_source",
        "rerun_week", "since_week",
    }
)  # fmt: skip
"""Columns of strings that lead to nobody: ids of our own making, names, and what many share."""


def role_of(column: str) -> Role | None:
    """What the column leads to; null if it leads to nobody."""
    return _ROLES.get(column)


def columns_with(table: Table, *roles: Role) -> tuple[str, ...]:
    """The table's columns with one of these roles, in declared order."""
    return tuple(column for column in table.schema if role_of(column) in roles)


def treatment_of(table: Table) -> Treatment:
    """What an erasure does with the table; raises `TableError` where a column is not known here.

    Whoever adds a column that can hold strings says here whether it leads to a person.
    """
    unknown = unclassified(table)
    if unknown:
        raise TableError(
            table.name,
            f"erasure does not know whether the columns {unknown} lead to a person; "
            "say so in `eval_pipeline.tables.personal`",
        )
    special: dict[str, Treatment] = {
        **{table.name: "mapping" for table in MAPPINGS},
        GOLDEN_SET.name: "versions",
        GATE_DECISION.name: "document",
        ERASURES.name: "nothing",
    }
    if table.name in special:
        return special[table.name]
    if columns_with(table, "interaction", "user"):
        return "remove"
    if columns_with(table, "interactions"):
        return "unlist"
    return "blank" if columns_with(table, "item", "conversation", "text") else "nothing"


def unclassified(table: Table) -> list[str]:
    """The table's columns that can hold strings and are neither personal nor impersonal."""
    return [
        column
        for column, dtype in table.schema.items()
        if holds_strings(dtype) and role_of(column) is None and column not in IMPERSONAL
    ]


def holds_strings(dtype: pl.DataType) -> bool:
    """Whether a string can stand anywhere in a value of this type."""
    if isinstance(dtype, pl.List):
        return holds_strings(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return any(holds_strings(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    return dtype == pl.String
