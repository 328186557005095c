"""Tells teams what happened: events from the tables to the channels, each once."""

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from eval_pipeline.adapters.alerting.delivery_rows import Claim
from eval_pipeline.adapters.alerting.outcome import Delivered
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.flows.alert_sources import SOURCES
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.alerting.events import RUN_KINDS, AlertEvent
from eval_pipeline.monitoring.alerting.messages import (
    AlertMessage,
    alert_message,
    resolved_message,
    trial_message,
)
from eval_pipeline.monitoring.alerting.runs import FailedRun, run_event
from eval_pipeline.settings import AlertKind
from eval_pipeline.tables import GATE_DECISION

log = logging.getLogger(__name__)

MESSAGES_A_LOOK: Final = 20
"""To one channel; what is more waits for the next look, so that no look takes minutes."""

LOOK_LASTS: Final = dt.timedelta(seconds=40)
"""Then the rest waits for the next look: the daemon gives a sensor a minute."""

WAITS: Final = "next_look"


@dataclass(frozen=True)
class Look:
    """What there is to tell; `kinds` are those that were looked for, `problems` what kept others.

    A kind that could not be looked for is not over because nothing was found of it.
    """

    events: tuple[AlertEvent, ...]
    kinds: frozenset[AlertKind]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """One message to one channel, and what became of it."""

    channel: str
    title: str
    delivered: Delivered
    over: bool = False


def look(pipeline: Pipeline) -> Look:
    """Everything that there is to tell now; a source that cannot be read hides no other."""
    events: list[AlertEvent] = []
    kinds: set[AlertKind] = set()
    problems: list[str] = []
    for source in SOURCES:
        try:
            events += source.read(pipeline)
            kinds.update(source.kinds)
        except EvalPipelineError as error:
            problems.append(f"{source.name}: {type(error).__name__}")
    return Look(tuple(events), frozenset(kinds), tuple(problems))


def send_alerts(
    pipeline: Pipeline, *, failed: Sequence[FailedRun] = (), succeeded: Collection[str] = ()
) -> list[Told]:
    """Looks once and tells every channel what it does not know yet; never raises for a channel.

    `failed` are runs that failed and no later one made good; `succeeded` are the subjects of
    failed runs whose job has succeeded on that partition since.
    """
    if not pipeline.settings.alerts.all_channels:
        return []
    found = look(pipeline)
    for problem in found.problems:
        log.warning("Alerts: %s, so nothing of it is told or over.", problem)
    over = _over(pipeline, found) + _runs_over(pipeline, succeeded)
    events = [*found.events, *map(run_event, failed)]
    return _deliver(pipeline, [*over, *_claims(pipeline, events)])


def tell_of_run(pipeline: Pipeline, run: FailedRun) -> list[Told]:
    """Tells of a failed run, once while it goes on failing; never raises."""
    try:
        return _deliver(pipeline, _claims(pipeline, [run_event(run)]))
    except EvalPipelineError as error:
        # The store may be what failed. Its own sensor must not fail for the alert's sake.
        log.error("Run '%s' could not be told (%s).", run.run_id, type(error).__name__)  # noqa: TRY400 - its message was logged where it failed
        return []


def waits(pipeline: Pipeline) -> bool:
    """Whether a channel of the settings has not taken something yet."""
    return pipeline.deliveries.waits(pipeline.settings.alerts.all_channels)


def open_run_subjects(pipeline: Pipeline) -> frozenset[str]:
    """The subjects of failed runs that channels were told of and that are not over."""
    known = pipeline.deliveries.all(kinds=RUN_KINDS)
    return frozenset(one.subject for one in known if one.resolved_at is None)


def send_test(pipeline: Pipeline, names: Sequence[str]) -> list[Told]:
    """A test message to each of these channels; nothing of it is recorded."""
    channels = pipeline.settings.alerts.all_channels
    told = []
    for name in names:
        mark = fingerprint([name, pipeline.clock().isoformat()])
        message = trial_message(channel=name, message_id=f"test.{mark}")
        told.append(Told(name, message.title, pipeline.sender.send(name, channels[name], message)))
    return told


