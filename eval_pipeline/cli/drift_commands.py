"""`eval-pipeline drift`: the weekly re-run, and the reference runs that it is held against."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import polars as pl
import typer

from eval_pipeline.cli.default_command import DEFAULT, DefaultCommand, DefaultCommandGroup
from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.evaluation.drift_detection.pinning import PinOrder
from eval_pipeline.flows.drift_reference import PinState, pin_states, reference_gaps
from eval_pipeline.reports.decomposition_words import moved
from eval_pipeline.reports.drift_plots import signal_sentence
from eval_pipeline.tables import DRIFT_REPORT, DRIFT_SIGNALS, DRIFT_TRIALS

_SIBLING = "Beside it: `drift pin` makes the reference runs that a week is held against."
_REPORTED = (
    "system_id", "subset", "component", "difference", "lower", "upper", "reference_week",
)  # fmt: skip
group = typer.Typer(
    cls=DefaultCommandGroup,
    help="Re-run old golden versions on the pinned systems and say what has drifted.",
)


@group.command(DEFAULT, cls=DefaultCommand, hidden=True, epilog=_SIBLING)
def rerun(week: WeekOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Re-run old golden versions on the pinned systems and say what has drifted."""
    session, week = Session(config), checked_week(week)
    run_id = launch(session, "drift", week)
    lake = session.pipeline.lake
    report = lake.read(DRIFT_REPORT, partition=week)
    found = report.filter(pl.col("finding") == "drift")
    signals = lake.read(DRIFT_SIGNALS, partition=week)
    facts: dict[str, Any] = {
        "week": week,
        "run_id": run_id,
        "moved": moved(report),
        "drift": found.select(_REPORTED).to_dicts(),
    }
    if as_json:
        typer.echo(json.dumps({**facts, "signals": signals.to_dicts()}, indent=2, default=str))
        return
    facts["drift"] = "; ".join(map(str, facts["drift"])) or "none"
    told = signals.filter((pl.col("subset") == "all") | pl.col("alarm"))
    facts["signals"] = "\n                  ".join(map(signal_sentence, told.to_dicts()))
    _tell(facts)


@group.command("pin")
def pin(
    week: WeekOption,
    config: ConfigOption = None,
    systems: Annotated[
        list[str] | None,
        typer.Option("--system", help="Only this pinned system; repeatable."),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option("--runs", min=1, help="At most so many further runs now; the rest later."),
    ] = None,
    again: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--again", help="Start a new reference; the old one stays on record.")
    ] = False,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Make the missing reference runs of the pinned systems, up to `drift.reference_runs`."""
    session, week = Session(config), checked_week(week)
    session.pipeline.lake.read(DRIFT_TRIALS, partition=week, columns=["system_id"])
    order = PinOrder(systems=tuple(systems or ()), runs=runs, again=again)
    gaps = reference_gaps(session.pipeline, week=week, order=order)
    calls, scorings = sum(gap.calls for gap in gaps), sum(gap.scorings for gap in gaps)
    err.print(f"At most {calls} answers to ask for and {scorings} to score; see `spending.drift`.")
    asked = {"pin": True, "systems": list(order.systems), "runs": runs, "again": again}
    with session.progress.shown(f"drift pin {week}", plans=True):
        session.launcher.launch("drift_pin", partition=week, config={"drift_reference": asked})
    states = pin_states(session.pipeline, week=week)
    if as_json:
        typer.echo(json.dumps([asdict(state) for state in states], indent=2))
        return
    wanted = session.pipeline.settings.drift.reference_days
    for state in states:
        _tell({state.system_id: _told(state, wanted)})


def _told(state: PinState, wanted: int) -> str:
    told = (
        f"{state.runs} reference runs of {state.items} items since {state.pinned_week}, made on "
        f"{state.days} day{'' if state.days == 1 else 's'}, for {state.usd:.4f} USD."
    )
    if state.days >= wanted:
        return told
    return (
        f"{told} Spread them over {wanted} days with --runs: answers of one day share a "
        "server's state, and how days differ is not in the noise floor."
    )


def _tell(facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        out.print(f"{name:>16}  {value}", soft_wrap=True, markup=False)
