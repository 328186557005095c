"""`eval-pipeline approve`, `waive` and `promote`: named people's words beside the gate's."""

import datetime as dt
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import PolicyRecordError
from eval_pipeline.flows import promotion, waivers

DecisionArgument = Annotated[
    str, typer.Argument(metavar="DECISION", help="A decision's id, or the candidate it is on.")
]
CandidateArgument = Annotated[
    str, typer.Argument(metavar="CANDIDATE", help="A system of the configuration, or a file.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is masked as logs are.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command()(approve)
    app.command()(waive)
    app.command()(promote)


def approve(
    decision: DecisionArgument, by: ByOption, reason: ReasonOption, config: ConfigOption = None
) -> None:
    """Record that a person looked at the drops that the policy shows to one."""
    record = waivers.approve(Session(config).pipeline, decision, by=by, reason=reason)
    _say(
        f"Recorded: {by} looked at decision {record.decision_id} on '{record.candidate_id}'. "
        f"{_again(record.candidate_id)}"
    )


def waive(
    decision: DecisionArgument,
    by: ByOption,
    reason: ReasonOption,
    until: Annotated[str, typer.Option("--until", help="The last day, as 2026-12-31.")],
    subset: Annotated[
        list[str] | None,
        typer.Option(
            "--subset",
            help="What is accepted: a subset, all, or DIMENSION/SUBSET; repeatable. None: all "
            "that is open.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Accept open subsets until a date; the verdict stays, and the exit code becomes 0."""
    record = waivers.waive(
        Session(config).pipeline,
        decision,
        by=by,
        reason=reason,
        until=_day(until),
        subsets=subset or (),
    )
    _say(
        f"Recorded: {by} waives {', '.join(record.subsets)} of '{record.candidate_id}' until "
        f"{until}. {_again(record.candidate_id)}"
    )


def promote(
    candidate: CandidateArgument, by: ByOption, reason: ReasonOption, config: ConfigOption = None
) -> None:
    """Record that a candidate becomes the baseline; asks for a decision that lets it."""
    session = Session(config)
    promotion.promote(session.pipeline, candidate, by=by, reason=reason)
    with session.progress.shown(f"record {candidate}"):
        session.launcher.launch("record", partition=candidate)
    _say(f"Recorded: {by} promotes '{candidate}'.")
    _say(promotion.lines_to_change(session.pipeline, candidate))


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise PolicyRecordError(
            f"--until: '{text}' is not a date. Nothing was recorded. Write it as 2026-12-31."
        ) from None


def _again(candidate: str) -> str:
    return f"It counts from the next `eval-pipeline gate --candidate {candidate}` on."


def _say(sentence: str) -> None:
    out.print(sentence, markup=False, soft_wrap=True)
