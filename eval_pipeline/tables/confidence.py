"""How right a system is by how sure it says it is."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

CONFIDENCE_CURVES: Final = Table(
    name="confidence_curves",
    job="evaluate",
    grain="one row per arm, subset and threshold of stated confidence, 'all' for all",
    partitioned_by="candidate",
    key=("arm", "subset", "threshold"),
    required=frozenset(
        {"system_id", "state", "items", "missing", "without_confidence", "answered", "supported"}
    ),
    schema=schema_of(
        {
            "arm": pl.String,  # baseline | candidate
            "subset": pl.String,  # 'all' and the subsets; synthetic items stand in theirs alone
            "threshold": pl.Float64,  # what is said with at least this confidence is answered
            "system_id": pl.String,
            "state": pl.String,  # supported | not_supported | no_target | not_given, of the subset
            "supported": pl.Boolean,  # whether this is the threshold that the items support
            "items": pl.Int64,  # with a score
            "missing": pl.Int64,  # without one
            "without_confidence": pl.Int64,  # answered, and no confidence could be read
            "answered": pl.Int64,  # with at least this confidence
            "coverage": pl.Float64,  # answered, of items
            "coverage_lower": pl.Float64,
            "coverage_upper": pl.Float64,
            "right": pl.Int64,  # of the answered
            "accuracy": pl.Float64,  # right, of answered
            "accuracy_lower": pl.Float64,
            "accuracy_upper": pl.Float64,
            "target": pl.Float64,  # the accuracy to be reached; null where none is asked for
            "tested_items": pl.Int64,  # answered, one of each conversation; null if not tested
            "tested_right": pl.Int64,
            "p_value": pl.Float64,  # that the accuracy is below the target
            "auroc": pl.Float64,  # of the subset: that a right answer is said with more confidence
            "auroc_lower": pl.Float64,
            "auroc_upper": pl.Float64,
            "items_needed": pl.Int64,  # to support a threshold; null if supported or out of reach
        }
    ),
)
