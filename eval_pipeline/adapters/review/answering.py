"""Answers under a lease: labels, adjudications and corrections, each taken once."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, Literal

import sqlalchemy as sa

from eval_pipeline.adapters.audit import trace
from eval_pipeline.adapters.review.desk_records import Answer, Answered, NotTaken
from eval_pipeline.adapters.review.leases import Trail, close, ended_already, own_lease
from eval_pipeline.adapters.review.queue import Asked
from eval_pipeline.adapters.review.rules import answer_problem, derived_id
from eval_pipeline.adapters.review.standing import Row, adjudications_on, labels_on, move
from eval_pipeline.adapters.schema import adjudications, labels, review_leases
from eval_pipeline.adapters.store import utc
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.review.states import (
    ERASED,
    standing_decision,
    standing_labels,
    state_of,
)

DECIDED_STATES: Final = ("adjudicated", "cannot_tell", ERASED)
_CONTENT: Final = (
    "label",
    "rationale",
    "reference_response",
    "failure_mode",
    "confidence",
    "criteria_json",
)
_TABLES: Final = {"label": labels, "adjudicate": adjudications}
_KEYS: Final = {"label": "label_id", "adjudicate": "adjudication_id"}
_INSERT: Final = {given: sa.insert(table) for given, table in _TABLES.items()}
_UNDER: Final = [
    sa.select(table).where(table.c.lease_id == sa.bindparam("lease_id"))
    for table in _TABLES.values()
]
_READING: Final = sa.select(review_leases.c.lease_id).where(
    review_leases.c.task_id == sa.bindparam("task_id"),
    review_leases.c.purpose == "adjudicate",
    review_leases.c.ended_at.is_(None),
)
_REVEALED: Final = sa.select(review_leases.c.lease_id).where(
    review_leases.c.task_id == sa.bindparam("task_id"),
    review_leases.c.annotator_id == sa.bindparam("annotator_id"),
    review_leases.c.revealed_at.is_not(None),
)

Lease = Mapping[str, Any]
Content = dict[str, Any]


def take_answer(
    connection: sa.Connection, answer: Answer, *, at: dt.datetime, trail: Trail
) -> tuple[Answered | NotTaken, Asked]:
    """Records the answer by what its lease is for, or says why it is not taken.

    With it comes what the person was asked for.
    """
    lease = own_lease(connection, answer.lease_id, answer.annotator_id)
    if isinstance(lease, NotTaken):
        return lease, "label"
    return _take(connection, lease, _content(answer), at=at, trail=trail), _asked(connection, lease)


def _take(
    connection: sa.Connection, lease: Lease, content: Content, *, at: dt.datetime, trail: Trail
) -> Answered | NotTaken:
    if lease["outcome"] == "answered":
        return _again(connection, lease, content)
    if lease["outcome"] in ("skipped", "released"):
        return ended_already(lease["outcome"])
    problem = answer_problem(content)
    if problem is not None:
        return NotTaken("invalid", problem)
    record = {"label": _label, "adjudicate": _adjudicate, "correct": _correct}[lease["purpose"]]
    taken = record(connection, lease, content, at=utc(at), trail=trail)
    if isinstance(taken, Answered):
        close(connection, lease["lease_id"], outcome="answered", at=at)
    return taken


def given_under(connection: sa.Connection, lease_id: str) -> Row | None:
    """The label or the adjudication that was given under this lease."""
    for query in _UNDER:
        row = connection.execute(query, {"lease_id": lease_id}).mappings().one_or_none()
        if row is not None:
            return dict(row)
    return None


def standing_answer(connection: sa.Connection, lease: Lease) -> Row | None:
    """This person's own answer in force on the task of the lease, which a correction replaces."""
    labelled = standing_labels(labels_on(connection, [lease["task_id"]], texts=True))
    own = [row for row in labelled if row["annotator_id"] == lease["annotator_id"]]
    if own:
        return own[0]
    decision = standing_decision(adjudications_on(connection, [lease["task_id"]]))
    if decision is not None and decision["adjudicated_by"] == lease["annotator_id"]:
        return decision
    return None


def fixed(connection: sa.Connection, lease: Lease, previous: Row) -> NotTaken | None:
    """Why this answer can be corrected no more, or None."""
    if connection.execute(
        _REVEALED, {"task_id": lease["task_id"], "annotator_id": lease["annotator_id"]}
    ).first():
        return NotTaken("revealed", "You have seen what the judges said, so your answer stands.")
    if lease["state"] == ERASED or ("label_id" in previous and lease["state"] in DECIDED_STATES):
        return _decided()
    if (
        "label_id" in previous
        and connection.execute(_READING, {"task_id": lease["task_id"]}).first()
    ):
        return NotTaken("decided", "An adjudicator is reading your answer, so it stands.")
    return None


