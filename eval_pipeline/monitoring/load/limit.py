"""The rate limit as a figure: from the fitted bucket where it is one, else from what was served."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from eval_pipeline.monitoring.intervals import NOT_LOGGED, Measured, mean_of
from eval_pipeline.monitoring.load.bucket import BucketFit, fit_bucket
from eval_pipeline.monitoring.load.steps import Step, arrivals_of, of_phase

LimiterKind = Literal["bucket", "bucket_blurred", "other", "not_met"]
BLURRED: Final = 0.06
SMALL_BURST: Final = 6
"""A bucket that holds so few tokens is judged by the gaps between single requests. Where these
cannot be told (violation above `BLURRED`), the rate is known from below only."""


@dataclass(frozen=True)
class RateLimit:
    """Requests a second that are served for good; null where the limit was not met.

    bucket: a bucket of tokens, fitted. bucket_blurred: one of a few tokens whose rate jitter hides;
    no upper bound. other: refusals that no bucket explains, as of a fixed window; the figure is
    what was served while requests were refused.
    """

    kind: LimiterKind
    per_second: float | None = None
    lower: float | None = None
    upper: float | None = None
    burst: Measured = NOT_LOGGED


def rate_limit(steps: Sequence[Step], *, confidence: float) -> RateLimit:
    """The limit behind all steps of a profile."""
    fit = fit_bucket(arrivals_of(steps), confidence=confidence)
    limited = [step for step in of_phase(steps, "rate") if step.limited]
    if fit is None or not limited:
        return RateLimit("not_met")
    if not fit.is_bucket:
        served = mean_of([step.served_per_second for step in limited], confidence=confidence)
        return RateLimit("other", served.value, served.lower, served.upper)
    burst = Measured(fit.burst, fit.burst_lower, fit.burst_upper)
    if _is_blurred(fit):
        served_best = max(step.served_per_second for step in limited)
        return RateLimit("bucket_blurred", max(fit.rate, served_best), served_best, None, burst)
    return RateLimit("bucket", fit.rate, fit.lower, fit.upper, burst)


def _is_blurred(fit: BucketFit) -> bool:
    return fit.burst < SMALL_BURST and fit.violation > BLURRED
