"""What was told to which channel, in the operational store: each event once, whoever looks.

Whoever is about to send claims the row first, in one transaction; of several daemons that see the
same event one gets the claim. A claim whose process died is free at once, on another machine later.
"""

import datetime as dt
from collections.abc import Collection
from typing import Final, Literal, get_args

import sqlalchemy as sa

from eval_pipeline.adapters.alerting.delivery_rows import (
    Claim,
    Delivery,
    Row,
    claim_of,
    delivery_of,
    held,
    is_due,
    is_held,
    new_row,
    not_taken,
    seen,
    taken,
)
from eval_pipeline.adapters.alerting.outcome import Delivered
from eval_pipeline.adapters.model_calls.claimants import new_short_claimant
from eval_pipeline.adapters.schema import alert_deliveries
from eval_pipeline.adapters.store import Store, utc
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.monitoring.alerting.events import LASTING, AlertEvent
from eval_pipeline.settings import AlertKind

Notice = Literal["digest", "telemetry"]
"""What is sent once besides alerts: the digest of a week, the results of an evaluation."""

ALERT_KINDS: Final = get_args(AlertKind)
_NO_EVENT: Final = "{}"
_NOT_TAKEN: Final = ("pending", "failed")


class Deliveries:
    """Which channel was told what, and who is telling it now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(
        self, event: AlertEvent, channel: str, *, at: dt.datetime, repeat: dt.timedelta
    ) -> Claim | None:
        """The right to tell the channel of the event; None where it knows, or another tells it.

        It is told once, again when the severity rises or when it has lasted `repeat` since it was
        told, and from the beginning where it was over meanwhile.
        """
        token = new_short_claimant()

        def step(connection: sa.Connection) -> Claim | None:
            row = _row(connection, event.identity, channel)
            if row is None:
                new = {
                    **new_row(event.kind, event.subject, token=token, at=at),
                    **seen(event, at),
                    "identity": event.identity,
                    "channel": channel,
                }
                connection.execute(sa.insert(alert_deliveries), new)
                return claim_of(new, token=token)
            anew = row["resolved_at"] is not None
            due = anew or is_due(row, event, at=at, repeat=repeat)
            mine = due and not is_held(row, at)
            values = {**seen(event, at), "occurrences": row["occurrences"] + 1}
            if mine:
                values |= held(token, at)
            if mine and anew:
                values |= {"first_seen": utc(at), "resolved_at": None, "occurrences": 1}
            connection.execute(_update(event.identity, channel).values(values))
            return claim_of({**row, **values}, token=token) if mine else None

        return self._store.transact(step)

    def claim_notice(
        self, notice: Notice, subject: str, channel: str, *, at: dt.datetime, again: bool = False
    ) -> Claim | None:
        """The right to send a notice of this subject; None where it was sent or is being sent.

        `again` gives it also where it was sent.
        """
        token, identity = new_short_claimant(), fingerprint([notice, subject])

        def step(connection: sa.Connection) -> Claim | None:
            row = _row(connection, identity, channel)
            if row is None:
                new = {
                    **new_row(notice, subject, token=token, at=at),
                    "identity": identity,
                    "channel": channel,
                    "severity": "info",
                    "event_json": _NO_EVENT,
                    "last_seen": utc(at),
                }
                connection.execute(sa.insert(alert_deliveries), new)
                return claim_of(new, token=token)
            paused = is_held(row, at)
            sending = paused and row["claimed_by"] is not None
            if sending or (not again and (paused or row["status"] == "sent")):
                return None
            looked = {"last_seen": utc(at), "occurrences": row["occurrences"] + 1}
            connection.execute(_update(identity, channel).values({**looked, **held(token, at)}))
            return claim_of(row, token=token)

        return self._store.transact(step)

    def failed_notices(self, notice: Notice, *, at: dt.datetime) -> list[str]:
        """The subjects of notices that a channel did not take and whose pause is over."""
        query = sa.select(alert_deliveries).where(
            alert_deliveries.c.kind == notice,
            alert_deliveries.c.status.in_(_NOT_TAKEN),
            alert_deliveries.c.held_until.is_not(None),
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return sorted({row["subject"] for row in rows if not is_held(row, at)})

    def claim_waiting(self, channel: str, *, at: dt.datetime) -> list[Claim]:
        """Claims on what the channel did not take earlier, and whose pause is over."""

        def step(connection: sa.Connection) -> list[Claim]:
            query = (
                sa.select(alert_deliveries)
                .where(
                    alert_deliveries.c.channel == channel,
                    alert_deliveries.c.kind.in_(ALERT_KINDS),
                    alert_deliveries.c.status.in_(_NOT_TAKEN),
                    alert_deliveries.c.held_until.is_not(None),
                )
                .order_by(alert_deliveries.c.first_seen, alert_deliveries.c.identity)
                .with_for_update()
            )
            rows = connection.execute(query).mappings().all()
            return [_take(connection, row, at=at) for row in rows if not is_held(row, at)]

        return self._store.transact(step)

    def claim_over(
        self, kinds: Collection[str], *, present: Collection[str], at: dt.datetime, tell: bool
    ) -> list[Claim]:
        """Marks what of these kinds was there and is not any more; claims to tell it, if asked.

        `present` are the identities that are there. What a channel was never told is not told to
        be over either.
        """
        lasting = sorted(set(kinds) & LASTING)

        def step(connection: sa.Connection) -> list[Claim]:
            query = (
                sa.select(alert_deliveries)
                .where(
                    alert_deliveries.c.kind.in_(lasting),
                    alert_deliveries.c.resolved_at.is_(None),
                    alert_deliveries.c.identity.not_in(sorted(present)),
                )
                .order_by(alert_deliveries.c.identity, alert_deliveries.c.channel)
                .with_for_update()
            )
            claims = []
            for row in connection.execute(query).mappings().all():
                told = row["sent_at"] is not None
                over = {
                    "resolved_at": utc(at),
                    "status": "sent" if told else "over",
                    "held_until": None,
                }
                where = _update(row["identity"], row["channel"])
                connection.execute(where.values(over))
                if told and tell:
                    claims.append(_take(connection, {**row, **over}, at=at))
            return claims

        return self._store.transact(step)

    def waits(self, channels: Collection[str]) -> bool:
        """Whether one of the channels has not taken something yet."""
        query = sa.select(
            sa.exists().where(
                alert_deliveries.c.channel.in_(sorted(channels)),
                alert_deliveries.c.status.in_(_NOT_TAKEN),
            )
        )
        with self._store.reading() as connection:
            return bool(connection.execute(query).scalar_one())

    def settle(self, claim: Claim, delivered: Delivered, *, at: dt.datetime) -> None:
        """Records what became of a claimed message; one whose claim ran out changes nothing."""

        def step(connection: sa.Connection) -> None:
            row = _row(connection, claim.identity, claim.channel)
            if row is None or row["claimed_by"] != claim.token:
                return
            values = taken(row, claim, at) if delivered.ok else not_taken(row, delivered, at)
            connection.execute(_update(claim.identity, claim.channel).values(values))

        self._store.transact(step, repeatable=True)

    def release(self) -> int:
        """Ends the pauses after failures, so that the next look tries again; returns how many."""
        query = (
            sa.update(alert_deliveries)
            .where(alert_deliveries.c.status == "failed")
            .values(held_until=alert_deliveries.c.last_seen)
        )
        with self._store.writing() as connection:
            return connection.execute(query).rowcount

    def all(self, *, kinds: Collection[str] | None = None) -> list[Delivery]:
        """What was told to whom, newest first; `kinds` narrows it."""
        query = sa.select(alert_deliveries).order_by(
            alert_deliveries.c.last_seen.desc(),
            alert_deliveries.c.identity,
            alert_deliveries.c.channel,
        )
        if kinds is not None:
            query = query.where(alert_deliveries.c.kind.in_(sorted(kinds)))
        with self._store.reading() as connection:
            return [delivery_of(row) for row in connection.execute(query).mappings().all()]


def _row(connection: sa.Connection, identity: str, channel: str) -> sa.RowMapping | None:
    query = sa.select(alert_deliveries).where(
        alert_deliveries.c.identity == identity, alert_deliveries.c.channel == channel
    )
    return connection.execute(query.with_for_update()).mappings().one_or_none()


def _update(identity: str, channel: str) -> sa.Update:
    return sa.update(alert_deliveries).where(
        alert_deliveries.c.identity == identity, alert_deliveries.c.channel == channel
    )


def _take(connection: sa.Connection, row: Row, *, at: dt.datetime) -> Claim:
    token = new_short_claimant()
    connection.execute(_update(row["identity"], row["channel"]).values(held(token, at)))
    return claim_of(row, token=token, over=row.get("resolved_at") is not None)