def _label(
    connection: sa.Connection, lease: Lease, content: Content, *, at: dt.datetime, trail: Trail
) -> Answered | NotTaken:
    if lease["state"] in DECIDED_STATES:
        return _decided()
    rows = labels_on(connection, [lease["task_id"]], texts=False)
    if any(row["annotator_id"] == lease["annotator_id"] for row in rows):
        return NotTaken("not_allowed", "You have labelled this task already.")
    return _record("label", connection, lease, content, standing=rows, at=at, trail=trail)


def _adjudicate(
    connection: sa.Connection, lease: Lease, content: Content, *, at: dt.datetime, trail: Trail
) -> Answered | NotTaken:
    if not content["rationale"].strip():
        return NotTaken("invalid", "An adjudication needs a reason. Write one in a sentence.")
    if not lease["may_adjudicate"]:
        return NotTaken("not_allowed", "You may no longer decide disputes.")
    if lease["state"] in (*DECIDED_STATES, "agreed"):
        return _decided()
    if lease["state"] != "disputed":
        return NotTaken("ended", "A label was withdrawn, so this task is being labelled again.")
    rows = labels_on(connection, [lease["task_id"]], texts=False)
    if any(row["annotator_id"] == lease["annotator_id"] for row in rows):
        return NotTaken("not_allowed", "You have labelled this task, so another person decides.")
    return _record("adjudicate", connection, lease, content, standing=[], at=at, trail=trail)


def _correct(
    connection: sa.Connection, lease: Lease, content: Content, *, at: dt.datetime, trail: Trail
) -> Answered | NotTaken:
    previous = standing_answer(connection, lease)
    if previous is None:
        return NotTaken("ended", "Your answer was withdrawn, so it cannot be corrected.")
    refused = fixed(connection, lease, previous)
    if refused is not None:
        return refused
    if "label_id" in previous:
        content = {**content, "corrects": previous["label_id"]}
        rows = labels_on(connection, [lease["task_id"]], texts=False)
        return _record("label", connection, lease, content, standing=rows, at=at, trail=trail)
    if not content["rationale"].strip():
        return NotTaken("invalid", "An adjudication needs a reason. Write one in a sentence.")
    content = {**content, "corrects": previous["adjudication_id"]}
    return _record("adjudicate", connection, lease, content, standing=[], at=at, trail=trail)


def _record(
    step: Literal["label", "adjudicate"],
    connection: sa.Connection,
    lease: Lease,
    content: Content,
    *,
    standing: list[Row],
    at: dt.datetime,
    trail: Trail,
) -> Answered:
    """Writes the row and what follows from it for the task."""
    by, when = (
        ("annotator_id", "labelled_at") if step == "label" else ("adjudicated_by", "adjudicated_at")
    )
    row = {
        "corrects": None,
        **content,
        "task_id": lease["task_id"],
        by: lease["annotator_id"],
        "lease_id": lease["lease_id"],
    }
    row[_KEYS[step]] = derived_id(row)
    row[when] = at
    connection.execute(_INSERT[step], row)
    decision = row if step == "adjudicate" else None
    labelled = standing_labels([*standing, row]) if decision is None else ()
    # A label on a decided task is not taken, so without this decision there is none.
    after = state_of(labelled, decision, needed=lease["labels_needed"])
    move(connection, lease["task_id"], lease["state"], after, step=step)
    trail.append(
        trace(
            at=at,
            actor=lease["annotator_id"],
            action=step,
            subject=lease["task_id"],
            answer_id=row[_KEYS[step]],
            label=row["label"],
            corrects=row["corrects"],
            lease_id=lease["lease_id"],
        )
    )
    return Answered(row[_KEYS[step]], lease["task_id"], after, repeated=False)


def _asked(connection: sa.Connection, lease: Lease) -> Asked:
    if lease["purpose"] != "correct":
        return "adjudicate" if lease["purpose"] == "adjudicate" else "label"
    decided = sa.select(adjudications.c.adjudication_id).where(
        adjudications.c.task_id == lease["task_id"],
        adjudications.c.adjudicated_by == lease["annotator_id"],
    )
    return "label" if connection.execute(decided).first() is None else "adjudicate"


def _again(connection: sa.Connection, lease: Lease, content: Content) -> Answered | NotTaken:
    given = given_under(connection, lease["lease_id"])
    if given is None or any(given[name] != content[name] for name in _CONTENT):
        return NotTaken("ended", "This task was answered already, otherwise. That answer stands.")
    key = "label_id" if "label_id" in given else "adjudication_id"
    return Answered(given[key], lease["task_id"], lease["state"], repeated=True)


def _content(answer: Answer) -> Content:
    return {
        "label": answer.label,
        "rationale": answer.rationale,
        "reference_response": answer.reference_response,
        "failure_mode": answer.failure_mode,
        "confidence": answer.confidence,
        "criteria_json": canonical_json(list(answer.criteria)) if answer.criteria else None,
        "seconds": answer.seconds,
    }


def _decided() -> NotTaken:
    return NotTaken("decided", "This task has been decided meanwhile. Ask for the next one.")
