"""What keeps evaluation results from a collector."""

from eval_pipeline.errors.base import EvalPipelineError


class MissingTelemetryLibraryError(EvalPipelineError):
    """A library that sends OpenTelemetry is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(
            f"`telemetry.otlp` needs the library {library}, which is not installed. Nothing was "
            "sent, and everything else works without it. Run: pip install 'eval-pipeline[otel]'."
        )
