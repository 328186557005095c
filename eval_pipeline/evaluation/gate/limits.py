"""What the gate says of cost and latency."""

from collections.abc import Iterator

import polars as pl

from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings


def limit_grounds(operations: pl.DataFrame | None, policy: GateSettings) -> Grounds:
    """A breach that the interval proves blocks; one that it leaves open passes nothing."""
    return Grounds(
        blocking=tuple(_limit_sentences(operations, policy, proven=True)),
        unknown=tuple(_limit_sentences(operations, policy, proven=False)),
    )


def _limit_sentences(
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
