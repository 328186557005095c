"""A LOAD_PROFILE in words and as tables for people."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.load.profile import LIMITERS, TOLD

Found = dict[str, dict[str, Any]]
STEP_METRICS: Final = (
    "served_per_second",
    "latency_p50_seconds",
    "latency_p95_seconds",
    "latency_p99_seconds",
    "refused_share",
    "mean_input_tokens",
    "mean_output_tokens",
    "total_cost_usd",
)
ADVICE_MEANING: Final = {
    "concurrency": "`providers.NAME.concurrency`: requests at once that neither meet the limit "
    "nor wait for each other",
    "first_concurrency": "`providers.NAME.first_concurrency`: where a run begins",
    "attempt_timeout_seconds": "`providers.NAME.attempt_timeout_seconds`: three times the slowest "
    "in a hundred",
    "maximum_wait_seconds": "`providers.NAME.maximum_wait_seconds`: at least what the provider "
    "asks to wait",
    "requests_per_minute": "for clients that pace themselves: nine tenths of the limit's lower "
    "bound; the runner finds its own pace and needs no setting",
}


def findings(profile: pl.DataFrame, phase: str = "finding") -> Found:
    """The findings, or the advice, by metric."""
    rows = profile.filter(pl.col("phase") == phase).iter_rows(named=True)
    return {row["metric"]: row for row in rows}


def sentences(profile: pl.DataFrame) -> list[str]:
    """What the profile found, one sentence each, with intervals."""
    found = findings(profile)
    return [*_of_limit(found), *_told(profile), *_of_degradation(found), *_of_course(found)]


def step_table(profile: pl.DataFrame) -> pl.DataFrame:
    """One row per step, with the figures that matter and every error's share.

    Shares that a step did not meet are 0; null is what was not measured.
    """
    steps = profile.filter(pl.col("step") > 0)
    errors = sorted(
        metric for metric in steps["metric"].unique() if metric.startswith("error_share:")
    )
    wide = steps.pivot(
        on="metric",
        index=["step", "phase", "concurrency", "offered_per_second", "requests"],
        values="value",
    ).sort("step")
    kept = [name for name in (*STEP_METRICS, *errors) if name in wide.columns]
    zeros = [pl.col(name).fill_null(0.0) for name in errors if name in wide.columns]
    return wide.with_columns(zeros).select(
        "step", "phase", "concurrency", "offered_per_second", "requests", *kept
    )


def advice_table(profile: pl.DataFrame) -> pl.DataFrame:
    """The advised values that the profile gives, each with what it is for."""
    rows = [
        {"setting": name, "value": row["value"], "meaning": ADVICE_MEANING.get(name, "")}
        for name, row in findings(profile, "advice").items()
        if row["value"] is not None
    ]
    schema = {"setting": pl.String, "value": pl.Float64, "meaning": pl.String}
    return pl.DataFrame(rows, schema=schema)


def _of_limit(found: Found) -> Iterator[str]:
    kind, limit = LIMITERS[int(_value(found, "limiter_kind") or 0)], found["rate_limit_per_second"]
    burst = found["rate_limit_burst"]
    highest = _value(found, "highest_per_second")
    if kind == "not_met":
        reached = "" if highest is None else f" up to {highest:.3g} requests a second"
        yield f"No rate limit was met{reached}; a larger burst than was asked would hide one."
        return
    if kind == "bucket":
        yield (
            f"The rate limit is {limit['value']:.3g} requests a second "
            f"({limit['lower']:.3g} to {limit['upper']:.3g}), {60 * limit['value']:.0f} a minute, "
            f"with bursts of {burst['value']:.0f} ({burst['lower']:.0f} to {burst['upper']:.0f})."
        )
    elif kind == "bucket_blurred":
        yield (
            f"There is a rate limit of at least {limit['lower']:.3g} requests a second, with "
            f"bursts of {burst['value']:.0f}: so few that jitter of arrivals hides where it lies."
        )
    else:
        span = (
            ""
            if limit["lower"] is None
            else f" ({max(0.0, limit['lower']):.3g} to {limit['upper']:.3g})"
        )
        yield (
            f"Requests were refused, and not as by a bucket of tokens: perhaps a count in fixed "
            f"windows. {limit['value']:.3g} a second{span} were served meanwhile; longer steps "
            "tell more."
        )
    sustained, refused = _value(found, "sustained_per_second"), _value(found, "refused_per_second")
    if sustained is not None and refused is not None:
        yield (f"Evenly spaced, {sustained:.3g} requests a second lasted, {refused:.3g} did not.")


def _told(profile: pl.DataFrame) -> Iterator[str]:
    """What the replies' headers said, beside what was measured."""
    told = profile.filter(pl.col("metric").str.starts_with(TOLD))
    for (metric,), rows in told.sort("metric", "step").group_by("metric", maintain_order=True):
        name = str(metric).removeprefix(TOLD)
        values = rows["value"].drop_nulls()
        if name == "retry-after":
            yield f"Refusals asked to wait up to {float(str(values.max())):.3g} s (Retry-After)."
        elif "limit" in name.removeprefix("x-ratelimit").removeprefix("anthropic-ratelimit"):
            yield f"The provider's header {name} says {values[-1]:.0f}."


def _of_degradation(found: Found) -> Iterator[str]:
    at, ratio = found["degradation_concurrency"], _value(found, "degradation_ratio")
    knee, best = _value(found, "knee_concurrency"), _value(found, "best_per_second")
    if at["value"] is not None:
        yield (
            f"p95 latency exceeds {ratio:g} times its first from about {at['value']:.3g} requests "
            f"at once (within at {at['lower']:.0f}, beyond at {at['upper']:.0f})."
        )
    elif at["lower"] is not None:
        yield f"Up to {at['lower']:.0f} requests at once p95 latency stays within {ratio:g} times."
    if best is not None:
        rising = ", and still more with every step"
        flat = "" if knee is None else f" by {knee:.3g} at once: beyond that they only wait longer"
        yield f"At best {best:.3g} requests a second were served{flat or rising}."


def _of_course(found: Found) -> Iterator[str]:
    if not _value(found, "search_kept_up"):
        yield "Requests piled up unanswered, or could not be sent in time, before a limit was met."
    if not _value(found, "complete"):
        yield "The profile ended at its spending limit, before all its steps."


def _value(found: Found, metric: str) -> float | None:
    value = found.get(metric, {}).get("value")
    return None if value is None else float(value)
