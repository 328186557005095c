"""What a system bears."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import Table, schema_of

LOAD_PROFILE: Final = Table(
    name="load_profile",
    job="load",
    grain="one row per step and metric of a system's load profile, and per finding and advice",
    partitioned_by="system",
    key=("phase", "step", "metric"),
    required=frozenset({"system_id", "requests"}),
    schema=schema_of(
        {
            "system_id": pl.String,
            "phase": pl.String,  # concurrency | rate | finding | advice
            "step": pl.Int64,  # from 1 in the order of asking; 0 of findings and advice
            "concurrency": pl.Int64,  # requests at once, in the phase of that name
            "offered_per_second": pl.Float64,  # arrivals, in the phase 'rate'
            "metric": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "requests": pl.Int64,  # that the figure is of, one attempt each
        }
    ),
)
