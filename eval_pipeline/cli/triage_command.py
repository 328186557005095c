"""`eval-pipeline triage`: what a candidate lost, asked again, and what of it is systematic."""

import json

import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import CandidateOption, ConfigOption, JsonOption
from eval_pipeline.cli.plain_rows import say
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.reports import triage as report
from eval_pipeline.tables import FAILING_ITEMS, FAILURE_TRIAGE


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(triage)


def triage(
    candidate: CandidateOption,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """Ask again what a candidate lost, and say what is systematic; needs its decision."""
    session = Session(config)
    resolve_candidate(session.project, candidate)
    run_id = launch(session, "triage", candidate)
    found = session.pipeline.lake.read(FAILURE_TRIAGE, partition=candidate)
    failing = session.pipeline.lake.read(FAILING_ITEMS, partition=candidate)
    if as_json:
        told = {
            "candidate": candidate,
            "run_id": run_id,
            "sentences": report.sentences(found),
            "slices": found.filter(found["about"] == "slice").to_dicts(),
            "modes": found.filter(found["about"] == "mode").sort("rank").to_dicts(),
            "items": failing.to_dicts(),
        }
        typer.echo(json.dumps(told, indent=2))
        return
    for sentence in report.sentences(found):
        say(sentence)
    out.print(_modes(report.mode_rows(found)))
    for row in report.item_rows(failing):
        say(f"{row['item_id']}: lost again {row['counts']}, {row['outcome']}")


def _modes(rows: list[dict[str, object]]) -> RichTable:
    table = RichTable("failure mode", "points", "lost / won", "asked again")
    for row in rows:
        points = 100 * float(str(row["cost_points"]))
        counted = f"{row['losses']} / {row['wins']}"
        table.add_row(str(row["title"]), f"{points:.2f}", counted, str(row["again"]))
    return table
