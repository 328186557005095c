"""What dashboards get: evaluation events by OpenTelemetry, metrics for Prometheus."""

from typing import Annotated

from pydantic import Field

from eval_pipeline.settings.providers import EnvironmentVariable
from eval_pipeline.settings.section import Section

_HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]


class OtlpSettings(Section):
    """A collector that takes OTLP by HTTP, in protobuf (extra `otel`)."""

    endpoint: str = Field(
        pattern=r"^https?://[^\s?#@]+$",
        max_length=500,
        description="The collector's base address, such as http://collector:4318; `/v1/logs` and "
        "`/v1/metrics` are added. No secrets here.",
    )
    header_variables: dict[_HeaderName, EnvironmentVariable] = Field(
        default_factory=dict,
        description="Headers whose values are secrets, each with the variable that holds it.",
    )
    timeout_seconds: float = Field(
        10, gt=0, le=30, description="How long one export may take, with its retries."
    )
    service_name: str = Field(
        "eval-pipeline",
        min_length=1,
        max_length=120,
        description="`service.name` of all that is sent.",
    )
    resource: dict[str, str] = Field(
        default_factory=dict,
        description="Further attributes of the resource, such as deployment.environment.name.",
    )
    metrics: bool = Field(
        False,  # noqa: FBT003 - the default of a field
        description="Whether the metrics of `eval-pipeline metrics` are sent there too.",
    )


class PrometheusSettings(Section):
    """What `eval-pipeline metrics` shows."""

    host: str = Field("127.0.0.1", min_length=1, description="The address `serve` listens on.")
    port: int = Field(9464, ge=1, le=65535, description="And the port.")
    refresh_seconds: float = Field(
        60, ge=1, description="So long an answer is kept: a scrape does not read the lake again."
    )
    candidates: int = Field(
        10, ge=1, le=200, description="Candidates with series of their own: those decided last."
    )
    series: int = Field(
        20_000, ge=100, description="More series than this are left out, and counted."
    )


class TelemetrySettings(Section):
    """What dashboards get; see telemetry.md."""

    otlp: OtlpSettings | None = Field(
        None, description="Where evaluation results go as OpenTelemetry events; none: nowhere."
    )
    prometheus: PrometheusSettings = Field(
        PrometheusSettings(), description="What `eval-pipeline metrics` shows."
    )
