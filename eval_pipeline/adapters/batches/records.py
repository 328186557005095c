"""The record of batches in the store: written before a batch is sent, and when its id is known.

A batch that was sent and not yet accepted stands under its own tag; whoever finds such a row asks
the provider what became of it.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.schema import call_attempts, call_batches
from eval_pipeline.adapters.store import read_utc
from eval_pipeline.errors import StoreError

BatchState = Literal["sending", "sent", "read", "lost"]
"""sending: perhaps accepted; sent: accepted; read: every answer recorded; lost: never accepted."""

OPEN = ("sending", "sent")


@dataclass(frozen=True)
class BatchRecord:
    """A row of `call_batches`; `calls` holds the key of each custom id, all of one scope."""

    batch_id: str
    provider: str
    scope: str
    purpose: str
    state: BatchState
    submitted_at: dt.datetime
    calls: Mapping[str, CallKey] = field(repr=False)


class BatchRecords:
    """Reads and writes `call_batches`, on SQLite or PostgreSQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, record: BatchRecord) -> None:
        """Records a batch that is about to be sent."""
        row = {
            "batch_id": record.batch_id,
            "provider": record.provider,
            "scope": record.scope,
            "purpose": record.purpose[:160],
            "state": record.state,
            "submitted_at": record.submitted_at.astimezone(dt.UTC),
            "calls_json": json.dumps(
                {name: list(vars(key).values())[1:] for name, key in record.calls.items()},
                ensure_ascii=False,
                sort_keys=True,
            ),
        }
        with self._writing() as connection:
            connection.execute(sa.insert(call_batches).values(row))

    def accepted(self, tag: str, batch_id: str) -> None:
        """Puts the provider's id in the place of the tag."""
        self._change(tag, {"batch_id": batch_id, "state": "sent"})

    def ended(self, batch_id: str, *, at: dt.datetime) -> dt.datetime:
        """Notes when the batch was first seen ended, and gives that instant to every reader.

        All readers record its results with this instant, so a second reading changes nothing.
        """
        own = call_batches.c.batch_id == batch_id
        with self._writing() as connection:
            connection.execute(
                sa.update(call_batches)
                .where(own, call_batches.c.ended_at.is_(None))
                .values(ended_at=at.astimezone(dt.UTC))
            )
            noted = connection.execute(sa.select(call_batches.c.ended_at).where(own))
            return read_utc(noted.scalar_one())

    def close(self, batch_id: str, state: BatchState, *, error: str | None = None) -> None:
        """Says that nothing more is to come of a batch; `error` is a code."""
        self._change(batch_id, {"state": state, "error": error})

    def open_in(self, scopes: Collection[str]) -> list[BatchRecord]:
        """The batches of these scopes of which something may still come, oldest first."""
        query = (
            sa.select(call_batches)
            .where(call_batches.c.scope.in_(sorted(scopes)), call_batches.c.state.in_(OPEN))
            .order_by(call_batches.c.submitted_at, call_batches.c.batch_id)
        )
        with self._reading() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]

    def is_sending(self, tag: str) -> bool:
        """Whether a batch is still to be sent: another run may have given it up meanwhile."""
        query = sa.select(call_batches.c.state).where(call_batches.c.batch_id == tag)
        with self._reading() as connection:
            return connection.execute(query).scalar_one_or_none() == "sending"

    def known(self, provider: str) -> set[str]:
        """The ids of all batches that were ever recorded of a provider."""
        query = sa.select(call_batches.c.batch_id).where(call_batches.c.provider == provider)
        with self._reading() as connection:
            return set(connection.execute(query).scalars())

    def recorded_from(self, record: BatchRecord) -> set[CallKey]:
        """The calls of a batch whose result stands in the journal."""
        names = list(CallKey.__dataclass_fields__)
        query = sa.select(*(call_attempts.c[name] for name in names)).where(
            call_attempts.c.scope == record.scope, call_attempts.c.batch_id == record.batch_id
        )
        with self._reading() as connection:
            return {CallKey(**row) for row in connection.execute(query).mappings()}

    def _change(self, batch_id: str, values: Mapping[str, Any]) -> None:
        with self._writing() as connection:
            connection.execute(
                sa.update(call_batches).where(call_batches.c.batch_id == batch_id).values(values)
            )

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise self._failure(error, did="read") from None

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise self._failure(error, did="write") from None

    def _failure(self, error: sa.exc.SQLAlchemyError, *, did: str) -> StoreError:
        cause = type(getattr(error, "orig", None) or error).__name__
        return StoreError(
            f"The store at {self._engine.url.render_as_string(hide_password=True)} cannot be used "
            f"to {did} the record of batches ({cause}). What it already holds is kept, and a "
            "batch that runs at the provider goes on. Check that the database is up and has the "
            "current schema, then run the same command again: it takes the batch up."
        )


def _record(row: sa.RowMapping) -> BatchRecord:
    calls = json.loads(row["calls_json"])
    return BatchRecord(
        batch_id=row["batch_id"],
        provider=row["provider"],
        scope=row["scope"],
        purpose=row["purpose"],
        state=row["state"],
        submitted_at=read_utc(row["submitted_at"]),
        calls={name: CallKey(row["scope"], *rest) for name, rest in calls.items()},
    )
