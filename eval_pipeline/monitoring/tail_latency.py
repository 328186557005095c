"""The slowest hundredth of both arms' answers, beside the figures of `operations`."""

from typing import Final

import polars as pl

from eval_pipeline.monitoring.intervals import log_ratio, quantile_of
from eval_pipeline.monitoring.operations import ARMS

P99: Final = "latency_p99_seconds"
P99_RATIO: Final = "latency_p99_ratio"


def tail_figures(trials: pl.DataFrame, *, confidence: float) -> pl.DataFrame:
    """p99 per arm and the ratio under 'candidate', in columns of OPERATIONS_REPORT.

    An upper bound needs some 370 answers at 95 %; below that it is null, and so are the ratio's.
    """
    measured = {
        arm: quantile_of(
            trials.filter(pl.col("arm") == arm)["latency_seconds"].drop_nulls(),
            0.99,
            confidence=confidence,
        )
        for arm in ARMS
    }
    figures = [(arm, P99, measured[arm]) for arm in ARMS]
    figures.append(("candidate", P99_RATIO, log_ratio(measured["candidate"], measured["baseline"])))
    return pl.DataFrame(
        [(arm, name, one.value, one.lower, one.upper, one.count) for arm, name, one in figures],
        schema={
            "arm": pl.String,
            "metric": pl.String,
            "value": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "calls": pl.Int64,
        },
        orient="row",
    )
