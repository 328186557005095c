"""Which labels and adjudications the store takes: one answer a person, corrections, four eyes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from eval_pipeline.adapters.review.records import NewAdjudication, NewLabel
from eval_pipeline.adapters.schema import adjudications, annotators, labels, review_tasks
from eval_pipeline.adapters.store import utc
from eval_pipeline.fingerprint import fingerprint

LABELS = ("pass", "fail", "cannot_tell")

Row = Mapping[str, Any]


@dataclass
class Bench:
    """What stands on the tasks that an import touches; grows with every row that is taken."""

    tasks: frozenset[str]
    may_adjudicate: Mapping[str, bool]
    labels: dict[str, Row] = field(default_factory=dict)
    adjudications: dict[str, Row] = field(default_factory=dict)

    def in_force(self, rows: Mapping[str, Row], task_id: str) -> dict[str, Row]:
        """The rows of a task that nothing corrects."""
        corrected = {row["corrects"] for row in rows.values()}
        return {
            key: row
            for key, row in rows.items()
            if row["task_id"] == task_id and key not in corrected
        }


def load_bench(connection: sa.Connection, rows: Sequence[Row]) -> Bench:
    """Reads what stands, and keeps other writers off these tasks until the transaction ends."""
    wanted = sorted({row["task_id"] for row in rows})
    locked = connection.execute(
        sa.select(review_tasks.c.task_id)
        .where(review_tasks.c.task_id.in_(wanted))
        .order_by(review_tasks.c.task_id)
        .with_for_update()
    ).scalars()
    known = frozenset(locked)
    people = connection.execute(sa.select(annotators.c.annotator_id, annotators.c.may_adjudicate))
    return Bench(
        tasks=known,
        may_adjudicate={person: bool(may) for person, may in people},
        labels=_standing(connection, labels, "label_id", rows),
        adjudications=_standing(connection, adjudications, "adjudication_id", rows),
    )


def label_row(label: NewLabel) -> dict[str, Any]:
    """The label as a row of the store, with its id."""
    row = {**vars(label), "labelled_at": utc(label.labelled_at)}
    row["label_id"] = label.label_id or _derived_id(row, without=("label_id", "labelled_at"))
    return row


def adjudication_row(decision: NewAdjudication) -> dict[str, Any]:
    """The adjudication as a row of the store, with its id."""
    row = {**vars(decision), "adjudicated_at": utc(decision.adjudicated_at)}
    row["adjudication_id"] = decision.adjudication_id or _derived_id(
        row, without=("adjudication_id", "adjudicated_at")
    )
    return row


def same_row(row: Row, standing: Row) -> bool:
    """Whether the two say the same; the instant of saying it does not count."""
    timeless = [name for name in row if not name.endswith("_at")]
    return all(row[name] == standing[name] for name in timeless)


def label_problem(row: Row, bench: Bench) -> str | None:
    """Why the label cannot be recorded, or None."""
    problem = _common_problem(row, bench, person=row["annotator_id"])
    if problem is not None:
        return problem
    if row["label_id"] in bench.labels:
        return "its id is already given to another label"
    decided = bench.adjudications.values()
    if any(
        other["task_id"] == row["task_id"] and other["adjudicated_by"] == row["annotator_id"]
        for other in decided
    ):
        return f"{row['annotator_id']} has adjudicated this task and cannot label it too"
    own = {
        key
        for key, other in bench.in_force(bench.labels, row["task_id"]).items()
        if other["annotator_id"] == row["annotator_id"]
    }
    if row["corrects"] is not None and row["corrects"] not in own:
        return "`corrects` names no standing label of this person and task"
    if row["corrects"] is None and own:
        return f"{row['annotator_id']} has labelled this task; a change must name what it corrects"
    return None


def adjudication_problem(row: Row, bench: Bench) -> str | None:
    """Why the adjudication cannot be recorded, or None."""
    person = row["adjudicated_by"]
    problem = _common_problem(row, bench, person=person)
    if problem is not None:
        return problem
    if not bench.may_adjudicate[person]:
        return f"{person} may not adjudicate"
    if row["adjudication_id"] in bench.adjudications:
        return "its id is already given to another adjudication"
    if any(
        other["task_id"] == row["task_id"] and other["annotator_id"] == person
        for other in bench.labels.values()
    ):
        return f"{person} has labelled this task and cannot adjudicate it too"
    standing = bench.in_force(bench.adjudications, row["task_id"])
    if row["corrects"] is None:
        return "the task is adjudicated; a change must name what it corrects" if standing else None
    known = row["corrects"] in standing
    return None if known else "`corrects` names no standing adjudication of this task"


def _common_problem(row: Row, bench: Bench, *, person: str) -> str | None:
    if row["task_id"] not in bench.tasks:
        return "there is no such task"
    if person not in bench.may_adjudicate:
        return f"there is no annotator '{person}'"
    if row["label"] not in LABELS:
        return f"the label is not one of {', '.join(LABELS)}"
    if "\0" in row["rationale"] or "\0" in (row["reference_response"] or ""):
        return "a text holds the character NUL"
    return None


def _standing(
    connection: sa.Connection, table: sa.Table, key: str, rows: Sequence[Row]
) -> dict[str, Row]:
    """What the table holds of the rows' tasks, and under the rows' ids."""
    tasks = sorted({row["task_id"] for row in rows})
    ids = sorted({row[key] for row in rows if key in row})
    query = (
        sa.select(table)
        .where(table.c.task_id.in_(tasks) | table.c[key].in_(ids))
        .order_by(table.c[key])
    )
    return {row[key]: dict(row) for row in connection.execute(query).mappings()}


def _derived_id(row: Row, *, without: tuple[str, ...]) -> str:
    return fingerprint({name: value for name, value in row.items() if name not in without})
