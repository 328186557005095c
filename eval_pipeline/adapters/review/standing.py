"""What stands on a task: its labels and adjudications, and the state that follows from them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from eval_pipeline.adapters.review.desk_records import Given
from eval_pipeline.adapters.review.rules import in_batches
from eval_pipeline.adapters.schema import (
    adjudications,
    label_withdrawals,
    labels,
    review_tasks,
)
from eval_pipeline.adapters.store import read_utc
from eval_pipeline.errors import ReviewError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.review.states import Step, may_follow, standing_labels

Row = Mapping[str, Any]

_WITHDRAWN = label_withdrawals.c.label_id.is_not(None).label("withdrawn")
_BRIEF = ("label_id", "task_id", "annotator_id", "label", "labelled_at", "corrects")
_TASKS: sa.BindParameter[str] = sa.bindparam("tasks", expanding=True)
_LABELS = {
    full: sa.select(*(labels.c if full else [labels.c[name] for name in _BRIEF]), _WITHDRAWN)
    .outerjoin(label_withdrawals, label_withdrawals.c.label_id == labels.c.label_id)
    .where(labels.c.task_id.in_(_TASKS))
    for full in (True, False)
}
_ADJUDICATIONS = sa.select(adjudications).where(adjudications.c.task_id.in_(_TASKS))
_MOVE = (
    sa.update(review_tasks)
    .where(review_tasks.c.task_id == sa.bindparam("moved"))
    .values(state=sa.bindparam("state"))
)


def labels_on(connection: sa.Connection, tasks: Sequence[str], *, texts: bool) -> list[Row]:
    """Every label of these tasks, with `withdrawn`; without `texts` only what states need."""
    rows: list[Row] = []
    for some in in_batches(tasks):
        found = connection.execute(_LABELS[texts], {"tasks": list(some)}).mappings()
        rows += [{**row, "labelled_at": read_utc(row["labelled_at"])} for row in found]
    return rows


def adjudications_on(connection: sa.Connection, tasks: Sequence[str]) -> list[Row]:
    """Every adjudication of these tasks."""
    rows: list[Row] = []
    for some in in_batches(tasks):
        found = connection.execute(_ADJUDICATIONS, {"tasks": list(some)}).mappings()
        rows += [{**row, "adjudicated_at": read_utc(row["adjudicated_at"])} for row in found]
    return rows


def move(connection: sa.Connection, task_id: str, before: str, after: str, *, step: Step) -> None:
    """Writes the state that follows; raises `ReviewError` if the step cannot lead there."""
    if not may_follow(before, after, step=step):
        raise ReviewError(
            f"The task {task_id} cannot go from {before} to {after} by: {step}. The store is "
            "unchanged. Its rows contradict its state; restore the store from a backup."
        )
    if before != after:
        connection.execute(_MOVE, {"moved": task_id, "state": after})


def others_on(connection: sa.Connection, task_id: str) -> tuple[Given, ...]:
    """The standing labels for an adjudicator, ordered by a hash, which tells nothing."""
    standing = standing_labels(labels_on(connection, [task_id], texts=True))
    ordered = sorted(standing, key=lambda row: fingerprint([task_id, row["label_id"]]))
    return tuple(given_from(row) for row in ordered)


def given_from(row: Row) -> Given:
    """A label or an adjudication as it was given."""
    by_label = "label_id" in row
    criteria = json.loads(row["criteria_json"]) if row["criteria_json"] else ()
    return Given(
        answer_id=row["label_id" if by_label else "adjudication_id"],
        by=row["annotator_id" if by_label else "adjudicated_by"],
        label=row["label"],
        rationale=row["rationale"],
        reference_response=row["reference_response"],
        failure_mode=row["failure_mode"],
        confidence=row["confidence"],
        criteria=tuple(criteria),
        at=read_utc(row["labelled_at" if by_label else "adjudicated_at"]),
    )


def by_task(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each task, in their order."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["task_id"], []).append(row)
    return grouped
