"""Whether alerts and telemetry could arrive: looks at every channel, and sends nothing."""

import importlib.util
from collections.abc import Iterator
from typing import Literal

from eval_pipeline.adapters.alerting.channels import unreachable_host
from eval_pipeline.errors import MissingEnvironmentError
from eval_pipeline.flows.wiring import Pipeline

ChannelState = Literal["ok", "fail"]
Looked = tuple[str, ChannelState, str, str]
"""Subject, state, what was found, and the remedy."""


def looked_at_channels(pipeline: Pipeline) -> Iterator[Looked]:
    """One entry a channel."""
    for name, channel in sorted(pipeline.settings.alerts.all_channels.items()):
        subject = f"channel {name}"
        try:
            problem = pipeline.sender.problem_with(channel)
        except MissingEnvironmentError as error:
            yield subject, "fail", str(error), "set the variable"
            continue
        if problem is None:
            yield subject, "ok", f"{channel.kind}: somebody listens; nothing was sent", ""
        else:
            remedy = "mend it, then `eval-pipeline alerts test`"
            yield subject, "fail", f"{channel.kind}: {problem}", remedy


def looked_at_telemetry(pipeline: Pipeline) -> Iterator[Looked]:
    """One entry for the collector; none where none is configured."""
    settings = pipeline.settings.telemetry.otlp
    if settings is None:
        return
    subject = "telemetry"
    if importlib.util.find_spec("opentelemetry") is None:
        yield (
            subject,
            "fail",
            "the extra `otel` is not installed",
            "pip install 'eval-pipeline[otel]'",
        )
        return
    for variable in settings.header_variables.values():
        try:
            pipeline.project.secret(variable, "a header of the collector")
        except MissingEnvironmentError as error:
            yield subject, "fail", str(error), "set the variable"
            return
    problem = unreachable_host(
        settings.endpoint,
        network=pipeline.settings.network,
        carries_secret=bool(settings.header_variables),
    )
    if problem is None:
        yield subject, "ok", f"somebody listens at {settings.endpoint}; nothing was sent", ""
    else:
        yield subject, "fail", f"{settings.endpoint} {problem}", "check `telemetry.otlp.endpoint`"
