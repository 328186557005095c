"""Sightings of providers and withdrawn golden items, on SQLite and on PostgreSQL."""

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.sightings import SightingStore
from eval_pipeline.adapters.withdrawals import Withdrawal, WithdrawalStore
from eval_pipeline.errors import WithdrawalError
from tests.desk_steps import LATER, NOON, actions


def test_sightings_are_kept_in_order_per_system(store):
    watch = SightingStore(store)
    assert watch.last("steady") is None
    for number, system in enumerate(("steady", "other", "steady")):
        watch.record(
            system,
            sighting_json=json.dumps({"number": number}),
            served_model="m-2026",
            system_fingerprint=None,
            canaries=20,
            changed_answers=number,
            finding="first" if number == 0 else "changed",
            candidate_id=None,
            seen_at=NOON + dt.timedelta(hours=number),
        )
    assert watch.history("steady", newest=5) == ['{"number": 0}', '{"number": 2}']
    assert watch.history("steady", newest=1) == ['{"number": 2}']
    assert watch.count("steady") == 2
    newest = watch.last("steady")
    assert (newest.changed_answers, newest.finding) == (2, "changed")
    assert newest.seen_at == NOON + dt.timedelta(hours=2)


@pytest.fixture
def withdrawals(store):
    return WithdrawalStore(store)


def withdraw(withdrawals: WithdrawalStore, item_id: str, by: str = "ada", **changes) -> bool:
    values = {"action": "withdraw", "reason": "asks nothing", "at": NOON, **changes}
    return withdrawals.record(item_id, decided_by=by, **values)


def test_a_withdrawal_is_recorded_once_and_taken_back_by_a_later_record(withdrawals, store):
    assert withdraw(withdrawals, "item-1")
    assert not withdraw(withdrawals, "item-1", by="ben", reason="the same again")
    assert withdraw(withdrawals, "item-2")
    assert withdraw(withdrawals, "item-1", by="cleo", action="reinstate", at=LATER)
    assert not withdraw(withdrawals, "item-1", by="cleo", action="reinstate", at=LATER)
    assert withdrawals.standing() == {
        "item-2": Withdrawal("item-2", "withdraw", "ada", "asks nothing", NOON)
    }
    assert [
        (one.action, one.decided_by, one.decided_at) for one in withdrawals.history("item-1")
    ] == [
        ("withdraw", "ada", NOON),
        ("reinstate", "cleo", LATER),
    ]
    assert actions(ReviewStore(store)) == ["withdraw_item", "withdraw_item", "reinstate_item"]
    assert "asks nothing" not in str(ReviewStore(store).audit_entries())


@pytest.mark.parametrize("changes", [{"by": " "}, {"by": "x" * 81}, {"reason": " \n"}])
def test_a_withdrawal_without_a_name_or_a_reason_is_refused(withdrawals, changes):
    with pytest.raises(WithdrawalError, match="Nothing was recorded"):
        withdraw(withdrawals, "item-1", **changes)
    assert withdrawals.history() == []


def test_of_many_who_withdraw_an_item_at_once_one_does(withdrawals):
    with ThreadPoolExecutor(4) as pool:
        first = list(pool.map(lambda n: withdraw(withdrawals, "item-1", by=f"p{n}"), range(8)))
    assert sum(first) == 1
    assert len(withdrawals.history("item-1")) == 1


def test_forgetting_an_item_blanks_why_it_was_withdrawn_and_keeps_that_it_was(withdrawals):
    withdraw(withdrawals, "item-1")
    withdraw(withdrawals, "item-2")
    assert withdrawals.forget(["item-1", "item-3"], at=LATER) == 1
    assert [one.reason for one in withdrawals.standing().values()] == ["", "asks nothing"]
