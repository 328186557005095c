"""Sends evaluation results to the collector of the settings, each decision and week once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.adapters.alerting.outcome import Delivered, failed
from eval_pipeline.adapters.telemetry.otlp import emit_results, export_metrics
from eval_pipeline.errors import MissingEnvironmentError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.flows.alert_sources import newest_decisions, newest_of, recent_versions
from eval_pipeline.flows.metrics import Successes, dimensions_of, metrics_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.dashboards.results import (
    EvaluationResult,
    decision_results,
    drift_results,
)
from eval_pipeline.settings import OtlpSettings
from eval_pipeline.tables import DRIFT_SIGNALS

CHANNEL: Final = "telemetry.otlp"
NOT_SET: Final = "variable_not_set"


@dataclass(frozen=True)
class Batch:
    """Results that belong together: a decision's, or those of a week's re-run.

    `subject` names their content: the same results have the same subject.
    """

    subject: str
    results: tuple[EvaluationResult, ...]


@dataclass(frozen=True)
class Sent:
    """What was sent under a subject, and what became of it."""

    subject: str
    events: int
    delivered: Delivered


def batches(pipeline: Pipeline) -> Iterator[Batch]:
    """The results of recent decisions and of the newest re-run."""
    newest = newest_decisions(pipeline)
    versions = list(recent_versions(pipeline))
    recent = newest.filter(pl.col("golden_version").is_in(versions))
    for candidate in recent["candidate_id"].to_list():
        one = recent.filter(pl.col("candidate_id") == candidate)
        results = tuple(decision_results(one, dimensions_of(pipeline, one)))
        yield Batch(f"decision:{one['decision_id'].item()}", results)
    found = newest_of(pipeline, DRIFT_SIGNALS)
    if found is not None:
        week, signals = found
        results = tuple(drift_results(signals, week=week))
        content = fingerprint([dict(one.attributes) for one in results])
        yield Batch(f"drift:{week}:{content}", results)


def send_results(pipeline: Pipeline) -> list[Sent]:
    """Sends what the collector has not had; what it did not take is tried again later.

    Raises `MissingTelemetryLibraryError` without the extra `otel`.
    """
    settings = pipeline.settings.telemetry.otlp
    if settings is None:
        return []
    sent = []
    for batch in batches(pipeline):
        claim = pipeline.deliveries.claim_notice(
            "telemetry", batch.subject, CHANNEL, at=pipeline.clock()
        )
        if claim is None:
            continue
        delivered = _emit(pipeline, settings, batch)
        pipeline.deliveries.settle(claim, delivered, at=pipeline.clock())
        sent.append(Sent(batch.subject, len(batch.results), delivered))
        if not delivered.ok:
            break
    return sent


def send_metrics(pipeline: Pipeline, *, successes: Successes | None = None) -> Delivered | None:
    """Sends the metrics as they stand now; None where the settings do not ask for it."""
    settings = pipeline.settings.telemetry.otlp
    if settings is None or not settings.metrics:
        return None
    headers = _headers(pipeline, settings)
    if headers is None:
        return failed(NOT_SET)
    metrics = metrics_of(pipeline, successes=successes)
    network = pipeline.settings.network
    return export_metrics(metrics, settings, headers=headers, network=network)


def _emit(pipeline: Pipeline, settings: OtlpSettings, batch: Batch) -> Delivered:
    headers = _headers(pipeline, settings)
    if headers is None:
        return failed(NOT_SET)
    return emit_results(
        batch.results,
        settings,
        headers=headers,
        at=pipeline.clock(),
        network=pipeline.settings.network,
    )


def _headers(pipeline: Pipeline, settings: OtlpSettings) -> dict[str, str] | None:
    try:
        return {
            name: pipeline.project.secret(variable, "a header of the collector")
            for name, variable in settings.header_variables.items()
        }
    except MissingEnvironmentError:
        return None
