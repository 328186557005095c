"""`eval-pipeline metrics` and `eval-pipeline telemetry`: what dashboards get."""

import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.metrics import metrics_of
from eval_pipeline.flows.telemetry import batches
from eval_pipeline.monitoring.dashboards.metrics import Metric
from eval_pipeline.monitoring.dashboards.results import shown

metrics_group = typer.Typer(
    help="Metrics for Prometheus, from the newest tables.", no_args_is_help=True
)
telemetry_group = typer.Typer(
    help="Evaluation results for an OpenTelemetry collector.", no_args_is_help=True
)


@metrics_group.command()
def write(
    file: Annotated[Path, typer.Argument(help="A .prom file in the collector's folder.")],
    config: ConfigOption = None,
) -> None:
    """Write all metrics into FILE, whole, for the text file collector of a node exporter."""
    # The client library takes a quarter of a second to import, and no other command needs it.
    from eval_pipeline.adapters.telemetry.prometheus import write_metrics  # noqa: PLC0415

    write_metrics(_reader(Session(config)), file)
    out.print(f"Wrote {file}", markup=False, soft_wrap=True)


@metrics_group.command()
def serve(
    config: ConfigOption = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="0: any that is free.")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.")] = None,
) -> None:
    """Answer scrapes at /metrics until interrupted; the lake is read once a minute at most.

    SIGTERM ends it as Ctrl-C does, after the scrape at work.
    """
    from eval_pipeline.adapters.telemetry.prometheus import served  # noqa: PLC0415

    session = Session(config)
    policy = session.project.settings.telemetry.prometheus
    with (
        _told_to_end() as ended,
        served(
            _reader(session),
            host=host or policy.host,
            port=policy.port if port is None else port,
            refresh_seconds=policy.refresh_seconds,
        ) as chosen,
    ):
        out.print(f"Metrics at http://{host or policy.host}:{chosen}/metrics; Ctrl+C ends it.")
        ended.wait()
    out.print("Stopped.")


@telemetry_group.command()
def show(config: ConfigOption = None) -> None:
    """What would be sent to a collector, as JSON; sends nothing and needs no collector."""
    session = Session(config)
    typer.echo(shown([one for batch in batches(session.pipeline) for one in batch.results]))


@telemetry_group.command()
def send(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Send the collector what it has not had, as the sensor `telemetry` does."""
    session = Session(config)
    if session.project.settings.telemetry.otlp is None:
        raise SettingsError(
            "No collector is configured. Name one under `telemetry.otlp`; see docs/telemetry.md."
        )
    session.pipeline.deliveries.release()
    with session.progress.shown("sending"):
        told = session.launcher.tick("telemetry")
    if as_json:
        typer.echo(json.dumps({"told": told.split("; ")}, indent=2))
        return
    for line in told.split("; "):
        out.print(line, soft_wrap=True, markup=False)


@contextmanager
def _told_to_end() -> Iterator[threading.Event]:
    """Set by SIGINT and SIGTERM; the first process of a container has no other end by SIGTERM."""
    ended = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # no signal comes here
        yield ended
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {which: signal.signal(which, lambda *_: ended.set()) for which in signals}
    try:
        yield ended
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _reader(session: Session) -> Callable[[], Sequence[Metric]]:
    pipeline, launcher = session.pipeline, session.launcher
    return lambda: metrics_of(pipeline, successes=launcher.last_successes)
