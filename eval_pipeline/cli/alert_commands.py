"""`eval-pipeline alerts`: what there is to tell, who was told, a digest, and a test."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from eval_pipeline.adapters.alerting.delivery_rows import Delivery
from eval_pipeline.cli.job_commands import launch
from eval_pipeline.cli.options import ConfigOption, JsonOption, checked_week
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.alerting import link_of, look, send_test
from eval_pipeline.flows.digest import digest_of, newest_week
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.monitoring.alerting.messages import AlertMessage

NOT_TAKEN = 1
NO_CHANNEL = "No channel is configured. Name one under `alerts.channels`; see docs/alerts.md."

group = typer.Typer(
    help="What teams are told: alerts, each once, and the digest of the week.",
    no_args_is_help=True,
)


@group.command("list")
def list_alerts(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """What there is to tell now, and which channel was told what. Sends nothing."""
    session = Session(config)
    found = look(session.pipeline)
    deliveries = session.pipeline.deliveries.all()
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "open": [_event_facts(session.pipeline, event) for event in found.events],
                    "not_looked_at": list(found.problems),
                    "deliveries": [_delivery_facts(one) for one in deliveries],
                },
                indent=2,
            )
        )
        return
    for problem in found.problems:
        out.print(f"not looked at: {problem}", markup=False)
    for event in found.events:
        told = [one for one in deliveries if one.identity == event.identity]
        who = ", ".join(_state(one) for one in told) or "told to nobody"
        out.print(f"{event.severity:>5}  {event.title}  [{who}]", soft_wrap=True, markup=False)
    over = [one for one in deliveries if one.identity not in {e.identity for e in found.events}]
    if over:
        out.print("Earlier:")
    for one in over:
        title = one.subject if one.kind in {"digest", "telemetry"} else one.event.title
        out.print(f"{one.kind:>5}  {title}  [{_state(one)}]", soft_wrap=True, markup=False)
    if not found.events and not over:
        out.print("There is nothing to tell.")


@group.command()
def send(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Tell every channel what it does not know yet, as the sensor `alerts` does.

    What a channel did not take before is tried again at once.
    """
    session = Session(config)
    _require_channels(session.pipeline)
    session.pipeline.deliveries.release()
    with session.progress.shown("telling"):
        told = session.launcher.tick("alerts")
    if as_json:
        typer.echo(json.dumps({"told": told.split("; ")}, indent=2))
        return
    for line in told.split("; "):
        out.print(line, soft_wrap=True, markup=False)


@group.command("test")
def send_a_test(
    channel: Annotated[
        str | None, typer.Argument(help="Only this channel; without it every channel.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Send a test message to each channel and say what came of it; ends with 1 if one failed."""
    session = Session(config)
    names = _require_channels(session.pipeline)
    if channel is not None and channel not in names:
        raise SettingsError(
            f"There is no channel '{channel}'. Nothing was sent. There are: {', '.join(names)}."
        )
    told = send_test(session.pipeline, names if channel is None else [channel])
    if as_json:
        results = {one.channel: one.delivered.error_code for one in told}
        typer.echo(json.dumps(results, indent=2))
    else:
        for one in told:
            code = one.delivered.error_code
            out.print(f"{one.channel:>16}  {'taken' if code is None else code}", markup=False)
    if not all(one.delivered.ok for one in told):
        raise typer.Exit(NOT_TAKEN)


@group.command()
def digest(
    week: Annotated[
        str | None,
        typer.Option("--week", "-w", help="The week's Monday; without it the newest refreshed."),
    ] = None,
    send_it: Annotated[  # noqa: FBT002
        bool, typer.Option("--send", help="Send it to the channels; without it, only show it.")
    ] = False,
    again: Annotated[  # noqa: FBT002
        bool, typer.Option("--again", help="With --send: also to channels that have had it.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """The week in one message: decisions, drift, people, money, what is missing."""
    session = Session(config)
    chosen = newest_week(session.pipeline) if week is None else checked_week(week)
    if chosen is None:
        raise SettingsError(
            "No week has been refreshed yet, so there is nothing to digest. Run "
            "`eval-pipeline refresh --week MONDAY` first."
        )
    if send_it:
        _require_channels(session.pipeline)
        _send_digest(session, chosen, again=again, as_json=as_json)
        return
    message = digest_of(session.pipeline, week=chosen)
    if as_json:
        typer.echo(json.dumps(asdict(message), indent=2, ensure_ascii=False))
        return
    _show(message)


def _send_digest(session: Session, week: str, *, again: bool, as_json: bool) -> None:
    with session.progress.shown(f"digest {week}"):
        run_id = (
            session.launcher.launch(
                "digest", partition=week, config={"send_digest": {"again": True}}
            )
            if again
            else launch(session, "digest", week)
        )
    known = session.pipeline.deliveries.all(kinds=["digest"])
    states = {one.channel: _state(one) for one in known if one.subject == week}
    if as_json:
        typer.echo(json.dumps({"week": week, "run_id": run_id, "channels": states}, indent=2))
        return
    for state in states.values():
        out.print(state, markup=False)


def _show(message: AlertMessage) -> None:
    out.print(message.title, style="bold", markup=False)
    for section in message.sections:
        out.print(f"\n{section.heading}", style="bold", markup=False)
        for line in section.lines:
            out.print(f"  {line}", soft_wrap=True, markup=False)


def _require_channels(pipeline: Pipeline) -> list[str]:
    names = sorted(pipeline.settings.alerts.all_channels)
    if not names:
        raise SettingsError(NO_CHANNEL)
    return names


def _state(one: Delivery) -> str:
    told = "" if one.sent_at is None else f" {one.sent_at:%Y-%m-%d %H:%M} UTC"
    why = f" ({one.error_code})" if one.error_code else ""
    over = "" if one.resolved_at is None else ", over"
    return f"{one.channel}: {one.status}{told}{why}{over}"


def _event_facts(pipeline: Pipeline, event: AlertEvent) -> dict[str, Any]:
    return {**asdict(event), "identity": event.identity, "link": link_of(pipeline, event)}


def _delivery_facts(one: Delivery) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(one).items() if name != "event_json"}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in facts.items()
    }
