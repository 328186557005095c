"""`eval-pipeline shadow`: production's own requests before a candidate, ahead of the switch."""

import json
from typing import Annotated, Any

import polars as pl
import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.options import (
    CandidateOption,
    ConfigOption,
    JsonOption,
    checked_week,
)
from eval_pipeline.cli.plain_rows import say
from eval_pipeline.cli.session import Session, out
from eval_pipeline.cli.shadow_serve import serve
from eval_pipeline.errors import MissingPartitionError, SettingsError
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.shadow.asking import newest_week
from eval_pipeline.reports import shadow as told
from eval_pipeline.tables import SHADOW_REPORT

group = typer.Typer(
    help="Put production's own requests before a candidate, recorded or mirrored, before a switch.",
    no_args_is_help=True,
)


@group.command()
def run(
    candidate: CandidateOption,
    config: ConfigOption = None,
    week: Annotated[
        str | None,
        typer.Option("--week", "-w", help="The week's Monday; default: the newest that was drawn."),
    ] = None,
    items: Annotated[
        int | None,
        typer.Option(
            "--items", min=1, help="Requests to ask; default: `shadow.maximum_items`, or all drawn."
        ),
    ] = None,
    *,
    ask_both: Annotated[
        bool,
        typer.Option(
            "--ask-both",
            help="Ask the baseline anew too, in turn, in place of what production logged.",
        ),
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Compare what `shadow serve` has mirrored so far."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the candidate what production was asked, and compare. Decides nothing by itself."""
    if live and (ask_both or week or items):
        raise SettingsError(
            "--live compares all that was mirrored; it goes without --week, --items and --ask-both."
        )
    session = Session(config)
    resolve_candidate(session.project, candidate)
    source = "live" if live else "asked" if ask_both else "recorded"
    order: dict[str, Any] = {"source": source}
    if not live:
        order["week"] = checked_week(week) if week else newest_week(session.pipeline)
    if items is not None:
        order["maximum_items"] = items
    with session.progress.shown(f"shadow {candidate}", plans=True):
        run_id = session.launcher.launch(
            "shadow", partition=candidate, config={"shadow_trials": order}
        )
    held = session.pipeline.lake.read(SHADOW_REPORT, partition=candidate)
    rows = held.filter(pl.col("source") == source)
    if not live:
        rows = rows.filter(pl.col("week") == order["week"])
    _show(candidate, rows, as_json=as_json, run_id=run_id)


@group.command()
def report(
    candidate: CandidateOption,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """What the shadow showed so far: the newest comparison; with --json, all of them."""
    session = Session(config)
    resolve_candidate(session.project, candidate)
    held = session.pipeline.lake.read_if_made(SHADOW_REPORT, partition=candidate)
    if held is None or held.is_empty():
        command = f"eval-pipeline shadow run --candidate {candidate}"
        raise MissingPartitionError(SHADOW_REPORT.name, candidate, command)
    _show(candidate, held, as_json=as_json)


group.command()(serve)


def _show(candidate: str, rows: pl.DataFrame, *, as_json: bool, run_id: str | None = None) -> None:
    if as_json:
        facts = {
            "candidate": candidate,
            "run_id": run_id,
            "sentence": told.one_sentence(rows),
            "sentences": told.sentences(rows),
            "subsets": rows.to_dicts(),
        }
        typer.echo(json.dumps(facts, indent=2))
        return
    shown = told.newest(rows)
    out.print(f"[bold]{told.HEADING}[/]")
    out.print(_table(told.in_words(shown)))
    out.print(_table(told.figures_of(shown)))
    if not told.fates_of(shown).is_empty():
        out.print(_table(told.fates_of(shown)))
    for sentence in told.sentences(shown):
        say(f"- {sentence}")
    others = rows.select("source", "week").unique().height - 1
    if others:
        say(f"{others} other comparisons are held; --json shows all.")


def _table(frame: pl.DataFrame) -> RichTable:
    table = RichTable(*frame.columns)
    for row in frame.iter_rows():
        table.add_row(*("" if value is None else str(value) for value in row))
    return table
