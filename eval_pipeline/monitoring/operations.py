"""What a candidate costs to run: both arms by subset, the ratios between them, and the limits."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.cost_per_success import cost_per_success, cost_ratio
from eval_pipeline.monitoring.intervals import (
    NOT_LOGGED,
    Measured,
    log_ratio,
    mean_of,
    quantile_of,
    rate_of,
)
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import OPERATIONS_REPORT

ARMS: Final = ("baseline", "candidate")
ALL: Final = "all"
LATENCY_RATIO: Final = "latency_p95_ratio"
COST_RATIO: Final = "cost_per_success_ratio"
SHARE_OF_ERROR: Final = "error_share:"
AT_ONCE: Final = ("requests_at_once_mean", "requests_at_once_maximum")
_QUANTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def report_operations(
    trials: pl.DataFrame,
    *,
    policy: GateSettings,
    at_once: Mapping[str, tuple[float, int]] | None = None,
) -> pl.DataFrame:
    """The OPERATIONS_REPORT of REGRESSION_TRIALS, by subset; ratios stand under 'candidate'.

    Synthetic items have their own subset and are in no other: no customer waits for them, and
    their length is not the traffic's. `missing` counts the calls whose value is not known; a
    figure is of the others. A failed call has no latency, for a failure may come fast.
    `at_once` says by system how many requests were under way when one was sent, on average and at
    most: latencies hold for that load and no other.
    """
    traffic = trials.filter(pl.col("source").ne_missing("synthetic"))
    codes = sorted(trials["error_code"].drop_nulls().unique())
    rows: list[dict[str, Any]] = []
    for subset in (ALL, *_subsets(trials)):
        inside = traffic if subset == ALL else _members(trials, subset)
        rows += _rows_of_subset(inside, subset, policy=policy, codes=codes)
    rows += _load_rows(traffic, at_once or {})
    return OPERATIONS_REPORT.conform(pl.DataFrame(rows, schema=OPERATIONS_REPORT.schema))


def limits_of(policy: GateSettings, subset: str) -> dict[str, float | None]:
    """The limit on each ratio in a subset or over 'all'; null where there is none."""
    limits = policy.limits_in(subset)
    return {LATENCY_RATIO: limits.maximum_latency_ratio, COST_RATIO: limits.maximum_cost_ratio}


def finding_of(measured: Measured, limit: float | None) -> str:
    """Within or beyond the limit where the whole interval is, 'undecided' where it spans it.

    A figure without an interval proves nothing.
    """
    if limit is None:
        return "reported"
    if measured.value is None:
        return "not_measured"
    if measured.lower is not None and measured.lower > limit:
        return "beyond_limit"
    return "within_limit" if measured.upper is not None and measured.upper <= limit else "undecided"


def _subsets(trials: pl.DataFrame) -> list[str]:
    return sorted(trials["subsets"].explode().drop_nulls().unique())


def _members(trials: pl.DataFrame, subset: str) -> pl.DataFrame:
    return trials.filter(pl.col("subsets").list.contains(subset))


def _rows_of_subset(
    inside: pl.DataFrame, subset: str, *, policy: GateSettings, codes: list[str]
) -> Iterator[dict[str, Any]]:
    arms = {arm: inside.filter(pl.col("arm") == arm) for arm in ARMS}
    for arm, calls in arms.items():
        if calls.is_empty():
            continue
        for metric, measured in _figures(calls, policy.confidence, codes).items():
            yield _row(arm, subset, calls, metric=metric, measured=measured)
    candidate = arms["candidate"]
    if candidate.is_empty():
        return
    for metric, limit in limits_of(policy, subset).items():
        measured = _ratio(metric, arms, policy.confidence)
        yield _row("candidate", subset, candidate, metric=metric, measured=measured, limit=limit)


def _row(
    arm: str,
    subset: str,
    calls: pl.DataFrame,
    *,
    metric: str,
    measured: Measured,
    limit: float | None = None,
) -> dict[str, Any]:
    return {
        "arm": arm,
        "subset": subset,
        "system_id": calls["system_id"].sort()[0],
        "metric": metric,
        "value": measured.value,
        "lower": measured.lower,
        "upper": measured.upper,
        "calls": calls.height,
        "missing": calls.height - measured.count,
        "limit": limit,
        "finding": finding_of(measured, limit),
    }


def _figures(calls: pl.DataFrame, confidence: float, codes: list[str]) -> dict[str, Measured]:
    latency = calls["latency_seconds"].drop_nulls()
    return {
        **{
            f"latency_{name}_seconds": quantile_of(latency, quantile, confidence=confidence)
            for name, quantile in _QUANTILES.items()
        },
        **{
            f"{what}_{column}": figure
            for column in ("input_tokens", "output_tokens")
            for what, figure in _mean_and_total(calls[column], confidence).items()
        },
        "total_cost_usd": _mean_and_total(calls["cost_usd"], confidence)["total"],
        "cost_per_task_usd": mean_of(calls["cost_usd"].drop_nulls(), confidence=confidence),
        "cost_per_success_usd": cost_per_success(calls, confidence=confidence),
        "attempts_per_task": mean_of(calls["attempts"].drop_nulls(), confidence=confidence),
        "failure_share": _share(calls, pl.col("status") == "failed", confidence),
        "refusal_share": _share(calls, pl.col("status") == "refused", confidence),
        **{
            f"{SHARE_OF_ERROR}{code}": _share(calls, pl.col("error_code") == code, confidence)
            for code in codes
        },
    }


def _mean_and_total(values: pl.Series, confidence: float) -> dict[str, Measured]:
    """A total is exact: of what is known, it has no interval; null where nothing is."""
    known = values.drop_nulls()
    total = Measured(float(known.sum()), None, None, known.len()) if known.len() else NOT_LOGGED
    return {"mean": mean_of(known, confidence=confidence), "total": total}


def _share(calls: pl.DataFrame, which: pl.Expr, confidence: float) -> Measured:
    return rate_of(calls.filter(which).height, calls.height, confidence=confidence)


def _ratio(metric: str, arms: dict[str, pl.DataFrame], confidence: float) -> Measured:
    if metric == COST_RATIO:
        return cost_ratio(arms["candidate"], arms["baseline"], confidence=confidence)
    candidate, baseline = (
        quantile_of(arms[arm]["latency_seconds"].drop_nulls(), 0.95, confidence=confidence)
        for arm in ("candidate", "baseline")
    )
    return log_ratio(candidate, baseline)


def _load_rows(
    traffic: pl.DataFrame, at_once: Mapping[str, tuple[float, int]]
) -> Iterator[dict[str, Any]]:
    for arm in ARMS:
        calls = traffic.filter(pl.col("arm") == arm)
        if calls.is_empty() or calls["system_id"].sort()[0] not in at_once:
            continue
        for metric, value in zip(AT_ONCE, at_once[calls["system_id"].sort()[0]], strict=True):
            known = Measured(float(value), None, None, calls.height)
            yield _row(arm, ALL, calls, metric=metric, measured=known)
