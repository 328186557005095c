"""A small review desk for tests: tasks, people, steps, and what must hold after each of them."""

import datetime as dt
from collections import Counter
from itertools import pairwise

import sqlalchemy as sa

from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.desk_records import Answer, LeasedTask, LeasePolicy
from eval_pipeline.adapters.review.records import NewAdjudication, NewLabel, ReviewTask
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import (
    adjudications,
    label_withdrawals,
    labels,
    review_leases,
    review_tasks,
)
from eval_pipeline.adapters.store import Store, read_utc
from eval_pipeline.review.states import standing_decision, standing_labels, state_of

WEEK = "2026-11-16"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
LATER = NOON + dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
POLICY = LeasePolicy(lease=20 * MINUTE, weekly_budget=60)


def task(task_id: str, **changes) -> ReviewTask:
    values = {
        "task_id": task_id,
        "interaction_id": f"interaction of {task_id}",
        "selection": "audit",
        "reason": "audit",
        "label_probability": 0.25,
        "rubric_id": "helpful@0123abcd",
        "subject_json": '{"route":"orders"}',
    }
    return ReviewTask(**{**values, **changes})


def label(task_id: str, who: str, answer: str = "pass", **changes) -> NewLabel:
    return NewLabel(task_id, who, answer, changes.pop("labelled_at", NOON), **changes)


def decision(task_id: str, who: str, answer: str = "fail", **changes) -> NewAdjudication:
    return NewAdjudication(task_id, who, answer, changes.pop("adjudicated_at", LATER), **changes)


def staffed(store: Store, *tasks: ReviewTask) -> ReviewStore:
    """A review store with these tasks, the annotators ada and ben, the adjudicators cleo and dan.

    Without tasks it has t1, t2 and t3.
    """
    review = ReviewStore(store)
    review.open_tasks(tasks or [task("t1"), task("t2"), task("t3")], week=WEEK, at=NOON)
    for name, may in (("ada", False), ("ben", False), ("cleo", True), ("dan", True)):
        review.add_annotator(name, kind="person", may_adjudicate=may, at=NOON)
    return review


def ask(desk: Desk, who: str, purpose: str = "label", *, at: dt.datetime = NOON, **changes):
    asked = {"weeks": [WEEK], "policy": POLICY, **changes}
    return desk.next_task(who, purpose=purpose, at=at, **asked)


def say(desk: Desk, leased: LeasedTask, who: str, answer: str = "pass", **changes):
    at = changes.pop("at", NOON)
    return desk.answer(Answer(leased.lease_id, who, answer, **changes), at=at)


def give(desk: Desk, who: str, answer: str = "pass", **changes):
    """Takes the next task and answers it at once."""
    leased = ask(desk, who, at=changes.get("at", NOON))
    return say(desk, leased, who, answer, **changes)


def actions(review: ReviewStore) -> list[str]:
    return [entry.action for entry in reversed(review.audit_entries(limit=10_000))]


def rows_of(store: Store, table: sa.Table) -> list[dict]:
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    return [
        {name: read_utc(value) if isinstance(value, dt.datetime) else value
         for name, value in row.items()}
        for row in rows
    ]  # fmt: skip


def broken(store: Store) -> list[str]:
    """Every promise of the desk that the store's rows break."""
    tasks, leases = rows_of(store, review_tasks), rows_of(store, review_leases)
    out = {row["label_id"] for row in rows_of(store, label_withdrawals)}
    said = [{**row, "withdrawn": row["label_id"] in out} for row in rows_of(store, labels)]
    decided = rows_of(store, adjudications)
    found = []
    for one in tasks:
        own = [row for row in said if row["task_id"] == one["task_id"]]
        decisions = [row for row in decided if row["task_id"] == one["task_id"]]
        standing = standing_labels(own)
        state = state_of(standing, standing_decision(decisions), needed=one["labels_needed"])
        if one["state"] not in ("erased", state):
            found.append(f"{one['task_id']} is {one['state']}, its rows say {state}")
        people = [row["annotator_id"] for row in own if row["corrects"] is None]
        if len(people) != len(set(people)):
            found.append(f"{one['task_id']} is labelled twice by one person")
        if {row["adjudicated_by"] for row in decisions} & set(people):
            found.append(f"{one['task_id']} is decided by who labelled it")
        active = [
            row for row in leases if row["task_id"] == one["task_id"] and row["ended_at"] is None
        ]
        seats = Counter((row["purpose"], row["seat"]) for row in active)
        if any(count > 1 for count in seats.values()):
            found.append(f"{one['task_id']} has a seat that two hold")
        if any(row["purpose"] == "label" and row["seat"] >= one["labels_needed"] for row in active):
            found.append(f"{one['task_id']} has a seat too many")
    found += [f"{one} was held by two at once" for one in held_twice(leases)]
    answered = sorted(row["lease_id"] for row in leases if row["outcome"] == "answered")
    under = sorted(row["lease_id"] for row in (*said, *decided) if row["lease_id"] is not None)
    if answered != under:
        found.append("answered leases are not the answers")
    return found


def held_twice(leases: list[dict]) -> list[tuple]:
    """Seats that were another's before they were free."""
    history = sorted(
        (
            (row["task_id"], row["purpose"], row["seat"]),
            row["leased_at"],
            row["ended_at"] or dt.datetime.max.replace(tzinfo=dt.UTC),
        )
        for row in leases
    )
    return [
        one[0]
        for one, following in pairwise(history)
        if one[0] == following[0] and one[2] > following[1]
    ]
