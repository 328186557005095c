"""`eval-pipeline continue-gate`: an undecided candidate on the reserve of later weeks."""

import typer

from eval_pipeline.cli.decision_output import could_not_evaluate
from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import CandidateOption, ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.continuation import require_continuable
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import page_path
from eval_pipeline.reports import formats
from eval_pipeline.reports.terminal import decision_table
from eval_pipeline.tables import REGRESSION_REPORT


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("continue-gate")(go_on)


def go_on(
    candidate: CandidateOption,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Go on with an undecided candidate on later weeks' reserve. Exits as `gate` does."""
    with could_not_evaluate():
        session = Session(config)
        require_continuable(session.pipeline, resolve_candidate(session.project, candidate))
        launch(session, "continue_gate", candidate)
        decision = load_decision(session.pipeline, candidate)
    told = decision.model_dump(mode="json")
    if as_json:
        typer.echo(formats.as_json(told))
    else:
        report = session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate)
        out.print(decision_table(told, report))
        for reason in decision.reasons:
            out.print(f"- {reason}", markup=False, soft_wrap=True)
        out.print(f"Page: {page_path(session.pipeline, candidate)}", soft_wrap=True)
    raise typer.Exit(decision.exit_code)
