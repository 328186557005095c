"""`eval-pipeline explain`: why a decision says what it says."""

import json
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.explanation import explain
from eval_pipeline.flows.replay import find_decision
from eval_pipeline.reports.explanation import explanation_tree


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("explain")(explain_decision)


def explain_decision(
    decision: Annotated[
        str,
        typer.Argument(help="A decision's id, its first letters, or a candidate: its newest one."),
    ],
    config: ConfigOption = None,
    subset: Annotated[
        str | None, typer.Option("--subset", help="This subset; default: those not certified.")
    ] = None,
    item: Annotated[str | None, typer.Option("--item", help="This item alone.")] = None,
    items: Annotated[
        int, typer.Option("--items", min=0, help="How many items to show of a subset.")
    ] = 5,
    texts: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--texts", help="Show what both systems answered, anonymised.")
    ] = False,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Walk from a decision to its subsets, their items, and the labels and weeks behind them."""
    pipeline = Session(config).pipeline
    record = pipeline.decision_records.load(find_decision(pipeline, decision))
    told = explain(pipeline, record, subset=subset, item=item, most=items, texts=texts).as_dict()
    if as_json:
        typer.echo(json.dumps(told, indent=2, default=str))
        return
    for part in explanation_tree(told):
        out.print(part)
