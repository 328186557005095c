"""What the gate makes of faults that were planted on purpose."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

GATE_AUDIT: Final = Table(
    name="gate_audit",
    job="audit_gate",
    command="audit",
    grain="one row per planted fault, measure, subset and size: how often the gate got it wrong",
    partitioned_by="week",
    key=("fault", "measure", "subset", "size"),
    required=frozenset({"count", "runs", "lower", "upper", "finding"}),
    schema=schema_of(
        {
            # nothing | regression | dropped_rows | dropped_failures | swapped_labels |
            # biased_judge | model_change
            "fault": pl.String,
            # false_block | false_inconclusive | invalid: the verdict with nothing planted;
            # blocked | undecided: the subset's own state; missed: the subset is certified though
            # it lost its tolerance; passed: the whole verdict; missed_without_people: missed where
            # judges alone are heard; unnoticed: no check spoke; false_alarm: one did for nothing
            "measure": pl.String,
            "subset": pl.String,  # a subset, or 'all'
            # regression, biased_judge, dropped_failures: multiples of the tolerance; dropped_rows:
            # of the policy's limit; swapped_labels, model_change: the planted share or drop;
            # 0: nothing planted
            "size": pl.Float64,
            "planted": pl.Float64,  # the true drop, or the share of rows or labels; null: nothing
            "count": pl.Int64,  # of runs in which it happened
            "runs": pl.Int64,  # 0 where it could not be made
            "rate": pl.Float64,  # null without runs
            "lower": pl.Float64,  # exact two-sided 95 % interval
            "upper": pl.Float64,
            "allowed": pl.Float64,  # null: told, and held against nothing
            "proven_above": pl.Float64,  # one-sided bound that all rates of the audit share
            "finding": pl.String,  # kept | exceeded | told | not_made
            "note": pl.String,  # why it was not made
            "golden_version": pl.Int64,  # of the trials that were copied; null without any
            "basis": pl.String,  # where those came from: candidate:NAME | drift_trials:WEEK
        }
    ),
)
