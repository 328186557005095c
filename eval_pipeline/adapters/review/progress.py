"""How far one person and the desk are; read only."""

import datetime as dt
import statistics
from collections.abc import Sequence
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.review.desk_records import LeasePolicy, Progress
from eval_pipeline.adapters.review.leasing import ANSWERED, monday
from eval_pipeline.adapters.review.queue import IN_WEEKS, IS_FIRST, ME, UNTOUCHED
from eval_pipeline.adapters.schema import (
    adjudications,
    annotators,
    label_withdrawals,
    labels,
    review_leases,
    review_tasks,
)
from eval_pipeline.adapters.store import read_utc
from eval_pipeline.review.states import ERASED, SETTLED_STATES
from eval_pipeline.tables import UTC_MICROSECONDS

_PERSON: Final = sa.select(
    annotators.c.weekly_budget, annotators.c.may_adjudicate, ANSWERED.label("answered")
).where(annotators.c.annotator_id == ME)
_STATES: Final = (
    sa.select(review_tasks.c.state, sa.func.count().label("tasks"))
    .where(IN_WEEKS, review_tasks.c.known_label.is_(None))
    .group_by(review_tasks.c.state)
)
_SECONDS: Final = sa.union_all(
    *(
        sa.select(table.c.seconds).where(
            table.c[by] == ME, table.c[at] >= sa.bindparam("since"), table.c.seconds.is_not(None)
        )
        for table, by, at in (
            (labels, "annotator_id", "labelled_at"),
            (adjudications, "adjudicated_by", "adjudicated_at"),
        )
    )
)


# Tasks whose every seat others hold: sets of at most as many rows as there are leases.
_FULL: Final = (
    sa.select(review_leases.c.task_id)
    .join(review_tasks, review_tasks.c.task_id == review_leases.c.task_id)
    .where(
        sa.text("review_leases.ended_at IS NULL"),
        review_leases.c.purpose == "label",
        review_leases.c.annotator_id != ME,
    )
    .group_by(review_leases.c.task_id, review_tasks.c.labels_needed)
    .having(
        sa.func.count()
        + sa.select(sa.func.count())
        .select_from(labels)
        .outerjoin(label_withdrawals, label_withdrawals.c.label_id == labels.c.label_id)
        .where(
            labels.c.task_id == review_leases.c.task_id,
            IS_FIRST["labels"],
            label_withdrawals.c.label_id.is_(None),
        )
        .correlate(review_leases)
        .scalar_subquery()
        >= review_tasks.c.labels_needed
    )
)
_READ_BY_OTHERS: Final = sa.select(review_leases.c.task_id).where(
    sa.text("review_leases.ended_at IS NULL"),
    review_leases.c.purpose.in_(("adjudicate", "correct")),
    review_leases.c.annotator_id != ME,
)


def _open_to_me(states: str, *, but_not: sa.Select[Any]) -> sa.Select[Any]:
    return (
        sa.select(sa.func.count())
        .select_from(review_tasks)
        .where(
            sa.text(f"review_tasks.state IN ({states})"),
            IN_WEEKS,
            UNTOUCHED,
            review_tasks.c.task_id.not_in(but_not),
        )
    )


_WAITING: Final = _open_to_me("'open', 'labelled'", but_not=_FULL)
_DISPUTED: Final = _open_to_me("'disputed'", but_not=_READ_BY_OTHERS).where(
    review_tasks.c.known_label.is_(None)
)


def progress_of(
    connection: sa.Connection,
    annotator_id: str,
    *,
    weeks: Sequence[str],
    policy: LeasePolicy,
    at: dt.datetime,
) -> Progress:
    """The person's week and the desk's; the seconds are the median of their answers since Monday.

    Gold checks and erased tasks are among neither `settled` nor `tasks`.
    """
    params = {"annotator_id": annotator_id, "weeks": list(weeks), "since": monday(at)}
    person = connection.execute(_PERSON, params).one_or_none()
    states = {row.state: row.tasks for row in connection.execute(_STATES, params)}
    seconds = list(connection.execute(_SECONDS, params).scalars())
    own_budget = None if person is None else person.weekly_budget
    disputed = (
        connection.execute(_DISPUTED, params).scalar_one()
        if person is not None and person.may_adjudicate
        else 0
    )
    return Progress(
        answered=0 if person is None else person.answered,
        budget=policy.weekly_budget if own_budget is None else own_budget,
        waiting=connection.execute(_WAITING, params).scalar_one(),
        disputed=disputed,
        settled=sum(states.get(state, 0) for state in SETTLED_STATES),
        tasks=sum(count for state, count in states.items() if state != ERASED),
        median_seconds=statistics.median(seconds) if seconds else None,
    )


_SCHEMA: Final = pl.Schema(
    [
        *(
            (name, pl.String())
            for name in ("lease_id", "answer_id", "task_id", "week", "purpose", "label")
        ),
        ("at", UTC_MICROSECONDS),
        ("revealed_at", UTC_MICROSECONDS),
        ("state", pl.String()),
        ("withdrawn", pl.Boolean()),
    ]
)


def _given(table: sa.Table, *, purpose: str, key: str, by: str, at: str) -> sa.Select[Any]:
    later = table.alias()
    withdrawn = sa.exists().where(label_withdrawals.c.label_id == table.c[key])
    return (
        sa.select(
            table.c.lease_id,
            table.c[key].label("answer_id"),
            table.c.task_id,
            review_tasks.c.week,
            sa.literal(purpose).label("purpose"),
            table.c.label,
            table.c[at].label("at"),
            review_leases.c.revealed_at,
            review_tasks.c.state,
            (withdrawn if purpose == "label" else sa.false()).label("withdrawn"),
        )
        .join(review_tasks, review_tasks.c.task_id == table.c.task_id)
        .outerjoin(review_leases, review_leases.c.lease_id == table.c.lease_id)
        .where(table.c[by] == ME, IN_WEEKS, ~sa.exists().where(later.c.corrects == table.c[key]))
    )


_ANSWERS: Final = (
    _given(labels, purpose="label", key="label_id", by="annotator_id", at="labelled_at"),
    _given(
        adjudications,
        purpose="adjudicate",
        key="adjudication_id",
        by="adjudicated_by",
        at="adjudicated_at",
    ),
)


def answers_of(
    connection: sa.Connection, annotator_id: str, *, weeks: Sequence[str]
) -> pl.DataFrame:
    """What this person said that nothing corrects, newest first, with the task's state now."""
    params = {"annotator_id": annotator_id, "weeks": list(weeks)}
    rows: list[dict[str, Any]] = [
        {
            **row,
            "at": read_utc(row["at"]),
            "revealed_at": None if row["revealed_at"] is None else read_utc(row["revealed_at"]),
            "withdrawn": bool(row["withdrawn"]),
        }
        for query in _ANSWERS
        for row in connection.execute(query, params).mappings()
    ]
    rows.sort(key=lambda row: (row["at"], row["answer_id"]), reverse=True)
    return pl.DataFrame(rows, schema=_SCHEMA)
