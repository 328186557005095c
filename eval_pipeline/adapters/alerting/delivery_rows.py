"""A row of what was told to which channel: what it holds, and how it changes. No database here."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from eval_pipeline.adapters.alerting.outcome import Delivered
from eval_pipeline.adapters.model_calls.claimants import is_dead
from eval_pipeline.adapters.store import read_utc, utc
from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.settings import SEVERITIES, Severity

CLAIMED_FOR: Final = dt.timedelta(minutes=5)
"""Longer than any delivery takes; then a claim is free that another machine's process held."""

FIRST_PAUSE: Final = dt.timedelta(minutes=1)
LONGEST_PAUSE: Final = dt.timedelta(hours=1)
LARGEST_POWER: Final = 10

Status = Literal["pending", "sent", "failed", "over"]
"""over: gone before the channel was told."""

Row = Mapping[Any, Any]
"""A row by the names of its columns."""

_INSTANTS: Final = ("first_seen", "last_seen", "sent_at", "resolved_at", "held_until")


@dataclass(frozen=True)
class Claim:
    """The right to send one message to one channel, until it is settled or runs out.

    `over`: that the event is over is what is to be told. `message_id` stays the same over failed
    attempts, so that a receiver that did take one can know the next.
    """

    identity: str
    channel: str
    token: str
    message_id: str
    severity: Severity
    event_json: str
    over: bool = False

    @property
    def event(self) -> AlertEvent:
        """The event of an alert."""
        return AlertEvent.from_json(self.event_json)


@dataclass(frozen=True)
class Delivery:
    """One event and channel, as the store holds it."""

    identity: str
    channel: str
    kind: str
    subject: str
    severity: Severity
    event_json: str
    first_seen: dt.datetime
    last_seen: dt.datetime
    occurrences: int
    status: Status
    sends: int
    failures: int
    error_code: str | None
    sent_at: dt.datetime | None
    sent_severity: Severity | None
    resolved_at: dt.datetime | None
    held_until: dt.datetime | None

    @property
    def event(self) -> AlertEvent:
        """The event as it was seen last."""
        return AlertEvent.from_json(self.event_json)


def seen(event: AlertEvent, at: dt.datetime) -> dict[str, Any]:
    """What a look at the event changes."""
    return {"severity": event.severity, "event_json": event.to_json(), "last_seen": utc(at)}


def held(token: str, at: dt.datetime) -> dict[str, Any]:
    """A claim until it runs out."""
    return {"status": "pending", "claimed_by": token, "held_until": utc(at + CLAIMED_FOR)}


def new_row(kind: str, subject: str, *, token: str, at: dt.datetime) -> dict[str, Any]:
    """A row of something seen for the first time, claimed."""
    return {
        "kind": kind,
        "subject": subject,
        "first_seen": utc(at),
        "occurrences": 1,
        "sends": 0,
        "failures": 0,
        **held(token, at),
    }


def is_held(row: Row, at: dt.datetime) -> bool:
    """Whether it is being sent, or pauses after a failure.

    A sender whose process is gone holds nothing. Nothing is held for longer than the longest pause:
    what is, was written by a clock that was ahead.
    """
    if row["held_until"] is None or (row["claimed_by"] and is_dead(row["claimed_by"])):
        return False
    return at < read_utc(row["held_until"]) <= at + LONGEST_PAUSE


def is_due(row: Row, event: AlertEvent, *, at: dt.datetime, repeat: dt.timedelta) -> bool:
    """Whether the channel is to be told, now that the event is there."""
    if row["status"] != "sent" or row["sent_at"] is None:
        return True
    if SEVERITIES.index(event.severity) > SEVERITIES.index(row["sent_severity"]):
        return True
    return event.lasting and read_utc(row["sent_at"]) + repeat <= at


def claim_of(row: Row, *, token: str, over: bool = False) -> Claim:
    """The claim on the row's message."""
    told = "over" if over else str(row["sends"] + 1)
    return Claim(
        identity=row["identity"],
        channel=row["channel"],
        token=token,
        message_id=f"{row['identity']}.{told}.{row['channel']}",
        severity=row["severity"],
        event_json=row["event_json"],
        over=over,
    )


def taken(row: Row, claim: Claim, at: dt.datetime) -> dict[str, Any]:
    """What changes where the channel took it."""
    settled = {
        "status": "sent",
        "failures": 0,
        "error_code": None,
        "claimed_by": None,
        "held_until": None,
        "sends": row["sends"] + 1,
    }
    if claim.over:
        return settled
    return {**settled, "sent_at": utc(at), "sent_severity": claim.severity}


def not_taken(row: Row, delivered: Delivered, at: dt.datetime) -> dict[str, Any]:
    """What changes where it did not: a pause that doubles."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(row["failures"], LARGEST_POWER))
    return {
        "status": "failed",
        "failures": row["failures"] + 1,
        "error_code": delivered.error_code,
        "claimed_by": None,
        "held_until": utc(at + pause),
    }


def delivery_of(row: Row) -> Delivery:
    """The row as it is shown."""
    known = {name: row[name] for name in Delivery.__dataclass_fields__}
    instants = {name: None if row[name] is None else read_utc(row[name]) for name in _INSTANTS}
    return Delivery(**{**known, **instants})
