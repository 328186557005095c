"""Each event once per channel, whoever looks, on SQLite and on PostgreSQL."""

import datetime as dt
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.alerting.deliveries import Deliveries
from eval_pipeline.adapters.alerting.delivery_rows import CLAIMED_FOR, Claim
from eval_pipeline.adapters.alerting.outcome import Delivered, failed
from eval_pipeline.adapters.model_calls.claimants import new_short_claimant
from eval_pipeline.adapters.schema import alert_deliveries
from eval_pipeline.adapters.store import Store
from eval_pipeline.monitoring.alerting.events import AlertEvent
from tests.alert_world import NOON, event

WEEK = dt.timedelta(days=7)
MINUTE = dt.timedelta(minutes=1)
TAKEN = Delivered()


def claim(store: Store, one: AlertEvent, at: dt.datetime = NOON) -> Claim | None:
    return Deliveries(store).claim(one, "team", at=at, repeat=WEEK)


def tell(store: Store, one: AlertEvent, at: dt.datetime = NOON) -> Claim:
    claimed = claim(store, one, at)
    assert claimed is not None
    Deliveries(store).settle(claimed, TAKEN, at=at)
    return claimed


def row(store: Store):
    (only,) = Deliveries(store).all()
    return only


def test_what_was_told_is_not_told_again_while_it_lasts(store):
    tell(store, event())
    for days in range(1, 7):
        assert claim(store, event(), NOON + dt.timedelta(days=days)) is None
    assert (row(store).status, row(store).sends, row(store).occurrences) == ("sent", 1, 7)


def test_what_lasts_is_told_again_after_its_days(store):
    first = tell(store, event())
    again = tell(store, event(), NOON + WEEK)
    assert first.message_id != again.message_id
    assert row(store).sends == 2
    assert claim(store, event(), NOON + WEEK + MINUTE) is None


def test_what_happens_once_is_never_told_again(store):
    decided = event(kind="gate_block", severity="warn")
    tell(store, decided)
    assert claim(store, decided, NOON + 10 * WEEK) is None


def test_a_higher_severity_is_told_at_once_and_a_lower_one_is_not(store):
    tell(store, event(severity="warn"))
    assert claim(store, event(severity="info"), NOON + MINUTE) is None
    tell(store, event(severity="page"), NOON + 2 * MINUTE)
    assert claim(store, event(severity="warn"), NOON + 3 * MINUTE) is None
    assert claim(store, event(severity="page"), NOON + 4 * MINUTE) is None


def test_channels_are_told_each_for_itself(store):
    tell(store, event())
    other = Deliveries(store).claim(event(), "mail", at=NOON, repeat=WEEK)
    assert other is not None
    assert other.channel == "mail"


def test_a_failure_pauses_twice_as_long_each_time_and_keeps_its_message(store):
    deliveries, at = Deliveries(store), NOON
    names = set()
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        claimed = claim(store, event(), at)
        assert claimed is not None
        names.add(claimed.message_id)
        deliveries.settle(claimed, failed("http_500"), at=at)
        assert (row(store).status, row(store).error_code) == ("failed", "http_500")
        assert claim(store, event(), at + pause * MINUTE - dt.timedelta(seconds=1)) is None
        at += pause * MINUTE
    assert len(names) == 1  # a receiver that took one of them can know the others
    assert row(store).failures == 8
    tell(store, event(), at)
    assert (row(store).failures, row(store).error_code, row(store).status) == (0, None, "sent")


def test_what_a_channel_did_not_take_waits_although_its_source_is_silent(store):
    deliveries = Deliveries(store)
    run = event(kind="run_failed", subject="refresh/2026-11-16", since="")
    claimed = claim(store, run)
    assert claimed is not None
    deliveries.settle(claimed, failed("timeout"), at=NOON)
    assert deliveries.claim_waiting("team", at=NOON) == []
    (again,) = deliveries.claim_waiting("team", at=NOON + MINUTE)
    assert (again.event, again.message_id) == (run, claimed.message_id)
    assert deliveries.claim_waiting("team", at=NOON + MINUTE) == []


def test_the_claim_of_a_process_that_died_is_free_again(store):
    dead = claim(store, event())
    assert claim(store, event(), NOON + CLAIMED_FOR - MINUTE) is None
    alive = claim(store, event(), NOON + CLAIMED_FOR)
    assert alive is not None
    # The dead one comes back late: its word changes nothing.
    assert dead is not None
    Deliveries(store).settle(dead, failed("late"), at=NOON + CLAIMED_FOR)
    assert (row(store).status, row(store).error_code) == ("pending", None)
    Deliveries(store).settle(alive, TAKEN, at=NOON + CLAIMED_FOR)
    assert row(store).status == "sent"


def test_the_claim_of_a_process_that_died_on_this_machine_is_free_at_once(store):
    here = new_short_claimant().split("|")
    assert claim(store, event()) is not None
    assert claim(store, event(), NOON + MINUTE) is None
    # No process began at the start of the machine under this one's id.
    with store.writing() as connection:
        gone = "|".join([here[0], here[1], "0", here[3]])
        connection.execute(sa.update(alert_deliveries).values(claimed_by=gone))
    assert claim(store, event(), NOON + MINUTE) is not None


def test_a_claim_s_holder_fits_its_column():
    assert len(new_short_claimant()) <= alert_deliveries.c.claimed_by.type.length


