"""The sensor that sends results and metrics to a collector; what they are is told elsewhere."""

import dagster as dg

from assets.run_records import last_successes
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.telemetry import send_metrics, send_results
from eval_pipeline.flows.wiring import Pipeline


@dg.sensor(
    name="telemetry",
    minimum_interval_seconds=60,
    description="Sends evaluation results to the OpenTelemetry collector, each once, and the "
    "metrics if the configuration asks for it.",
)
def telemetry_sensor(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.SkipReason:
    """One look; never fails for the collector's sake."""
    if pipeline.settings.telemetry.otlp is None:
        return dg.SkipReason("No collector is configured under `telemetry.otlp`.")
    try:
        sent = send_results(pipeline)
        metrics = send_metrics(pipeline, successes=lambda: last_successes(context.instance))
    except EvalPipelineError as error:
        return dg.SkipReason(f"Nothing could be sent. {error}")
    told = [
        f"{one.subject}: {one.events} events"
        + ("" if one.delivered.ok else f" not taken ({one.delivered.error_code})")
        for one in sent
    ]
    if metrics is not None:
        told.append("metrics" if metrics.ok else f"metrics not taken ({metrics.error_code})")
    return dg.SkipReason("; ".join(told) or "Nothing new to send.")
