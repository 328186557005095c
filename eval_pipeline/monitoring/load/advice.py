"""What the figures of a load profile ask of a provider's settings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.monitoring.intervals import quantile_of
from eval_pipeline.monitoring.load.degradation import Degradation
from eval_pipeline.monitoring.load.limit import RateLimit
from eval_pipeline.monitoring.load.steps import Step

BELOW_LIMIT: Final = 0.9
"""Of the limit's lower bound: what is left is for the others who use the account."""

TIMEOUTS: Final = 3.0
LEAST_TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Advice:
    """Values for a provider's settings; null where the profile says nothing of one.

    requests_per_minute: what a client should not exceed; the runner finds its own pace below.
    """

    concurrency: int | None = None
    first_concurrency: int | None = None
    attempt_timeout_seconds: float | None = None
    maximum_wait_seconds: float | None = None
    requests_per_minute: float | None = None


def advice(steps: Sequence[Step], limit: RateLimit, slower: Degradation) -> Advice:
    """As many requests at once as neither meet the limit nor degrade; time for the slowest.

    By Little's law a rate r at a mean latency w keeps r w requests under way.
    """
    latencies = [request.latency_seconds for step in steps for request in step.served]
    if not latencies:
        return Advice()
    mean = sum(latencies) / len(latencies)
    allowed = None if limit.per_second is None else BELOW_LIMIT * (limit.lower or limit.per_second)
    most = [] if allowed is None else [allowed * mean]
    most += [slower.at if slower.at is not None else (slower.lower or math.inf)]
    concurrency = max(1, math.floor(min(most))) if min(most) < math.inf else None
    slowest = quantile_of(latencies, 0.99, confidence=0.95).value or mean
    waits = [
        request.retry_after_seconds
        for step in steps
        for request in step.requests
        if request.retry_after_seconds is not None
    ]
    return Advice(
        concurrency=concurrency,
        first_concurrency=None if concurrency is None else max(1, concurrency // 2),
        attempt_timeout_seconds=float(math.ceil(max(LEAST_TIMEOUT_SECONDS, TIMEOUTS * slowest))),
        maximum_wait_seconds=float(math.ceil(max(waits))) if waits else None,
        requests_per_minute=None if allowed is None else math.floor(60 * allowed * 10) / 10,
    )
