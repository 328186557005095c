"""PostgreSQL that is cut off in mid-statement or mid-commit, refuses, or is away for a while."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters import engines
from eval_pipeline.adapters.audit import leave_trace
from eval_pipeline.adapters.model_calls.claims import CallClaims
from eval_pipeline.adapters.model_calls.journal import Attempt, CallJournal, CallKey
from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.schema import audit_trail, call_attempts, labels
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import StoreError
from tests.cutting_proxy import Cutter, cutting_proxy
from tests.desk_steps import NOON, ask, broken, rows_of, say, staffed, task

pytestmark = pytest.mark.slow


@pytest.fixture
def cutter(postgres_url) -> Iterator[Cutter]:
    with cutting_proxy(postgres_url) as proxy:
        yield proxy


@pytest.fixture
def direct(postgres_url) -> Iterator[Store]:
    """The same store, as somebody sees it who is not cut off."""
    store = Store.open(postgres_url)
    yield store
    store.close()


@pytest.fixture
def store(direct, cutter, monkeypatch) -> Iterator[Store]:
    monkeypatch.setattr(engines, "PATIENCE_SECONDS", 5.0)
    opened = Store.open(cutter.url)
    yield opened
    opened.close()


def refused(act: Callable[[], object], *signs: str) -> str:
    with pytest.raises(StoreError) as caught:
        act()
    said = str(caught.value)
    assert all(sign in said for sign in signs), said
    assert "\n" not in said
    assert "hunter2" not in said
    return said


def attempt(number: int) -> Attempt:
    key = CallKey("2026-11-16", "system", f"item-{number}", 1, "f" * 16)
    return Attempt(
        key,
        1,
        "answered",
        None,
        "An answer.",
        "model",
        "model",
        None,
        "stop",
        10,
        2,
        0.01,
        0.5,
        NOON,
    )


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_label_whose_commit_is_cut_is_stored_once(
    direct, store, cutter, moment, fault_ledger
) -> None:
    staffed(direct)
    desk = Desk(store)
    leased = ask(desk, "ada")
    cutter.arm(moment)
    answered = say(desk, leased, "ada")
    assert cutter.cuts == 1
    fault_ledger.injected(f"postgres: cut {moment}", "an answer")
    assert answered.repeated is (moment == "after the commit")
    assert [row["annotator_id"] for row in rows_of(direct, labels)] == ["ada"]
    assert broken(direct) == []


@pytest.mark.parametrize("statement", range(1, 9))
def test_a_label_whose_connection_is_cut_at_a_statement_is_stored_once(
    direct, store, cutter, statement, fault_ledger
) -> None:
    staffed(direct)
    desk = Desk(store)
    leased = ask(desk, "ada")
    store.engine.dispose()
    cutter.arm("statement", statement=statement)
    say(desk, leased, "ada")
    if cutter.cuts:
        fault_ledger.injected("postgres: cut at a statement", f"an answer, {statement}")
    assert [row["annotator_id"] for row in rows_of(direct, labels)] == ["ada"]
    assert broken(direct) == []


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_a_paid_answer_whose_commit_is_cut_is_recorded_once(
    direct, store, cutter, moment, fault_ledger
) -> None:
    journal, claims = CallJournal(store.engine), CallClaims(store.engine)
    cutter.arm(moment)
    states = claims.claim([attempt(1).key])
    assert cutter.cuts == 1
    fault_ledger.injected(f"postgres: cut {moment}", "a claim")
    assert [state.ours for state in states.values()] == [True]
    cutter.arm(moment)
    journal.record([attempt(1)], claimed_by=claims.claimed_by)
    assert cutter.cuts == 1
    fault_ledger.injected(f"postgres: cut {moment}", "the journal")
    assert len(rows_of(direct, call_attempts)) == 1


def test_a_commit_of_unknown_outcome_that_may_not_be_taken_again_says_so(
    direct, store, cutter, fault_ledger
) -> None:
    def step(connection: sa.Connection) -> None:
        leave_trace(connection, at=NOON, actor="test", action="look", subject="one")

    cutter.arm("after the commit")
    refused(lambda: store.transact(step), "whole or not at all", "which is not known")
    fault_ledger.injected("postgres: cut after the commit", "a step that is not repeatable")
    assert len(rows_of(direct, audit_trail)) == 1
    cutter.arm("before the commit")
    refused(lambda: store.transact(step), "whole or not at all")
    fault_ledger.injected("postgres: cut before the commit", "a step that is not repeatable")
    assert len(rows_of(direct, audit_trail)) == 1


def test_a_server_that_comes_back_in_time_is_waited_for(
    direct, store, cutter, fault_ledger
) -> None:
    staffed(direct)
    desk = Desk(store)
    leased = ask(desk, "ada")
    cutter.close()
    fault_ledger.injected("postgres: away for a while", "an answer")
    timer = threading.Timer(0.5, cutter.listen)
    timer.start()
    assert say(desk, leased, "ada").repeated is False
    timer.join()
    CallJournal(store.engine).record([attempt(1)])
    assert len(rows_of(direct, call_attempts)) == 1
    assert broken(direct) == []


def test_a_server_that_stays_away_is_a_sentence_after_a_bounded_wait(
    direct, store, cutter, monkeypatch, fault_ledger
) -> None:
    monkeypatch.setattr(engines, "PATIENCE_SECONDS", 0.3)
    staffed(direct)
    desk = Desk(store)
    leased = ask(desk, "ada")
    cutter.close()
    fault_ledger.injected("postgres: away", "an answer")
    refused(lambda: say(desk, leased, "ada"), "does not answer or has cut", "Start it, or wait")
    fault_ledger.injected("postgres: away", "the journal")
    refused(lambda: CallJournal(store.engine).record([attempt(1)]), "call journal", "Start it")
    cutter.listen()
    assert say(desk, leased, "ada").repeated is False
    assert broken(direct) == []


def test_connections_that_the_server_ends_are_replaced(direct, store, fault_ledger) -> None:
    staffed(direct)
    desk = Desk(store)
    leased = ask(desk, "ada")
    with direct.writing() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    fault_ledger.injected("postgres: connections ended by the server", "an answer")
    assert say(desk, leased, "ada").repeated is False
    assert broken(direct) == []


def test_what_a_server_refuses_is_told_by_its_cause(postgres_url, direct, fault_ledger) -> None:
    url = sa.make_url(postgres_url)
    name = url.database
    spoken = {
        "no such database": (
            url.set(database="nowhere"),
            "no such database",
            "Create the database",
        ),
        "no such user": (
            url.set(username="stranger", password="hunter2"),
            "refuses the user or the password",
            "Mend the user",
        ),
    }
    for what, (wrong, *signs) in spoken.items():
        fault_ledger.injected(f"postgres: {what}", "opening the store")
        refused(partial(Store.open, wrong.render_as_string(hide_password=False)), *signs)
    with direct.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE ROLE visitor LOGIN SUPERUSER PASSWORD 'hunter2'")
    try:
        visitor = url.set(username="visitor", password="hunter2")
        with direct.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(
                f"ALTER DATABASE {name} SET default_transaction_read_only = on"
            )
        fault_ledger.injected("postgres: read-only", "a trace")
        standby = Store.open(visitor.render_as_string(hide_password=False))
        refused(
            lambda: standby.transact(
                lambda connection: leave_trace(
                    connection, at=NOON, actor="test", action="look", subject="one"
                )
            ),
            "may only be read",
            "primary",
        )
        assert rows_of(standby, audit_trail) == []
        standby.close()
    finally:
        with direct.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT", postgresql_readonly=False
        ) as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            connection.exec_driver_sql("DROP ROLE visitor")


def test_a_server_that_takes_no_more_connections_says_so(
    postgres_url, direct, fault_ledger
) -> None:
    url = sa.make_url(postgres_url)
    with direct.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
    try:
        crowded = url.set(username="crowd", password="hunter2")
        fault_ledger.injected("postgres: too many connections", "opening the store")
        refused(
            lambda: Store.open(crowded.render_as_string(hide_password=False)),
            "takes no more connections",
            "max_connections",
        )
    finally:
        with direct.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("DROP ROLE crowd")


def test_a_pool_without_a_free_connection_is_a_sentence(store, fault_ledger) -> None:
    store.engine.pool._timeout = 0.2
    held = [store.engine.connect() for _ in range(store.engine.pool.size() + 10)]
    fault_ledger.injected("postgres: the pool is exhausted", "reading")
    refused(lambda: rows_of(store, labels), "no connection became free", "Wait until")
    for one in held:
        one.close()
    assert rows_of(store, labels) == []


def test_labels_that_are_sent_while_connections_break_are_each_stored_once(
    direct, store, cutter, fault_ledger
) -> None:
    people = ("ada", "ben")
    staffed(direct, *(task(f"t{number:02}") for number in range(6)))
    desk = Desk(store)
    for number in range(6):
        for who in people:
            leased = ask(desk, who)
            moment = ("before the commit", "after the commit", "statement")[(number + len(who)) % 3]
            cutter.arm(moment, times=2, statement=5)
            say(desk, leased, who, at=NOON + dt.timedelta(minutes=number))
            if cutter.cuts:
                fault_ledger.injected(f"postgres: cut twice, {moment}", f"label {number} of {who}")
            cutter.arm(moment, times=0)
    stored = rows_of(direct, labels)
    assert len(stored) == 12
    assert len({(row["task_id"], row["annotator_id"]) for row in stored}) == 12
    assert broken(direct) == []
