"""The journal of paid model calls: every attempt is recorded before it counts.

Append-only: an attempt is a row, a later attempt is another row. Only the erasure of a person
changes rows: see `review_erasure`.
"""

import datetime as dt
import queue
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from eval_pipeline.adapters.schema import call_attempts
from eval_pipeline.errors import StoreError
from eval_pipeline.ports import CallStatus, Redact

BATCH_ATTEMPTS = 50
BATCH_SECONDS = 0.05


@dataclass(frozen=True)
class CallKey:
    """What identifies a paid call; `trial` counts from 1."""

    scope: str
    system_id: str
    item_id: str
    trial: int
    request_fingerprint: str


@dataclass(frozen=True)
class Attempt:
    """One request of one call, as `call_attempts` holds it; `attempt` counts from 1 over all runs.

    `text` is null unless `status` is answered. Tokens and cost are null where the provider sent
    none. `latency_seconds` runs from the request to the last byte, or to the failure.
    """

    key: CallKey
    attempt: int
    status: CallStatus
    error_code: str | None
    text: str | None
    requested_model: str
    served_model: str | None
    system_fingerprint: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    latency_seconds: float | None
    recorded_at: dt.datetime


class CallJournal:
    """Reads and appends `call_attempts`, on SQLite or PostgreSQL.

    The engine must serve several threads: the writer has its own.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def settled(
        self, scope: str, *, systems: Collection[str] | None = None
    ) -> dict[CallKey, Attempt]:
        """The answered and refused calls of a scope; of two answers to one call the earlier.

        `systems` narrows it to these system ids.
        """
        query = (
            sa.select(call_attempts)
            .where(call_attempts.c.scope == scope, call_attempts.c.status != "failed")
            .order_by(*call_attempts.primary_key)
        )
        if systems is not None:
            query = query.where(call_attempts.c.system_id.in_(sorted(systems)))
        first: dict[CallKey, Attempt] = {}
        for row in self._rows(query):
            first.setdefault(_key(row), _attempt(row))
        return first

    def attempts_made(self, scope: str) -> dict[CallKey, int]:
        """The highest attempt number of every call of a scope, whatever became of it."""
        keys = [call_attempts.c[name] for name in CallKey.__dataclass_fields__]
        query = (
            sa.select(*keys, sa.func.max(call_attempts.c.attempt).label("made"))
            .where(call_attempts.c.scope == scope)
            .group_by(*keys)
            .order_by(*keys)
        )
        return {_key(row): int(row["made"]) for row in self._rows(query)}

    def record(self, attempts: Sequence[Attempt]) -> None:
        """Appends in one transaction; an attempt that is already recorded stays as it is."""
        if not attempts:
            return
        try:
            with self._engine.begin() as connection:
                connection.execute(self._insert(), [_row(attempt) for attempt in attempts])
        except sa.exc.SQLAlchemyError as error:
            raise self._failure(error, did="record") from None

    def _insert(self) -> sa.Executable:
        if self._engine.dialect.name == "postgresql":
            return postgresql.insert(call_attempts).on_conflict_do_nothing()
        return sqlite.insert(call_attempts).on_conflict_do_nothing()

    def _rows(self, query: sa.Select[Any]) -> Iterable[sa.RowMapping]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).mappings().all()
        except sa.exc.SQLAlchemyError as error:
            raise self._failure(error, did="read") from None

    def _failure(self, error: sa.exc.SQLAlchemyError, *, did: str) -> StoreError:
        # The driver's own message can quote the row, so only its class is passed on.
        cause = type(getattr(error, "orig", None) or error).__name__
        return StoreError(
            f"The call journal in {self._engine.url.render_as_string(hide_password=True)} cannot "
            f"be used to {did} model calls ({cause}). What it already holds is kept. Check that "
            "the database is up, has the current schema, free space and no long lock, then run "
            "the same command again."
        )


_Unredacted = tuple[Attempt, str]
"""An attempt whose text is as it came, and the route whose allow-list holds for it."""


class AttemptWriter:
    """Commits attempts in small batches on a thread of its own; a text is redacted just before.

    The only way from an answer to the journal, so no text can reach it unmasked. Leaving the
    context commits what is left, whatever ended it.
    """

    def __init__(self, journal: CallJournal, *, redact: Redact) -> None:
        self._journal = journal
        self._redact = redact
        self._waiting: queue.SimpleQueue[_Unredacted | None] = queue.SimpleQueue()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="call-journal")

    def __enter__(self) -> Self:
        """Starts the thread."""
        self._drained = self._thread.submit(self._drain)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commits what waits; a failure to do so is raised unless another is on its way."""
        self._waiting.put(None)
        self._thread.shutdown(wait=True)
        if error is None:
            self._drained.result()

    def submit(self, attempt: Attempt, *, route: str) -> None:
        """Hands an attempt over; raises what an earlier commit died of.

        `route` is the one whose allow-list holds for the attempt's text.
        """
        if self._drained.done():
            self._drained.result()
        self._waiting.put((attempt, route))

    def _drain(self) -> None:
        more = True
        while more:
            batch, more = self._next_batch()
            self._journal.record(self._redacted(batch))

    def _next_batch(self) -> tuple[list[_Unredacted], bool]:
        first = self._waiting.get()
        if first is None:
            return [], False
        batch = [first]
        deadline = time.monotonic() + BATCH_SECONDS
        while len(batch) < BATCH_ATTEMPTS:
            try:
                following = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if following is None:
                return batch, False
            batch.append(following)
        return batch, True

    def _redacted(self, batch: Sequence[_Unredacted]) -> list[Attempt]:
        texts = [(attempt.text, route) for attempt, route in batch if attempt.text is not None]
        redacted = iter(self._redact(texts))
        return [
            attempt if attempt.text is None else replace(attempt, text=next(redacted))
            for attempt, _ in batch
        ]


def _row(attempt: Attempt) -> dict[str, Any]:
    columns = vars(attempt) | vars(attempt.key)
    del columns["key"]
    # SQLite keeps no zone: the instant is written as UTC and read back as UTC.
    columns["recorded_at"] = attempt.recorded_at.astimezone(dt.UTC)
    return columns


def _key(row: sa.RowMapping) -> CallKey:
    return CallKey(**{name: row[name] for name in CallKey.__dataclass_fields__})


def _attempt(row: sa.RowMapping) -> Attempt:
    own = {name: row[name] for name in Attempt.__dataclass_fields__ if name != "key"}
    recorded_at: dt.datetime = row["recorded_at"]
    if recorded_at.tzinfo is None:
        recorded_at = recorded_at.replace(tzinfo=dt.UTC)
    return Attempt(key=_key(row), **(own | {"recorded_at": recorded_at.astimezone(dt.UTC)}))
