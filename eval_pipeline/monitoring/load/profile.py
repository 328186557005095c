"""The LOAD_PROFILE of a system: every step's figures, what they add up to, what they advise."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl
import scipy

from eval_pipeline.monitoring.intervals import NOT_LOGGED, Measured, mean_of, quantile_of, rate_of
from eval_pipeline.monitoring.load.advice import advice
from eval_pipeline.monitoring.load.degradation import degradation
from eval_pipeline.monitoring.load.limit import rate_limit
from eval_pipeline.monitoring.load.steps import Step
from eval_pipeline.tables import LOAD_PROFILE

LIMITERS: Final = ("not_met", "bucket", "bucket_blurred", "other")
"""What `limiter_kind` counts."""

TOLD: Final = "told:"
"""Before the name of a reply header that speaks of limits."""

_QUANTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Searched:
    """How the search for the limit ended; null where it never came so far.

    `complete` is false where the spending limit or the steps ran out first.
    """

    sustained: float | None = None
    refused: float | None = None
    highest: float | None = None
    kept_up: bool = True
    complete: bool = True


def profile_rows(
    steps: Sequence[Step],
    *,
    system_id: str,
    searched: Searched,
    ratio: float,
    confidence: float,
) -> pl.DataFrame:
    """LOAD_PROFILE of all steps; `ratio`: of p95 over the first step's, beyond which it degrades.

    Latencies are of what was served. Shares are of all requests of a step but those that only
    drained the limiter, which count in tokens and cost.
    """
    rows: list[dict[str, Any]] = []
    for step in steps:
        shared = {
            "system_id": system_id,
            "phase": step.phase,
            "step": step.number,
            "concurrency": step.concurrency,
            "offered_per_second": step.offered_per_second,
        }
        for metric, measured in _figures(step, confidence):
            rows.append(_row(shared, metric, measured, requests=len(step.counted)))
    asked = sum(len(step.requests) for step in steps)
    for phase, metric, measured in _findings(steps, searched, ratio=ratio, confidence=confidence):
        nowhere = {"concurrency": None, "offered_per_second": None}
        shared = {"system_id": system_id, "phase": phase, "step": 0, **nowhere}
        rows.append(_row(shared, metric, measured, requests=asked))
    return LOAD_PROFILE.conform(pl.DataFrame(rows, schema=LOAD_PROFILE.schema))


def _row(
    shared: dict[str, Any], metric: str, measured: Measured, *, requests: int
) -> dict[str, Any]:
    return {
        **shared,
        "metric": metric,
        "value": measured.value,
        "lower": measured.lower,
        "upper": measured.upper,
        "requests": requests,
    }


def _figures(step: Step, confidence: float) -> Iterator[tuple[str, Measured]]:
    counted, served = step.counted, step.served
    latencies = [request.latency_seconds for request in served]
    yield "seconds", _exact(step.seconds)
    yield "opening_requests", _exact(len(step.requests) - len(counted))
    yield "kept_up", _exact(step.kept_up)
    yield "served_per_second", _per_second(len(served), step.seconds, confidence)
    for name, quantile in _QUANTILES.items():
        yield (
            f"latency_{name}_seconds",
            quantile_of(latencies, quantile, confidence=confidence),
        )
    yield (
        "refused_share",
        rate_of(sum(request.refused for request in counted), len(counted), confidence=confidence),
    )
    codes = Counter(request.error_code for request in counted if request.error_code is not None)
    for code, count in sorted(codes.items()):
        yield f"error_share:{code}", rate_of(count, len(counted), confidence=confidence)
    for name in ("input_tokens", "output_tokens"):
        tokens = [float(value) for one in served if (value := getattr(one, name)) is not None]
        yield f"mean_{name}", mean_of(tokens, confidence=confidence)
        known = [value for one in step.requests if (value := getattr(one, name)) is not None]
        yield f"total_{name}", _exact(sum(known)) if known else NOT_LOGGED
    costs = [one.cost_usd for one in step.requests if one.cost_usd is not None]
    yield "total_cost_usd", _exact(sum(costs)) if costs else NOT_LOGGED
    yield from _told(step)


def _told(step: Step) -> Iterator[tuple[str, Measured]]:
    """What replies said of limits: the longest wait asked for, and the last value of a header."""
    waits = [
        one.retry_after_seconds for one in step.requests if one.retry_after_seconds is not None
    ]
    if waits:
        yield f"{TOLD}retry-after", _exact(max(waits))
    last = {name: value for one in step.requests for name, value in one.told}
    for name, value in sorted(last.items()):
        yield f"{TOLD}{name}", _exact(value)


def _findings(
    steps: Sequence[Step], searched: Searched, *, ratio: float, confidence: float
) -> Iterator[tuple[str, str, Measured]]:
    limit = rate_limit(steps, confidence=confidence)
    slower = degradation(steps, ratio=ratio, confidence=confidence)
    bounds = Measured(limit.per_second, limit.lower, limit.upper)
    yield "finding", "rate_limit_per_second", bounds
    yield "finding", "rate_limit_burst", limit.burst
    yield "finding", "limiter_kind", _exact(LIMITERS.index(limit.kind))
    yield "finding", "sustained_per_second", _exact(searched.sustained)
    yield "finding", "refused_per_second", _exact(searched.refused)
    yield "finding", "highest_per_second", _exact(searched.highest)
    yield "finding", "search_kept_up", _exact(searched.kept_up)
    yield "finding", "complete", _exact(searched.complete)
    at = Measured(slower.at, slower.lower, slower.upper)
    yield "finding", "degradation_concurrency", at
    yield "finding", "degradation_ratio", _exact(ratio)
    yield "finding", "knee_concurrency", _exact(slower.knee)
    yield "finding", "best_per_second", _exact(slower.best_per_second)
    for name, value in asdict(advice(steps, limit, slower)).items():
        yield "advice", name, _exact(value)


def _exact(value: float | None) -> Measured:
    return NOT_LOGGED if value is None else Measured(float(value), None, None, 1)


def _per_second(count: int, seconds: float, confidence: float) -> Measured:
    """A count per time with the exact interval of a Poisson count (Garwood 1936)."""
    if seconds <= 0:
        return NOT_LOGGED
    tail = (1 - confidence) / 2
    low = float(scipy.stats.chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    high = float(scipy.stats.chi2.ppf(1 - tail, 2 * count + 2)) / 2
    return Measured(count / seconds, low / seconds, high / seconds, count)
