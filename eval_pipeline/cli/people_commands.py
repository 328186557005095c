"""`eval-pipeline review`: who is at the desk, on which terms, by which tokens; the audit trail."""

import getpass
import json
from dataclasses import asdict
from typing import Annotated

import typer

from eval_pipeline.adapters.audit import PIPELINE
from eval_pipeline.adapters.review.people import LeavingReason
from eval_pipeline.adapters.review.person_terms import LONGEST_NAME, check_name
from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.plain_rows import print_rows, say
from eval_pipeline.cli.session import Session, err
from eval_pipeline.flows import people


def _who_types() -> str:
    """The name one is logged in under; some containers know none."""
    try:
        return getpass.getuser()[:LONGEST_NAME]
    except (OSError, KeyError):
        return PIPELINE


def _checked(name: str) -> str:
    check_name(name)
    return name


NameArgument = Annotated[str, typer.Argument(help="The person's id at the desk.")]
ByOption = Annotated[
    str,
    typer.Option(
        "--by",
        help="Who decides; stands in the audit trail.",
        default_factory=_who_types,
        callback=_checked,
        show_default="who is logged in here",
    ),
]
BudgetOption = Annotated[
    int | None,
    typer.Option("--budget", min=0, help="Answers a week; default: `review.annotator_budget`."),
]


def register(group: typer.Typer) -> None:
    """Adds the commands to `eval-pipeline review`."""
    for command in (
        add_reviewer,
        change_reviewer,
        remove_reviewer,
        reviewers,
        token,
        tokens,
        revoke_token,
        withdraw_labels,
        audit,
    ):
        group.command()(command)


def add_reviewer(
    name: NameArgument,
    by: ByOption,
    config: ConfigOption = None,
    budget: BudgetOption = None,
    *,
    adjudicator: Annotated[
        bool, typer.Option("--adjudicator", help="May decide what two others dispute.")
    ] = False,
    admin: Annotated[
        bool, typer.Option("--admin", help="May see how the desk as a whole is doing.")
    ] = False,
) -> None:
    """Let a person label; adjudicators also decide disputes, never on their own labels."""
    pipeline = Session(config).pipeline
    added = pipeline.people.add(
        name,
        kind="person",
        may_adjudicate=adjudicator,
        may_administer=admin,
        weekly_budget=budget,
        by=by,
        at=pipeline.clock(),
    )
    say(f"{name}: {'added' if added else 'was known already'}")


def change_reviewer(
    name: NameArgument,
    by: ByOption,
    config: ConfigOption = None,
    budget: BudgetOption = None,
    *,
    policy_budget: Annotated[
        bool, typer.Option("--policy-budget", help="No budget of their own any more.")
    ] = False,
    adjudicator: Annotated[
        bool | None,
        typer.Option("--adjudicator/--no-adjudicator", help="May decide what others dispute."),
    ] = None,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="May see the desk as a whole.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="They left, and are here again.")] = False,
) -> None:
    """Change what a person may do, from now on; what they decided before stands."""
    pipeline = Session(config).pipeline
    returned = back and pipeline.people.come_back(name, by=by, at=pipeline.clock())
    changed = pipeline.people.change(
        name,
        by=by,
        at=pipeline.clock(),
        may_adjudicate=adjudicator,
        may_administer=admin,
        weekly_budget="policy" if policy_budget else budget,
    )
    say(f"{name}: {'changed' if changed or returned else 'nothing to change'}")


def remove_reviewer(
    name: NameArgument,
    by: ByOption,
    reason: Annotated[LeavingReason, typer.Option("--reason", help="Why they leave.")],
    config: ConfigOption = None,
) -> None:
    """Take a person from the desk: tasks go back, sessions and tokens end, answers stay.

    Answers that should not stay are taken back by `review withdraw-labels`.
    """
    pipeline = Session(config).pipeline
    pipeline.people.leave(name, reason=reason, by=by, at=pipeline.clock())
    say(f"{name}: removed")


def reviewers(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Who is or was at the desk, and on which terms."""
    everyone = Session(config).pipeline.people.everyone()
    print_rows(
        [asdict(one) for one in everyone], as_json=as_json, none="Nobody is at the desk yet."
    )


def token(
    name: NameArgument,
    by: ByOption,
    config: ConfigOption = None,
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, max=730, help="Good for; default: `desk.token_days`."),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What it is for; it is masked.")] = "",
) -> None:
    """Make a token to sign in with; it is printed once, and only its hash is kept."""
    issued = people.issue_token(Session(config).pipeline, name, by=by, note=note, days=days)
    typer.echo(issued.text)
    err.print(
        f"Give it to {name} over a private channel: it is not shown again. It is good until "
        f"{issued.expires_at:%Y-%m-%d}; end it by "
        f"`eval-pipeline review revoke-token {issued.token_id}`.",
        markup=False,
        soft_wrap=True,
    )


def tokens(
    config: ConfigOption = None,
    name: Annotated[str | None, typer.Option("--of", help="Of this person alone.")] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """The tokens that were made, newest first, without their secrets."""
    found = Session(config).pipeline.sign_in.tokens(name)
    print_rows([asdict(one) for one in found], as_json=as_json, none="There are no tokens.")


def revoke_token(
    token_id: Annotated[str, typer.Argument(help="As `review tokens` shows it.")],
    by: ByOption,
    config: ConfigOption = None,
) -> None:
    """End a token at once, and whoever is signed in by it."""
    pipeline = Session(config).pipeline
    if pipeline.sign_in.revoke_token(token_id, by=by, at=pipeline.clock()):
        say(f"{token_id}: revoked")
    else:
        say(f"{token_id}: no such active token; nothing was changed.")


def withdraw_labels(
    name: NameArgument,
    week: WeekOption,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is masked as logs are.")],
    by: Annotated[str, typer.Option("--by", help="Who decides.", callback=_checked)],
    config: ConfigOption = None,
) -> None:
    """Take back a careless person's labels of a week; others are asked these tasks again."""
    opened = people.withdraw_labels(
        Session(config).pipeline, name, weeks=[checked_week(week)], reason=reason, by=by
    )
    say(f"{name}: labels withdrawn, {len(opened)} tasks are open again")


def audit(
    config: ConfigOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many entries.")] = 100,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """Who did what to what, newest first."""
    entries = Session(config).pipeline.review.audit_entries(limit=limit)
    rows = [asdict(one) for one in entries]
    for row in rows:
        row["detail"] = json.loads(row.pop("detail_json"))
    print_rows(rows, as_json=as_json, none="The audit trail is empty.")
