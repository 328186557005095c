"""All that a route's scorers say of a candidate's trials, and how the arms compare in each."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import NAMES, Table, schema_of

TRIAL_DIMENSIONS: Final = Table(
    name="trial_dimensions",
    job="evaluate",
    grain="one row per arm, item, trial and dimension of a candidate's evaluation",
    partitioned_by="candidate",
    key=("arm", "item_id", "trial", "dimension"),
    required=frozenset({"deciding", "scorer", "source", "look", "subsets", "cluster_id", "route"}),
    schema=schema_of(
        {
            "arm": pl.String,  # baseline | candidate
            "item_id": pl.String,
            "trial": pl.Int64,
            "dimension": pl.String,
            "deciding": pl.Boolean,  # whether it is the score that the gate decides by
            "scorer": pl.String,
            "score": pl.Float64,  # 0 to 1; null where there is none
            "score_error": pl.String,
            "source": pl.String,  # golden | reserve | synthetic
            "look": pl.Int64,
            "route": pl.String,
            "subsets": NAMES,
            "cluster_id": pl.String,
        }
    ),
)


DIMENSION_REPORT: Final = Table(
    name="dimension_report",
    job="evaluate",
    grain="one row per dimension and subset of a candidate's comparison, 'all' for all",
    partitioned_by="candidate",
    key=("dimension", "subset"),
    required=frozenset(
        {
            "state",
            "items",
            "deciding_items",
            "without_reference",
            "missing_baseline",
            "missing_candidate",
        }
    ),
    schema=schema_of(
        {
            "dimension": pl.String,
            "subset": pl.String,  # 'all' and the subsets; synthetic items stand in theirs alone
            "state": pl.String,  # reported unless the policy gates it; else as regression_report's
            "baseline_mean": pl.Float64,
            "candidate_mean": pl.Float64,
            "difference": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "margin": pl.Float64,  # null where nothing is gated, as are the next three
            "p_noninferior": pl.Float64,
            "p_harm": pl.Float64,
            "looks": pl.Int64,  # the look that decided, or the last one
            "items_needed": pl.Int64,  # null where it is settled, too
            "items": pl.Int64,  # with a score in both arms
            "effective_items": pl.Float64,
            "clusters": pl.Int64,
            "wins": pl.Int64,
            "losses": pl.Int64,
            "missing_baseline": pl.Int64,
            "missing_candidate": pl.Int64,
            "without_reference": pl.Int64,  # items that this dimension can say nothing of
            "deciding_items": pl.Int64,  # items that the gate decides by in this dimension
            "method": pl.String,
        }
    ),
)
