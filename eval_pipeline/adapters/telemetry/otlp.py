"""Evaluation results and metrics to a collector, by OTLP over HTTP in protobuf (extra `otel`)."""

import datetime as dt
import importlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from eval_pipeline import __version__
from eval_pipeline.adapters.alerting.outcome import Delivered, failed
from eval_pipeline.adapters.alerting.posting import REFUSED_DESTINATION
from eval_pipeline.adapters.network.destinations import checked_url
from eval_pipeline.adapters.telemetry.sessions import checked_session
from eval_pipeline.errors import MissingTelemetryLibraryError, RefusedDestinationError
from eval_pipeline.monitoring.dashboards.metrics import Metric
from eval_pipeline.monitoring.dashboards.results import EVENT_NAME, EvaluationResult
from eval_pipeline.settings import USUAL_NETWORK, NetworkSettings, OtlpSettings

SCOPE: Final = "eval_pipeline"
REFUSED: Final = "export_failed"
_LOUD: Final = "opentelemetry.exporter.otlp"


def emit_results(
    results: Sequence[EvaluationResult],
    settings: OtlpSettings,
    *,
    headers: Mapping[str, str],
    at: dt.datetime,
    network: NetworkSettings = USUAL_NETWORK,
) -> Delivered:
    """Whether the collector took all of them, as log events in one request.

    Never raises for the collector; raises `MissingTelemetryLibraryError` without the extra.
    """
    logs = _library("opentelemetry.sdk._logs")
    export = _library("opentelemetry.sdk._logs.export")
    otlp = _library("opentelemetry.exporter.otlp.proto.http._log_exporter")
    api = _library("opentelemetry._logs")
    memory = export.InMemoryLogRecordExporter()
    provider = logs.LoggerProvider(resource=_resource(settings), shutdown_on_exit=False)
    provider.add_log_record_processor(export.SimpleLogRecordProcessor(memory))
    logger = provider.get_logger(SCOPE, __version__)
    nanoseconds = int(at.timestamp() * 1_000_000_000)
    for result in results:
        logger.emit(
            api.LogRecord(
                timestamp=nanoseconds,
                observed_timestamp=nanoseconds,
                severity_number=api.SeverityNumber.INFO,
                event_name=EVENT_NAME,
                attributes=dict(result.attributes),
            )
        )
    provider.force_flush()
    return _exported(
        lambda session: otlp.OTLPLogExporter(
            endpoint=_address(settings, "logs"),
            headers=dict(headers),
            timeout=settings.timeout_seconds,
            session=session,
        ),
        memory.get_finished_logs(),
        settings,
        network=network,
    )


def export_metrics(
    metrics: Sequence[Metric],
    settings: OtlpSettings,
    *,
    headers: Mapping[str, str],
    network: NetworkSettings = USUAL_NETWORK,
) -> Delivered:
    """Whether the collector took the metrics, under the names that Prometheus gets.

    Never raises for the collector; raises `MissingTelemetryLibraryError` without the extra.
    """
    sdk = _library("opentelemetry.sdk.metrics")
    export = _library("opentelemetry.sdk.metrics.export")
    otlp = _library("opentelemetry.exporter.otlp.proto.http.metric_exporter")
    reader = export.InMemoryMetricReader()
    provider = sdk.MeterProvider(
        metric_readers=[reader], resource=_resource(settings), shutdown_on_exit=False
    )
    meter = provider.get_meter(SCOPE, __version__)
    observation = _library("opentelemetry.metrics").Observation
    for metric in metrics:
        observe = _observed(metric, observation)
        make = (
            meter.create_observable_counter
            if metric.type == "counter"
            else meter.create_observable_gauge
        )
        make(metric.name, callbacks=[observe], description=metric.documentation)
    data = reader.get_metrics_data()
    return _exported(
        lambda session: otlp.OTLPMetricExporter(
            endpoint=_address(settings, "metrics"),
            headers=dict(headers),
            timeout=settings.timeout_seconds,
            session=session,
        ),
        data,
        settings,
        network=network,
    )


def _observed(metric: Metric, observation: Any) -> Callable[[Any], Iterable[Any]]:
    def observe(_: Any) -> Iterable[Any]:
        return [observation(one.value, dict(one.labels)) for one in metric.samples]

    return observe


def _exported(
    make: Callable[[Any], Any], data: Any, settings: OtlpSettings, *, network: NetworkSettings
) -> Delivered:
    """The exporter tries again by itself within its time; what became of it is told once, here."""
    secret = bool(settings.header_variables)
    try:
        url = checked_url(
            "telemetry.otlp.endpoint", settings.endpoint, network=network, carries_secret=secret
        )
    except RefusedDestinationError:
        return failed(REFUSED_DESTINATION)
    session = checked_session(
        _library("requests"), url, network=network, seconds=settings.timeout_seconds
    )
    exporter = make(session)
    loggers = [logging.getLogger(name) for name in _loggers()]
    for logger in loggers:
        logger.addFilter(_nothing)
    try:
        result = exporter.export(data)
    except Exception as error:  # noqa: BLE001 - telemetry must not break what it tells of
        return failed(type(error).__name__)
    finally:
        exporter.shutdown()
        session.close()
        for logger in loggers:
            logger.removeFilter(_nothing)
    return Delivered() if result.name == "SUCCESS" else failed(REFUSED)


def _loggers() -> list[str]:
    return [name for name in logging.root.manager.loggerDict if name.startswith(_LOUD)]


def _nothing(_: logging.LogRecord) -> bool:
    return False


def _resource(settings: OtlpSettings) -> Any:
    resources = _library("opentelemetry.sdk.resources")
    return resources.Resource.create(
        {
            **settings.resource,
            "service.name": settings.service_name,
            "service.version": __version__,
        }
    )


def _address(settings: OtlpSettings, signal: str) -> str:
    return f"{settings.endpoint.rstrip('/')}/v1/{signal}"


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise MissingTelemetryLibraryError(name) from None
