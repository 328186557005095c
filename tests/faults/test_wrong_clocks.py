"""The wall clock jumps, hours back or weeks ahead: leases, schedules, alerts, whole commands."""

import datetime as dt
from collections.abc import Sequence
from random import Random
from types import ModuleType

import dagster as dg
import pytest

from eval_pipeline.adapters.alerting.deliveries import Deliveries
from eval_pipeline.adapters.alerting.outcome import Delivered
from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.desk_records import LeasedTask, NothingToDo
from eval_pipeline.adapters.store import Store
from tests.alert_world import event
from tests.command_worlds import Course, said, words_of
from tests.desk_steps import MINUTE, NOON, POLICY, ask, say, staffed, task
from tests.fault_ledger import SEED, FaultLedger
from tests.plain_ends import unclear
from tests.scenario import NEXT_WEEK, WEEKS, requests_seen
from tests.sizes import FULL
from tests.world_state import KEPT, difference, differing, problems, state_of

HOUR, WEEK = dt.timedelta(hours=1), dt.timedelta(weeks=1)
AHEAD = (2 * HOUR, 3 * WEEK)
JUMPS = (-5 * HOUR, 3 * WEEK)
COMMANDS = (
    ("begun", "alerts", "send"),
    ("begun", "aa", "--week", WEEKS[1]),
    ("begun", "refresh", "--week", NEXT_WEEK),
    ("reviewed", "publish", "--week", NEXT_WEEK),
)
CHEAP = 2
"""How many of them an ordinary day chooses from."""


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_seat_that_was_leased_by_a_clock_ahead_is_free_when_the_clock_is_right(
    store: Store, fault_ledger: FaultLedger, ahead: dt.timedelta
) -> None:
    desk = Desk(store)
    staffed(store, task("t1", labels_needed=1))
    first = ask(desk, "ada", at=NOON + ahead)
    fault_ledger.injected("clock", f"a lease {ahead} ahead")
    second = ask(desk, "ben", at=NOON)
    assert isinstance(second, LeasedTask)
    assert (second.task_id, second.expires_at) == ("t1", NOON + POLICY.lease)
    # The new lease holds: it is not taken for another of a wrong clock.
    assert ask(desk, "cleo", at=NOON + MINUTE) == NothingToDo("queue_empty")
    # What was typed under the first is not turned away.
    assert say(desk, first, "ada", at=NOON + MINUTE) is not None


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_heartbeat_by_the_right_clock_ends_a_lease_of_weeks(
    store: Store, fault_ledger: FaultLedger, ahead: dt.timedelta
) -> None:
    desk = Desk(store)
    staffed(store)
    lease = ask(desk, "ada", at=NOON + ahead)
    fault_ledger.injected("clock", f"a heartbeat after a lease {ahead} ahead")
    until = desk.heartbeat(lease.lease_id, "ada", policy=POLICY, at=NOON)
    assert until == NOON + POLICY.lease


def test_a_clock_set_back_takes_no_lease_from_its_holder(
    store: Store, fault_ledger: FaultLedger
) -> None:
    desk = Desk(store)
    staffed(store, task("t1", labels_needed=1))
    lease = ask(desk, "ada")
    for back in (10 * MINUTE, HOUR):  # as clocks of machines differ
        fault_ledger.injected("clock", f"a lease {back} back")
        assert ask(desk, "ben", at=NOON - back) == NothingToDo("queue_empty")
        assert ask(desk, "ada", at=NOON - back).lease_id == lease.lease_id


@pytest.mark.parametrize("jump", JUMPS)
def test_what_was_told_is_not_told_again_after_a_jump(
    store: Store, fault_ledger: FaultLedger, jump: dt.timedelta
) -> None:
    deliveries, happened = Deliveries(store), event(kind="gate_block")
    claim = deliveries.claim(happened, "team", at=NOON, repeat=WEEK)
    assert claim is not None
    deliveries.settle(claim, Delivered(), at=NOON)
    fault_ledger.injected("clock", f"an alert {jump} later")
    assert deliveries.claim(happened, "team", at=NOON + jump, repeat=WEEK) is None


@pytest.mark.slow
def test_a_schedule_asks_for_one_run_of_a_week_however_its_clock_jumps(
    definitions: ModuleType, fault_ledger: FaultLedger
) -> None:
    schedule = definitions.defs.resolve_schedule_def("weekly_refresh")

    def keys(*times: dt.datetime) -> list[tuple[str | None, str | None]]:
        asked = []
        for time in times:
            with dg.build_schedule_context(
                scheduled_execution_time=time,
                repository_def=definitions.defs.get_repository_def(),
            ) as context:
                requests = schedule.evaluate_tick(context).run_requests or []
            asked += [(one.run_key, one.partition_key) for one in requests]
        return asked

    # Dagster starts no second run of a schedule with the same key.
    monday = dt.datetime(2026, 9, 21, 6, tzinfo=dt.UTC)
    fault_ledger.injected("clock", "a schedule, set back by hours and by a day")
    ticks = (monday, monday - 5 * HOUR, monday, monday + 24 * HOUR, monday)
    assert set(keys(*ticks)) == {(WEEKS[1], WEEKS[1])}
    fault_ledger.injected("clock", "a schedule, three weeks ahead and back")
    assert keys(monday + 3 * WEEK, monday) == [("2026-10-05",) * 2, (WEEKS[1],) * 2]


def chosen() -> Sequence[tuple[str, ...]]:
    return COMMANDS if FULL else [Random(f"clocks {SEED}").choice(COMMANDS[:CHEAP])]


@pytest.mark.slow
@pytest.mark.parametrize("command", chosen(), ids=" ".join)
def test_a_command_whose_clock_jumps_ends_as_it_would_have(
    course: Course, fault_ledger: FaultLedger, command: tuple[str, ...]
) -> None:
    stage, *words = command
    world = course.beginning(stage)
    paid, told = requests_seen(course.provider), len(course.receiver.requests)
    unharmed = course.run(world, *words)
    wanted = state_of(world)
    paid = requests_seen(course.provider) - paid
    told = len(course.receiver.requests) - told
    for jump in JUMPS:
        after = Random(f"{words} {jump} {SEED}").randrange(len(unharmed.boundaries))
        where = f"{' '.join(words)}: {jump} after {after} boundaries"
        world = course.beginning(stage)
        requests, messages = requests_seen(course.provider), len(course.receiver.requests)
        misled = course.run(world, *words, wrong_by=jump.total_seconds(), wrong_after=after)
        fault_ledger.injected("clock", where)
        assert (misled.signal, misled.said) == (0, unharmed.said), f"{where}: {words_of(world)}"
        assert unclear(world, *said(world)) == [], where
        # The clock is right again: the same command finds everything done.
        again = course.run(world, *words)
        assert (again.signal, again.said) == (0, unharmed.said), f"{where}: {words_of(world)}"
        assert unclear(world, *said(world)) == [], where
        assert problems(world) == [], where
        found = state_of(world)
        assert differing(found, wanted) == [], where
        for table in KEPT:
            rows = found.store[table], wanted.store[table]
            assert rows[0] == rows[1], f"{where}: {table} {difference(*rows)}"
        assert requests_seen(course.provider) - requests == paid, where
        assert len(course.receiver.requests) - messages == told, where
