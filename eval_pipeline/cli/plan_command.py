"""`eval-pipeline plan`: what the policy costs and promises with today's items."""

import json
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.planning import plan_gate, what_if
from eval_pipeline.reports.gate_plan import plan_tables

RUNS = 200

ToleranceOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What if: SUBSET=0.03, 'all' for the aggregate, 'default'; repeatable.",
        metavar="SUBSET=SHARE",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(plan)


def plan(
    config: ConfigOption = None,
    *,
    tolerance: ToleranceOption = None,
    looks: Annotated[
        str | None, typer.Option(help="What if: cumulative items per later look, as 400,800.")
    ] = None,
    runs: Annotated[
        int, typer.Option(min=1, help="Simulated candidates of each of three kinds.")
    ] = RUNS,
    as_json: JsonOption = False,
) -> None:
    """How often this policy would be right with today's items, and what a decision costs.

    Nothing is asked and nothing written: candidates are simulated, seeded, and go through the
    comparison, top-ups and decision of the gate itself.
    """
    session = Session(config)
    policy = what_if(session.pipeline, tolerances=_shares(tolerance), looks=_numbers(looks))
    with session.progress.shown("simulating candidates"):
        told = plan_gate(
            session.pipeline,
            policy=policy,
            runs=runs,
            progress=lambda done, total: session.progress(done, total, "simulating candidates"),
        )
    document = told.as_dict()
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    for part in plan_tables(document):
        out.print(part)


def _shares(options: list[str] | None) -> dict[str, float]:
    shares = {}
    for option in options or []:
        name, _, value = option.partition("=")
        try:
            shares[name.strip()] = float(value)
        except ValueError:
            raise SettingsError(
                f"--tolerance: '{option}' is not SUBSET=SHARE, as refunds=0.03."
            ) from None
    return shares


def _numbers(option: str | None) -> list[int] | None:
    if option is None:
        return None
    try:
        return [int(part) for part in option.split(",") if part.strip()]
    except ValueError:
        raise SettingsError(f"--looks: '{option}' is no list of numbers, as 400,800.") from None
