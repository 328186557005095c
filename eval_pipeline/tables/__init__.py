"""Every table of the lake, declared once: name, grain, columns, key. Frames cross borders here."""

from typing import Final

from eval_pipeline.tables.candidate_audit import CANDIDATE_AUDIT, HUMAN_CORRECTION
from eval_pipeline.tables.clusters import TOPIC_CLUSTERS, TOPIC_MIX, UNNAMED_FAILURES
from eval_pipeline.tables.confidence import CONFIDENCE_CURVES
from eval_pipeline.tables.contamination import CANDIDATE_CONTAMINATION, CONTAMINATION_FINDINGS
from eval_pipeline.tables.dimensions import DIMENSION_REPORT, TRIAL_DIMENSIONS
from eval_pipeline.tables.drift_signals import DRIFT_REFERENCE, DRIFT_SIGNALS
from eval_pipeline.tables.erasures import ERASURES
from eval_pipeline.tables.evaluation import (
    DRIFT_REPORT,
    DRIFT_TRIALS,
    GATE_DECISION,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
)
from eval_pipeline.tables.gate_audit import GATE_AUDIT
from eval_pipeline.tables.golden_reference import good_reference
from eval_pipeline.tables.intake import (
    ANONYMISED_INTERACTIONS,
    INTERACTION_COLUMNS,
    INTERACTION_SCHEMA,
    SAMPLED_INTERACTIONS,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
)
from eval_pipeline.tables.judge_checks import (
    JUDGE_ANCHORS,
    JUDGE_BIASES,
    JUDGE_PROBES,
    JUDGE_QUALITY,
    JUDGE_RELIABILITY,
)
from eval_pipeline.tables.judging import (
    DISPUTES,
    JUDGE_CALIBRATION,
    PANEL_VERDICTS,
    REFUTATIONS,
    VERDICTS,
)
from eval_pipeline.tables.ledger import (
    AA_RUNS,
    CONTINUATION_REPORT,
    CONTINUATION_TRIALS,
    GATE_LEDGER,
)
from eval_pipeline.tables.load import LOAD_PROFILE
from eval_pipeline.tables.monitoring import (
    MONITOR_ALERTS,
    OPERATIONS_REPORT,
    OUTCOME_VALIDITY,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    QUALITY_VERDICTS,
)
from eval_pipeline.tables.outcome_tracking import OUTCOME_PREDICTIONS, OUTCOME_TRACKING
from eval_pipeline.tables.outcomes import outcome_kind
from eval_pipeline.tables.policy import POLICY_RECORDS
from eval_pipeline.tables.privacy import ANONYMISATION_REPORT
from eval_pipeline.tables.reconciliation import (
    RECONCILED,
    SYSTEM,
    reconcile,
    reconciliation_sentences,
    require_reconciled,
)
from eval_pipeline.tables.review import ANNOTATOR_AGREEMENT
from eval_pipeline.tables.rotation import GOLDEN_WEIGHTS, ROTATION_EFFECT
from eval_pipeline.tables.shadow import (
    SHADOW_COUNTS,
    SHADOW_PAIRS,
    SHADOW_REPORT,
    SHADOW_TRIALS,
)
from eval_pipeline.tables.synthetic import SYNTHETIC_ITEMS
from eval_pipeline.tables.table import (
    ATTRIBUTES,
    CALL_COLUMNS,
    MESSAGES,
    NAMES,
    UTC_MICROSECONDS,
    ColumnTypes,
    PartitionKind,
    Table,
    schema_of,
)
from eval_pipeline.tables.triage import FAILING_ITEMS, FAILURE_TRIAGE
from eval_pipeline.tables.truth import ADJUDICATIONS, GOLDEN_SET
from eval_pipeline.tables.weekly import WEEKLY_REPORT

