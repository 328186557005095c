"""`eval-pipeline review audit-candidate`: a candidate's answers for people, and how far it is."""

import json

import typer

from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import CandidateOption, ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.flows.candidate_audit import queue_audit
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.tables import CANDIDATE_AUDIT, HUMAN_CORRECTION

JOB = "audit"


def register(group: typer.Typer) -> None:
    """Adds the command to `eval-pipeline review`."""
    group.command("audit-candidate")(audit_candidate)


def audit_candidate(
    candidate: CandidateOption,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """Queue answers of an evaluated candidate for people; again, say how far they are."""
    session = Session(config)
    resolved = resolve_candidate(session.project, candidate)
    queued = queue_audit(session.pipeline, resolved)
    launch(session, JOB, candidate)
    answers = session.pipeline.lake.read(CANDIDATE_AUDIT, partition=candidate)
    found = session.pipeline.lake.read(HUMAN_CORRECTION, partition=candidate)
    whole = found.filter(subset=ALL).row(0, named=True)
    facts = {
        "candidate": candidate,
        "items": queued.items,
        "tasks": queued.tasks,
        "opened": queued.opened,
        "states": dict(answers.group_by("state").len().sort("state").rows()),
        "labelled pairs": whole["labelled"],
        "missing pairs": whole["missing"],
        "correction": whole["state"],
        "rectifier": whole["rectifier"],
        "rectifier_se": whole["rectifier_se"],
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        out.print(f"{name:>16}  {_shown(value)}", markup=False, soft_wrap=True)


def _shown(value: object) -> str:
    if value is None:
        return "not known yet"
    return f"{value:+.3f}" if isinstance(value, float) else str(value)
