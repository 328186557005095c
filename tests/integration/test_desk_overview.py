"""The desk read from the store: several weeks at once, and the overview made of it."""

import datetime as dt
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.review.overview import DeskReading
from eval_pipeline.adapters.review.records import NewAdjudication, NewLabel, ReviewTask
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import (
    annotators,
    label_withdrawals,
    review_leases,
    review_skips,
    review_tasks,
)
from eval_pipeline.adapters.store import Store
from eval_pipeline.flows.desk_overview import Overview, overview
from eval_pipeline.settings import ReviewSettings

WEEK, BEFORE = "2026-11-16", "2026-11-09"
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SECRET = "what a reviewer wrote"


def lease_row(lease_id: str, task_id: str, person: str, **other: object) -> dict[str, object]:
    return {
        "lease_id": lease_id, "task_id": task_id, "annotator_id": person, "purpose": "label",
        "seat": 1, "leased_at": NOON, "expires_at": NOON, "ended_at": NOON, "outcome": "expired",
        **other,
    }  # fmt: skip


def task_of(name: str, **other: object) -> ReviewTask:
    usual = {
        "task_id": name, "interaction_id": f"i-{name}", "selection": "audit", "reason": "audit",
        "label_probability": 0.5, "rubric_id": "helpful@1", "subject_json": SECRET,
    }  # fmt: skip
    return ReviewTask(**{**usual, **other})  # type: ignore[arg-type]


