"""Options that many commands share."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.errors import SettingsError

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration file; default: eval_pipeline.yaml here.",
        envvar="EVAL_PIPELINE_CONFIG",
        show_envvar=True,
    ),
]
WeekOption = Annotated[str, typer.Option("--week", "-w", help="The week's Monday, as 2026-11-16.")]
CandidateOption = Annotated[
    str, typer.Option("--candidate", help="A system of the configuration, or a candidate file.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def checked_week(week: str) -> str:
    """The week if it names a Monday; raises `SettingsError` with the nearest one if not."""
    try:
        day = dt.date.fromisoformat(week)
    except ValueError:
        raise SettingsError(
            f"--week: '{week}' is not a date. Write the week's Monday as 2026-11-16."
        ) from None
    if day.weekday() != 0:
        monday = day - dt.timedelta(days=day.weekday())
        raise SettingsError(f"--week: {week} is a {day:%A}; its week starts on {monday}.")
    return day.isoformat()
