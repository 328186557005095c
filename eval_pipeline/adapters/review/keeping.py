"""What a holder does with a task besides answering it: keeping it, giving it back, skipping it."""

import datetime as dt
from typing import Final

import sqlalchemy as sa

from eval_pipeline.adapters.audit import trace
from eval_pipeline.adapters.review.desk_records import LeasePolicy, NotTaken, SkipReason
from eval_pipeline.adapters.review.leases import (
    CLOCKS_DIFFER,
    Trail,
    close,
    end,
    ended_already,
    own_lease,
)
from eval_pipeline.adapters.schema import review_leases, review_skips
from eval_pipeline.adapters.store import read_utc, utc

_KEEP: Final = (
    sa.update(review_leases)
    .where(review_leases.c.lease_id == sa.bindparam("lease"))
    .values(expires_at=sa.bindparam("until"))
)


def keep(
    connection: sa.Connection,
    lease_id: str,
    annotator_id: str,
    *,
    policy: LeasePolicy,
    at: dt.datetime,
) -> dt.datetime | NotTaken:
    """Moves the end of the lease, never forward in time; one that nobody ended yet lives again."""
    lease = own_lease(connection, lease_id, annotator_id)
    if isinstance(lease, NotTaken):
        return lease
    if lease["ended_at"] is not None:
        return ended_already(lease["outcome"])
    until, known = utc(at) + policy.lease, read_utc(lease["expires_at"])
    if known <= until + CLOCKS_DIFFER:
        until = max(until, known)
    connection.execute(_KEEP, {"lease": lease_id, "until": until})
    return until


def give_back(
    connection: sa.Connection, lease_id: str, annotator_id: str, *, at: dt.datetime, trail: Trail
) -> NotTaken | None:
    """Ends the lease; one that was given back or has expired stays as it is."""
    lease = own_lease(connection, lease_id, annotator_id)
    if isinstance(lease, NotTaken):
        return lease
    if lease["outcome"] in ("released", "expired"):
        return None
    if lease["ended_at"] is not None:
        return ended_already(lease["outcome"])
    end(connection, lease, outcome="released", at=at, trail=trail)
    return None


def skip_task(
    connection: sa.Connection,
    lease_id: str,
    annotator_id: str,
    *,
    reason: SkipReason,
    at: dt.datetime,
    trail: Trail,
) -> NotTaken | None:
    """Ends the lease and remembers not to ask this person again; the first reason stands."""
    lease = own_lease(connection, lease_id, annotator_id)
    if isinstance(lease, NotTaken):
        return lease
    if lease["purpose"] == "correct":
        return NotTaken("not_allowed", "You have answered this task. Give the correction back.")
    if lease["outcome"] == "skipped":
        return None
    if lease["outcome"] in ("answered", "released"):
        return ended_already(lease["outcome"])
    known = sa.select(review_skips.c.lease_id).where(
        review_skips.c.task_id == lease["task_id"], review_skips.c.annotator_id == annotator_id
    )
    if connection.execute(known).first() is None:
        connection.execute(
            sa.insert(review_skips),
            {
                "task_id": lease["task_id"],
                "annotator_id": annotator_id,
                "lease_id": lease_id,
                "reason": reason,
                "skipped_at": utc(at),
            },
        )
    close(connection, lease_id, outcome="skipped", at=at)
    trail.append(
        trace(
            at=at,
            actor=annotator_id,
            action="skip",
            subject=lease["task_id"],
            lease_id=lease_id,
            reason=reason,
        )
    )
    return None
