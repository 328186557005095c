"""Claims of calls: of several runs on one scope, one asks a call and the others wait for it.

A claim is a lease by the database's clock, the only one that all runs share: clocks of hosts may
differ by more than a lease. A dead process on this machine loses its claims at once.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from eval_pipeline.adapters.engines import persistently, write_transaction
from eval_pipeline.adapters.model_calls.claimants import is_dead, new_claimant
from eval_pipeline.adapters.model_calls.journal import (
    CallKey,
    journal_failure,
    key_order,
    release_claims,
)
from eval_pipeline.adapters.schema import call_attempts, call_claims
from eval_pipeline.adapters.store import read_utc

LEASE_SECONDS: Final = 60.0
Result = TypeVar("Result")
_NAMES: Final = tuple(CallKey.__dataclass_fields__)
_KEY: Final = tuple(call_claims.c[name] for name in _NAMES)


@dataclass(frozen=True)
class CallState:
    """How a call stands after an attempt to claim it; `attempts` counts those of all runs."""

    ours: bool
    settled: bool
    attempts: int


class CallClaims:
    """The claims of one run; each method is one transaction at most, for any thread.

    `abandoned` are calls whose claims were swept away: their holder died or slept.
    `others_at_work`: at the last look another run held claims.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        claimed_by: str | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._engine = engine
        self.lease_seconds = lease_seconds
        self.claimed_by = claimed_by or new_claimant()
        self.others_at_work = False
        self.abandoned: set[CallKey] = set()
        self._lapses = 0
        self._renewed_at = time.monotonic()

    def lapses(self) -> int:
        """How often this run was held up for longer than its lease: its claims may be others'."""
        if time.monotonic() - self._renewed_at > self.lease_seconds:
            self._lapses += 1
            self._renewed_at = time.monotonic()
        return self._lapses

    def claim(self, keys: Sequence[CallKey]) -> dict[CallKey, CallState]:
        """Claims what nobody holds; what is settled already is left unclaimed.

        Drops before that what has lapsed and what dead processes of this machine hold.
        """
        if not keys:
            return {}

        def claimed(connection: sa.Connection) -> dict[CallKey, CallState]:
            now = self._now(connection)
            self._sweep(connection, now=now)
            connection.execute(self._insert(), self._rows(keys, now=now))
            # Read after the claim stands: what another run settled before it is seen now.
            states = self._states(connection, keys)
            settled = [key for key, state in states.items() if state.ours and state.settled]
            release_claims(connection, settled, claimed_by=self.claimed_by)
            return states

        return self._transact(claimed)

    def renew(self) -> int:
        """Prolongs every claim of this run by a whole lease; how many it still holds."""
        self.lapses()

        def renewed(connection: sa.Connection) -> int:
            expires = self._now(connection) + dt.timedelta(seconds=self.lease_seconds)
            held = connection.execute(
                sa.update(call_claims)
                .where(call_claims.c.claimed_by == self.claimed_by)
                .values(expires_at=expires)
            )
            self._renewed_at = time.monotonic()
            return int(held.rowcount)

        return self._transact(renewed)

    def release_all(self) -> None:
        """Gives every claim of this run up; what it recorded stays."""
        mine = sa.delete(call_claims).where(call_claims.c.claimed_by == self.claimed_by)
        self._transact(lambda connection: connection.execute(mine).rowcount)

    def _transact(self, step: Callable[[sa.Connection], Result]) -> Result:
        """One transaction, again if its connection is cut: claiming twice is claiming once."""

        def whole() -> Result:
            with write_transaction(self._engine) as connection:
                return step(connection)

        try:
            return persistently(whole, repeatable=True)
        except sa.exc.SQLAlchemyError as error:
            raise journal_failure(self._engine, error, did="claim") from None

    def _sweep(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        holders = set(connection.execute(sa.select(call_claims.c.claimed_by).distinct()).scalars())
        dead = {holder for holder in holders if is_dead(holder)}
        self.others_at_work = bool(holders - dead - {self.claimed_by})
        lapsed = sa.or_(call_claims.c.expires_at < now, call_claims.c.claimed_by.in_(sorted(dead)))
        # What another run sweeps at this moment is left to it: two would wait for each other.
        found = sa.select(*_KEY).where(lapsed).with_for_update(skip_locked=True)
        swept = connection.execute(
            sa.delete(call_claims).where(sa.tuple_(*_KEY).in_(found)).returning(*_KEY)
        )
        self.abandoned.update(CallKey(*row) for row in swept)

    def _now(self, connection: sa.Connection) -> dt.datetime:
        if connection.dialect.name == "postgresql":
            return read_utc(connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one())
        told = connection.exec_driver_sql("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        return dt.datetime.fromisoformat(told.scalar_one()).replace(tzinfo=dt.UTC)

    def _insert(self) -> sa.Executable:
        if self._engine.dialect.name == "postgresql":
            return postgresql.insert(call_claims).on_conflict_do_nothing()
        return sqlite.insert(call_claims).on_conflict_do_nothing()

    def _rows(self, keys: Sequence[CallKey], *, now: dt.datetime) -> list[dict[str, Any]]:
        """In the order of the keys everywhere, so that two runs never wait for each other."""
        lease = {
            "claimed_by": self.claimed_by,
            "claimed_at": now,
            "expires_at": now + dt.timedelta(seconds=self.lease_seconds),
        }
        return [vars(key) | lease for key in sorted(keys, key=key_order)]

    def _states(
        self, connection: sa.Connection, keys: Sequence[CallKey]
    ) -> dict[CallKey, CallState]:
        same = [call_attempts.c[name] == call_claims.c[name] for name in _NAMES]
        query = (
            sa.select(
                *_KEY,
                call_claims.c.claimed_by,
                sa.func.count().filter(call_attempts.c.status != "failed").label("settled"),
                sa.func.coalesce(sa.func.max(call_attempts.c.attempt), 0).label("attempts"),
            )
            .select_from(call_claims.outerjoin(call_attempts, sa.and_(*same)))
            .where(sa.tuple_(*_KEY).in_([tuple(vars(key).values()) for key in keys]))
            .group_by(*_KEY, call_claims.c.claimed_by)
        )
        return {
            CallKey(*row[: len(_NAMES)]): CallState(
                ours=row.claimed_by == self.claimed_by,
                settled=row.settled > 0,
                attempts=row.attempts,
            )
            for row in connection.execute(query)
        }
