"""What a candidate costs to run: latency, tokens, money and failures of both arms, with limits."""

import math
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import (
    NOT_LOGGED,
    Measured,
    log_ratio,
    mean_of,
    quantile_of,
    rate_of,
)
from eval_pipeline.settings import GateSettings
from eval_pipeline.statistics.proportions import normal_quantile
from eval_pipeline.tables import OPERATIONS_REPORT

ARMS: Final = ("baseline", "candidate")
LATENCY_RATIO: Final = "latency_p95_ratio"
COST_RATIO: Final = "cost_per_success_ratio"


def report_operations(trials: pl.DataFrame, *, policy: GateSettings) -> pl.DataFrame:
    """The OPERATIONS_REPORT of REGRESSION_TRIALS: each arm's figures, the ratios under 'candidate'.

    Limits are the policy's and apply to the ratios; `within_limit` is null without a limit or a
    value, and compares the figure itself, not its interval. A success is a score's worth: cost
    per success is all money spent over the sum of all scores. Synthetic items are left out: no
    customer waits for them, and their length is not the traffic's.
    """
    arms = {
        arm: trials.filter(pl.col("arm") == arm, pl.col("source").ne_missing("synthetic"))
        for arm in ARMS
    }
    rows: list[dict[str, Any]] = []
    for arm, calls in arms.items():
        if calls.is_empty():
            continue
        for metric, measured in _figures(calls, policy.confidence).items():
            rows.append(_row(arm, calls, metric=metric, measured=measured, limit=None))
    candidate = arms["candidate"]
    if not candidate.is_empty():
        for metric, limit in (
            (LATENCY_RATIO, policy.maximum_latency_ratio),
            (COST_RATIO, policy.maximum_cost_ratio),
        ):
            measured = _ratio(metric, arms, policy.confidence)
            rows.append(_row("candidate", candidate, metric=metric, measured=measured, limit=limit))
    return OPERATIONS_REPORT.conform(pl.DataFrame(rows, schema=OPERATIONS_REPORT.schema))


def _row(
    arm: str, calls: pl.DataFrame, *, metric: str, measured: Measured, limit: float | None
) -> dict[str, Any]:
    known = limit is not None and measured.value is not None
    return {
        "arm": arm,
        "system_id": calls["system_id"].sort()[0],
        "metric": metric,
        "value": measured.value,
        "lower": measured.lower,
        "upper": measured.upper,
        "calls": calls.height,
        "limit": limit,
        "within_limit": (measured.value or 0.0) <= (limit or 0.0) if known else None,
    }


def _figures(calls: pl.DataFrame, confidence: float) -> dict[str, Measured]:
    latency = calls["latency_seconds"].drop_nulls()
    return {
        "latency_p50_seconds": quantile_of(latency, 0.50, confidence=confidence),
        "latency_p95_seconds": quantile_of(latency, 0.95, confidence=confidence),
        "mean_input_tokens": mean_of(calls["input_tokens"].drop_nulls(), confidence=confidence),
        "mean_output_tokens": mean_of(calls["output_tokens"].drop_nulls(), confidence=confidence),
        "cost_per_call_usd": mean_of(calls["cost_usd"].drop_nulls(), confidence=confidence),
        "cost_per_success_usd": _cost_per_success(calls, confidence),
        "failure_share": _share(calls, "failed", confidence),
        "refusal_share": _share(calls, "refused", confidence),
    }


def _share(calls: pl.DataFrame, status: str, confidence: float) -> Measured:
    return rate_of(
        calls.filter(pl.col("status") == status).height, calls.height, confidence=confidence
    )


def _cost_per_success(calls: pl.DataFrame, confidence: float) -> Measured:
    sums = _by_cluster(calls)
    money, successes = float(sums["cost"].sum()), float(sums["score"].sum())
    if money <= 0 or successes <= 0:
        return NOT_LOGGED
    shares = (sums["cost"] / money - sums["score"] / successes).to_numpy()
    return _exponential(money / successes, _error(shares), confidence, calls.height)


def _ratio(metric: str, arms: dict[str, pl.DataFrame], confidence: float) -> Measured:
    if metric == LATENCY_RATIO:
        candidate, baseline = (
            quantile_of(arms[arm]["latency_seconds"].drop_nulls(), 0.95, confidence=confidence)
            for arm in ("candidate", "baseline")
        )
        return log_ratio(candidate, baseline)
    return _cost_ratio(arms, confidence)


def _cost_ratio(arms: dict[str, pl.DataFrame], confidence: float) -> Measured:
    """Paired by cluster: both arms answer the same items, so what they share cancels."""
    paired = _by_cluster(arms["candidate"]).join(
        _by_cluster(arms["baseline"]), on="cluster_id", how="full", coalesce=True, suffix="_before"
    )
    paired = paired.fill_null(0.0).sort("cluster_id")
    money, successes = float(paired["cost"].sum()), float(paired["score"].sum())
    before = float(paired["cost_before"].sum())
    successes_before = float(paired["score_before"].sum())
    if min(money, successes, before, successes_before) <= 0:
        return NOT_LOGGED
    shares = (
        paired["cost"] / money
        - paired["score"] / successes
        - paired["cost_before"] / before
        + paired["score_before"] / successes_before
    ).to_numpy()
    ratio = (money / successes) / (before / successes_before)
    return _exponential(ratio, _error(shares), confidence, arms["candidate"].height)


def _by_cluster(calls: pl.DataFrame) -> pl.DataFrame:
    """Money and scores of a cluster; a missing cost or score adds nothing to its sum."""
    return (
        calls.sort("cluster_id", "item_id", "trial")
        .group_by("cluster_id", maintain_order=True)
        .agg(pl.col("cost_usd").sum().alias("cost"), pl.col("score").sum())
    )


def _error(shares: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """The standard error of a log ratio from its linearised cluster sums; needs two clusters."""
    if shares.size == 1:
        return math.inf
    return math.sqrt(float(np.square(shares).sum()) * shares.size / (shares.size - 1))


def _exponential(value: float, error: float, confidence: float, count: int) -> Measured:
    reach = normal_quantile(confidence) * error
    if math.isinf(reach):
        return Measured(value, None, None, count)
    return Measured(value, value * math.exp(-reach), value * math.exp(reach), count)
