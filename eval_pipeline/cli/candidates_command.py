"""`eval-pipeline candidates`: all that were evaluated, in one table with the baseline."""

import json
from typing import Annotated

import typer
from rich.table import Table as RichTable
from rich.text import Text

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.candidate_table import ALL, candidate_table
from eval_pipeline.reports.candidate_table import COLUMNS, rows


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(candidates)


def candidates(
    config: ConfigOption = None,
    *,
    names: Annotated[
        str | None, typer.Option(help="These alone, as steady,sharper; default: all evaluated.")
    ] = None,
    subset: Annotated[str, typer.Option(help="One subset's figures instead of all items'.")] = ALL,
    as_json: JsonOption = False,
) -> None:
    """Compare all evaluated candidates with the baseline: quality, latency and cost."""
    session = Session(config)
    wanted = None if names is None else [name.strip() for name in names.split(",")]
    table = candidate_table(session.pipeline, names=wanted, subset=subset)
    if as_json:
        typer.echo(json.dumps(table.as_dict(), indent=2))
        return
    if not table.rows:
        out.print("No candidate was evaluated yet; `eval-pipeline evaluate --candidate NAME` does.")
        return
    # A candidate a column: its figures are many, and the candidates are few.
    shown = rows(table.rows)
    told = RichTable("")
    for row in shown:
        told.add_column(Text(row[0]), overflow="fold")
    for place, name in enumerate(COLUMNS[1:], start=1):
        told.add_row(name, *(Text(row[place]) for row in shown))
    out.print(told)
    for note in table.notes:
        out.print(f"- {note}", markup=False, soft_wrap=True)
