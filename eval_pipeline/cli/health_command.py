"""`eval-pipeline health`: for a container's health check and for probes."""

import json
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import out
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.health import Depth, Health, look
from eval_pipeline.flows.wiring import utc_now
from eval_pipeline.settings_file import load_project


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(health)


def health(
    config: ConfigOption = None,
    *,
    live: Annotated[
        bool, typer.Option("--live", help="The configuration alone: nothing outside is asked.")
    ] = False,
    ready: Annotated[
        bool, typer.Option("--ready", help="Also store and lake, which are read and not written.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say whether configuration, store and lake are fit to work with; exit 0 or 1. Quick.

    Without --live or --ready it also writes a file into the lake, and takes it away again.
    """
    if live and ready:
        raise SettingsError("--live and --ready ask for two depths. Nothing was asked. Name one.")
    depth: Depth = "live" if live else "ready" if ready else "whole"
    found = look(load_project(config), depth=depth, at=utc_now())
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    else:
        _tell(found)
    if not found.ok:
        raise typer.Exit(1)


def _tell(found: Health) -> None:
    for part in found.parts:
        out.print("[green]ok  [/]  " if part.ok else "[bold red]FAIL[/]  ", end="")
        out.print(f"{part.name}: {part.detail}", markup=False, soft_wrap=True)
