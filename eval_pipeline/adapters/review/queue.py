"""Which task a person is given next: one statement that stops at the first that fits."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa

from eval_pipeline.adapters.schema import (
    adjudications,
    label_withdrawals,
    labels,
    review_leases,
    review_skips,
    review_tasks,
)

Asked = Literal["label", "adjudicate"]

ME: Final[sa.BindParameter[str]] = sa.bindparam("annotator_id")
_ONE: Final[sa.BindParameter[str]] = sa.bindparam("task_id")
IS_FIRST: Final = {
    table.name: sa.func.coalesce(table.c.corrects, "") == "" for table in (labels, adjudications)
}
"""Rows that correct nothing; put so that SQLite does not take the index of corrections for it."""
_ACTIVE: Final = review_leases.c.ended_at.is_(None)
_ON_TASK: Final = review_leases.c.task_id == review_tasks.c.task_id


def _held(*purposes: str) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.count())
        .select_from(review_leases)
        .where(_ON_TASK, _ACTIVE, review_leases.c.purpose.in_(purposes))
        .correlate(review_tasks)
        .scalar_subquery()
    )


# The first label of each person stands for whatever they corrected it to, and a withdrawal takes
# out a person's labels of the task altogether.
_STANDING: Final = (
    sa.select(sa.func.count())
    .select_from(labels)
    .outerjoin(label_withdrawals, label_withdrawals.c.label_id == labels.c.label_id)
    .where(
        labels.c.task_id == review_tasks.c.task_id,
        IS_FIRST["labels"],
        label_withdrawals.c.label_id.is_(None),
    )
    .correlate(review_tasks)
    .scalar_subquery()
)


def _mine(table: sa.Table, *conditions: sa.ColumnElement[bool] | sa.TextClause) -> sa.Exists:
    own = (table.c.task_id == review_tasks.c.task_id, table.c.annotator_id == ME)
    return sa.exists().where(*own, *conditions).correlate(review_tasks)


IN_WEEKS: Final = review_tasks.c.week.in_(sa.bindparam("weeks", expanding=True))
# Of no use to an index by week: the queue is read in its own order.
_WEEK_AMONG_OTHERS: Final = (review_tasks.c.week + "").in_(sa.bindparam("weeks", expanding=True))
UNTOUCHED: Final = sa.and_(~_mine(labels, sa.text("labels.corrects IS NULL")), ~_mine(review_skips))

# States are written out, not bound, so that SQLite finds the partial index.
FITS: Final[dict[Asked, sa.ColumnElement[bool]]] = {
    "label": sa.and_(
        sa.text("review_tasks.state IN ('open', 'labelled')"),
        _WEEK_AMONG_OTHERS,
        UNTOUCHED,
        _held("label") + _STANDING < review_tasks.c.labels_needed,
    ),
    "adjudicate": sa.and_(
        sa.text("review_tasks.state = 'disputed'"),
        IN_WEEKS,
        review_tasks.c.known_label.is_(None),
        UNTOUCHED,
        # Nor while somebody corrects a label: what is disputed may change at any moment.
        _held("adjudicate", "correct") == 0,
    ),
}


def _first(asked: Asked) -> sa.Select[Any]:
    return (
        sa.select(
            review_tasks.c.task_id,
        )
        .where(FITS[asked])
        .order_by(review_tasks.c.priority.desc(), review_tasks.c.task_id)
        .limit(1)
    )


_FREE: Final = {
    asked: _first(asked).with_for_update(of=review_tasks, skip_locked=True) for asked in FITS
}
_WAITING: Final = {asked: _first(asked).with_for_update(of=review_tasks) for asked in FITS}
_LAST_ENDED: Final = (
    sa.select(sa.func.max(review_leases.c.ended_at))
    .where(_ON_TASK)
    .correlate(review_tasks)
    .scalar_subquery()
)
_ANY: Final = {asked: _first(asked) for asked in FITS}
_STILL: Final = {
    asked: sa.select(
        review_tasks.c.task_id,
        review_tasks.c.week,
        review_tasks.c.rubric_id,
        review_tasks.c.subject_json,
        _held(asked).label("held"),
        _LAST_ENDED.label("last_ended"),
    ).where(review_tasks.c.task_id == _ONE, fits)
    for asked, fits in FITS.items()
}


class Contended(Exception):  # noqa: N818 - no error: somebody's transaction stands before a task
    """What may be free is under another's transaction; look again once that has ended."""


def first_fitting(
    connection: sa.Connection,
    annotator_id: str,
    *,
    asked: Asked,
    weeks: Sequence[str],
    patient: bool,
) -> sa.RowMapping | None:
    """The first task by priority and id that this person may take, locked, or None.

    Raises `Contended` where others' locks decide; with `patient` it waits for those first, which
    only a transaction that holds no other task may do.
    """
    person = {"annotator_id": annotator_id, "weeks": list(weeks)}
    choose = (_WAITING if patient else _FREE)[asked]
    task_id = connection.execute(choose, person).scalar()
    if task_id is None:
        if (
            _locks_rows(connection)
            and not patient
            and connection.execute(_ANY[asked], person).first()
        ):
            raise Contended
        return None
    # Where rows are locked, leases and labels were read before the lock was there.
    still = connection.execute(_STILL[asked], {**person, "task_id": task_id})
    task = still.mappings().one_or_none()
    if task is None:
        raise Contended
    return task


def _locks_rows(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"