@pytest.mark.parametrize("ahead", [dt.timedelta(hours=2), 3 * WEEK])
def test_what_a_clock_that_was_ahead_has_claimed_or_paused_waits_no_longer_than_a_pause(
    store, ahead
):
    deliveries = Deliveries(store)
    claimed = claim(store, event(), NOON + ahead)
    assert claimed is not None
    right = claim(store, event(), NOON)
    assert right is not None
    deliveries.settle(right, failed("http_500"), at=NOON + ahead)
    (waiting,) = deliveries.claim_waiting("team", at=NOON)
    assert waiting.message_id == right.message_id


def test_what_is_over_is_told_once_and_may_begin_anew(store):
    deliveries = Deliveries(store)
    tell(store, event())
    later = NOON + dt.timedelta(days=1)
    kinds, present = {"drift_alarm"}, {event().identity}
    assert deliveries.claim_over(kinds, present=present, at=later, tell=True) == []
    (over,) = deliveries.claim_over(kinds, present=set(), at=later, tell=True)
    assert over.over
    deliveries.settle(over, TAKEN, at=later)
    assert deliveries.claim_over(kinds, present=set(), at=later + MINUTE, tell=True) == []
    assert row(store).resolved_at == later
    tell(store, event(), later + MINUTE)  # within its seven days: it had been over
    assert (row(store).resolved_at, row(store).first_seen) == (None, later + MINUTE)


def test_kinds_that_were_not_looked_for_are_not_over(store):
    tell(store, event())
    gone = Deliveries(store).claim_over({"monitor_alert"}, present=set(), at=NOON, tell=True)
    assert gone == []
    assert row(store).resolved_at is None


def test_what_nobody_was_told_is_not_told_to_be_over(store):
    deliveries = Deliveries(store)
    claimed = claim(store, event())
    assert claimed is not None
    deliveries.settle(claimed, failed("http_500"), at=NOON)
    kinds = {"drift_alarm"}
    assert deliveries.claim_over(kinds, present=set(), at=NOON + MINUTE, tell=True) == []
    assert row(store).status == "over"
    assert deliveries.claim_waiting("team", at=NOON + WEEK) == []


def test_a_word_that_it_is_over_waits_too_where_the_channel_is_silent(store):
    deliveries = Deliveries(store)
    tell(store, event())
    (over,) = deliveries.claim_over({"drift_alarm"}, present=set(), at=NOON, tell=True)
    deliveries.settle(over, failed("timeout"), at=NOON)
    (again,) = deliveries.claim_waiting("team", at=NOON + MINUTE)
    assert again.over


def test_it_can_be_over_without_a_word(store):
    tell(store, event())
    assert Deliveries(store).claim_over({"drift_alarm"}, present=set(), at=NOON, tell=False) == []
    assert row(store).resolved_at == NOON


def test_a_notice_is_sent_once_and_again_if_a_person_asks(store):
    deliveries = Deliveries(store)

    def digest(**options):
        return deliveries.claim_notice("digest", "2026-11-16", "team", at=NOON, **options)

    first = digest()
    assert first is not None
    assert digest(again=True) is None  # it is being sent
    deliveries.settle(first, TAKEN, at=NOON)
    assert digest() is None
    again = digest(again=True)
    assert again is not None
    deliveries.settle(again, failed("http_500"), at=NOON)
    assert deliveries.failed_notices("digest", at=NOON) == []
    assert deliveries.failed_notices("digest", at=NOON + MINUTE) == ["2026-11-16"]
    assert deliveries.claim_waiting("team", at=NOON + MINUTE) == []  # it is no alert


def test_a_person_can_end_the_pauses(store):
    deliveries = Deliveries(store)
    claimed = claim(store, event())
    assert claimed is not None
    deliveries.settle(claimed, failed("http_500"), at=NOON)
    assert deliveries.release() == 1
    assert claim(store, event(), NOON) is not None


def test_of_several_threads_one_tells(store):
    together = threading.Barrier(8)

    def look(number: int) -> list[Claim | None]:
        together.wait()
        return [
            claim(store, event(subject=f"system-{index}"), NOON + number * dt.timedelta(seconds=1))
            for index in range(10)
        ]

    with ThreadPoolExecutor(8) as pool:
        looked = list(pool.map(look, range(8)))
    won = [sum(one is not None for one in each) for each in zip(*looked, strict=True)]
    assert won == [1] * 10
    assert len(Deliveries(store).all()) == 10


def test_of_several_threads_one_tells_that_it_is_over(store):
    for index in range(5):
        tell(store, event(subject=f"system-{index}"))
    together = threading.Barrier(6)

    def look(_: int) -> int:
        together.wait()
        return len(Deliveries(store).claim_over({"drift_alarm"}, present=set(), at=NOON, tell=True))

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(look, range(6))) == 5


def test_of_several_processes_one_tells(store):
    """Two daemons on two machines: nothing but the database is common to them."""
    url = store.engine.url.render_as_string(hide_password=False)
    program = textwrap.dedent(
        f"""
        import sys
        from eval_pipeline.adapters.store import Store
        from tests.integration.test_alert_deliveries import claim
        from tests.alert_world import event
        store = Store.open({url!r})
        print("ready", flush=True)
        sys.stdin.readline()
        won = [claim(store, event(subject=f"system-{{n}}")) is not None for n in range(20)]
        store.close()
        print(sum(won))
        """
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(won) == 20
    assert len(Deliveries(store).all()) == 20
