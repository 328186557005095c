"""The journal of paid model calls: every attempt is recorded before it counts.

Append-only: an attempt is a row, a later attempt is another row. Only the erasure of a person
changes rows: see `review_erasure`.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from eval_pipeline.adapters.engines import persistently, write_transaction
from eval_pipeline.adapters.schema import call_attempts, call_claims
from eval_pipeline.adapters.store import read_utc
from eval_pipeline.adapters.store_faults import told
from eval_pipeline.errors import StoreError
from eval_pipeline.ports import CallStatus

KEYS_AT_ONCE = 500

_settling = (
    sa.select(call_attempts)
    .where(call_attempts.c.status != "failed")
    .order_by(*call_attempts.primary_key)
)


_release = sa.delete(call_claims).where(
    *(
        call_claims.c[name] == sa.bindparam(f"of_{name}")
        for name in ("claimed_by", *(column.name for column in call_claims.primary_key))
    )
)


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
    none. `latency_seconds` runs from the request to the last byte, or to the failure;
    `first_byte_seconds` to the reply's head, null where none came. `headers` holds the reply
    headers that name a version, sorted by their lower-case names. `batch_id` is the provider's
    id of the batch that the answer came by, null where the call was asked by itself.
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
    first_byte_seconds: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    batch_id: str | None = None


class CallJournal:
    """Reads and appends `call_attempts`, on SQLite or PostgreSQL.

    The engine must serve several threads: the writer has its own.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def settled(
        self, scope: str, *, systems: Collection[str] | None = None
    ) -> dict[CallKey, Attempt]:
        """The answered and refused calls of a scope; of two answers to one call the earlier.

        `systems` narrows it to these system ids.
        """
        query = _settling.where(call_attempts.c.scope == scope)
        if systems is not None:
            query = query.where(call_attempts.c.system_id.in_(sorted(systems)))
        return _first(self._rows(query))

    def settled_calls(self, keys: Collection[CallKey]) -> dict[CallKey, Attempt]:
        """The answered and refused ones of these calls, read by their keys."""
        return _first(self._of_calls(_settling, keys))

    def last_attempts(self, keys: Collection[CallKey]) -> dict[CallKey, Attempt]:
        """The newest attempt at each of these calls that has any, whatever became of it."""
        query = sa.select(call_attempts).order_by(*call_attempts.primary_key)
        return {_key(row): _attempt(row) for row in self._of_calls(query, keys)}

    def record(
        self,
        attempts: Sequence[Attempt],
        *,
        released: Collection[CallKey] = (),
        claimed_by: str | None = None,
    ) -> None:
        """Appends in one transaction; an attempt that is already recorded stays as it is.

        Another attempt that another run recorded under the same number meanwhile stays too, and
        this one gets the next number. The same transaction gives up the claims of `claimed_by` on
        the calls that these attempts settle and on `released`.
        """
        if not attempts and not released:
            return
        settled = {attempt.key for attempt in attempts if attempt.status != "failed"}

        def recorded() -> None:
            with write_transaction(self.engine) as connection:
                if attempts:
                    self._append(connection, attempts)
                if claimed_by is not None:
                    release_claims(connection, settled.union(released), claimed_by=claimed_by)

        try:
            # A paid answer is worth trying for, and one that is recorded is not recorded again.
            persistently(recorded, repeatable=True)
        except sa.exc.SQLAlchemyError as error:
            raise journal_failure(self.engine, error, did="record") from None

    def _append(self, connection: sa.Connection, attempts: Sequence[Attempt]) -> None:
        rows = [_row(attempt) for attempt in attempts]
        if connection.execute(self._insert(), rows).rowcount == len(rows):
            return
        for attempt in attempts:
            of_call = [call_attempts.c[name] == value for name, value in vars(attempt.key).items()]
            columns = sa.select(call_attempts.c.attempt, call_attempts.c.recorded_at)
            standing = connection.execute(columns.where(*of_call)).all()
            if attempt.recorded_at not in {read_utc(row.recorded_at) for row in standing}:
                number = 1 + max(row.attempt for row in standing)
                connection.execute(self._insert(), [_row(replace(attempt, attempt=number))])

    def _insert(self) -> sa.Executable:
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(call_attempts).on_conflict_do_nothing()
        return sqlite.insert(call_attempts).on_conflict_do_nothing()

    def _of_calls(
        self, query: sa.Select[Any], keys: Collection[CallKey]
    ) -> Iterator[sa.RowMapping]:
        columns = sa.tuple_(*(call_attempts.c[name] for name in CallKey.__dataclass_fields__))
        wanted = [tuple(vars(key).values()) for key in dict.fromkeys(keys)]
        for start in range(0, len(wanted), KEYS_AT_ONCE):
            yield from self._rows(query.where(columns.in_(wanted[start : start + KEYS_AT_ONCE])))

    def _rows(self, query: sa.Select[Any]) -> Iterable[sa.RowMapping]:
        def found() -> Sequence[sa.RowMapping]:
            with self.engine.connect() as connection:
                return connection.execute(query).mappings().all()

        try:
            return persistently(found, repeatable=True)
        except sa.exc.SQLAlchemyError as error:
            raise journal_failure(self.engine, error, did="read") from None


def release_claims(
    connection: sa.Connection, keys: Collection[CallKey], *, claimed_by: str
) -> None:
    """Gives up a run's claims on these calls, inside the caller's transaction."""
    if keys:
        ordered = sorted(keys, key=key_order)
        held = [{f"of_{name}": value for name, value in vars(key).items()} for key in ordered]
        connection.execute(_release, [{"of_claimed_by": claimed_by, **one} for one in held])


def key_order(key: CallKey) -> tuple[str | int, ...]:
    """The one order in which claims are locked, so that two runs never wait for each other."""
    return tuple(vars(key).values())


def journal_failure(engine: sa.Engine, error: sa.exc.SQLAlchemyError, *, did: str) -> StoreError:
    """The error to raise where the journal's database fails."""
    cause, remedy = told(error)
    return StoreError(
        f"The call journal in {engine.url.render_as_string(hide_password=True)} cannot "
        f"be used to {did} model calls {cause}. What it already holds is kept. "
        f"{remedy}, then run the same command again."
    )


def _first(rows: Iterable[sa.RowMapping]) -> dict[CallKey, Attempt]:
    """The earliest of the attempts at each call; the rows are in their order."""
    first: dict[CallKey, Attempt] = {}
    for row in rows:
        key = _key(row)
        if key not in first:
            first[key] = _attempt(row)
    return first


def _row(attempt: Attempt) -> dict[str, Any]:
    columns = vars(attempt) | vars(attempt.key)
    del columns["key"]
    headers = columns.pop("headers")
    columns["headers_json"] = json.dumps(headers, ensure_ascii=False) if headers else None
    # SQLite keeps no zone: the instant is written as UTC and read back as UTC.
    columns["recorded_at"] = attempt.recorded_at.astimezone(dt.UTC)
    return columns


def _key(row: sa.RowMapping) -> CallKey:
    return CallKey(**{name: row[name] for name in CallKey.__dataclass_fields__})


def _attempt(row: sa.RowMapping) -> Attempt:
    own = {name: row[name] for name in _PLAIN}
    headers = json.loads(row["headers_json"] or "[]")
    return Attempt(
        key=_key(row),
        recorded_at=read_utc(row["recorded_at"]),
        headers=tuple((name, value) for name, value in headers),
        **own,
    )


_PLAIN = tuple(Attempt.__dataclass_fields__.keys() - {"key", "recorded_at", "headers"})
"""What a row holds as an attempt does."""
