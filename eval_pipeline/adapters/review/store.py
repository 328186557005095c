"""Review tasks, labels and adjudications in the operational store.

Nothing is overwritten: a correction is a new row that points at the old one, and every write
leaves an entry in the audit trail in the same transaction.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE, leave_trace
from eval_pipeline.adapters.review.erasure import blank_tasks
from eval_pipeline.adapters.review.importing import record_adjudications, record_labels
from eval_pipeline.adapters.review.overview import IS_WEEK
from eval_pipeline.adapters.review.people import People
from eval_pipeline.adapters.review.records import (
    Annotator,
    AnnotatorKind,
    AuditEntry,
    ImportReport,
    NewAdjudication,
    NewLabel,
    ReviewStatus,
    ReviewTask,
)
from eval_pipeline.adapters.review.rules import adjudication_row, label_row
from eval_pipeline.adapters.schema import (
    adjudications,
    annotators,
    audit_trail,
    label_withdrawals,
    labels,
    review_tasks,
)
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.review.states import ERASED

_TASK_FIELDS = tuple(ReviewTask.__dataclass_fields__)


class ReviewStore:
    """What people are asked and what they answered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_tasks(
        self, tasks: pl.DataFrame | Sequence[ReviewTask], *, week: str, at: dt.datetime
    ) -> int:
        """Opens the week's tasks and returns how many were new; tasks already open stay.

        A frame has the columns of `ReviewTask`; those with a default may be missing.
        """
        rows = (
            tasks.select(name for name in _TASK_FIELDS if name in tasks.columns).to_dicts()
            if isinstance(tasks, pl.DataFrame)
            else [dict(vars(task)) for task in tasks]
        )
        opened = 0
        with self._store.writing() as connection:
            # The lock comes first, so that two openers cannot both find a task missing.
            _lock_week(connection, week)
            known = set(
                connection.execute(
                    sa.select(review_tasks.c.interaction_id).where(review_tasks.c.week == week)
                ).scalars()
            )
            for row in sorted(rows, key=lambda row: str(row["task_id"])):
                if row["interaction_id"] in known:
                    continue
                known.add(row["interaction_id"])
                connection.execute(
                    sa.insert(review_tasks),
                    {**row, "week": week, "state": "open", "opened_at": utc(at)},
                )
                leave_trace(
                    connection,
                    at=at,
                    actor=PIPELINE,
                    action="open_task",
                    subject=row["task_id"],
                    week=week,
                    rubric_id=row["rubric_id"],
                )
                opened += 1
        return opened

    def add_annotator(
        self, annotator_id: str, *, kind: AnnotatorKind, may_adjudicate: bool, at: dt.datetime
    ) -> bool:
        """Adds a person; False if they are known already, on the same terms.

        Raises `ReviewError` if they are known on other terms.
        """
        return People(self._store).add(
            annotator_id, kind=kind, may_adjudicate=may_adjudicate, by=PIPELINE, at=at
        )

    def annotators(self) -> list[Annotator]:
        """Everyone who is or was at the desk, by id."""
        return People(self._store).everyone()

    def record_labels(
        self, new_labels: Sequence[NewLabel], *, dry_run: bool = False
    ) -> ImportReport:
        """Records the good rows together and reports the others; recording again changes nothing.

        Rows are taken in the order given, so a row may correct one before it. With `dry_run` the
        report is what it would be, and nothing is recorded.
        """
        rows = [label_row(label) for label in new_labels]
        return self._store.transact(
            lambda connection: record_labels(connection, rows, dry_run=dry_run)
        )

    def record_adjudications(
        self, decisions: Sequence[NewAdjudication], *, dry_run: bool = False
    ) -> ImportReport:
        """Records all of them or none; recording again changes nothing.

        Raises `ReviewError` naming every row whose adjudicator may not decide, or labelled the
        task, and every other row that cannot stand. With `dry_run` nothing is recorded.
        """
        rows = [adjudication_row(decision) for decision in decisions]
        return self._store.transact(
            lambda connection: record_adjudications(connection, rows, dry_run=dry_run)
        )

    def tasks(self, week: str) -> pl.DataFrame:
        """The week's tasks by id: `ReviewTask`'s columns, week, state and opened_at.

        Those whose interaction was erased are left out.
        """
        query = (
            sa.select(review_tasks)
            .where(review_tasks.c.week == week, review_tasks.c.state != ERASED)
            .order_by(review_tasks.c.task_id)
        )
        return self._frame(query)

    def labels(self, week: str) -> pl.DataFrame:
        """Every label of the week's tasks, corrected and withdrawn ones too.

        Besides the store's columns it has `annotator_kind` and `withdrawn`, which is true of all
        labels of a person on a task, or of none.
        """
        query = (
            sa.select(
                labels,
                annotators.c.kind.label("annotator_kind"),
                label_withdrawals.c.label_id.is_not(None).label("withdrawn"),
            )
            .join(review_tasks, review_tasks.c.task_id == labels.c.task_id)
            .join(annotators, annotators.c.annotator_id == labels.c.annotator_id)
            .outerjoin(label_withdrawals, label_withdrawals.c.label_id == labels.c.label_id)
            .where(review_tasks.c.week == week)
            .order_by(labels.c.labelled_at, labels.c.label_id)
        )
        return self._frame(query)

    def adjudications(self, week: str) -> pl.DataFrame:
        """Every adjudication of the week's tasks, corrected ones too, with `annotator_kind`."""
        query = (
            sa.select(adjudications, annotators.c.kind.label("annotator_kind"))
            .join(review_tasks, review_tasks.c.task_id == adjudications.c.task_id)
            .join(annotators, annotators.c.annotator_id == adjudications.c.adjudicated_by)
            .where(review_tasks.c.week == week)
            .order_by(adjudications.c.adjudicated_at, adjudications.c.adjudication_id)
        )
        return self._frame(query)

    def weeks(self) -> list[str]:
        """The weeks that have tasks, oldest first."""
        query = sa.select(review_tasks.c.week).distinct().order_by(review_tasks.c.week)
        with self._store.reading() as connection:
            return list(connection.execute(query.where(IS_WEEK)).scalars())

    def status(self, week: str) -> ReviewStatus:
        """How far the week's tasks are."""
        states = self.tasks(week)["state"].to_list()
        said = self.labels(week)
        corrected = said["corrects"].drop_nulls().to_list()
        in_force = said.filter(~pl.col("withdrawn"), ~pl.col("label_id").is_in(corrected))
        counted = in_force["annotator_id"].value_counts(name="labels")
        return ReviewStatus(
            week=week,
            tasks=len(states),
            open=states.count("open"),
            labelled=states.count("labelled"),
            agreed=states.count("agreed"),
            disputed=states.count("disputed"),
            adjudicated=states.count("adjudicated"),
            cannot_tell=states.count("cannot_tell"),
            labels_by_annotator=tuple(sorted(counted.rows())),
        )

    def audit_entries(self, *, limit: int = 100) -> list[AuditEntry]:
        """The newest entries of the audit trail, newest first."""
        query = sa.select(audit_trail).order_by(audit_trail.c.entry.desc()).limit(limit)
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [AuditEntry(**{**row, "at": read_utc(row["at"])}) for row in rows]

    def forget(
        self, interaction_ids: Collection[str], *, erasure_id: str, actor: str, at: dt.datetime
    ) -> int:
        """Blanks every text and id of these interactions; labels and who gave them stay.

        Returns how many tasks it found. Such a task is in no queue any more; the erasure stands in
        the audit trail under the name of who asked for it.
        """
        with self._store.writing() as connection:
            tasks = blank_tasks(connection, interaction_ids, erasure_id=erasure_id, at=at)
            for task_id in tasks:
                leave_trace(
                    connection,
                    at=at,
                    actor=actor,
                    action="forget",
                    subject=task_id,
                    erasure_id=erasure_id,
                )
        return len(tasks)

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


def _lock_week(connection: sa.Connection, name: str) -> None:
    """One opener at a time; on SQLite the transaction itself is that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))


def _dtype(kind: sa.types.TypeEngine[Any]) -> pl.DataType:
    if isinstance(kind, sa.DateTime):
        return pl.Datetime("us", "UTC")
    if isinstance(kind, sa.Float):
        return pl.Float64()
    if isinstance(kind, sa.Boolean):
        return pl.Boolean()
    if isinstance(kind, sa.Integer):
        return pl.Int64()
    return pl.String()
