"""Leases as the store has them: whose, how they end, and what their holder sees."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE, trace
from eval_pipeline.adapters.review.desk_records import Given, LeasedTask, LeasePolicy, NotTaken
from eval_pipeline.adapters.schema import UtcInstant, annotators, review_leases, review_tasks
from eval_pipeline.adapters.store import read_utc, utc

CLOCKS_DIFFER: Final = dt.timedelta(hours=1)
"""What was written by a clock that is further ahead than this was written by a wrong one."""

Trail = list[dict[str, Any]]
"""Entries for the audit trail, written at the end of the step."""

_LEASE: Final[sa.BindParameter[str]] = sa.bindparam("lease_id")
_LEASED: Final = sa.select(
    review_leases,
    review_tasks.c.week,
    review_tasks.c.rubric_id,
    review_tasks.c.subject_json,
    review_tasks.c.state,
    review_tasks.c.labels_needed,
).join(review_tasks, review_tasks.c.task_id == review_leases.c.task_id)
_OWN_LEASE: Final = (
    _LEASED.with_only_columns(
        review_leases,
        review_tasks.c.state,
        review_tasks.c.labels_needed,
        annotators.c.may_adjudicate,
        maintain_column_froms=True,
    )
    .join(annotators, annotators.c.annotator_id == review_leases.c.annotator_id)
    .where(review_leases.c.lease_id == _LEASE)
    .with_for_update(of=(review_tasks, review_leases))
)
WITH_TASK: Final = _LEASED.where(review_leases.c.lease_id == _LEASE)
_END: Final = (
    sa.update(review_leases)
    .where(review_leases.c.lease_id == sa.bindparam("lease"))
    .values(
        # Since a lease has expired the seat may be another's, whatever is handed in late.
        ended_at=sa.func.coalesce(review_leases.c.ended_at, sa.bindparam("at")),
        outcome=sa.bindparam("how"),
    )
)
_EXPIRED: Final = (
    sa.select(review_leases.c.lease_id, review_leases.c.task_id, review_leases.c.annotator_id)
    .where(
        sa.text("review_leases.ended_at IS NULL"),
        sa.or_(
            review_leases.c.expires_at <= sa.bindparam("at"),
            review_leases.c.expires_at > sa.bindparam("never", type_=UtcInstant),
        ),
    )
    .with_for_update(skip_locked=True)
)


def end_expired(
    connection: sa.Connection, *, at: dt.datetime, policy: LeasePolicy, trail: Trail
) -> None:
    """Ends every lease whose time is over; what was typed under it can still be handed in.

    So it does with a lease that would last longer than any that is given now: a clock that was
    ahead has written it, and would keep its seat from everybody until then.
    """
    instants = {"at": utc(at), "never": utc(at) + policy.lease + CLOCKS_DIFFER}
    for lease in connection.execute(_EXPIRED, instants).mappings().all():
        end(connection, dict(lease), outcome="expired", at=at, trail=trail, actor=PIPELINE)


def end(
    connection: sa.Connection,
    lease: Mapping[str, Any],
    *,
    outcome: str,
    at: dt.datetime,
    trail: Trail,
    actor: str | None = None,
) -> None:
    """Ends a lease, and says so in the trail, in the name of its holder if of nobody else."""
    close(connection, lease["lease_id"], outcome=outcome, at=at)
    trail.append(traced(lease, f"lease_{outcome}", at=at, actor=actor))


def close(connection: sa.Connection, lease_id: str, *, outcome: str, at: dt.datetime) -> None:
    """Ends a lease; what is told of it in the trail is the caller's."""
    connection.execute(_END, {"lease": lease_id, "at": utc(at), "how": outcome})


def own_lease(
    connection: sa.Connection, lease_id: str, annotator_id: str
) -> dict[str, Any] | NotTaken:
    """The lease with its task's state, both locked, if it is this person's."""
    found = connection.execute(_OWN_LEASE, {"lease_id": lease_id}).mappings().one_or_none()
    return _if_own(found, annotator_id)


def task_of_lease(
    connection: sa.Connection, lease_id: str, annotator_id: str
) -> dict[str, Any] | NotTaken:
    """The lease with all that a person sees of its task, if it is this person's; locks nothing."""
    found = connection.execute(WITH_TASK, {"lease_id": lease_id}).mappings().one_or_none()
    return _if_own(found, annotator_id)


def leased_task(
    row: Any, *, others: tuple[Given, ...] = (), previous: Given | None = None
) -> LeasedTask:
    """A lease and its task as the holder gets them."""
    return LeasedTask(
        lease_id=row["lease_id"],
        task_id=row["task_id"],
        week=row["week"],
        purpose=row["purpose"],
        rubric_id=row["rubric_id"],
        subject_json=row["subject_json"],
        leased_at=read_utc(row["leased_at"]),
        expires_at=read_utc(row["expires_at"]),
        others=others,
        previous=previous,
    )


def ended_already(outcome: str) -> NotTaken:
    """Why nothing more can be done under a lease that has ended so."""
    how = {
        "answered": "was answered already",
        "skipped": "was skipped",
        "released": "was given back",
        "expired": "has expired",
    }
    return NotTaken("ended", f"This task {how[outcome]}. Ask for the next one.")


def _if_own(found: sa.RowMapping | None, annotator_id: str) -> dict[str, Any] | NotTaken:
    if found is None:
        return NotTaken("unknown", "There is no such task on anybody's desk. Ask for the next one.")
    if found["annotator_id"] != annotator_id:
        return NotTaken("not_yours", "Another person holds this task. Ask for one of your own.")
    return dict(found)


def traced(lease: Any, action: str, *, at: dt.datetime, actor: str | None = None) -> dict[str, Any]:
    """What the trail says of a lease."""
    detail = {"purpose": lease["purpose"]} if "purpose" in lease else {}
    return trace(
        at=at,
        actor=actor or lease["annotator_id"],
        action=action,
        subject=lease["task_id"],
        lease_id=lease["lease_id"],
        annotator_id=lease["annotator_id"],
        **detail,
    )
