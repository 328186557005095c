"""What the gate says of cost and latency, and of judges and providers that drifted."""

from collections.abc import Iterator

import polars as pl

from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings


def limit_sentences(
    operations: pl.DataFrame | None, policy: GateSettings, *, proven: bool
) -> Iterator[str]:
    """Breaches of the latency and cost limits: proven by the interval, or else the open ones."""
    limits = {
        "latency_p95_ratio": ("The p95 latency", policy.maximum_latency_ratio),
        "cost_per_success_ratio": ("The cost per success", policy.maximum_cost_ratio),
    }
    for metric, (subject, limit) in limits.items():
        if limit is None:
            continue
        rows = (
            [] if operations is None else operations.filter(pl.col("metric") == metric).to_dicts()
        )
        value = rows[0]["value"] if rows else None
        if value is None:
            if not proven:
                yield f"{subject} was not measured in both arms, and the policy limits it."
            continue
        lower = rows[0]["lower"]
        if value > limit and (lower is not None and lower > limit) == proven:
            certainty = "" if proven else ", but not beyond doubt"
            yield (
                f"{subject} is {value:.2f} times the baseline's "
                f"({_span(rows[0]['lower'], rows[0]['upper'])}), over the limit of "
                f"{limit:.2f}{certainty}."
            )


def _span(lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return "no interval"
    return f"{lower:.2f} to {upper:.2f}"


def drift_sentences(
    drift: pl.DataFrame | None, policy: GateSettings
) -> tuple[list[str], list[str]]:
    """What this week's drift report says of judges and of providers, a sentence a system.

    Drift on synthetic items alone says nothing here unless the policy gates them.
    """
    if drift is None:
        return [], []
    found = drift.filter(pl.col("finding") == "drift").sort("system_id", "golden_version", "subset")
    if not policy.decides_on(SYNTHETIC_SUBSET):
        found = found.filter(pl.col("subset") != SYNTHETIC_SUBSET)
    judges: list[str] = []
    providers: list[str] = []
    for component, sentences in (("judge", judges), ("provider", providers)):
        rows = found.filter(pl.col("component") == component)
        for (system,), group in rows.group_by("system_id", maintain_order=True):
            first = group.row(0, named=True)
            sentences.append(
                f"The {component} drifted this week: {points(first['difference'])} points on "
                f"'{first['subset']}' for system '{system}' since {first['reference_week']}."
            )
    if judges:
        judges.append("Scores of a judge that drifted decide nothing: re-calibrate, then repeat.")
    return judges, providers


def points(share: float) -> str:
    """A difference of shares in signed percentage points."""
    return f"{100 * share:+.1f}"
