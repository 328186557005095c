"""The store's schema and its migrations, on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from eval_pipeline.adapters import migrations
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.review.records import ReviewTask
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import (
    metadata,
    review_tasks,
)
from eval_pipeline.adapters.store import Store
from eval_pipeline.adapters.withdrawals import WithdrawalStore
from tests.desk_steps import NOON, WEEK, task


def test_the_migrated_store_is_the_declared_schema(store):
    with store.reading() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, metadata) == []


def test_several_openers_migrate_an_empty_store_once(store):
    with store.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    url = store.engine.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(4) as pool:
        for opened in pool.map(Store.open, [url] * 4):
            opened.close()
    with store.reading() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == HEAD


def attempt(item_id: str, request: str, **changes) -> Attempt:
    key = CallKey("refresh:1", "judge:a", item_id, 1, request)
    values = {
        "key": key, "attempt": 1, "status": "answered", "error_code": None, "text": "private",
        "requested_model": "m", "served_model": "m", "system_fingerprint": None,
        "finish_reason": "stop", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.5,
        "latency_seconds": 0.1, "recorded_at": NOON,
    }  # fmt: skip
    return Attempt(**(values | changes))


def first_schema(store: Store) -> None:
    """Takes the store back to the first schema, by its own migration."""
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with store.writing() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def test_a_store_of_the_first_schema_is_migrated_and_keeps_what_it_holds(store):
    first_schema(store)
    old = {
        "scope": "refresh:1", "system_id": "judge:a", "item_id": "item-a", "trial": 1,
        "request_fingerprint": "asked", "attempt": 1, "status": "answered", "text": "old answer",
        "requested_model": "m", "cost_usd": 0.5, "recorded_at": NOON,
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(sa.insert(review_tasks), [row_of(task("t1"))])
        connection.execute(sa.table("call_attempts", *map(sa.column, old)).insert(), [old])
    opened = Store.open(store.engine.url.render_as_string(hide_password=False))
    kept = {"action": "withdraw", "decided_by": "ada", "reason": "asks nothing", "at": NOON}
    assert WithdrawalStore(opened).record("item-1", **kept)
    assert ReviewStore(opened).tasks(WEEK)["task_id"].to_list() == ["t1"]
    journal = CallJournal(opened.engine)
    known = journal.settled("refresh:1")[CallKey("refresh:1", "judge:a", "item-a", 1, "asked")]
    assert (known.text, known.cost_usd, known.recorded_at) == ("old answer", 0.5, NOON)
    assert (known.first_byte_seconds, known.headers, known.batch_id) == (None, (), None)
    new = attempt("item-b", "asked", batch_id="batch-1", headers=(("x-model-version", "7"),))
    journal.record([new])
    assert journal.settled("refresh:1")[new.key] == new
    with opened.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    opened.close()


def row_of(one: ReviewTask) -> dict:
    added_since = {"labels_needed", "priority", "expected_minutes", "known_label"}
    row = {name: value for name, value in vars(one).items() if name not in added_since}
    return {**row, "week": WEEK, "state": "open", "opened_at": NOON}
