"""Waivers, approvals and promotions in the store, on SQLite and on PostgreSQL."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from eval_pipeline.adapters import migrations
from eval_pipeline.adapters.policy_records import PolicyRecord, PolicyRecords, records_frame
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.schema import metadata, policy_records
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import PolicyRecordError, StoreError
from tests.desk_steps import NOON, actions


def record(**changed: object) -> PolicyRecord:
    usual = {
        "action": "waive", "candidate_id": "sharper", "candidate_fingerprint": "c",
        "baseline_id": "steady", "baseline_fingerprint": "b", "decision_id": "d",
        "subsets": ("refunds", "judged/all"), "blocked_subsets": ("refunds",), "decided_by": "ada",
        "reason": "The fix follows on Monday.", "until": dt.date(2026, 10, 1), "decided_at": NOON,
    }  # fmt: skip
    return PolicyRecord(**{**usual, **changed})


def test_records_come_back_as_they_were_written_in_their_order_and_leave_a_trace(store):
    kept = PolicyRecords(store)
    first = record()
    looked = record(action="approve", subsets=(), blocked_subsets=(), until=None)
    other = record(candidate_id="other", action="promote", subsets=(), until=None)
    ids = [kept.append(one) for one in (first, looked, other)]
    assert kept.of_candidate("sharper") == [first, looked]
    assert kept.newest_promotion() == other
    assert len(set(ids)) == 3
    assert actions(ReviewStore(store)) == [
        "waive_candidate", "approve_candidate", "promote_candidate",
    ]  # fmt: skip
    frame = records_frame(kept.of_candidate("sharper"))
    assert frame["record_id"].to_list() == sorted(ids[:2])
    assert frame.filter(action="waive")["until"].to_list() == [dt.date(2026, 10, 1)]


def test_the_same_word_at_the_same_instant_is_recorded_once(store):
    kept = PolicyRecords(store)
    kept.append(record())
    with pytest.raises(StoreError):
        kept.append(record())
    assert kept.of_candidate("sharper") == [record()]
    assert len(actions(ReviewStore(store))) == 1


def test_a_word_that_stands_is_not_recorded_again_when_it_is_said_again(store):
    kept, later = PolicyRecords(store), NOON + dt.timedelta(hours=1)
    assert kept.append_unless_standing(record()) == record()
    assert kept.append_unless_standing(record(decided_at=later)) == record()
    other = record(decided_at=later, reason="Another reason.")
    assert kept.append_unless_standing(other) == other
    assert kept.of_candidate("sharper") == [record(), other]
    assert len(actions(ReviewStore(store))) == 2


def test_a_promotion_stands_until_another_one(store):
    kept, later = PolicyRecords(store), NOON + dt.timedelta(hours=1)
    first = record(action="promote", subsets=(), blocked_subsets=(), until=None)
    other = replace(first, candidate_id="other")
    back = replace(first, decided_at=later)
    assert [kept.append_unless_standing(one) for one in (first, back, other, back, back)] == [
        first, first, other, back, back,
    ]  # fmt: skip
    assert kept.newest_promotion() == back


@pytest.mark.parametrize(
    ("changed", "problem"),
    [({"decided_by": " "}, "--by"), ({"decided_by": "x" * 81}, "--by"), ({"reason": ""}, "reason")],
)
def test_nothing_is_recorded_without_a_name_and_a_reason(store, changed, problem):
    kept = PolicyRecords(store)
    with pytest.raises(PolicyRecordError, match=problem):
        kept.append(record(**changed))
    assert kept.of_candidate("sharper") == []


@pytest.mark.parametrize(
    "change", [sa.delete(policy_records), sa.update(policy_records).values(decided_by="x")]
)
def test_nobody_changes_or_removes_a_record(store, change):
    kept = PolicyRecords(store)
    kept.append(record())
    with pytest.raises(StoreError), store.writing() as connection:
        connection.execute(change)
    assert kept.of_candidate("sharper") == [record()]


def test_a_store_of_the_desk_s_schema_is_migrated_and_takes_records(store_url):
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    engine.dispose()
    opened = Store.open(store_url)
    PolicyRecords(opened).append(record())
    assert PolicyRecords(opened).of_candidate("sharper") == [record()]
    with opened.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    opened.close()
