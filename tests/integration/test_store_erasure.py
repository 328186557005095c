"""What the store forgets, and what stays; on SQLite and on PostgreSQL."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.review.erasure import answers_to, blank_calls
from eval_pipeline.adapters.schema import (
    call_attempts,
    call_batches,
    call_claims,
    metadata,
    review_tasks,
)
from eval_pipeline.adapters.store import Store
from eval_pipeline.adapters.traces import Traces
from eval_pipeline.flows.erasure.places import look_in_store
from tests.desk_steps import LATER, NOON, WEEK, decision, label, staffed


@pytest.fixture
def review(store):
    return staffed(store)


def everything_in(store: Store) -> str:
    """Every row of every table, and on SQLite every byte of the file and its log."""
    with store.reading() as connection:
        rows = [connection.execute(sa.select(table)).all() for table in metadata.sorted_tables]
    told = str(rows)
    if store.engine.dialect.name == "sqlite":
        file = Path(store.engine.url.database)
        for one in file.parent.glob(f"{file.name}*"):
            told += one.read_bytes().decode("latin-1")
    return told


def forget(review, *interaction_ids: str) -> int:
    return review.forget(interaction_ids, erasure_id="e1", actor="dana", at=LATER)


def test_forgetting_an_interaction_blanks_its_texts_and_keeps_the_labels(store, review):
    review.record_labels([label("t1", "ada", rationale="private", reference_response="private")])
    review.record_adjudications([decision("t1", "cleo", rationale="private")])
    assert forget(review, "interaction of t1", "unknown") == 1
    store.compact(["review_tasks", "labels", "adjudications"])
    told = everything_in(store)
    assert "private" not in told
    assert "interaction of t1" not in told
    assert "interaction of t2" in told
    assert review.tasks(WEEK)["task_id"].to_list() == ["t2", "t3"]
    assert review.labels(WEEK)["label"].to_list() == ["pass"]
    assert review.labels(WEEK)["annotator_id"].to_list() == ["ada"]
    newest = review.audit_entries(limit=1)[0]
    assert (newest.action, newest.actor, newest.subject) == ("forget", "dana", "t1")


def test_forgetting_again_finds_nothing_and_a_further_task_gets_a_tombstone_of_its_own(
    store, review
):
    assert forget(review, "interaction of t1") == 1
    assert forget(review, "interaction of t1") == 0
    assert forget(review, "interaction of t2") == 1
    with store.reading() as connection:
        ids = connection.execute(
            sa.select(review_tasks.c.interaction_id).order_by(review_tasks.c.task_id)
        ).scalars()
        assert list(ids) == ["erased-e1-1", "erased-e1-2", "interaction of t3"]


def attempt(item_id: str, request: str, **changes) -> Attempt:
    key = CallKey("refresh:1", "judge:a", item_id, 1, request)
    values = {
        "key": key, "attempt": 1, "status": "answered", "error_code": None, "text": "private",
        "requested_model": "m", "served_model": "m", "system_fingerprint": None,
        "finish_reason": "stop", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.5,
        "latency_seconds": 0.1, "recorded_at": NOON,
    }  # fmt: skip
    return Attempt(**(values | changes))


def test_forgetting_calls_keeps_what_they_cost_and_loses_what_they_said(store):
    journal = CallJournal(store.engine)
    journal.record(
        [
            attempt("item-a", "asked"),
            attempt("item-a", "asked otherwise"),
            attempt("item-a", "asked", attempt=2, status="failed", text=None, cost_usd=None),
            attempt("item-b", "asked", text="kept"),
        ]
    )
    with store.writing() as connection:
        assert answers_to(connection, ["item-a"]) == [("item-a", "private")]
        assert blank_calls(connection, ["item-a", "unknown"], erasure_id="e1") == 3
    store.compact(["call_attempts"])
    told = everything_in(store)
    assert "private" not in told
    assert "item-a" not in told
    assert "kept" in told
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(call_attempts.c.item_id, sa.func.sum(call_attempts.c.cost_usd))
            .group_by(call_attempts.c.item_id)
            .order_by(call_attempts.c.item_id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("erased-e1-1", 0.5), ("erased-e1-2", 0.5), ("item-b", 0.5),
    ]  # fmt: skip
    assert list(journal.settled("refresh:1")) != []


def test_the_proof_reads_every_row_of_the_store(store, review):
    file = store.engine.url.database if store.engine.dialect.name == "sqlite" else None
    path = None if file is None else Path(file)
    traces = Traces(ids=["interaction of t1"], texts=["private and long enough"])
    review.record_labels([label("t2", "ada", rationale="It is private and long enough.")])
    before = look_in_store(store, traces, file=path)
    assert {"review_tasks", "labels"} <= set(before.hits)
    forget(review, "interaction of t1", "interaction of t2")
    store.compact(["review_tasks", "labels"])
    after = look_in_store(store, traces, file=path)
    assert after.clean
    assert after.bytes > 0


def test_forgetting_calls_takes_them_out_of_claims_and_batches(store):
    key = {
        "scope": "refresh:1", "system_id": "judge:a", "trial": 1, "request_fingerprint": "asked",
    }  # fmt: skip
    claims = [
        {**key, "item_id": item, "claimed_by": "run", "claimed_at": NOON, "expires_at": LATER}
        for item in ("item-a", "item-b")
    ]
    calls = {item: [*key.values(), item] for item in ("item-a", "item-b")}
    batch = {
        "batch_id": "batch-1", "provider": "acme", "scope": "refresh:1", "purpose": "judging",
        "state": "submitted", "submitted_at": NOON, "calls_json": json.dumps(calls),
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(sa.insert(call_claims), claims)
        connection.execute(sa.insert(call_batches), [batch])
        blank_calls(connection, ["item-a"], erasure_id="e1")
    store.compact(["call_claims", "call_batches"])
    assert "item-a" not in everything_in(store)
    assert "item-b" in everything_in(store)