ALL_TABLES: Final[tuple[Table, ...]] = (
    SAMPLING_FRAME,
    SAMPLED_INTERACTIONS,
    ANONYMISED_INTERACTIONS,
    ANONYMISATION_REPORT,
    TOPIC_CLUSTERS,
    STRATIFIED_INTERACTIONS,
    TOPIC_MIX,
    VERDICTS,
    REFUTATIONS,
    PANEL_VERDICTS,
    UNNAMED_FAILURES,
    DISPUTES,
    ANNOTATOR_AGREEMENT,
    ADJUDICATIONS,
    JUDGE_CALIBRATION,
    JUDGE_ANCHORS,
    JUDGE_PROBES,
    JUDGE_BIASES,
    JUDGE_RELIABILITY,
    JUDGE_QUALITY,
    SYNTHETIC_ITEMS,
    GOLDEN_SET,
    GOLDEN_WEIGHTS,
    CONTAMINATION_FINDINGS,
    DRIFT_TRIALS,
    DRIFT_REPORT,
    DRIFT_REFERENCE,
    DRIFT_SIGNALS,
    ROTATION_EFFECT,
    AA_RUNS,
    CANDIDATE_CONTAMINATION,
    REGRESSION_TRIALS,
    CANDIDATE_AUDIT,
    HUMAN_CORRECTION,
    REGRESSION_REPORT,
    CONTINUATION_TRIALS,
    CONTINUATION_REPORT,
    TRIAL_DIMENSIONS,
    DIMENSION_REPORT,
    CONFIDENCE_CURVES,
    PRODUCTION_MONITOR,
    QUALITY_VERDICTS,
    PRODUCTION_QUALITY,
    MONITOR_ALERTS,
    OUTCOME_VALIDITY,
    OUTCOME_PREDICTIONS,
    OUTCOME_TRACKING,
    OPERATIONS_REPORT,
    LOAD_PROFILE,
    POLICY_RECORDS,
    GATE_AUDIT,
    GATE_DECISION,
    GATE_LEDGER,
    FAILING_ITEMS,
    FAILURE_TRIAGE,
    WEEKLY_REPORT,
    SHADOW_TRIALS,
    SHADOW_REPORT,
)

__all__ = [
    "AA_RUNS",
    "ADJUDICATIONS",
    "ALL_TABLES",
    "ANNOTATOR_AGREEMENT",
    "ANONYMISATION_REPORT",
    "ANONYMISED_INTERACTIONS",
    "ATTRIBUTES",
    "CALL_COLUMNS",
    "CANDIDATE_AUDIT",
    "CANDIDATE_CONTAMINATION",
    "CONFIDENCE_CURVES",
    "CONTAMINATION_FINDINGS",
    "CONTINUATION_REPORT",
    "CONTINUATION_TRIALS",
    "DIMENSION_REPORT",
    "DISPUTES",
    "DRIFT_REFERENCE",
    "DRIFT_REPORT",
    "DRIFT_SIGNALS",
    "DRIFT_TRIALS",
    "ERASURES",
    "FAILING_ITEMS",
    "FAILURE_TRIAGE",
    "GATE_AUDIT",
    "GATE_DECISION",
    "GATE_LEDGER",
    "GOLDEN_SET",
    "GOLDEN_WEIGHTS",
    "HUMAN_CORRECTION",
    "INTERACTION_COLUMNS",
    "INTERACTION_SCHEMA",
    "JUDGE_ANCHORS",
    "JUDGE_BIASES",
    "JUDGE_CALIBRATION",
    "JUDGE_PROBES",
    "JUDGE_QUALITY",
    "JUDGE_RELIABILITY",
    "LOAD_PROFILE",
    "MESSAGES",
    "MONITOR_ALERTS",
    "NAMES",
    "OPERATIONS_REPORT",
    "OUTCOME_PREDICTIONS",
    "OUTCOME_TRACKING",
    "OUTCOME_VALIDITY",
    "PANEL_VERDICTS",
    "POLICY_RECORDS",
    "PRODUCTION_MONITOR",
    "PRODUCTION_QUALITY",
    "QUALITY_VERDICTS",
    "RECONCILED",
    "REFUTATIONS",
    "REGRESSION_REPORT",
    "REGRESSION_TRIALS",
    "ROTATION_EFFECT",
    "SAMPLED_INTERACTIONS",
    "SAMPLING_FRAME",
    "SHADOW_COUNTS",
    "SHADOW_PAIRS",
    "SHADOW_REPORT",
    "SHADOW_TRIALS",
    "STRATIFIED_INTERACTIONS",
    "SYNTHETIC_ITEMS",
    "SYSTEM",
    "TOPIC_CLUSTERS",
    "TOPIC_MIX",
    "TRIAL_DIMENSIONS",
    "UNNAMED_FAILURES",
    "UTC_MICROSECONDS",
    "VERDICTS",
    "WEEKLY_REPORT",
    "ColumnTypes",
    "PartitionKind",
    "Table",
    "good_reference",
    "outcome_kind",
    "reconcile",
    "reconciliation_sentences",
    "require_reconciled",
    "schema_of",
]
