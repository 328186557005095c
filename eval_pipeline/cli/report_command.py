"""`eval-pipeline report`: the week on one page for the product owner."""

import json
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.plain_rows import say
from eval_pipeline.cli.session import Session
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.weekly_page import read_week, week_path


class ReportFileError(EvalPipelineError):
    """The week's page was made and cannot be put where it was asked for."""


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(report)


def report(
    week: WeekOption,
    config: ConfigOption = None,
    output: Annotated[
        Path | None, typer.Option("--out", help="Write the page to this file too.")
    ] = None,
    opened: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Make the week's page: what changed, what needs a person, and the figures behind it."""
    session, week = Session(config), checked_week(week)
    launch(session, "report", week)
    pipeline = session.pipeline
    address = pipeline.lake.describe(week_path(week, "html"))
    if output is not None:
        _write(output, read_week(pipeline, week=week, suffix="html"))
        address = str(output)
    if opened:
        webbrowser.open(address if "://" in address else Path(address).resolve().as_uri())
    text = read_week(pipeline, week=week, suffix="json")
    if as_json:
        typer.echo(text, nl=False)
        return
    told = json.loads(text)
    say(told["headline"])
    for need in told["needs_a_person"]:
        say(f"- {need['sentence']}" + (f" {need['command']}" if need["command"] else ""))
    say(f"Page: {address}")


def _write(file: Path, page: str) -> None:
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ReportFileError(
            f"The week's page lies in the lake, and {file} cannot be written ({error.strerror}). "
            "Name a file in a folder that is there."
        ) from None
