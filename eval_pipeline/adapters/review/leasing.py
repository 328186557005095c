"""Who holds which task and for how long: giving out, keeping, giving back, skipping, expiring."""

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE
from eval_pipeline.adapters.review.desk_records import (
    LeasedTask,
    LeasePolicy,
    NothingToDo,
    Purpose,
)
from eval_pipeline.adapters.review.leases import (
    CLOCKS_DIFFER,
    WITH_TASK,
    Trail,
    end,
    end_expired,
    leased_task,
    traced,
)
from eval_pipeline.adapters.review.queue import IS_FIRST, ME, Asked, Contended, first_fitting
from eval_pipeline.adapters.review.standing import others_on
from eval_pipeline.adapters.schema import (
    adjudications,
    annotators,
    labels,
    review_leases,
)
from eval_pipeline.adapters.store import read_utc, utc
from eval_pipeline.review.states import ASKED_FOR

_SINCE: Final[sa.BindParameter[dt.datetime]] = sa.bindparam("since")


def _counted(table: sa.Table, *, by: str, at: str) -> sa.ScalarSelect[int]:
    own = (table.c[by] == ME, table.c[at] >= _SINCE, IS_FIRST[table.name])
    return sa.select(sa.func.count()).select_from(table).where(*own).scalar_subquery()


ANSWERED: Final = _counted(labels, by="annotator_id", at="labelled_at") + _counted(
    adjudications, by="adjudicated_by", at="adjudicated_at"
)
"""Labels and adjudications of `annotator_id` since `since`; a correction is no new answer."""

_PERSON: Final = (
    sa.select(
        annotators.c.may_adjudicate,
        annotators.c.weekly_budget,
        annotators.c.left_at,
        review_leases.c.lease_id,
        ANSWERED.label("answered"),
    )
    .outerjoin(
        review_leases,
        sa.and_(
            review_leases.c.annotator_id == annotators.c.annotator_id,
            review_leases.c.purpose == sa.bindparam("asked"),
            # Written out, not bound, so that SQLite finds the partial index.
            sa.text("review_leases.ended_at IS NULL AND review_leases.purpose <> 'correct'"),
        ),
    )
    .where(annotators.c.annotator_id == ME)
)
_TAKE: Final = sa.insert(review_leases)


def monday(at: dt.datetime) -> dt.datetime:
    """The Monday 00:00 UTC from which the week of this instant counts."""
    day = utc(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - dt.timedelta(days=day.weekday())


def lease_next(
    connection: sa.Connection,
    annotator_id: str,
    *,
    weeks: Sequence[str],
    asked: Asked,
    policy: LeasePolicy,
    at: dt.datetime,
    patient: bool,
    trail: Trail,
) -> LeasedTask | NothingToDo | None:
    """The task that this person holds, else the next one that fits, newly leased.

    None where others' transactions have to end before there is an answer; see `first_fitting`.
    """
    end_expired(connection, at=at, policy=policy, trail=trail)
    params = {"annotator_id": annotator_id, "asked": asked, "since": monday(at)}
    person = connection.execute(_PERSON, params).one_or_none()
    if person is None or not _may(person, asked):
        return NothingToDo("not_allowed")
    if person.lease_id is not None:
        held = _held_still(connection, person.lease_id, asked=asked, at=at, trail=trail)
        if held is not None:
            return held
    budget = policy.weekly_budget if person.weekly_budget is None else person.weekly_budget
    if person.answered >= budget:
        return NothingToDo("budget_spent")
    try:
        task = first_fitting(connection, annotator_id, asked=asked, weeks=weeks, patient=patient)
    except Contended:
        return None
    if task is None:
        return NothingToDo("queue_empty")
    return _lease(connection, task, annotator_id, asked=asked, policy=policy, at=at, trail=trail)


def _lease(
    connection: sa.Connection,
    task: sa.RowMapping,
    annotator_id: str,
    *,
    asked: Asked,
    policy: LeasePolicy,
    at: dt.datetime,
    trail: Trail,
) -> LeasedTask:
    seat = free_seat(connection, task["task_id"], asked) if task["held"] else 0
    # Callers' clocks may differ a little from the order of their transactions.
    ended = task["last_ended"]
    since = utc(at)
    if ended is not None and read_utc(ended) <= since + CLOCKS_DIFFER:
        since = max(since, read_utc(ended))
    lease = take(
        connection, task["task_id"], annotator_id, purpose=asked, seat=seat, policy=policy, at=since
    )
    trail.append(traced(lease, "lease", at=at))
    others = others_on(connection, task["task_id"]) if asked == "adjudicate" else ()
    return leased_task({**lease, **task}, others=others)


def _may(person: sa.Row[Any], asked: Asked) -> bool:
    return person.left_at is None and (asked == "label" or bool(person.may_adjudicate))


def take(
    connection: sa.Connection,
    task_id: str,
    annotator_id: str,
    *,
    purpose: Purpose,
    seat: int,
    policy: LeasePolicy,
    at: dt.datetime,
) -> dict[str, Any]:
    """A new lease, as the row that was written."""
    lease = {
        "lease_id": secrets.token_hex(16),
        "task_id": task_id,
        "annotator_id": annotator_id,
        "purpose": purpose,
        "seat": seat,
        "leased_at": utc(at),
        "expires_at": utc(at) + policy.lease,
    }
    connection.execute(_TAKE, lease)
    return lease


def free_seat(connection: sa.Connection, task_id: str, purpose: Purpose) -> int:
    """The lowest seat of the task that nobody holds for this purpose."""
    query = sa.select(review_leases.c.seat).where(
        review_leases.c.task_id == task_id,
        review_leases.c.purpose == purpose,
        review_leases.c.ended_at.is_(None),
    )
    taken = set(connection.execute(query).scalars())
    return next(seat for seat in range(len(taken) + 1) if seat not in taken)


def _held_still(
    connection: sa.Connection, lease_id: str, *, asked: Asked, at: dt.datetime, trail: Trail
) -> LeasedTask | None:
    """The held task, unless it needs this person no more: then the lease is ended as expired."""
    lease = dict(connection.execute(WITH_TASK, {"lease_id": lease_id}).mappings().one())
    own = sa.select(labels.c.label_id).where(
        labels.c.task_id == lease["task_id"], labels.c.annotator_id == lease["annotator_id"]
    )
    if lease["state"] not in ASKED_FOR[asked] or connection.execute(own).first() is not None:
        end(connection, lease, outcome="expired", at=at, trail=trail, actor=PIPELINE)
        return None
    others = others_on(connection, lease["task_id"]) if asked == "adjudicate" else ()
    return leased_task(lease, others=others)