def said(task_id: str, person: str, answer: str, *, minute: int, **other: object) -> NewLabel:
    return NewLabel(
        task_id=task_id, annotator_id=person, label=answer, rationale=SECRET,
        labelled_at=NOON + dt.timedelta(minutes=minute), label_id=f"{task_id}-{person}",
        seconds=30.0, **other,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Agreed, disputed, withdrawn, adjudicated, gold, and a week before with one open task."""
    opened = Store.open(store_url)
    desk = ReviewStore(opened)
    desk.open_tasks(
        [
            *(task_of(name) for name in ("agreed", "disputed", "decided", "half")),
            task_of("gold", selection="gold_check", known_label="pass", labels_needed=1),
        ],
        week=WEEK,
        at=NOON,
    )
    desk.open_tasks([task_of("old"), task_of("gone")], week=BEFORE, at=NOON)
    for name, adjudicates in (("ann", False), ("bo", False), ("eve", True)):
        desk.add_annotator(name, kind="person", may_adjudicate=adjudicates, at=NOON)
    desk.record_labels(
        [
            said("agreed", "ann", "pass", minute=1), said("agreed", "bo", "pass", minute=2),
            said("disputed", "ann", "pass", minute=3), said("disputed", "eve", "fail", minute=4),
            said("decided", "ann", "pass", minute=5), said("decided", "bo", "fail", minute=6),
            said("half", "ann", "fail", minute=7), said("half", "bo", "fail", minute=8),
            said("gold", "bo", "fail", minute=9),
        ]
    )  # fmt: skip
    desk.record_adjudications(
        [
            NewAdjudication(
                task_id="decided", adjudicated_by="eve", label="fail", rationale=SECRET,
                adjudicated_at=NOON + dt.timedelta(hours=1),
            )
        ]
    )  # fmt: skip
    with opened.writing() as connection:
        connection.execute(
            sa.insert(label_withdrawals),
            {
                "label_id": "half-bo", "withdrawn_by": "eve", "reason": SECRET,
                "withdrawn_at": NOON,
            },
        )  # fmt: skip
        leases = [lease_row(f"l{number}", "old", "ann") for number in range(3)]
        connection.execute(sa.insert(review_leases), leases)
        connection.execute(
            sa.insert(review_skips),
            {
                "task_id": "half", "annotator_id": "eve", "lease_id": "l0",
                "reason": "unreadable", "skipped_at": NOON,
            },
        )  # fmt: skip
        connection.execute(
            sa.update(review_tasks).where(review_tasks.c.task_id == "gone").values(state="erased")
        )
    yield opened
    opened.close()


def seen(store: Store, *weeks: str, at: dt.datetime = NOON) -> Overview:
    pipeline = SimpleNamespace(
        store=store,
        review=ReviewStore(store),
        clock=lambda: at,
        settings=SimpleNamespace(review=ReviewSettings()),
        lake=SimpleNamespace(partitions=lambda _: []),
    )
    return overview(pipeline, weeks=weeks or (WEEK,))  # type: ignore[arg-type]


def test_the_frames_hold_no_text_that_anybody_wrote_or_was_shown(store: Store) -> None:
    desk, weeks = DeskReading(store), [WEEK, BEFORE]
    frames = [
        desk.tasks(weeks), desk.labels(weeks), desk.adjudications(weeks), desk.skips(weeks),
        desk.people(),
    ]  # fmt: skip
    assert all(frame.height for frame in frames)
    assert all(SECRET not in str(frame.rows()) for frame in frames)


def test_several_weeks_are_read_at_once_and_erased_tasks_by_nobody(store: Store) -> None:
    desk = DeskReading(store)
    assert desk.weeks() == [BEFORE, WEEK]
    assert desk.tasks([BEFORE])["task_id"].to_list() == ["old"]
    assert desk.tasks([WEEK, BEFORE]).height == 6
    assert desk.tasks([]).is_empty()
    assert desk.labels([WEEK]).filter("withdrawn")["label_id"].to_list() == ["half-bo"]


def test_a_lease_that_ran_out_counts_once_its_time_is_over(store: Store) -> None:
    with store.writing() as connection:
        running = lease_row("l9", "old", "bo", ended_at=None, outcome=None, seat=2)
        later = NOON + dt.timedelta(minutes=20)
        connection.execute(sa.insert(review_leases), {**running, "expires_at": later})
    desk = DeskReading(store)
    assert desk.expired_leases([BEFORE], at=NOON) == {"old": 3}
    assert desk.expired_leases([BEFORE], at=later) == {"old": 4}


def test_the_overview_tells_states_people_pairs_and_agreement(store: Store) -> None:
    found = seen(store)
    assert found.states == {"adjudicated": 1, "agreed": 1, "disputed": 1, "labelled": 1}
    people = {row.annotator_id: row for row in found.annotators}
    assert [(row.labels, row.withdrawn) for row in people.values()] == [(4, 0), (3, 1), (1, 0)]
    assert (people["eve"].adjudications, dict(people["eve"].skips)) == (1, {"unreadable": 1})
    assert (people["bo"].gold.value, people["bo"].gold.of) == (0.0, 1)
    assert people["ann"].median_seconds == 30.0
    pairs = {pair.name: (pair.value, pair.of) for pair in found.pairs}
    assert pairs == {"ann and bo": (0.5, 2), "ann and eve": (0.0, 1)}
    overall = {estimate.measure: estimate for estimate in found.overall}
    assert (overall["percent"].value, overall["percent"].tasks) == (pytest.approx(1 / 3), 3)
    assert overall["ceiling"].value == pytest.approx(1 / 3)
    assert found.kind == "person"
    assert list(found.ready) == [WEEK]


def test_the_overview_names_what_is_stuck_and_why(store: Store) -> None:
    stuck = {task.task_id: task.reason for task in seen(store, WEEK, BEFORE).stuck}
    # `disputed` was labelled by the only adjudicator. `half`: ann labelled, bo was withdrawn, eve
    # skipped. `old` ran out three times, and its week's deadline was the 20th.
    assert stuck == {
        "disputed": "every adjudicator has labelled or skipped it",
        "half": "everybody at the desk has labelled or skipped it",
        "old": "3 times somebody opened it and did not answer; its deadline was 2026-11-20",
    }


def test_an_adjudicator_who_comes_frees_a_dispute(store: Store) -> None:
    with store.writing() as connection:
        joined = {"annotator_id": "dee", "kind": "person", "may_adjudicate": True}
        connection.execute(sa.insert(annotators), {**joined, "added_at": NOON})
    assert seen(store).stuck == ()


def test_a_desk_without_tasks_has_an_empty_overview(store_url: str) -> None:
    empty = Store.open(store_url)
    found = seen(empty)
    empty.close()
    assert (found.states, found.annotators, found.stuck, found.ready) == ({}, (), (), {})
    assert (found.overall, found.kind) == ((), None)
