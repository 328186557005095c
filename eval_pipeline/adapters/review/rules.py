"""Which labels and adjudications the store takes: one answer a person, corrections, four eyes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from eval_pipeline.adapters.review.records import NewAdjudication, NewLabel
from eval_pipeline.adapters.schema import (
    adjudications,
    annotators,
    label_withdrawals,
    labels,
    review_tasks,
)
from eval_pipeline.adapters.store import read_utc, utc
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.review.states import ERASED

LABELS = ("pass", "fail", "cannot_tell")
AT_ONCE = 500
"""Values that one query names; SQLite takes 32,766 at most."""

CONFIDENCES = ("low", "medium", "high")
LONGEST_NAME = 80
_ADDED_LATER = ("failure_mode", "confidence", "criteria_json", "seconds", "lease_id")

_READ = {
    labels.name: sa.select(
        labels, label_withdrawals.c.label_id.is_not(None).label("withdrawn")
    ).outerjoin(label_withdrawals, label_withdrawals.c.label_id == labels.c.label_id),
    adjudications.name: sa.select(adjudications),
}

Row = Mapping[str, Any]


@dataclass
class Standing:
    """Rows of a table by their id, and by their task."""

    by_id: dict[str, Row] = field(default_factory=dict)
    by_task: dict[str, dict[str, Row]] = field(default_factory=dict)

    def add(self, key: str, row: Row) -> None:
        """A row that stands from now on."""
        self.by_id[key] = row
        self.by_task.setdefault(row["task_id"], {})[key] = row

    def of(self, task_id: str) -> dict[str, Row]:
        """The rows of a task, corrected ones too."""
        return self.by_task.get(task_id, {})

    def in_force(self, task_id: str) -> dict[str, Row]:
        """The rows of a task that nothing corrects."""
        rows = self.of(task_id)
        corrected = {row["corrects"] for row in rows.values()}
        return {key: row for key, row in rows.items() if key not in corrected}


@dataclass
class Bench:
    """What stands on the tasks that an import touches; grows with every row that is taken.

    `tasks`: their state and labels_needed by id; erased ones are not among them.
    """

    tasks: Mapping[str, Row]
    may_adjudicate: Mapping[str, bool]
    labels: Standing = field(default_factory=Standing)
    adjudications: Standing = field(default_factory=Standing)


def load_bench(connection: sa.Connection, rows: Sequence[Row]) -> Bench:
    """Reads what stands, and keeps other writers off these tasks until the transaction ends."""
    wanted = sorted({row["task_id"] for row in rows})
    known: dict[str, Row] = {}
    columns = (review_tasks.c.task_id, review_tasks.c.state, review_tasks.c.labels_needed)
    for some in in_batches(wanted):
        locked = connection.execute(
            sa.select(*columns)
            .where(review_tasks.c.task_id.in_(some))
            .order_by(review_tasks.c.task_id)
            .with_for_update()
        )
        known |= {row["task_id"]: dict(row) for row in locked.mappings() if row["state"] != ERASED}
    people = connection.execute(sa.select(annotators.c.annotator_id, annotators.c.may_adjudicate))
    return Bench(
        tasks=known,
        may_adjudicate={person: bool(may) for person, may in people},
        labels=_standing(connection, labels, "label_id", rows),
        adjudications=_standing(connection, adjudications, "adjudication_id", rows),
    )


def in_batches(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """The values in order, so few at once that any database takes them as parameters."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def label_row(label: NewLabel) -> dict[str, Any]:
    """The label as a row of the store, with its id."""
    row = {**vars(label), "labelled_at": utc(label.labelled_at)}
    row["label_id"] = label.label_id or derived_id(row, without=("label_id", "labelled_at"))
    return row


