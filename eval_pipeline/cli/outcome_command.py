"""`eval-pipeline outcomes`: whether offline scores foretell what production shows."""

import json
from typing import Annotated

import polars as pl
import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.options import ConfigOption, JsonOption, checked_week
from eval_pipeline.cli.plain_rows import say
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.flows.outcome_tracking import newest_tracking
from eval_pipeline.reports.outcome_plots import (
    predictions_in_words,
    tracking_in_words,
    warnings,
)
from eval_pipeline.tables import OUTCOME_PREDICTIONS, OUTCOME_TRACKING

_SHOWN = ("subset", "finding", "inside", "bias", "mean error", "naive error", "rank", "slope")
_WEEK = ("subset", "score", "predicted", "interval", "outcome", "inside")


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(outcomes)


def outcomes(
    week: Annotated[
        str | None,
        typer.Option("--week", "-w", help="As it stood after this week; default: the newest."),
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say whether offline scores still foretell the outcome that production shows."""
    session = Session(config)
    found, tracking = _tracking(session, None if week is None else checked_week(week))
    predictions = session.pipeline.lake.read(OUTCOME_PREDICTIONS, partition=found)
    if as_json:
        told = {
            "week": found,
            "warnings": warnings(tracking),
            "tracking": tracking.to_dicts(),
            "predictions": predictions.to_dicts(),
        }
        typer.echo(json.dumps(told, indent=2))
        return
    out.print(_table(predictions_in_words(predictions).select(_WEEK), f"the week of {found}, %"))
    out.print(_table(tracking_in_words(tracking).select(_SHOWN), "all weeks so far, points"))
    say(tracking.row(by_predicate=pl.col("subset") == "all", named=True)["sentence"])
    for warning in warnings(tracking):
        say(f"Warning, {warning}")


def _tracking(session: Session, week: str | None) -> tuple[str, pl.DataFrame]:
    if week is not None:
        return week, session.pipeline.lake.read(OUTCOME_TRACKING, partition=week)
    newest = newest_tracking(session.pipeline)
    if newest is None:
        raise MissingPartitionError(
            OUTCOME_TRACKING.name, "any week", OUTCOME_TRACKING.command_for("W")
        )
    return newest


def _table(rows: pl.DataFrame, title: str) -> RichTable:
    table = RichTable(title=title, title_justify="left")
    for position, name in enumerate(rows.columns):
        table.add_column(name, overflow="fold", no_wrap=position == 0)
    for row in rows.iter_rows():
        table.add_row(*map(str, row))
    return table
