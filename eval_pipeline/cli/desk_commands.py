"""`eval-pipeline review serve`: the review desk's page and API."""

import contextlib
import logging
from collections.abc import Callable
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.errors import DeskError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import DeskSettings

EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - named to warn of it


def register(group: typer.Typer) -> None:
    """Adds the command to the `review` group."""
    group.command("serve")(serve)


def serve(
    config: ConfigOption = None,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on; default: `desk.host`.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="The port; 0 takes a free one; default: `desk.port`."
        ),
    ] = None,
) -> None:
    """Serve the review desk to people's browsers until interrupted."""
    session = Session(config)
    settings = session.project.settings.desk
    listening = settings.model_copy(update={"host": host or settings.host})
    for warning in warnings_about(listening):
        err.print(f"[yellow]Warning:[/] {warning}", soft_wrap=True)

    def started(actual_port: int) -> None:
        for line in greeting(listening, port=actual_port):
            out.print(line, soft_wrap=True, markup=False)

    wanted = settings.port if port is None else port
    serve_desk(session.pipeline, host=listening.host, port=wanted, started=started)


def serve_desk(pipeline: Pipeline, *, host: str, port: int, started: Callable[[int], None]) -> None:
    """Serves the desk of a pipeline until interrupted, and closes it.

    Raises `DeskError` where the port cannot be had. `started` is told the port.
    """
    # FastAPI and uvicorn take most of a second to import, and no other command needs them.
    from eval_pipeline.desk.app import build_app  # noqa: PLC0415
    from eval_pipeline.desk.server import serve as serve_app  # noqa: PLC0415

    _log_plainly()
    with contextlib.closing(pipeline):
        app = build_app(pipeline, host=host)
        if not serve_app(app, host=host, port=port, started=started):
            raise DeskError(host, port)


def warnings_about(settings: DeskSettings) -> list[str]:
    """What is unsafe about listening there, in sentences; empty if nothing is."""
    from eval_pipeline.desk.server import is_loopback  # noqa: PLC0415

    if is_loopback(settings.host):
        return []
    warnings = []
    if not settings.behind_tls:
        warnings.append(
            f"the desk listens on {settings.host} without TLS: who shares the network can read "
            "tokens and tasks. Put a proxy with TLS before it and set `desk.behind_tls`, or "
            "listen on 127.0.0.1."
        )
    if settings.host in EVERY_ADDRESS and not settings.allowed_hosts:
        warnings.append(
            "`desk.allowed_hosts` is empty, so the desk answers under localhost alone. Name "
            "there the host that people type."
        )
    return warnings


def greeting(settings: DeskSettings, *, port: int) -> list[str]:
    """Where the desk is, and how people get in."""
    shown = "localhost" if settings.host in EVERY_ADDRESS else settings.host
    bracketed = f"[{shown}]" if ":" in shown else shown
    lines = [f"Review desk: http://{bracketed}:{port}"]
    if settings.identity_header:
        lines.append(
            f"People sign in at your proxy, which names them in {settings.identity_header}."
        )
    lines += [
        "A token for a person: eval-pipeline review token NAME",
        "Stop with Ctrl-C; what was submitted is stored.",
    ]
    return lines


def _log_plainly() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name in ("eval_pipeline.desk", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO if name == "eval_pipeline.desk" else logging.WARNING)
        logger.propagate = False
