"""The people at the desk: who they are, on which terms, and when they left."""

import datetime as dt
from typing import Any, Literal

import sqlalchemy as sa

from eval_pipeline.adapters.audit import leave_trace
from eval_pipeline.adapters.review.person_terms import (
    annotator_left,
    check_budget,
    check_name,
    require_same_terms,
    unknown_annotator,
)
from eval_pipeline.adapters.review.records import Annotator, AnnotatorKind
from eval_pipeline.adapters.schema import annotators, desk_sessions, desk_tokens, review_leases
from eval_pipeline.adapters.store import Store, read_utc, utc

LeavingReason = Literal["moved_on", "careless", "compromised", "other"]


class People:
    """Who labels, adjudicates and administers, over the operational store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        annotator_id: str,
        *,
        kind: AnnotatorKind,
        may_adjudicate: bool,
        by: str,
        at: dt.datetime,
        may_administer: bool = False,
        weekly_budget: int | None = None,
    ) -> bool:
        """Adds a person; False if they are known already, on the same terms.

        Raises `ReviewError` if they are known on other terms, or left, or the name is not one of
        up to 80 printable characters.
        """
        terms: dict[str, Any] = {
            "kind": kind,
            "may_adjudicate": may_adjudicate,
            "may_administer": may_administer,
            "weekly_budget": weekly_budget,
        }
        check_name(annotator_id)
        check_budget(weekly_budget)
        with self._store.writing() as connection:
            _lock_people(connection)
            found = _found(connection, annotator_id)
            if found is not None:
                require_same_terms(found, terms)
                return False
            connection.execute(
                sa.insert(annotators),
                {"annotator_id": annotator_id, **terms, "added_at": utc(at)},
            )
            leave_trace(
                connection, at=at, actor=by, action="add_annotator", subject=annotator_id, **terms
            )
        return True

    def everyone(self) -> list[Annotator]:
        """Everyone who is or was at the desk, by id."""
        query = sa.select(annotators).order_by(annotators.c.annotator_id)
        with self._store.reading() as connection:
            return [annotator_of(row) for row in connection.execute(query).mappings()]

    def change(
        self,
        annotator_id: str,
        *,
        by: str,
        at: dt.datetime,
        may_adjudicate: bool | None = None,
        may_administer: bool | None = None,
        weekly_budget: int | Literal["policy"] | None = None,
    ) -> bool:
        """Changes the terms named, from now on; False if they were so already.

        What they decided before stands. Raises `ReviewError` for who is not at the desk.
        """
        asked: dict[str, Any] = {
            "may_adjudicate": may_adjudicate,
            "may_administer": may_administer,
            "weekly_budget": weekly_budget,
        }
        wanted = {
            name: None if term == "policy" else term
            for name, term in asked.items()
            if term is not None
        }
        check_budget(wanted.get("weekly_budget"))
        with self._store.writing() as connection:
            before = annotator_at_desk(connection, annotator_id, to_change=True)
            changed = {name: term for name, term in wanted.items() if getattr(before, name) != term}
            if not changed:
                return False
            _update(connection, annotator_id, **changed)
            leave_trace(
                connection,
                at=at,
                actor=by,
                action="change_annotator",
                subject=annotator_id,
                **changed,
            )
        return True

    def leave(
        self, annotator_id: str, *, reason: LeavingReason, by: str, at: dt.datetime
    ) -> Annotator:
        """Ends their leases, sessions and tokens; what they answered stands under their name.

        Raises `ReviewError` for who is not at the desk.
        """
        with self._store.writing() as connection:
            gone = annotator_at_desk(connection, annotator_id, to_change=True)
            now = utc(at)
            _update(connection, annotator_id, left_at=now)
            ended = {
                "leases": _end(connection, review_leases, gone, ended_at=now, outcome="released"),
                "sessions": _end(connection, desk_sessions, gone, ended_at=now),
                "tokens": _end(connection, desk_tokens, gone, revoked_at=now),
            }
            leave_trace(
                connection,
                at=at,
                actor=by,
                action="remove_annotator",
                subject=annotator_id,
                reason=reason,
                **ended,
            )
        return gone

    def come_back(self, annotator_id: str, *, by: str, at: dt.datetime) -> bool:
        """Lets a person who left work again, on their old terms, with new tokens; False if here.

        Raises `ReviewError` for who never was at the desk.
        """
        with self._store.writing() as connection:
            found = _found(connection, annotator_id, to_change=True)
            if found is None:
                raise unknown_annotator(annotator_id)
            if found.left_at is None:
                return False
            _update(connection, annotator_id, left_at=None)
            leave_trace(
                connection, at=at, actor=by, action="return_annotator", subject=annotator_id
            )
        return True


def annotator_of(row: sa.RowMapping) -> Annotator:
    """The person of a row that has the columns of `annotators`, and maybe others."""
    return Annotator(
        annotator_id=row["annotator_id"],
        kind=row["kind"],
        may_adjudicate=bool(row["may_adjudicate"]),
        added_at=read_utc(row["added_at"]),
        may_administer=bool(row["may_administer"]),
        weekly_budget=row["weekly_budget"],
        left_at=None if row["left_at"] is None else read_utc(row["left_at"]),
    )


def annotator_at_desk(
    connection: sa.Connection, annotator_id: str, *, to_change: bool = False
) -> Annotator:
    """The person, who stays as they are until the transaction ends.

    Raises `ReviewError` if they were never here or left.
    """
    found = _found(connection, annotator_id, to_change=to_change)
    if found is None:
        raise unknown_annotator(annotator_id)
    if found.left_at is not None:
        raise annotator_left(found)
    return found


def _found(
    connection: sa.Connection, annotator_id: str, *, to_change: bool = False
) -> Annotator | None:
    query = sa.select(annotators).where(annotators.c.annotator_id == annotator_id)
    row = connection.execute(query.with_for_update(read=not to_change)).mappings().one_or_none()
    return None if row is None else annotator_of(row)


def _update(connection: sa.Connection, annotator_id: str, **values: Any) -> None:
    connection.execute(
        sa.update(annotators).where(annotators.c.annotator_id == annotator_id).values(**values)
    )


def _end(connection: sa.Connection, table: sa.Table, person: Annotator, **values: Any) -> int:
    """Sets these columns where the first of them is null; returns of how many rows."""
    first = next(iter(values))
    return connection.execute(
        sa.update(table)
        .where(table.c.annotator_id == person.annotator_id, table.c[first].is_(None))
        .values(**values)
    ).rowcount


def _lock_people(connection: sa.Connection) -> None:
    """One who adds at a time; on SQLite the transaction itself is that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("annotators"))))
