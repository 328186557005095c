"""The week in figures: what its page for the product owner says first."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

WEEKLY_REPORT: Final = Table(
    name="weekly_report",
    job="report",
    grain="one row per headline figure of the week, and subset, system, judge or candidate",
    partitioned_by="week",
    key=("metric", "about"),
    required=frozenset({"sentence"}),
    schema=schema_of(
        {
            # interactions | conversations | judged | reserve | shortfall | late | quarantined |
            # canary_recall | residual_hits | pass_share | panel_undecided | queued | settled |
            # adjudicated | ceiling | golden_items | admitted | retired | revised | deficit |
            # judge_agreement | live_score_change | drift_alarm | production_unusual |
            # outcome_gap | decision
            "metric": pl.String,
            "about": pl.String,  # 'all' for the week as a whole
            "value": pl.Float64,  # null where it was not measured
            "lower": pl.Float64,  # null for counts, which have no interval
            "upper": pl.Float64,
            "sentence": pl.String,
        }
    ),
)
"""Beside it lie `week.html` and `week.json`."""
