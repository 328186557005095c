"""Review tasks, labels and adjudications in the operational store.

Nothing is overwritten: a correction is a new row that points at the old one, and every write
leaves an entry in the audit trail in the same transaction.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE, leave_trace
from eval_pipeline.adapters.review.erasure import ERASED, blank_tasks
from eval_pipeline.adapters.review.records import (
    Annotator,
    AnnotatorKind,
    AuditEntry,
    ImportReport,
    NewAdjudication,
    NewLabel,
    Refusal,
    ReviewStatus,
    ReviewTask,
)
from eval_pipeline.adapters.review.rules import (
    adjudication_problem,
    adjudication_row,
    label_problem,
    label_row,
    load_bench,
    same_row,
)
from eval_pipeline.adapters.schema import (
    adjudications,
    annotators,
    audit_trail,
    labels,
    review_tasks,
)
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.errors import ReviewError

_TASK_FIELDS = tuple(ReviewTask.__dataclass_fields__)


class ReviewStore:
    """What people are asked and what they answered."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_tasks(
        self, tasks: pl.DataFrame | Sequence[ReviewTask], *, week: str, at: dt.datetime
    ) -> int:
        """Opens the week's tasks and returns how many were new; tasks already open stay.

        A frame has the columns of `ReviewTask`.
        """
        rows = (
            tasks.select(_TASK_FIELDS).to_dicts()
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
        with self._store.writing() as connection:
            _lock_week(connection, "annotators")
            found = connection.execute(
                sa.select(annotators).where(annotators.c.annotator_id == annotator_id)
            ).one_or_none()
            if found is not None:
                if (found.kind, bool(found.may_adjudicate)) == (kind, may_adjudicate):
                    return False
                raise ReviewError(
                    f"The annotator '{annotator_id}' is already known as {found.kind}, "
                    f"{'with' if found.may_adjudicate else 'without'} the right to adjudicate. "
                    "The store is unchanged. Add them under another name."
                )
            terms = {"kind": kind, "may_adjudicate": may_adjudicate}
            connection.execute(
                sa.insert(annotators),
                {"annotator_id": annotator_id, **terms, "added_at": utc(at)},
            )
            leave_trace(
                connection,
                at=at,
                actor=PIPELINE,
                action="add_annotator",
                subject=annotator_id,
                **terms,
            )
        return True

    def annotators(self) -> list[Annotator]:
        """Everyone who may label, by id."""
        with self._store.reading() as connection:
            rows = connection.execute(
                sa.select(annotators).order_by(annotators.c.annotator_id)
            ).all()
        return [
            Annotator(row.annotator_id, row.kind, bool(row.may_adjudicate), read_utc(row.added_at))
            for row in rows
        ]

    def record_labels(self, new_labels: Sequence[NewLabel]) -> ImportReport:
        """Records the good rows together and reports the others; recording again changes nothing.

        Rows are taken in the order given, so a row may correct one before it.
        """
        rows = [label_row(label) for label in new_labels]
        with self._store.writing() as connection:
            bench = load_bench(connection, rows)

            def record(row: dict[str, Any]) -> str | None:
                problem = label_problem(row, bench)
                if problem is None:
                    connection.execute(sa.insert(labels), row)
                    _move_on(connection, row["task_id"], "labelled", unless="adjudicated")
                    _trace_answer(connection, row, action="label")
                return problem

            return _import(rows, bench.labels, "label_id", record)

    def record_adjudications(self, decisions: Sequence[NewAdjudication]) -> ImportReport:
        """Records all of them or none; recording again changes nothing.

        Raises `ReviewError` naming every row whose adjudicator may not decide, or labelled the
        task, and every other row that cannot stand.
        """
        rows = [adjudication_row(decision) for decision in decisions]
        with self._store.writing() as connection:
            bench = load_bench(connection, rows)

            def record(row: dict[str, Any]) -> str | None:
                problem = adjudication_problem(row, bench)
                if problem is None:
                    connection.execute(sa.insert(adjudications), row)
                    _move_on(connection, row["task_id"], "adjudicated")
                    _trace_answer(connection, row, action="adjudicate")
                return problem

            report = _import(rows, bench.adjudications, "adjudication_id", record)
            if report.refused:
                raise ReviewError(_refused_message(report.refused, of=len(decisions)))
            return report

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
        """Every label of the week's tasks, corrected ones too, with `annotator_kind`."""
        query = (
            sa.select(labels, annotators.c.kind.label("annotator_kind"))
            .join(review_tasks, review_tasks.c.task_id == labels.c.task_id)
            .join(annotators, annotators.c.annotator_id == labels.c.annotator_id)
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
            return list(connection.execute(query).scalars())

    def status(self, week: str) -> ReviewStatus:
        """How far the week's tasks are."""
        states = self.tasks(week)["state"].to_list()
        said = self.labels(week)
        in_force = said.filter(~pl.col("label_id").is_in(said["corrects"].drop_nulls().to_list()))
        counted = in_force["annotator_id"].value_counts(name="labels")
        return ReviewStatus(
            week=week,
            tasks=len(states),
            open=states.count("open"),
            labelled=states.count("labelled"),
            adjudicated=states.count("adjudicated"),
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
            tasks = blank_tasks(connection, interaction_ids, erasure_id=erasure_id)
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


def _import(
    rows: Sequence[dict[str, Any]],
    standing: dict[str, Mapping[str, Any]],
    key: str,
    record: Callable[[dict[str, Any]], str | None],
) -> ImportReport:
    """Takes rows in order; what is recorded stands for the rows after it."""
    recorded, repeated, refused = 0, 0, []
    for position, row in enumerate(rows):
        before = standing.get(row[key])
        if before is not None and same_row(row, before):
            repeated += 1
            continue
        problem = record(row)
        if problem is not None:
            refused.append(Refusal(position, row["task_id"], problem))
            continue
        standing[row[key]] = row
        recorded += 1
    return ImportReport(recorded, repeated, tuple(refused))


def _trace_answer(connection: sa.Connection, row: Mapping[str, Any], *, action: str) -> None:
    given = action == "label"
    leave_trace(
        connection,
        at=row["labelled_at" if given else "adjudicated_at"],
        actor=row["annotator_id" if given else "adjudicated_by"],
        action=action,
        subject=row["task_id"],
        answer_id=row["label_id" if given else "adjudication_id"],
        label=row["label"],
        corrects=row["corrects"],
    )


def _lock_week(connection: sa.Connection, name: str) -> None:
    """One opener at a time; on SQLite the transaction itself is that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))


def _move_on(
    connection: sa.Connection, task_id: str, state: str, *, unless: str | None = None
) -> None:
    change = sa.update(review_tasks).where(review_tasks.c.task_id == task_id)
    if unless is not None:
        change = change.where(review_tasks.c.state != unless)
    connection.execute(change.values(state=state))


def _refused_message(refused: Sequence[Refusal], *, of: int) -> str:
    reasons = "; ".join(f"task {one.task_id}: {one.problem}" for one in refused)
    return (
        f"{len(refused)} of {of} adjudications cannot be recorded ({reasons}). "
        "The store is unchanged. Leave these out, or have someone decide who may adjudicate "
        "and did not label the task, then record them again."
    )


def _dtype(kind: sa.types.TypeEngine[Any]) -> pl.DataType:
    if isinstance(kind, sa.DateTime):
        return pl.Datetime("us", "UTC")
    if isinstance(kind, sa.Float):
        return pl.Float64()
    return pl.String()