def adjudication_row(decision: NewAdjudication) -> dict[str, Any]:
    """The adjudication as a row of the store, with its id."""
    row = {**vars(decision), "adjudicated_at": utc(decision.adjudicated_at)}
    row["adjudication_id"] = decision.adjudication_id or derived_id(
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
    if row["label_id"] in bench.labels.by_id:
        return "its id is already given to another label"
    decided = bench.adjudications.of(row["task_id"]).values()
    if any(other["adjudicated_by"] == row["annotator_id"] for other in decided):
        return f"{row['annotator_id']} has adjudicated this task and cannot label it too"
    return _own_problem(row, bench)


def _own_problem(row: Row, bench: Bench) -> str | None:
    """Why this person's labels of the task forbid the label, or None."""
    person = row["annotator_id"]
    standing = bench.labels.in_force(row["task_id"])
    own = {key: other for key, other in standing.items() if other["annotator_id"] == person}
    if any(other.get("withdrawn") for other in own.values()):
        return f"the label of {person} was withdrawn; another person is asked"
    if row["corrects"] is not None and row["corrects"] not in own:
        return "`corrects` names no standing label of this person and task"
    if row["corrects"] is None and own:
        return f"{person} has labelled this task; a change must name what it corrects"
    return None


def adjudication_problem(row: Row, bench: Bench) -> str | None:
    """Why the adjudication cannot be recorded, or None."""
    person = row["adjudicated_by"]
    problem = _common_problem(row, bench, person=person)
    if problem is not None:
        return problem
    if not bench.may_adjudicate[person]:
        return f"{person} may not adjudicate"
    if row["adjudication_id"] in bench.adjudications.by_id:
        return "its id is already given to another adjudication"
    if any(other["annotator_id"] == person for other in bench.labels.of(row["task_id"]).values()):
        return f"{person} has labelled this task and cannot adjudicate it too"
    standing = bench.adjudications.in_force(row["task_id"])
    if row["corrects"] is None:
        return "the task is adjudicated; a change must name what it corrects" if standing else None
    known = row["corrects"] in standing
    return None if known else "`corrects` names no standing adjudication of this task"


def _common_problem(row: Row, bench: Bench, *, person: str) -> str | None:
    if row["task_id"] not in bench.tasks:
        return "there is no such task"
    if person not in bench.may_adjudicate:
        return f"there is no annotator '{person}'"
    return answer_problem(row)


def answer_problem(row: Row) -> str | None:
    """What of the answer itself cannot be stored, or None; it never quotes the answer."""
    if row["label"] not in LABELS:
        return f"the label is not one of {', '.join(LABELS)}"
    if row["confidence"] not in (None, *CONFIDENCES):
        return f"the confidence is not one of {', '.join(CONFIDENCES)}"
    if len(row["failure_mode"] or "") > LONGEST_NAME:
        return f"the failure mode has more than {LONGEST_NAME} characters"
    if row["seconds"] is not None and not 0 <= row["seconds"] < math.inf:
        return "the seconds are no finite number from 0"
    return _text_problem(row["rationale"], row["reference_response"], row["failure_mode"])


def _text_problem(*texts: str | None) -> str | None:
    said = "".join(text or "" for text in texts)
    if "\0" in said:
        return "a text holds the character NUL"
    if any("\ud800" <= character <= "\udfff" for character in said):
        return "a text holds half a character (a lone surrogate)"
    return None


def _standing(
    connection: sa.Connection, table: sa.Table, key: str, rows: Sequence[Row]
) -> Standing:
    """What the table holds of the rows' tasks, and under the rows' ids."""
    found: dict[str, Row] = {}
    for column, values in (
        ("task_id", {row["task_id"] for row in rows}),
        (key, {row[key] for row in rows if key in row}),
    ):
        for some in in_batches(sorted(values)):
            query = _READ[table.name].where(table.c[column].in_(some))
            found |= {row[key]: _dated(row) for row in connection.execute(query).mappings()}
    standing = Standing()
    for name in sorted(found):
        standing.add(name, found[name])
    return standing


def _dated(row: sa.RowMapping) -> Row:
    at = "labelled_at" if "labelled_at" in row else "adjudicated_at"
    return {**row, at: read_utc(row[at])}


def derived_id(row: Row, *, without: tuple[str, ...] = ()) -> str:
    """An id from what the row says; a column added later counts only where it says something."""
    said = {
        name: value
        for name, value in row.items()
        if name not in without and not (name in _ADDED_LATER and value is None)
    }
    return fingerprint(said)
