"""`eval-pipeline review`: the queue out as JSON lines, labels and adjudications back in."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows import review
from eval_pipeline.flows.truth import readiness, settle_week
from eval_pipeline.review.agreement import AgreementEstimate

group = typer.Typer(help="What people are asked, and what they answered.", no_args_is_help=True)


@group.command("add-reviewer")
def add_reviewer(
    name: Annotated[str, typer.Argument(help="The person's id at the desk.")],
    config: ConfigOption = None,
    *,
    adjudicator: Annotated[
        bool, typer.Option("--adjudicator", help="May decide what two others dispute.")
    ] = False,
) -> None:
    """Let a person label; adjudicators also decide disputes, never on their own labels."""
    session = Session(config)
    added = review.add_annotator(session.pipeline, name, kind="person", may_adjudicate=adjudicator)
    out.print(f"{name}: {'added' if added else 'was known already'}")


@group.command("export")
def export(
    week: WeekOption,
    config: ConfigOption = None,
    output: Annotated[Path | None, typer.Option("--out", help="Write to this file.")] = None,
    *,
    for_adjudicators: Annotated[
        bool,
        typer.Option("--for-adjudicators", help="What is disputed, with labels and claims."),
    ] = False,
) -> None:
    """Write the week's queue as JSON lines; judges' verdicts are not in it."""
    written = review.export_for_adjudicators if for_adjudicators else review.export
    text = written(Session(config).pipeline, week=checked_week(week))
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        err.print(f"{len(text.splitlines())} tasks written to {output}", soft_wrap=True)


@group.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="JSON lines of labels or of adjudications.")],
    week: WeekOption,
    config: ConfigOption = None,
    *,
    adjudications: Annotated[
        bool, typer.Option("--adjudications", help="The lines are adjudications.")
    ] = False,
) -> None:
    """Read labels (or adjudications) back in; the same file twice changes nothing."""
    session, week = Session(config), checked_week(week)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"{file} cannot be read: {error}. The store is unchanged.") from None
    take = review.import_adjudications if adjudications else review.import_labels
    imported = take(session.pipeline, text, week=week)
    out.print(
        f"{imported.recorded} recorded, {imported.repeated} known already, "
        f"{len(imported.refused)} refused"
    )
    for reason in imported.refused:
        err.print(reason, markup=False, soft_wrap=True)
    if imported.refused:
        raise typer.Exit(1)


@group.command("status")
def status(week: WeekOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """How far the week's labels are, and whether they suffice to publish."""
    session, week = Session(config), checked_week(week)
    settlement = settle_week(session.pipeline, week=week)
    ready = readiness(session.pipeline, week=week)
    states = dict(settlement.states.group_by("state").len().sort("state").rows())
    facts = {
        "week": week,
        "tasks": settlement.states.height,
        "states": states,
        "labels": dict(session.pipeline.review.status(week).labels_by_annotator),
        "agreement": {
            estimate.measure: asdict(estimate)
            for estimate in review.agreement_of(session.pipeline, week=week)
        },
        "ready": asdict(ready),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name in ("week", "tasks", "states", "labels"):
        out.print(f"{name:>9}  {facts[name]}", markup=False, soft_wrap=True)
    for estimate in review.agreement_of(session.pipeline, week=week):
        out.print(f"{estimate.measure:>9}  {_interval(estimate)}", markup=False)
    out.print(f"{'ready':>9}  {'yes' if ready.ready else 'no'}: {ready.reason}", markup=False)


def _interval(estimate: AgreementEstimate) -> str:
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return f"not defined on {estimate.tasks} tasks labelled twice"
    return (
        f"{estimate.value:.2f} ({estimate.lower:.2f} to {estimate.upper:.2f}) "
        f"on {estimate.tasks} tasks labelled twice"
    )