def link_of(pipeline: Pipeline, event: AlertEvent) -> str | None:
    """Where to read on: the run or asset in the UI, else the decision's page in the lake."""
    url = pipeline.settings.alerts.dagster_url
    if url is not None and event.run_id is not None:
        return f"{url.rstrip('/')}/runs/{quote(event.run_id)}"
    if event.table is None or event.partition is None:
        return url
    if url is not None:
        place = f"assets/{event.table}?view=partitions&partition={quote(event.partition)}"
        return f"{url.rstrip('/')}/{place}"
    if event.table == GATE_DECISION.name:
        page = f"{event.table}/candidate={event.partition}/decision.html"
        return pipeline.lake.describe(page)
    return None


def _claims(pipeline: Pipeline, events: Iterable[AlertEvent]) -> list[Claim]:
    """Claims on what channels are to be told now, and then on what they did not take before."""
    settings, at = pipeline.settings.alerts, pipeline.clock()
    repeat = dt.timedelta(days=settings.repeat_days)
    claims = []
    ordered = sorted(events, key=lambda event: (event.kind, event.subject, event.since))
    for name, channel in settings.all_channels.items():
        claimed = 0
        for event in ordered:
            if claimed == MESSAGES_A_LOOK:
                break
            if not channel.takes(event.kind, event.severity):
                continue
            claim = pipeline.deliveries.claim(event, name, at=at, repeat=repeat)
            if claim is not None:
                claims.append(claim)
                claimed += 1
        claims += pipeline.deliveries.claim_waiting(name, at=at)
    return claims


def _over(pipeline: Pipeline, found: Look) -> list[Claim]:
    return pipeline.deliveries.claim_over(
        found.kinds,
        present={event.identity for event in found.events},
        at=pipeline.clock(),
        tell=pipeline.settings.alerts.resolved,
    )


def _runs_over(pipeline: Pipeline, succeeded: Collection[str]) -> list[Claim]:
    if not succeeded:
        return []
    known = pipeline.deliveries.all(kinds=RUN_KINDS)
    return pipeline.deliveries.claim_over(
        RUN_KINDS,
        present={one.identity for one in known if one.subject not in succeeded},
        at=pipeline.clock(),
        tell=pipeline.settings.alerts.resolved,
    )


def _deliver(pipeline: Pipeline, claims: Sequence[Claim]) -> list[Told]:
    """Sends what was claimed; a channel that fails is left alone until the next look."""
    channels = pipeline.settings.alerts.all_channels
    broken: dict[str, Delivered] = {}
    ends = pipeline.clock() + LOOK_LASTS
    told = []
    for claim in claims:
        message = message_of(pipeline, claim)
        delivered = broken.get(claim.channel)
        if delivered is None and pipeline.clock() >= ends:
            delivered = Delivered(error_code=WAITS)
        elif delivered is None and claim.channel not in channels:
            delivered = Delivered(error_code="no_such_channel")
        elif delivered is None:
            channel = channels[claim.channel]
            delivered = pipeline.sender.send(claim.channel, channel, message)
        if not delivered.ok:
            broken[claim.channel] = delivered
        pipeline.deliveries.settle(claim, delivered, at=pipeline.clock())
        told.append(Told(claim.channel, message.title, delivered, over=claim.over))
    return told


def message_of(pipeline: Pipeline, claim: Claim) -> AlertMessage:
    """What a claim is to tell."""
    link = link_of(pipeline, claim.event)
    if claim.over:
        return resolved_message(claim.event, message_id=claim.message_id, link=link)
    return alert_message(
        claim.event,
        message_id=claim.message_id,
        link=link,
        settings=pipeline.settings.alerts,
    )
