"""What a golden version says of a week's live traffic, and what a rotation did to the scores."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

GOLDEN_WEIGHTS: Final = Table(
    name="golden_weights",
    job="publish",
    grain="one row per item of the week's golden version: its weight for the week's live traffic",
    partitioned_by="week",
    key=("item_id",),
    required=frozenset({"item_revision", "golden_version", "kind", "conversation_key"}),
    schema=schema_of(
        {
            "item_id": pl.String,
            "item_revision": pl.Int64,
            "golden_version": pl.Int64,
            "conversation_key": pl.String,
            "stratum": pl.String,
            "kind": pl.String,
            "cell": pl.String,  # strata, kinds and subsets that it stands for
            "cell_share": pl.Float64,  # of the week's traffic
            "cell_borrowed": pl.Float64,  # of the week's traffic: pooled in, without items itself
            "stratum_share": pl.Float64,  # of the week's traffic
            "traffic_effective": pl.Float64,  # drawn conversations behind the stratum's shares
            "live_weight": pl.Float64,  # sums to 1; null where the item stands for no traffic
            "weight_reason": pl.String,  # why null: synthetic | no_design | no_traffic
        }
    ),
)


ROTATION_EFFECT: Final = Table(
    name="rotation_effect",
    job="drift",
    grain="one row per pinned system, pair of consecutive golden versions and subset",
    partitioned_by="week",
    key=("system_id", "version_before", "version_after", "subset"),
    required=frozenset(
        {
            "items_before",
            "items_after",
            "items_kept",
            "items_revised",
            "items_retired",
            "items_admitted",
            "missing_items",
            "synthetic_items",
            "finding",
        }
    ),
    schema=schema_of(
        {
            "system_id": pl.String,
            "version_before": pl.Int64,
            "version_after": pl.Int64,
            "subset": pl.String,  # a subset, or 'all'
            "items_before": pl.Int64,  # scored this week; so are the next five
            "items_after": pl.Int64,
            "items_kept": pl.Int64,  # in both, under the same revision
            "items_revised": pl.Int64,  # in both, under another revision
            "items_retired": pl.Int64,
            "items_admitted": pl.Int64,
            "missing_items": pl.Int64,  # asked and left out: a score is missing
            "synthetic_items": pl.Int64,  # among the scored; 'all' leaves them out
            "mean_before": pl.Float64,
            "overlap_before": pl.Float64,  # mean of the items in both, under the old revision
            "overlap_after": pl.Float64,  # and under the new one
            "mean_after": pl.Float64,
            "difference": pl.Float64,  # after minus before: the sum of the three effects
            "lower": pl.Float64,
            "upper": pl.Float64,
            "exit_effect": pl.Float64,
            "exit_lower": pl.Float64,
            "exit_upper": pl.Float64,
            "revision_effect": pl.Float64,
            "revision_lower": pl.Float64,
            "revision_upper": pl.Float64,
            "entry_effect": pl.Float64,
            "entry_lower": pl.Float64,
            "entry_upper": pl.Float64,
            "finding": pl.String,  # shift | within_noise | not_measured
            "note": pl.String,
        }
    ),
)
