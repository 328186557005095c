"""A message as every channel gets it: what it is about, in lines, and where to go on."""

from dataclasses import dataclass
from typing import Final, Literal

from eval_pipeline.monitoring.alerting.events import MAXIMUM_TITLE, AlertEvent, one_line
from eval_pipeline.settings import AlertKind, AlertsSettings, Severity

MessageType = Literal["alert", "resolved", "digest", "test"]
PROGRAM: Final = "eval-pipeline"


@dataclass(frozen=True)
class MessageSection:
    """Lines under a heading; an alert's only section has none."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class AlertMessage:
    """What is sent. `message_id` is the same for every attempt at sending it.

    `kind`, `subject` and `since` are an alert's; null for a digest or a test. `link` leads to the
    run, asset or page; `runbook` to what to do.
    """

    message_id: str
    type: MessageType
    severity: Severity
    title: str
    sections: tuple[MessageSection, ...] = ()
    kind: AlertKind | None = None
    subject: str | None = None
    since: str | None = None
    next_step: str | None = None
    link: str | None = None
    runbook: str | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """Every section's lines, one after the other."""
        return tuple(line for section in self.sections for line in section.lines)


def alert_message(
    event: AlertEvent, *, message_id: str, link: str | None, settings: AlertsSettings
) -> AlertMessage:
    """The event as a message."""
    return AlertMessage(
        message_id=message_id,
        type="alert",
        severity=event.severity,
        title=one_line(f"{PROGRAM}: {event.title}", at_most=MAXIMUM_TITLE),
        sections=(MessageSection("", event.lines),) if event.lines else (),
        kind=event.kind,
        subject=event.subject,
        since=event.since or None,
        next_step=event.next_step or None,
        link=link,
        runbook=f"{settings.runbook}#{event.anchor}",
    )


def resolved_message(event: AlertEvent, *, message_id: str, link: str | None) -> AlertMessage:
    """That what lasted is over."""
    return AlertMessage(
        message_id=message_id,
        type="resolved",
        severity="info",
        title=one_line(f"{PROGRAM}: over: {event.title}", at_most=MAXIMUM_TITLE),
        kind=event.kind,
        subject=event.subject,
        since=event.since or None,
        link=link,
    )


def trial_message(*, channel: str, message_id: str) -> AlertMessage:
    """A message that says nothing but that it came."""
    return AlertMessage(
        message_id=message_id,
        type="test",
        severity="info",
        title=f"{PROGRAM}: a test of the channel '{channel}'",
        sections=(MessageSection("", ("Alerts of this project arrive here.",)),),
    )
