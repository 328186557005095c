"""What a review desk's store says after a crowd has been at it: each promise, as what breaks it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from benchmarks.desk_crowd import Acknowledged, Annotator
from eval_pipeline.adapters.review.standing import by_task
from eval_pipeline.adapters.schema import adjudications, labels, review_leases, review_tasks
from eval_pipeline.adapters.store import Store
from eval_pipeline.review.states import standing_decision, standing_labels, state_of

Row = Any


def rows_of(store: Store, table: sa.Table) -> list[Row]:
    """The whole table."""
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def acknowledged(annotators: Iterable[Annotator]) -> list[Acknowledged]:
    """Every answer that the server said it has."""
    return [one for annotator in annotators for one in annotator.told.acknowledged]


def double_leases(store: Store) -> list[tuple[Row, Row]]:
    """Pairs of leases that held the same seat of a task, or were one person's there, at once."""
    found = []
    for key in ("seat", "annotator_id"):
        held = defaultdict(list)
        for lease in rows_of(store, review_leases):
            held[lease["task_id"], lease["purpose"], lease[key]].append(lease)
        for leases in held.values():
            for one, following in pairwise(sorted(leases, key=lambda lease: lease["leased_at"])):
                if one["ended_at"] is None or one["ended_at"] > following["leased_at"]:
                    found.append((one, following))
    return found


def lost(store: Store, told: Sequence[Acknowledged]) -> list[Acknowledged]:
    """Acknowledged answers that the store does not have exactly once, as they were given."""
    stored = {
        "label": _given(store, labels, "label_id", "annotator_id"),
        "adjudicate": _given(store, adjudications, "adjudication_id", "adjudicated_by"),
    }
    return [one for one in told if not _kept(one, stored[one.purpose].get(one.lease_id, []))]


def _given(store: Store, table: sa.Table, key: str, by: str) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for row in rows_of(store, table):
        found[row["lease_id"]].append((row[key], row[by], row["task_id"], row["label"]))
    return found


def _kept(one: Acknowledged, rows: list[Row]) -> bool:
    if len(rows) != 1:
        return False
    answer_id, *said = rows[0]
    return said == [one.by, one.task, one.label] and one.answer_id in (None, answer_id)


def twice_by_one(store: Store) -> list[Any]:
    """Tasks and people where one person labelled twice, or decided what they had labelled."""
    by = Counter((row["task_id"], row["annotator_id"]) for row in rows_of(store, labels))
    by.update((row["task_id"], row["adjudicated_by"]) for row in rows_of(store, adjudications))
    return [who for who, times in by.items() if times > 1]


def wrong_counts(store: Store) -> list[Any]:
    """Tasks without exactly the labels they need, or decided more than once or for no dispute."""
    given = Counter(row["task_id"] for row in rows_of(store, labels))
    decided = Counter(row["task_id"] for row in rows_of(store, adjudications))
    said = by_task(rows_of(store, labels))
    wrong = []
    for task in rows_of(store, review_tasks):
        key = task["task_id"]
        disputed = len({row["label"] for row in said.get(key, [])}) > 1
        if given[key] != task["labels_needed"] or decided[key] != int(disputed):
            wrong.append((key, given[key], decided[key]))
    return wrong


def wrong_states(store: Store) -> list[Any]:
    """Tasks whose state is not what their labels and decisions say, or that are not settled."""
    said, decided = by_task(rows_of(store, labels)), by_task(rows_of(store, adjudications))
    wrong = []
    for task in rows_of(store, review_tasks):
        key = task["task_id"]
        expected = state_of(
            standing_labels(said.get(key, [])),
            standing_decision(decided.get(key, [])),
            needed=task["labels_needed"],
        )
        if task["state"] != expected or expected not in ("agreed", "adjudicated", "cannot_tell"):
            wrong.append((key, task["state"], expected))
    return wrong
