"""Every table of the lake, declared once: name, grain, columns, key. Frames cross borders here."""

from dataclasses import dataclass, field
from typing import Final, Literal

import polars as pl

from eval_pipeline.errors import TableError

PartitionKind = Literal["week", "candidate"]

UTC_MICROSECONDS: Final = pl.Datetime("us", "UTC")
MESSAGES: Final = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
ATTRIBUTES: Final = pl.List(pl.Struct({"key": pl.String, "value": pl.String}))
NAMES: Final = pl.List(pl.String)
ColumnTypes = dict[str, pl.DataType | type[pl.DataType]]


def _schema(columns: ColumnTypes) -> pl.Schema:
    return pl.Schema(columns)


@dataclass(frozen=True)
class Table:
    """A declared table; `conform` is the only way in.

    `job` is the job that makes it. Columns outside `required` may hold nulls. Rows are ordered by
    `key`, so equal content gives equal bytes.
    """

    name: str
    job: str
    grain: str
    partitioned_by: PartitionKind
    schema: pl.Schema
    key: tuple[str, ...]
    required: frozenset[str] = field(default_factory=frozenset)

    def command_for(self, partition: str) -> str:
        """The command that makes a partition of this table."""
        option = "--week" if self.partitioned_by == "week" else "--candidate"
        return f"eval-pipeline {self.job} {option} {partition}"

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame in declared column order, sorted by key; raises `TableError` if it misfits.

        Never casts: a wrong dtype is a defect of the step that made the frame.
        """
        self._check_columns(frame)
        ordered = frame.select(list(self.schema))
        self._check_rows(ordered)
        return ordered.sort(self.key)

    def _check_columns(self, frame: pl.DataFrame) -> None:
        missing = [column for column in self.schema if column not in frame.columns]
        extra = [column for column in frame.columns if column not in self.schema]
        if missing or extra:
            raise TableError(self.name, f"missing columns {missing}, undeclared columns {extra}")
        for column, dtype in self.schema.items():
            if frame.schema[column] != dtype:
                raise TableError(
                    self.name, f"column '{column}' is {frame.schema[column]}, declared {dtype}"
                )

    def _check_rows(self, frame: pl.DataFrame) -> None:
        for column in sorted(self.required | set(self.key)):
            nulls = frame[column].null_count()
            if nulls:
                raise TableError(self.name, f"column '{column}' has {nulls} nulls")
        duplicates = frame.height - frame.select(self.key).n_unique() if frame.height else 0
        if duplicates:
            raise TableError(self.name, f"{duplicates} rows repeat the key {self.key}")


CALL_COLUMNS: Final[ColumnTypes] = {
    "status": pl.String,
    "error_code": pl.String,
    "requested_model": pl.String,
    "served_model": pl.String,
    "system_fingerprint": pl.String,
    "finish_reason": pl.String,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "latency_seconds": pl.Float64,
    "attempts": pl.Int64,
}
"""What every table that rests on model calls says of them; `status` is answered|refused|failed."""

SAMPLED_INTERACTIONS: Final = Table(
    name="sampled_interactions",
    job="refresh",
    grain="one row per interaction drawn this week, for the sample or for the reserve; no text",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset(
        {
            "conversation_key",
            "stratum",
            "route",
            "occurred_at",
            "unit_hash",
            "position",
            "selection",
            "population_size",
            "allocated",
            "drawn",
            "inclusion_probability",
            "design_weight",
        }
    ),
    schema=_schema(
        {
            "interaction_id": pl.String,
            "conversation_key": pl.String,
            "route": pl.String,
            "stratum": pl.String,
            "occurred_at": UTC_MICROSECONDS,
            "unit_hash": pl.Float64,
            "position": pl.Int64,  # of the conversation in its stratum by hash order, from 1
            "selection": pl.String,  # sample | reserve
            "population_size": pl.Int64,  # conversations in the stratum this week
            "allocated": pl.Int64,  # conversations of the stratum in the sample
            "drawn": pl.Int64,  # conversations of the stratum in sample and reserve together
            "inclusion_probability": pl.Float64,
            "design_weight": pl.Float64,
        }
    ),
)

INTERACTION_COLUMNS: Final[ColumnTypes] = {
    "interaction_id": pl.String,
    "occurred_at": UTC_MICROSECONDS,
    "conversation_id": pl.String,
    "user_id": pl.String,
    "route": pl.String,
    "prompt_version": pl.String,
    "messages": MESSAGES,
    "response": pl.String,
    "provider": pl.String,
    "requested_model": pl.String,
    "served_model": pl.String,
    "finish_reason": pl.String,
    "error": pl.String,
    "latency_seconds": pl.Float64,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "outcome": pl.Float64,
    "feedback": pl.Int8,
    "escalated": pl.Boolean,
    "attributes": ATTRIBUTES,
}
"""The canonical interaction: what every log source is mapped to. Lives in memory only."""

INTERACTION_SCHEMA: Final = pl.Schema(INTERACTION_COLUMNS)

_ANONYMISED_COLUMNS = {
    name: dtype
    for name, dtype in INTERACTION_COLUMNS.items()
    if name not in {"conversation_id", "user_id"}
}

ANONYMISED_INTERACTIONS: Final = Table(
    name="anonymised_interactions",
    job="refresh",
    grain="one row per sampled interaction, every text masked, ids of people replaced by keys",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"conversation_key", "occurred_at", "route", "messages", "selection"}),
    schema=_schema(
        {
            **_ANONYMISED_COLUMNS,
            "conversation_key": pl.String,
            "user_key": pl.String,
            "selection": pl.String,
            "masked": pl.List(pl.Struct({"kind": pl.String, "spans": pl.Int64})),
            "anonymiser_fingerprint": pl.String,
        }
    ),
)

STRATIFIED_INTERACTIONS: Final = Table(
    name="stratified_interactions",
    job="refresh",
    grain="one row per sampled interaction with the subsets it belongs to",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset(
        {
            "conversation_key",
            "route",
            "stratum",
            "selection",
            "subsets",
            "kind",
            "inclusion_probability",
            "design_weight",
            "item_fingerprint",
            "unit_hash",
        }
    ),
    schema=_schema(
        {
            "interaction_id": pl.String,
            "conversation_key": pl.String,
            "route": pl.String,
            "stratum": pl.String,
            "selection": pl.String,
            "unit_hash": pl.Float64,
            "subsets": NAMES,
            "kind": pl.String,  # typical | edge | adversarial
            "inclusion_probability": pl.Float64,
            "design_weight": pl.Float64,
            "item_fingerprint": pl.String,
        }
    ),
)

VERDICTS: Final = Table(
    name="verdicts",
    job="refresh",
    grain="one row per interaction, judge and order; verdict is null unless the judge answered",
    partitioned_by="week",
    key=("interaction_id", "judge_id", "order"),
    required=frozenset({"rubric_id", "family", "status", "attempts"}),
    schema=_schema(
        {
            "interaction_id": pl.String,
            "judge_id": pl.String,
            "rubric_id": pl.String,
            "family": pl.String,
            "order": pl.String,  # single | response_first | response_second
            "verdict": pl.String,  # pass | fail | abstain | null
            "rationale": pl.String,
            **CALL_COLUMNS,
        }
    ),
)

REFUTATIONS: Final = Table(
    name="refutations",
    job="refresh",
    grain="one row per interaction that its judges would pass and the refuter attacked",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"refuter_id", "status", "attempts"}),
    schema=_schema(
        {
            "interaction_id": pl.String,
            "refuter_id": pl.String,
            "finding": pl.String,  # refuted | survived | unproven | null
            "claim": pl.String,
            **CALL_COLUMNS,
        }
    ),
)

PANEL_VERDICTS: Final = Table(
    name="panel_verdicts",
    job="refresh",
    grain="one row per judged interaction: what the panel says, or null where it cannot say",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"reason", "judges", "passes", "fails", "abstentions", "missing"}),
    schema=_schema(
        {
            "interaction_id": pl.String,
            "panel_verdict": pl.String,  # pass | fail | null
            "reason": pl.String,  # unanimous | majority | split | refuted | below_quorum
            "judges": pl.Int64,
            "passes": pl.Int64,
            "fails": pl.Int64,
            "abstentions": pl.Int64,
            "missing": pl.Int64,
            "refuted": pl.Boolean,
        }
    ),
)

DISPUTES: Final = Table(
    name="disputes",
    job="refresh",
    grain="one row per interaction sent to people this week, with why and with what probability",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"task_id", "selection", "reason", "label_probability"}),
    schema=_schema(
        {
            "interaction_id": pl.String,
            "task_id": pl.String,
            "selection": pl.String,  # dispute | audit
            "reason": pl.String,  # split | refuted | below_quorum | audit
            "panel_verdict": pl.String,
            "label_probability": pl.Float64,
        }
    ),
)

ADJUDICATIONS: Final = Table(
    name="adjudications",
    job="publish",
    grain="one row per interaction whose label is settled, by agreement, adjudication or the log",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset(
        {
            "label",
            "settled_by",
            "selection",
            "labels",
            "annotators",
            "labelled_on",
            "annotator_kind",
            "label_probability",
        }
    ),
    schema=_schema(
        {
            "interaction_id": pl.String,
            "task_id": pl.String,  # null where the log itself carries the label
            "label": pl.String,  # pass | fail
            "settled_by": pl.String,  # agreement | adjudication | recorded
            "selection": pl.String,  # dispute | audit | recorded
            "reason": pl.String,
            "label_probability": pl.Float64,
            "annotators": NAMES,
            "labels": NAMES,
            "adjudicated_by": pl.String,
            "annotator_kind": pl.String,  # person | scripted | recorded
            "rationale": pl.String,
            "reference_response": pl.String,
            "labelled_on": pl.Date,
        }
    ),
)

JUDGE_CALIBRATION: Final = Table(
    name="judge_calibration",
    job="publish",
    grain="one row per judge, rubric and measure, from settled labels up to this week",
    partitioned_by="week",
    key=("judge_id", "measure"),
    required=frozenset({"labelled"}),
    schema=_schema(
        {
            "judge_id": pl.String,  # a judge, 'panel', or 'people' (annotator against annotator)
            "rubric_id": pl.String,
            "measure": pl.String,  # agreement | ac1 | kappa | alpha | sensitivity | specificity
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "labelled": pl.Int64,
            "weeks": pl.Int64,
        }
    ),
)

GOLDEN_SET: Final = Table(
    name="golden_set",
    job="publish",
    grain="one row per item of one golden version",
    partitioned_by="week",
    key=("item_id",),
    required=frozenset(
        {
            "item_revision",
            "week",
            "route",
            "kind",
            "subsets",
            "messages",
            "reference_label",
            "label_source",
            "selection",
            "inclusion_probability",
            "design_weight",
            "conversation_key",
            "admitted_in",
            "admitted_on",
            "labelled_on",
        }
    ),
    schema=_schema(
        {
            "item_id": pl.String,
            "item_revision": pl.Int64,  # from 1; a new reference label makes a new revision
            "item_fingerprint": pl.String,  # of messages and reference
            "week": pl.String,  # of the interaction it came from
            "route": pl.String,
            "stratum": pl.String,
            "kind": pl.String,
            "subsets": NAMES,
            "messages": MESSAGES,
            "logged_response": pl.String,
            "reference_response": pl.String,  # null where no good response is known
            "reference_label": pl.String,  # of the logged response: pass | fail
            "label_source": pl.String,  # agreement | adjudication | recorded | panel
            "annotator_kind": pl.String,  # person | scripted | recorded | null for panel
            "selection": pl.String,  # sample: how the interaction was drawn
            "inclusion_probability": pl.Float64,
            "design_weight": pl.Float64,
            "conversation_key": pl.String,
            "user_key": pl.String,
            "admitted_in": pl.Int64,  # golden version
            "admitted_on": pl.Date,
            "labelled_on": pl.Date,
        }
    ),
)
"""Stored under `golden/NNNNNN/items.parquet` with its manifest, not under `golden_set/`."""

DRIFT_TRIALS: Final = Table(
    name="drift_trials",
    job="drift",
    grain="one row per pinned system, item revision, stream and trial of this week",
    partitioned_by="week",
    key=("system_id", "item_id", "item_revision", "stream", "trial"),
    required=frozenset({"golden_versions", "scorer", "status", "attempts", "conversation_key"}),
    schema=_schema(
        {
            "system_id": pl.String,
            "item_id": pl.String,
            "item_revision": pl.Int64,
            "stream": pl.String,  # rerun: asked and scored now | rejudged: old answer, scored now
            "trial": pl.Int64,
            "reference_week": pl.String,  # whose answers a rejudged row scores; null for rerun
            "golden_versions": pl.List(pl.Int64),
            "route": pl.String,
            "subsets": NAMES,
            "conversation_key": pl.String,
            "scorer": pl.String,
            "response": pl.String,
            "score": pl.Float64,  # 0 to 1; null where there is none
            "score_error": pl.String,
            **CALL_COLUMNS,
        }
    ),
)

DRIFT_REPORT: Final = Table(
    name="drift_report",
    job="drift",
    grain="one row per pinned system, golden version and component of the week's change",
    partitioned_by="week",
    key=("system_id", "golden_version", "subset", "component"),
    required=frozenset({"finding", "items"}),
    schema=_schema(
        {
            "system_id": pl.String,
            "golden_version": pl.Int64,
            "subset": pl.String,  # a subset, or 'all'
            "component": pl.String,  # provider | judge | truth | population | total
            "reference_week": pl.String,
            "difference": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "items": pl.Int64,
            "clusters": pl.Int64,
            "finding": pl.String,  # drift | within_noise | not_measured
            "note": pl.String,
        }
    ),
)

REGRESSION_TRIALS: Final = Table(
    name="regression_trials",
    job="evaluate",
    grain="one row per arm, item and trial of a candidate's evaluation",
    partitioned_by="candidate",
    key=("arm", "item_id", "trial"),
    required=frozenset(
        {
            "system_id",
            "source",
            "look",
            "golden_version",
            "subsets",
            "cluster_id",
            "scorer",
            "status",
            "attempts",
        }
    ),
    schema=_schema(
        {
            "arm": pl.String,  # baseline | candidate
            "system_id": pl.String,
            "item_id": pl.String,
            "trial": pl.Int64,
            "source": pl.String,  # golden | reserve
            "look": pl.Int64,  # the look, from 1, that first asked for this item
            "golden_version": pl.Int64,
            "route": pl.String,
            "subsets": NAMES,
            "cluster_id": pl.String,
            "scorer": pl.String,
            "response": pl.String,
            "score": pl.Float64,
            "score_error": pl.String,
            **CALL_COLUMNS,
        }
    ),
)

REGRESSION_REPORT: Final = Table(
    name="regression_report",
    job="evaluate",
    grain="one row per subset of a candidate's comparison with the baseline, and 'all' for all",
    partitioned_by="candidate",
    key=("subset",),
    required=frozenset({"state", "items", "margin", "missing_baseline", "missing_candidate"}),
    schema=_schema(
        {
            "subset": pl.String,
            "state": pl.String,  # certified | blocked | undecided | infeasible
            "baseline_mean": pl.Float64,
            "candidate_mean": pl.Float64,
            "difference": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "margin": pl.Float64,
            "items": pl.Int64,
            "effective_items": pl.Float64,
            "clusters": pl.Int64,
            "wins": pl.Int64,
            "losses": pl.Int64,
            "p_noninferior": pl.Float64,
            "p_harm": pl.Float64,
            "missing_baseline": pl.Int64,
            "missing_candidate": pl.Int64,
            "looks": pl.Int64,
            "items_needed": pl.Int64,
            "method": pl.String,
        }
    ),
)

PRODUCTION_MONITOR: Final = Table(
    name="production_monitor",
    job="refresh",
    grain="one row per route and metric of the week's logs, against its own history",
    partitioned_by="week",
    key=("route", "metric"),
    required=frozenset({"interactions", "finding"}),
    schema=_schema(
        {
            "route": pl.String,  # a route, or 'all'
            "metric": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "baseline_median": pl.Float64,
            "baseline_weeks": pl.Int64,
            "robust_z": pl.Float64,
            "interactions": pl.Int64,
            "finding": pl.String,  # usual | unusual | too_little_history | not_logged
        }
    ),
)

OUTCOME_VALIDITY: Final = Table(
    name="outcome_validity",
    job="publish",
    grain="one row per subset: what the labels predicted of the outcome and what production showed",
    partitioned_by="week",
    key=("subset",),
    required=frozenset({"finding", "labelled", "observed"}),
    schema=_schema(
        {
            "subset": pl.String,
            "predicted": pl.Float64,
            "predicted_lower": pl.Float64,
            "predicted_upper": pl.Float64,
            "outcome": pl.Float64,
            "outcome_lower": pl.Float64,
            "outcome_upper": pl.Float64,
            "labelled": pl.Int64,
            "observed": pl.Int64,  # interactions with an outcome
            "finding": pl.String,  # agrees | disagrees | not_measured
        }
    ),
)

OPERATIONS_REPORT: Final = Table(
    name="operations_report",
    job="evaluate",
    grain="one row per arm and metric of a candidate's trials: latency, tokens, cost, failures",
    partitioned_by="candidate",
    key=("arm", "metric"),
    required=frozenset({"system_id", "calls"}),
    schema=_schema(
        {
            "arm": pl.String,
            "system_id": pl.String,
            "metric": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "calls": pl.Int64,
            "limit": pl.Float64,
            "within_limit": pl.Boolean,
        }
    ),
)

GATE_DECISION: Final = Table(
    name="gate_decision",
    job="gate",
    grain="one row per decision on a candidate",
    partitioned_by="candidate",
    key=("decision_id",),
    required=frozenset({"verdict", "decision_json", "candidate_id", "baseline_id"}),
    schema=_schema(
        {
            "decision_id": pl.String,
            "candidate_id": pl.String,
            "baseline_id": pl.String,
            "golden_version": pl.Int64,
            "verdict": pl.String,  # pass | block | inconclusive | invalid
            "reasons": NAMES,
            "blocked_subsets": NAMES,
            "undecided_subsets": NAMES,
            "decision_json": pl.String,
        }
    ),
)

ALL_TABLES: Final[tuple[Table, ...]] = (
    SAMPLED_INTERACTIONS,
    ANONYMISED_INTERACTIONS,
    STRATIFIED_INTERACTIONS,
    VERDICTS,
    REFUTATIONS,
    PANEL_VERDICTS,
    DISPUTES,
    ADJUDICATIONS,
    JUDGE_CALIBRATION,
    GOLDEN_SET,
    DRIFT_TRIALS,
    DRIFT_REPORT,
    REGRESSION_TRIALS,
    REGRESSION_REPORT,
    PRODUCTION_MONITOR,
    OUTCOME_VALIDITY,
    OPERATIONS_REPORT,
    GATE_DECISION,
)
