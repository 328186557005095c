"""`eval-pipeline gate`: decide on a candidate, or make a decision again from its record."""

from typing import Annotated

import typer

from eval_pipeline.cli.decision_output import (
    COULD_NOT_EVALUATE,
    AlsoOption,
    DecisionFormat,
    FormatOption,
    OutOption,
    Output,
    asked_output,
    could_not_evaluate,
    tell_decision,
)
from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import ConfigOption
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import page_path, read_page
from eval_pipeline.flows.replay import find_decision, replay
from eval_pipeline.tables import REGRESSION_REPORT


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(gate)


def gate(
    candidate: Annotated[
        str | None,
        typer.Option("--candidate", help="A system of the configuration, or a candidate file."),
    ] = None,
    config: ConfigOption = None,
    output_format: FormatOption = DecisionFormat.text,
    output: OutOption = None,
    also: AlsoOption = None,
    replayed: Annotated[
        str | None,
        typer.Option(
            "--replay", metavar="DECISION", help="Make this decision again from its record alone."
        ),
    ] = None,
) -> None:
    """Decide on a candidate. Exit 0 pass, 1 block, 2 inconclusive, 3 could not be evaluated.

    With --replay a decision is computed again from what was kept of it; nothing is asked or
    written. It ends as that decision did, or with 3 where it does not come out the same.
    """
    if (candidate is None) == (replayed is None):
        raise typer.BadParameter("Name a --candidate, or a decision to --replay.")
    with could_not_evaluate():
        asked = asked_output(output_format, output, also)
        session = Session(config)
        if candidate is None:
            code = _replay(session, str(replayed))
        else:
            code = _decide(session, candidate, asked)
    raise typer.Exit(code)


def _decide(session: Session, candidate: str, asked: Output) -> int:
    resolve_candidate(session.project, candidate)
    launch(session, "gate", candidate)
    decision = load_decision(session.pipeline, candidate)
    tell_decision(
        decision,
        session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate),
        output=asked,
        page=lambda: read_page(session.pipeline, candidate),
        hint=f"Page: {page_path(session.pipeline, candidate)}",
    )
    return decision.exit_code


def _replay(session: Session, named: str) -> int:
    pipeline = session.pipeline
    again = replay(pipeline.decision_records.load(find_decision(pipeline, named)))
    decision = again.decision
    for name, (then, now) in again.other_versions.items():
        err.print(f"{name}: {then} then, {now} now", style="dim", markup=False)
    sameness = "Identical" if again.identical else "Not the same"
    told = f"decision {decision.decision_id} on {decision.candidate}: {decision.verdict}"
    out.print(f"{sameness}: {told}", soft_wrap=True, markup=False)
    for difference in again.differences:
        out.print(f"- {difference}", soft_wrap=True, markup=False)
    return decision.exit_code if again.identical else COULD_NOT_EVALUATE
