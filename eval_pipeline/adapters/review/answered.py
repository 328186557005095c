"""An answered task as its answerer may see it again, and whose interaction a task is about."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from eval_pipeline.adapters.review.answering import standing_answer
from eval_pipeline.adapters.review.desk_records import Given
from eval_pipeline.adapters.review.queue import Asked
from eval_pipeline.adapters.review.standing import given_from
from eval_pipeline.adapters.schema import review_leases, review_tasks
from eval_pipeline.adapters.store import Store, read_utc
from eval_pipeline.review.states import ERASED


@dataclass(frozen=True)
class AnsweredTask:
    """One answered lease with its task; `own` is this person's answer in force on it."""

    lease_id: str
    task_id: str
    interaction_id: str
    week: str
    asked: Asked
    subject_json: str
    own: Given
    expires_at: dt.datetime
    revealed_at: dt.datetime | None


class AnsweredTasks:
    """Reads answered leases; changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, lease_id: str, annotator_id: str) -> AnsweredTask | None:
        """The task of this person's answered lease.

        None if there is no such, the task was erased, or the answer was withdrawn.
        """
        leased = (
            sa.select(
                review_leases.c.expires_at,
                review_leases.c.revealed_at,
                review_leases.c.annotator_id,
                review_tasks,
            )
            .join(review_tasks, review_tasks.c.task_id == review_leases.c.task_id)
            .where(
                review_leases.c.lease_id == lease_id,
                review_leases.c.annotator_id == annotator_id,
                review_leases.c.outcome == "answered",
                review_tasks.c.state != ERASED,
            )
        )
        with self._store.reading() as connection:
            task = connection.execute(leased).mappings().one_or_none()
            own = None if task is None else standing_answer(connection, dict(task))
        if task is None or own is None:
            return None
        revealed = task["revealed_at"]
        return AnsweredTask(
            lease_id=lease_id,
            task_id=task["task_id"],
            interaction_id=task["interaction_id"],
            week=task["week"],
            asked="adjudicate" if "adjudication_id" in own else "label",
            subject_json=task["subject_json"],
            own=given_from(own),
            expires_at=read_utc(task["expires_at"]),
            revealed_at=None if revealed is None else read_utc(revealed),
        )

    def listed(self, lease_ids: Collection[str]) -> dict[str, tuple[str, dt.datetime]]:
        """By lease: its task's subject, and when it expires or would have."""
        query = (
            sa.select(
                review_leases.c.lease_id, review_tasks.c.subject_json, review_leases.c.expires_at
            )
            .join(review_tasks, review_tasks.c.task_id == review_leases.c.task_id)
            .where(review_leases.c.lease_id.in_(sorted(lease_ids)))
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return {row.lease_id: (row.subject_json, read_utc(row.expires_at)) for row in rows}

    def interaction_of(self, task_id: str) -> str | None:
        """The interaction that a task is about; None if there is no such task."""
        query = sa.select(review_tasks.c.interaction_id).where(review_tasks.c.task_id == task_id)
        with self._store.reading() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found
