"""Opening an own answer again, and what ends that: seeing what the judges said."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from eval_pipeline.adapters.audit import trace
from eval_pipeline.adapters.review.answering import fixed, given_under, standing_answer
from eval_pipeline.adapters.review.desk_records import LeasedTask, LeasePolicy, NotTaken
from eval_pipeline.adapters.review.leases import (
    Trail,
    ended_already,
    leased_task,
    own_lease,
    task_of_lease,
)
from eval_pipeline.adapters.review.leasing import free_seat, take
from eval_pipeline.adapters.review.standing import Row, given_from, others_on
from eval_pipeline.adapters.schema import review_leases
from eval_pipeline.adapters.store import read_utc, utc
from eval_pipeline.review.states import ERASED

_OPEN_CORRECTION: Final = sa.select(review_leases.c.lease_id).where(
    review_leases.c.task_id == sa.bindparam("task_id"),
    review_leases.c.annotator_id == sa.bindparam("annotator_id"),
    review_leases.c.purpose == "correct",
    review_leases.c.ended_at.is_(None),
)
_REVEAL: Final = (
    sa.update(review_leases)
    .where(
        review_leases.c.task_id == sa.bindparam("of_task"),
        review_leases.c.annotator_id == sa.bindparam("of_person"),
        review_leases.c.outcome == "answered",
        review_leases.c.revealed_at.is_(None),
    )
    .values(revealed_at=sa.bindparam("at"))
)


def open_again(
    connection: sa.Connection,
    lease_id: str,
    annotator_id: str,
    *,
    policy: LeasePolicy,
    at: dt.datetime,
    trail: Trail,
) -> LeasedTask | NotTaken:
    """A lease to correct the answer given under this one, or that lease if it is there already."""
    lease = own_lease(connection, lease_id, annotator_id)
    if isinstance(lease, NotTaken):
        return lease
    if lease["outcome"] != "answered":
        return NotTaken("not_allowed", "There is no answer of yours under this task to undo.")
    if utc(at) >= read_utc(lease["expires_at"]):
        return NotTaken("ended", "The time to undo this answer is over, so it stands.")
    previous = standing_answer(connection, lease)
    if previous is None or previous["lease_id"] != lease_id:
        return NotTaken("ended", "This answer was corrected or withdrawn already.")
    refused = fixed(connection, lease, previous)
    return refused or _correction(connection, lease, previous, policy=policy, at=at, trail=trail)


def _correction(
    connection: sa.Connection,
    lease: Mapping[str, Any],
    previous: Row,
    *,
    policy: LeasePolicy,
    at: dt.datetime,
    trail: Trail,
) -> LeasedTask | NotTaken:
    annotator_id = lease["annotator_id"]
    own = {"task_id": lease["task_id"], "annotator_id": annotator_id}
    correction = connection.execute(_OPEN_CORRECTION, own).scalar()
    if correction is None:
        seat = free_seat(connection, lease["task_id"], "correct")
        taken = take(connection, **own, purpose="correct", seat=seat, policy=policy, at=at)
        correction = taken["lease_id"]
        detail = {"lease_id": correction, "undoes": lease["lease_id"]}
        trail.append(
            trace(at=at, actor=annotator_id, action="undo", subject=lease["task_id"], **detail)
        )
    opened = task_of_lease(connection, correction, annotator_id)
    return opened if isinstance(opened, NotTaken) else correction_of(connection, opened, previous)


def correction_of(connection: sa.Connection, lease: Mapping[str, Any], previous: Row) -> LeasedTask:
    """The task of a correction, with the answer it starts from."""
    others = () if "label_id" in previous else others_on(connection, lease["task_id"])
    return leased_task(lease, others=others, previous=given_from(previous))


def show_judges(
    connection: sa.Connection, lease_id: str, annotator_id: str, *, at: dt.datetime, trail: Trail
) -> str | NotTaken:
    """Marks this person's answers of the task as fixed, and returns its id."""
    lease = own_lease(connection, lease_id, annotator_id)
    if isinstance(lease, NotTaken):
        return lease
    if lease["outcome"] != "answered" or given_under(connection, lease_id) is None:
        return NotTaken("not_allowed", "Answer the task first; the judges are shown after that.")
    own = {"task_id": lease["task_id"], "annotator_id": annotator_id}
    if connection.execute(_OPEN_CORRECTION, own).first() is not None:
        return NotTaken("not_allowed", "You are correcting this answer; finish or give that back.")
    marks = {"of_task": lease["task_id"], "of_person": annotator_id, "at": utc(at)}
    if connection.execute(_REVEAL, marks).rowcount:
        trail.append(
            trace(
                at=at,
                actor=annotator_id,
                action="reveal",
                subject=lease["task_id"],
                lease_id=lease_id,
            )
        )
    return str(lease["task_id"])


def held_task(connection: sa.Connection, lease_id: str, annotator_id: str) -> LeasedTask | NotTaken:
    """The task of a lease that nobody ended yet, as its holder sees it; locks nothing."""
    lease = task_of_lease(connection, lease_id, annotator_id)
    if isinstance(lease, NotTaken):
        return lease
    if lease["ended_at"] is not None:
        return ended_already(lease["outcome"])
    if lease["state"] == ERASED:
        return NotTaken("decided", "This task is gone. Ask for the next one.")
    if lease["purpose"] == "correct":
        previous = standing_answer(connection, lease)
        if previous is None:
            return NotTaken("ended", "Your answer was withdrawn. Ask for the next task.")
        return correction_of(connection, lease, previous)
    reading = lease["purpose"] == "adjudicate"
    return leased_task(lease, others=others_on(connection, lease["task_id"]) if reading else ())
