"""What the gate reads besides the report."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from eval_pipeline.evaluation.gate_audit.standing import AuditStanding
from eval_pipeline.evaluation.ledger import Exposure


@dataclass(frozen=True)
class Evidence:
    """What the gate reads besides the report; None means that it was not measured.

    trials: REGRESSION_TRIALS, to name the items lost. calibration: JUDGE_CALIBRATION.
    judge_quality: the newest JUDGE_QUALITY, with what JUDGE_BIASES measured.
    operations: OPERATIONS_REPORT. drift: this week's DRIFT_REPORT. drift_signals: DRIFT_SIGNALS,
    the newest. agreement: people's, the newest ANNOTATOR_AGREEMENT. correction: the candidate's
    HUMAN_CORRECTION, by people's labels. `judge_only`: nor did a person score any in another way.
    `panel_scored`: a model's verdict is behind a score.
    dimensions: the candidate's DIMENSION_REPORT. `fresh_items`: those of the golden version that
    were settled since the one before, and all, synthetic ones left out. records: POLICY_RECORDS of
    the candidate, read on the day `as_of`. The fingerprints are of the systems as configured.
    `continuation`: CONTINUATION_REPORT, of the same trials. `exposure`: which candidate this is
    on its golden version.
    `aa`: AA_RUNS of all weeks, with `week`.
    `tracking`: the newest OUTCOME_TRACKING.
    `audit`: the newest GATE_AUDIT, with `week`; `audit_standing` is null where none is asked for.
    `notes`: sentences that belong to the decision and do not change it.
    """

    trials: pl.DataFrame | None = None
    calibration: pl.DataFrame | None = None
    judge_quality: pl.DataFrame | None = None
    operations: pl.DataFrame | None = None
    drift: pl.DataFrame | None = None
    drift_signals: pl.DataFrame | None = None
    agreement: pl.DataFrame | None = None
    correction: pl.DataFrame | None = None
    golden_age_days: int | None = None
    aa: pl.DataFrame | None = None
    continuation: pl.DataFrame | None = None
    exposure: Exposure | None = None
    judge_only: bool = True
    panel_scored: bool = True
    dimensions: pl.DataFrame | None = None
    fresh_items: tuple[int, int] | None = None
    records: pl.DataFrame | None = None
    as_of: dt.date | None = None
    candidate_fingerprint: str | None = None
    baseline_fingerprint: str | None = None
    tracking: pl.DataFrame | None = None
    audit: pl.DataFrame | None = None
    audit_standing: AuditStanding | None = None
    notes: tuple[str, ...] = ()
