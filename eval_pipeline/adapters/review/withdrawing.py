"""Taking back a careless person's labels: they stay, marked, and their tasks are asked again."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from eval_pipeline.adapters.audit import trace
from eval_pipeline.adapters.review.leases import Trail, end
from eval_pipeline.adapters.review.queue import IN_WEEKS, ME
from eval_pipeline.adapters.review.standing import (
    adjudications_on,
    by_task,
    labels_on,
    move,
)
from eval_pipeline.adapters.schema import (
    label_withdrawals,
    labels,
    review_leases,
    review_tasks,
)
from eval_pipeline.adapters.store import utc
from eval_pipeline.errors import ReviewError
from eval_pipeline.review.states import (
    ASKED_FOR,
    ERASED,
    standing_decision,
    standing_labels,
    state_of,
)

LONGEST_NAME = 80
_TASKS: Final = (
    sa.select(review_tasks.c.task_id, review_tasks.c.state, review_tasks.c.labels_needed)
    .where(
        IN_WEEKS,
        review_tasks.c.task_id.in_(sa.select(labels.c.task_id).where(labels.c.annotator_id == ME)),
    )
    .order_by(review_tasks.c.task_id)
    .with_for_update()
)


def withdraw(
    connection: sa.Connection,
    annotator_id: str,
    *,
    weeks: Sequence[str],
    reason: str,
    by: str,
    at: dt.datetime,
    trail: Trail,
) -> tuple[str, ...]:
    """Marks every label of the person in these weeks; returns the tasks that need one again.

    Who reads such a dispute, or corrects such a label, is asked for it no more.
    """
    if not by.strip() or len(by) > LONGEST_NAME or not reason.strip():
        raise ReviewError(
            "A withdrawal of labels needs a name of at most "
            f"{LONGEST_NAME} characters and a reason. Nothing was withdrawn. Give both."
        )
    params = {"annotator_id": annotator_id, "weeks": list(weeks)}
    tasks = {row.task_id: row for row in connection.execute(_TASKS, params)}
    labelled = by_task(labels_on(connection, list(tasks), texts=False))
    decided = by_task(adjudications_on(connection, list(tasks)))
    opened = []
    for task_id, task in tasks.items():
        own = [
            row["label_id"]
            for row in labelled[task_id]
            if row["annotator_id"] == annotator_id and not row["withdrawn"]
        ]
        if not own:
            continue
        mark = {"withdrawn_by": by, "reason": reason, "withdrawn_at": utc(at)}
        connection.execute(
            sa.insert(label_withdrawals), [{"label_id": one, **mark} for one in sorted(own)]
        )
        trail.append(
            trace(
                at=at,
                actor=by,
                action="withdraw_labels",
                subject=task_id,
                annotator_id=annotator_id,
                labels=sorted(own),
            )
        )
        _end_what_reads(connection, task_id, annotator_id, by=by, at=at, trail=trail)
        if task.state == ERASED:
            continue
        left = [row for row in labelled[task_id] if row["annotator_id"] != annotator_id]
        after = state_of(
            standing_labels(left),
            standing_decision(decided.get(task_id, [])),
            needed=task.labels_needed,
        )
        move(connection, task_id, task.state, after, step="withdraw")
        if after in ASKED_FOR["label"]:
            opened.append(task_id)
    return tuple(opened)


def _end_what_reads(
    connection: sa.Connection,
    task_id: str,
    annotator_id: str,
    *,
    by: str,
    at: dt.datetime,
    trail: Trail,
) -> None:
    """Ends the adjudicator's lease, whose labels are others now, and the person's correction."""
    reading = sa.select(review_leases).where(
        review_leases.c.task_id == task_id,
        review_leases.c.ended_at.is_(None),
        (review_leases.c.purpose == "adjudicate")
        | ((review_leases.c.purpose == "correct") & (review_leases.c.annotator_id == annotator_id)),
    )
    for lease in connection.execute(reading).mappings().all():
        end(connection, dict(lease), outcome="released", at=at, trail=trail, actor=by)
