"""`eval-pipeline audit`: what the gate makes of faults that were planted on purpose."""

import json
from typing import Annotated

import polars as pl
import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import ConfigOption, JsonOption, checked_week
from eval_pipeline.cli.plain_rows import say
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.evaluation.gate_audit.sentences import problem_sentences
from eval_pipeline.flows.gate_audit import audits_until, newest_audit
from eval_pipeline.reports.gate_audit_words import COLUMNS, page_rows
from eval_pipeline.tables import GATE_AUDIT


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(audit)


def audit(
    week: Annotated[
        str | None,
        typer.Option(
            "--week", "-w", help="The week to audit, made if it was not; default: the newest made."
        ),
    ] = None,
    config: ConfigOption = None,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Make the week's audit anew, by today's evidence.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what the gate makes of planted faults: how often it misses, how often it errs."""
    session = Session(config)
    found = _wanted(session, None if week is None else checked_week(week), again=again)
    rows = session.pipeline.lake.read(GATE_AUDIT, partition=found)
    problems = problem_sentences(rows)
    if as_json:
        told = {
            "week": found,
            "problems": problems,
            "rates": rows.to_dicts(),
            "weeks": _course(session, until=found),
        }
        typer.echo(json.dumps(told, indent=2))
        return
    table = RichTable(title=f"the gate's audit of {found}", title_justify="left")
    for position, name in enumerate(COLUMNS):
        table.add_column(name, overflow="fold", no_wrap=position == 0)
    for row in page_rows(rows):
        table.add_row(*(str(row[name]) for name in COLUMNS))
    out.print(table)
    for problem in problems or ["Every planted fault was met as the policy promises."]:
        say(problem)


def _wanted(session: Session, week: str | None, *, again: bool) -> str:
    """The week to tell of, its audit made where it is wanted and not there."""
    if week is None:
        newest = newest_audit(session.pipeline)
        if newest is None:
            command = GATE_AUDIT.command_for("W")
            raise MissingPartitionError(GATE_AUDIT.name, "any week", command)
        week = newest[0]
        if not again:
            return week
    if again or not session.pipeline.lake.has(GATE_AUDIT, partition=week):
        launch(session, GATE_AUDIT.job, week)
    return week


def _course(session: Session, *, until: str) -> list[dict[str, object]]:
    """By week and measure, over all subsets: how often it happened, of how many copies."""
    audits = audits_until(session.pipeline, week=until)
    if audits is None:
        return []
    summed = audits.group_by("week", "fault", "measure").agg(
        pl.col("count").sum(), pl.col("runs").sum()
    )
    return summed.sort("week", "fault", "measure").to_dicts()
