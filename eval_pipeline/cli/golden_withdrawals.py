"""`eval-pipeline golden withdraw`, `reinstate` and `withdrawn`: a person's word on an item."""

import json
from typing import Annotated

import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.withdrawals import reinstate_item, withdraw_item, withdrawn_items

ItemArgument = Annotated[str, typer.Argument(help="The item's id.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decides.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is masked as logs are.")]


def register(group: typer.Typer) -> None:
    """Adds the commands to `eval-pipeline golden`."""
    group.command()(withdraw)
    group.command()(reinstate)
    group.command()(withdrawn)


def withdraw(
    item: ItemArgument, by: ByOption, reason: ReasonOption, config: ConfigOption = None
) -> None:
    """Take an item out of the golden set, from the next version on; published ones stay."""
    if withdraw_item(Session(config).pipeline, item, by=by, reason=reason):
        out.print(f"{item} is withdrawn: the next published version leaves it out.")
    else:
        out.print(f"{item} was withdrawn before; nothing was recorded.")


def reinstate(
    item: ItemArgument, by: ByOption, reason: ReasonOption, config: ConfigOption = None
) -> None:
    """Let a withdrawn item stand for a place again."""
    if reinstate_item(Session(config).pipeline, item, by=by, reason=reason):
        out.print(f"{item} may stand again: publish the week that labelled it once more.")
    else:
        out.print(f"{item} is not withdrawn; nothing was recorded.")


def withdrawn(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """The items that are withdrawn, by whom and why."""
    decisions = withdrawn_items(Session(config).pipeline).values()
    if as_json:
        rows = [{**vars(one), "decided_at": one.decided_at.isoformat()} for one in decisions]
        typer.echo(json.dumps(rows))
        return
    table = RichTable("item", "by", "at", "reason")
    for one in decisions:
        table.add_row(one.item_id, one.decided_by, f"{one.decided_at:%Y-%m-%d %H:%M}", one.reason)
    out.print(table if decisions else "No item is withdrawn.")
