"""Production's own numbers, outcomes, and what operating a candidate costs."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

PRODUCTION_MONITOR: Final = Table(
    name="production_monitor",
    job="refresh",
    grain="one row per route and metric of the week's logs, against its own history",
    partitioned_by="week",
    key=("route", "metric"),
    required=frozenset({"interactions", "finding"}),
    schema=schema_of(
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
    schema=schema_of(
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
    schema=schema_of(
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
