"""`eval-pipeline aa`: the baseline against itself, through the whole gate."""

import json

import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.session import Session, out
from eval_pipeline.evaluation.aa import FalseBlocks, false_blocks
from eval_pipeline.flows.aa import all_aa_runs
from eval_pipeline.tables import AA_RUNS


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(aa)


def aa(week: WeekOption, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Hold the baseline against itself: how often scores flip, how often the gate blocks."""
    session, week = Session(config), checked_week(week)
    run_id = launch(session, "aa", week)
    pipeline = session.pipeline
    rows = pipeline.lake.read(AA_RUNS, partition=week).to_dicts()
    runs = all_aa_runs(pipeline)
    found = None if runs is None else false_blocks(runs, policy=pipeline.settings.gate)
    if as_json:
        told = {
            "week": week,
            "run_id": run_id,
            "verdict": rows[0]["verdict"],
            "run_cost_usd": rows[0]["run_cost_usd"],
            "false_blocks": None if found is None else vars(found),
            "subsets": rows,
        }
        typer.echo(json.dumps(told, indent=2))
        return
    table = RichTable("subset", "state", "items", "differing", "change", "interval")
    for row in rows:
        table.add_row(
            "all items" if row["subset"] == "all" else row["subset"],
            row["state"],
            str(row["items"]),
            _percent(row["flip_rate"]),
            _points(row["difference"]),
            "" if row["lower"] is None else f"{_points(row['lower'])} … {_points(row['upper'])}",
        )
    out.print(table)
    out.print(
        f"The gate says {rows[0]['verdict']} of the baseline against itself; the run cost "
        f"{rows[0]['run_cost_usd']:.4f} USD."
    )
    if found is not None:
        out.print(_told(found, promised=1 - pipeline.settings.gate.confidence))


def _told(found: FalseBlocks, *, promised: float) -> str:
    excess = " This is more than chance explains." if found.is_excess else ""
    return (
        f"Blocked in {found.blocked} of the last {found.runs} runs ({100 * found.lower:.0f} to "
        f"{100 * found.upper:.0f} %; promised: {100 * promised:.0f} % at most).{excess}"
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _points(share: float | None) -> str:
    return "" if share is None else f"{100 * share:+.1f}"
