"""Answers that came by file: recorded in bulk, each by the rules of the desk."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from eval_pipeline.adapters.audit import leave_traces, trace
from eval_pipeline.adapters.review.leases import Trail, end
from eval_pipeline.adapters.review.records import ImportReport, Refusal
from eval_pipeline.adapters.review.rules import (
    Bench,
    Standing,
    adjudication_problem,
    in_batches,
    label_problem,
    load_bench,
    same_row,
)
from eval_pipeline.adapters.review.standing import move
from eval_pipeline.adapters.schema import adjudications, labels, review_leases
from eval_pipeline.errors import ReviewError
from eval_pipeline.review.states import Step, standing_decision, standing_labels, state_of

Rows = Sequence[dict[str, Any]]


def record_labels(connection: sa.Connection, rows: Rows, *, dry_run: bool) -> ImportReport:
    """Records the good rows in their order; their tasks go where these lead them.

    Of leases only those end under which the same people were asked for the same labels.
    """
    bench = load_bench(connection, rows)
    taken, report = _taken(rows, bench.labels, "label_id", lambda row: label_problem(row, bench))
    if not dry_run:
        _write(connection, labels, taken, step="label")
        _move(connection, taken, bench, step="label")
        _end_own_leases(connection, taken)
    return report


def record_adjudications(connection: sa.Connection, rows: Rows, *, dry_run: bool) -> ImportReport:
    """Records all rows; raises `ReviewError` if one of them cannot stand."""
    bench = load_bench(connection, rows)
    taken, report = _taken(
        rows,
        bench.adjudications,
        "adjudication_id",
        lambda row: adjudication_problem(row, bench),
    )
    if report.refused:
        raise ReviewError(_refused_message(report.refused, of=len(rows)))
    if not dry_run:
        _write(connection, adjudications, taken, step="adjudicate")
        _move(connection, taken, bench, step="adjudicate")
    return report


def _taken(
    rows: Rows,
    standing: Standing,
    key: str,
    problem_of: Callable[[dict[str, Any]], str | None],
) -> tuple[list[dict[str, Any]], ImportReport]:
    """The rows to record, in order; what is taken stands for the rows after it."""
    taken: list[dict[str, Any]] = []
    repeated, refused = 0, []
    for position, row in enumerate(rows):
        before = standing.by_id.get(row[key])
        if before is not None and same_row(row, before):
            repeated += 1
            continue
        problem = problem_of(row)
        if problem is not None:
            refused.append(Refusal(position, row["task_id"], problem))
            continue
        standing.add(row[key], row)
        taken.append(row)
    return taken, ImportReport(len(taken), repeated, tuple(refused))


def _write(connection: sa.Connection, table: sa.Table, rows: Rows, *, step: Step) -> None:
    """Records answers and who gave them, in their order."""
    if rows:
        connection.execute(sa.insert(table), rows)
    leave_traces(connection, [_trace(row, step=step) for row in rows])


def _trace(row: Mapping[str, Any], *, step: Step) -> dict[str, Any]:
    given = step == "label"
    return trace(
        at=row["labelled_at" if given else "adjudicated_at"],
        actor=row["annotator_id" if given else "adjudicated_by"],
        action=step,
        subject=row["task_id"],
        answer_id=row["label_id" if given else "adjudication_id"],
        label=row["label"],
        corrects=row["corrects"],
    )


def _move(connection: sa.Connection, rows: Rows, bench: Bench, *, step: Step) -> None:
    for task_id in sorted({row["task_id"] for row in rows}):
        task = bench.tasks[task_id]
        after = state_of(
            standing_labels(bench.labels.of(task_id).values()),
            standing_decision(bench.adjudications.of(task_id).values()),
            needed=task["labels_needed"],
        )
        move(connection, task_id, task["state"], after, step=step)


def _end_own_leases(connection: sa.Connection, rows: Rows) -> None:
    """Who has given a label by file is not waited for at the desk."""
    answered: dict[tuple[str, str], dt.datetime] = {
        (row["task_id"], row["annotator_id"]): row["labelled_at"] for row in rows
    }
    trail: Trail = []
    for some in in_batches(sorted({row["task_id"] for row in rows})):
        active = sa.select(review_leases).where(
            review_leases.c.task_id.in_(some),
            review_leases.c.purpose == "label",
            review_leases.c.ended_at.is_(None),
        )
        for lease in connection.execute(active).mappings().all():
            at = answered.get((lease["task_id"], lease["annotator_id"]))
            if at is not None:
                end(connection, dict(lease), outcome="released", at=at, trail=trail)
    leave_traces(connection, trail)


def _refused_message(refused: Sequence[Refusal], *, of: int) -> str:
    reasons = "; ".join(f"task {one.task_id}: {one.problem}" for one in refused)
    return (
        f"{len(refused)} of {of} adjudications cannot be recorded ({reasons}). "
        "The store is unchanged. Leave these out, or have someone decide who may adjudicate "
        "and did not label the task, then record them again."
    )
