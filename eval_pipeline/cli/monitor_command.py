"""`eval-pipeline monitor`: what production shows, of a past week or of the one that is running."""

import json
from typing import Annotated, Any

import polars as pl
import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import ConfigOption, JsonOption, checked_week
from eval_pipeline.cli.plain_rows import say
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.monitoring import RunningWeek, watch_running_week
from eval_pipeline.monitoring.alert_words import number, size_of
from eval_pipeline.tables import MONITOR_ALERTS, PRODUCTION_MONITOR, PRODUCTION_QUALITY


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(monitor)


def monitor(
    week: Annotated[
        str | None,
        typer.Option(
            "--week", "-w", help="The week's Monday, as 2026-11-16; none: the week of today."
        ),
    ] = None,
    again: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--again", help="Count the week's logs again, though it is on record.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show what of production is unusual; without --week the running week, written nowhere."""
    session = Session(config)
    if week is None:
        with session.progress.shown("scanning the logs"):
            found = watch_running_week(session.pipeline)
    else:
        found = _recorded(session, checked_week(week), again=again)
    if as_json:
        typer.echo(json.dumps(_facts(session, found), indent=2))
        return
    _show(found)


def _recorded(session: Session, week: str, *, again: bool) -> RunningWeek:
    lake = session.pipeline.lake
    if again or not lake.has(MONITOR_ALERTS, partition=week):
        launch(session, "monitor", week)
    return RunningWeek(
        week=week,
        finished=True,
        monitor=lake.read(PRODUCTION_MONITOR, partition=week),
        alerts=lake.read(MONITOR_ALERTS, partition=week),
    )


def _facts(session: Session, found: RunningWeek) -> dict[str, Any]:
    quality = session.pipeline.lake.read_if_made(PRODUCTION_QUALITY, partition=found.week)
    return {
        "week": found.week,
        "finished": found.finished,
        "alerts": found.alerts.to_dicts(),
        "figures": found.monitor.to_dicts(),
        "quality": [] if quality is None else quality.to_dicts(),
    }


def _show(found: RunningWeek) -> None:
    if not found.finished:
        say(
            f"The week of {found.week} is not finished: figures that need all of it are not "
            "compared. Nothing was written."
        )
    table = RichTable("overall", "value", "95 % interval", "usual", "range", "finding")
    for row in found.monitor.filter(pl.col("route") == "all").iter_rows(named=True):
        if row["value"] is not None:
            table.add_row(
                row["metric"],
                number(row["value"]),
                _range(row["lower"], row["upper"]),
                _or_dash(row["baseline_median"]),
                _range(row["baseline_lower"], row["baseline_upper"]),
                row["finding"].replace("_", " "),
            )
    out.print(table)
    if found.alerts.is_empty():
        say("Nothing is unusual.")
    for _, alerts in found.alerts.group_by("source", "metric", maintain_order=True):
        _show_metric(alerts.sort(pl.col("subset") != "all", "subset").to_dicts())


def _show_metric(alerts: list[dict[str, Any]]) -> None:
    """The widest alert of a metric in full, the others by their places and sizes."""
    say(alerts[0]["sentence"])
    others = [f"{row['subset']} ({size_of(row)} its usual)" for row in alerts[1:]]
    if others:
        say(f"  Also on {', '.join(others)}.")
    say(f"  Next: {alerts[0]['next_step']}")


def _range(lower: float | None, upper: float | None) -> str:
    return "-" if lower is None or upper is None else f"{number(lower)} to {number(upper)}"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else number(value)
