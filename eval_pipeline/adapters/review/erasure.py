"""Takes one person out of the operational store: texts and ids go, who decided what stays."""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE, leave_traces
from eval_pipeline.adapters.review.leases import Trail, end
from eval_pipeline.adapters.schema import (
    adjudications,
    call_attempts,
    call_batches,
    call_claims,
    golden_withdrawals,
    label_withdrawals,
    labels,
    review_leases,
    review_tasks,
)
from eval_pipeline.review.states import ERASED

_AT_ONCE = 500


@dataclass(frozen=True)
class StoreRows:
    """Rows of the store that are about a person, or were blanked, by table; nothing else."""

    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


def count_rows(
    connection: sa.Connection,
    *,
    interaction_ids: Collection[str],
    item_ids: Collection[str],
    golden_ids: Collection[str],
) -> StoreRows:
    """The rows that an erasure would blank; `item_ids` are those of journalled calls."""
    tasks = _tasks(connection, interaction_ids)
    counted = {
        review_tasks.name: len(tasks),
        labels.name: _count(connection, labels.c.task_id, tasks),
        adjudications.name: _count(connection, adjudications.c.task_id, tasks),
        call_attempts.name: _count(connection, call_attempts.c.item_id, item_ids),
        golden_withdrawals.name: _count(
            connection,
            golden_withdrawals.c.item_id,
            golden_ids,
            having=golden_withdrawals.c.reason != "",
        ),
    }
    return StoreRows({name: rows for name, rows in counted.items() if rows})


def blank_tasks(
    connection: sa.Connection,
    interaction_ids: Collection[str],
    *,
    erasure_id: str,
    at: dt.datetime,
) -> list[str]:
    """Blanks tasks, labels and adjudications; labels and who gave them stay. Returns task ids.

    What people said in codes stays too: failure mode, confidence, criteria. Who holds such a task
    holds it no more.
    """
    number = _next_number(connection, review_tasks.c.interaction_id, erasure_id)
    tasks = _tasks(connection, interaction_ids)
    for place, task_id in enumerate(tasks, start=number):
        connection.execute(
            sa.update(review_tasks)
            .where(review_tasks.c.task_id == task_id)
            .values(subject_json="{}", interaction_id=tombstone(erasure_id, place), state=ERASED)
        )
        for table in (labels, adjudications):
            connection.execute(
                sa.update(table)
                .where(table.c.task_id == task_id)
                .values(rationale="", reference_response=None)
            )
        connection.execute(
            sa.update(label_withdrawals)
            .where(
                label_withdrawals.c.label_id.in_(
                    sa.select(labels.c.label_id).where(labels.c.task_id == task_id)
                )
            )
            .values(reason="")
        )
        _end_leases(connection, task_id, at=at)
    return tasks


def _end_leases(connection: sa.Connection, task_id: str, *, at: dt.datetime) -> None:
    active = sa.select(review_leases).where(
        review_leases.c.task_id == task_id, review_leases.c.ended_at.is_(None)
    )
    trail: Trail = []
    for lease in connection.execute(active).mappings().all():
        end(connection, dict(lease), outcome="released", at=at, trail=trail, actor=PIPELINE)
    leave_traces(connection, trail)


def blank_calls(connection: sa.Connection, item_ids: Collection[str], *, erasure_id: str) -> int:
    """Blanks text, item and request of journalled calls; what they cost stays. Returns the rows.

    A blanked call answers no later run: nothing that could be asked has its key. Claims of such
    calls go, and batches that are under way lose them: what still comes of them is not recorded.
    """
    _drop_pending(connection, item_ids)
    number = _next_number(connection, call_attempts.c.item_id, erasure_id)
    calls: set[tuple[str, str]] = set()
    for some in _in_parts(item_ids):
        identity = sa.select(call_attempts.c.item_id, call_attempts.c.request_fingerprint)
        rows = connection.execute(identity.where(call_attempts.c.item_id.in_(some)).distinct())
        calls.update((row[0], row[1]) for row in rows)
    blanked = 0
    for place, (item_id, request) in enumerate(sorted(calls), start=number):
        changed = connection.execute(
            sa.update(call_attempts)
            .where(
                call_attempts.c.item_id == item_id, call_attempts.c.request_fingerprint == request
            )
            .values(item_id=tombstone(erasure_id, place), request_fingerprint=ERASED, text=None)
        )
        blanked += changed.rowcount
    return blanked


def _drop_pending(connection: sa.Connection, item_ids: Collection[str]) -> None:
    for some in _in_parts(item_ids):
        connection.execute(sa.delete(call_claims).where(call_claims.c.item_id.in_(some)))
    erased = frozenset(item_ids)
    batches = connection.execute(sa.select(call_batches.c.batch_id, call_batches.c.calls_json))
    for batch_id, calls_json in batches.all():
        calls = json.loads(calls_json)
        kept = {name: key for name, key in calls.items() if erased.isdisjoint(_strings(key))}
        if len(kept) < len(calls):
            connection.execute(
                sa.update(call_batches)
                .where(call_batches.c.batch_id == batch_id)
                .values(calls_json=json.dumps(kept, ensure_ascii=False, sort_keys=True))
            )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def answers_to(connection: sa.Connection, item_ids: Collection[str]) -> list[tuple[str, str]]:
    """Item id and text of the journalled answers to these items, in a fixed order."""
    found: list[tuple[str, str]] = []
    for some in _in_parts(item_ids):
        found += [
            (row[0], row[1])
            for row in connection.execute(
                sa.select(call_attempts.c.item_id, call_attempts.c.text)
                .where(call_attempts.c.item_id.in_(some), call_attempts.c.text.is_not(None))
                .distinct()
            )
        ]
    return sorted(found)


def calls_of(connection: sa.Connection, system_id: str) -> list[tuple[str, str | None]]:
    """Item id and text of every journalled call of one system."""
    query = sa.select(call_attempts.c.item_id, call_attempts.c.text).where(
        call_attempts.c.system_id == system_id
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def tombstone(erasure_id: str, number: int) -> str:
    """What stands where an id of an erased person stood; equal ids get equal tombstones."""
    return f"{ERASED}-{erasure_id}-{number}"


def _tasks(connection: sa.Connection, interaction_ids: Collection[str]) -> list[str]:
    found: list[str] = []
    for some in _in_parts(interaction_ids):
        own = sa.select(review_tasks.c.task_id).where(review_tasks.c.interaction_id.in_(some))
        found += connection.execute(own).scalars()
    return sorted(found)


def _count(
    connection: sa.Connection,
    column: sa.Column[Any],
    values: Collection[str],
    *,
    having: sa.ColumnElement[bool] | None = None,
) -> int:
    counted = 0
    for some in _in_parts(values):
        rows = sa.select(sa.func.count()).select_from(column.table).where(column.in_(some))
        rows = rows if having is None else rows.where(having)
        counted += int(connection.execute(rows).scalar_one())
    return counted


def _next_number(connection: sa.Connection, column: sa.Column[Any], erasure_id: str) -> int:
    """The first number that no tombstone of this erasure has in the column yet."""
    start = f"{ERASED}-{erasure_id}-"
    standing = connection.execute(
        sa.select(column).where(column.startswith(start, autoescape=True)).distinct()
    ).scalars()
    return 1 + max((int(one.removeprefix(start)) for one in standing), default=0)


def _in_parts(values: Collection[str]) -> list[list[str]]:
    ordered = sorted(set(values))
    return [ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE)]
