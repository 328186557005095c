"""What named people decided about a candidate beside the gate."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import NAMES, UTC_MICROSECONDS, Table, schema_of

POLICY_RECORDS: Final = Table(
    name="policy_records",
    job="gate",
    grain="one row per waiver, approval or promotion that a person recorded on a candidate",
    partitioned_by="candidate",
    key=("decided_at", "record_id"),
    required=frozenset(
        {
            "action",
            "candidate_id",
            "candidate_fingerprint",
            "baseline_id",
            "baseline_fingerprint",
            "decision_id",
            "subsets",
            "blocked_subsets",
            "decided_by",
            "reason",
        }
    ),
    schema=schema_of(
        {
            "record_id": pl.String,
            "action": pl.String,  # waive | approve | promote
            "candidate_id": pl.String,
            "candidate_fingerprint": pl.String,
            "baseline_id": pl.String,
            "baseline_fingerprint": pl.String,
            "decision_id": pl.String,  # as measured, before anybody's word
            "subsets": NAMES,  # a waiver's: a subset, or dimension/subset; empty for the others
            "blocked_subsets": NAMES,  # of these, those whose harm was proven then
            "decided_by": pl.String,
            "reason": pl.String,  # masked
            "until": pl.Date,  # a waiver's last day; null for the others
            "decided_at": UTC_MICROSECONDS,
        }
    ),
)
