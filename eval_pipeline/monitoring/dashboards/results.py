"""Evaluation results as OpenTelemetry's GenAI conventions name them; no texts.

One result a subset and dimension. The attributes `gen_ai.evaluation.*` and `error.type` are those
of the event `gen_ai.evaluation.result`; our own begin with `eval_pipeline.`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.alerting.figures import counted, points, with_interval
from eval_pipeline.monitoring.dashboards.gate_metrics import findings_of

EVENT_NAME: Final = "gen_ai.evaluation.result"
NOT_MEASURED: Final = "not_measured"
OWN: Final = "eval_pipeline."

Value = str | int | float | bool


@dataclass(frozen=True)
class EvaluationResult:
    """One event's attributes."""

    attributes: Mapping[str, Value]


def decision_results(
    decisions: pl.DataFrame, dimensions: Mapping[str, pl.DataFrame]
) -> Iterator[EvaluationResult]:
    """Of each candidate's newest decision: per dimension and subset the candidate's mean score.

    The label is the subset's state. Where no score could be measured there is none, and
    `error.type` says so.
    """
    about = {row["candidate_id"]: row for row in decisions.to_dicts()}
    for finding in findings_of(decisions, dimensions):
        row = about[finding["candidate"]]
        yield _result(
            finding["dimension"],
            finding["candidate_mean"],
            label=finding["state"],
            explanation=_compared(finding, row["baseline_id"]),
            own={
                "candidate": finding["candidate"],
                "baseline": row["baseline_id"],
                "subset": finding["subset"],
                "verdict": row["verdict"],
                "decision_id": row["decision_id"],
                "golden_version": row["golden_version"],
                "baseline_mean": finding["baseline_mean"],
                **{
                    name: finding[name]
                    for name in ("difference", "margin", "items", "missing_baseline",
                                 "missing_candidate")
                },
                "difference_lower": finding["lower"],
                "difference_upper": finding["upper"],
            },
        )  # fmt: skip


def drift_results(signals: pl.DataFrame, *, week: str) -> Iterator[EvaluationResult]:
    """Of the weekly re-run: per pinned system, stream and subset this week's mean score."""
    for row in signals.sort("system_id", "stream", "subset").to_dicts():
        shift = "not measured" if row["shift"] is None else f"{points(row['shift'])} points"
        yield _result(
            f"drift.{row['stream']}",
            row["value"],
            label=row["finding"],
            explanation=f"{shift} since the reference, on {counted(row['items'], 'item')}",
            own={
                "system": row["system_id"],
                "subset": row["subset"],
                "stream": row["stream"],
                "week": week,
                "reference_week": row["pinned_week"],
                "reference_mean": row["mu0"],
                "noise_floor": row["sigma"],
                "shift": row["shift"],
                "alarm": row["alarm"],
                "attribution": row["attribution"],
                "items": row["items"],
                "missing": row["missing"],
            },
        )


def shown(results: Sequence[EvaluationResult]) -> str:
    """The results as JSON, for people who want to see what would be sent."""
    return json.dumps([dict(one.attributes) for one in results], indent=2, sort_keys=True)


def _result(
    name: str, value: float | None, *, label: str, explanation: str, own: Mapping[str, Any]
) -> EvaluationResult:
    attributes: dict[str, Value] = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.label": label,
        "gen_ai.evaluation.explanation": explanation,
    }
    if value is None:
        attributes["error.type"] = NOT_MEASURED
    else:
        attributes["gen_ai.evaluation.score.value"] = float(value)
    known = {OWN + key: each for key, each in own.items() if each is not None}
    return EvaluationResult({**attributes, **known})


def _compared(finding: Mapping[str, Any], baseline: str) -> str:
    figures = with_interval(finding["difference"], finding["lower"], finding["upper"])
    return f"{figures} against '{baseline}' on {counted(finding['items'], 'item')}"
