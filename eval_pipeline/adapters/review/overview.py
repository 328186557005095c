"""What the desk's overview and the measures of agreement read, over several weeks at once."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.schema import (
    adjudications,
    annotators,
    label_withdrawals,
    labels,
    review_leases,
    review_skips,
    review_tasks,
)
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.review.candidate_tasks import GROUP_MARK
from eval_pipeline.review.states import ERASED

IS_WEEK: Final = ~review_tasks.c.week.startswith(GROUP_MARK)
"""Tasks of a week; a candidate's tasks have a group's name there."""


class DeskReading:
    """Frames of the review desk; reads alone, and no text that a person wrote or was shown."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def weeks(self) -> list[str]:
        """The weeks that have tasks, oldest first."""
        weeks = sa.select(review_tasks.c.week).where(IS_WEEK)
        query = weeks.distinct().order_by(review_tasks.c.week)
        with self._store.reading() as connection:
            return list(connection.execute(query).scalars())

    def audit_groups(self, *, since: dt.datetime) -> list[str]:
        """The groups of candidates' tasks that were opened from `since` on, by name."""
        query = (
            sa.select(review_tasks.c.week)
            .where(~IS_WEEK, review_tasks.c.opened_at >= utc(since))
            .distinct()
            .order_by(review_tasks.c.week)
        )
        with self._store.reading() as connection:
            return list(connection.execute(query).scalars())

    def tasks(self, weeks: Sequence[str]) -> pl.DataFrame:
        """The weeks' tasks by week and id, erased ones left out, without what was shown."""
        shown = ("subject_json",)
        columns = [column for column in review_tasks.c if column.name not in shown]
        query = (
            sa.select(*columns)
            .where(review_tasks.c.week.in_(weeks), review_tasks.c.state != ERASED)
            .order_by(review_tasks.c.week, review_tasks.c.task_id)
        )
        return self._frame(query)

    def labels(self, weeks: Sequence[str]) -> pl.DataFrame:
        """Every label of the weeks' tasks, corrected ones too, with its author's kind.

        `withdrawn` is true where the label was taken back.
        """
        withdrawn = label_withdrawals.c.label_id.is_not(None).label("withdrawn")
        query = (
            sa.select(*_without_texts(labels), annotators.c.kind.label("annotator_kind"), withdrawn)
            .join(review_tasks, review_tasks.c.task_id == labels.c.task_id)
            .join(annotators, annotators.c.annotator_id == labels.c.annotator_id)
            .outerjoin(label_withdrawals, label_withdrawals.c.label_id == labels.c.label_id)
            .where(review_tasks.c.week.in_(weeks), review_tasks.c.state != ERASED)
            .order_by(labels.c.labelled_at, labels.c.label_id)
        )
        return self._frame(query)

    def adjudications(self, weeks: Sequence[str]) -> pl.DataFrame:
        """Every adjudication of the weeks' tasks, corrected ones too."""
        query = (
            sa.select(*_without_texts(adjudications))
            .join(review_tasks, review_tasks.c.task_id == adjudications.c.task_id)
            .where(review_tasks.c.week.in_(weeks), review_tasks.c.state != ERASED)
            .order_by(adjudications.c.adjudicated_at, adjudications.c.adjudication_id)
        )
        return self._frame(query)

    def skips(self, weeks: Sequence[str]) -> pl.DataFrame:
        """Who skipped which of the weeks' tasks, and why: task_id, annotator_id, reason."""
        query = (
            sa.select(review_skips.c.task_id, review_skips.c.annotator_id, review_skips.c.reason)
            .join(review_tasks, review_tasks.c.task_id == review_skips.c.task_id)
            .where(review_tasks.c.week.in_(weeks), review_tasks.c.state != ERASED)
            .order_by(review_skips.c.task_id, review_skips.c.annotator_id)
        )
        return self._frame(query)

    def expired_leases(self, weeks: Sequence[str], *, at: dt.datetime) -> dict[str, int]:
        """By task, how many leases ran out unanswered until `at`, ended by then or not."""
        ran_out = sa.or_(
            review_leases.c.outcome == "expired",
            sa.and_(review_leases.c.ended_at.is_(None), review_leases.c.expires_at <= at),
        )
        query = (
            sa.select(review_leases.c.task_id, sa.func.count().label("leases"))
            .join(review_tasks, review_tasks.c.task_id == review_leases.c.task_id)
            .where(review_tasks.c.week.in_(weeks), ran_out)
            .group_by(review_leases.c.task_id)
        )
        with self._store.reading() as connection:
            return {row.task_id: row.leases for row in connection.execute(query)}

    def people(self) -> pl.DataFrame:
        """Everyone who was ever at the desk, by id: kind, rights, budget, when they left."""
        return self._frame(sa.select(annotators).order_by(annotators.c.annotator_id))

    def _frame(self, query: sa.Select[Any]) -> pl.DataFrame:
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        schema = {column.name: _dtype(column.type) for column in query.selected_columns}
        plain = [
            {
                name: read_utc(value) if isinstance(value, dt.datetime) else value
                for name, value in row.items()
            }
            for row in rows
        ]
        return pl.DataFrame(plain, schema=schema)


def _without_texts(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in table.c if not isinstance(column.type, sa.Text)]


_DTYPES: dict[type[sa.types.TypeEngine[Any]], pl.DataType] = {
    sa.DateTime: pl.Datetime("us", "UTC"),
    sa.Float: pl.Float64(),
    sa.Integer: pl.Int64(),
    sa.Boolean: pl.Boolean(),
}


def _dtype(kind: sa.types.TypeEngine[Any]) -> pl.DataType:
    return next((dtype for known, dtype in _DTYPES.items() if isinstance(kind, known)), pl.String())
