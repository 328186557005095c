"""Several runs on one scope, in processes of their own: every call is paid once, by one of them."""

import asyncio
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.call_figures import NOTHING
from eval_pipeline.adapters.model_calls.call_plans import Expectations
from eval_pipeline.adapters.model_calls.claims import CallClaims
from eval_pipeline.adapters.model_calls.feed import CallFeed
from eval_pipeline.adapters.model_calls.journal import CallJournal, CallKey
from eval_pipeline.adapters.model_calls.runner import call_key
from eval_pipeline.adapters.model_calls.spending import SpendingGuard
from eval_pipeline.adapters.schema import call_attempts, call_claims
from eval_pipeline.adapters.store import Store
from eval_pipeline.ports import CallOutcome
from tests.counting_server import CountingServer, prompt_after
from tests.integration_runs import SCOPE, calls, run_here

RUN_APART = """
import datetime as dt, json, sys
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.store import Store
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings

url, port, count, concurrency = sys.argv[1], *map(int, sys.argv[2:])
spec = ModelSpec("acme", "chat", (), 1.0, 2.0)
prompts = [f"question {number:04d}" for number in range(count)]
calls = [
    ModelCall("refresh:2026-11-16", "assistant", prompt, spec, (Message("user", prompt),))
    for prompt in prompts
]
store = Store.open(url)
runner = HttpModelRunner(
    {"acme": ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", concurrency=concurrency)},
    journal=CallJournal(store.engine),
    redact=lambda texts: [text for text, _ in texts],
    secret=str,
    clock=lambda: dt.datetime.now(dt.UTC),
)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps([outcome.text for outcome in runner.run(calls, purpose="a test")]))
store.close()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def store(url) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield opened
    opened.close()


@contextmanager
def run_apart(store: Store, server: CountingServer, count: int, *, at_once: int = 8):
    """A process that is ready to run `count` calls and begins when it is told so."""
    url = store.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_APART, url, str(server.port), str(count), str(at_once)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        process.stdin.close()
        process.stdout.close()


def begin(process: subprocess.Popen) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def until(condition, *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def claimed(store: Store) -> int:
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(call_claims)).scalar_one()


@pytest.mark.slow
def test_two_processes_on_one_scope_pay_every_call_once_and_both_get_all_outcomes(store):
    with (
        CountingServer(prompt_after(0.02)) as server,
        run_apart(store, server, 150) as first,
        run_apart(store, server, 150) as second,
    ):
        begin(first)
        begin(second)
        told = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]
    prompts = [call.item_id for call in calls(150)]
    assert server.asked == dict.fromkeys(prompts, 1)
    assert told == [prompts, prompts]
    assert claimed(store) == 0


@pytest.mark.slow
def test_what_a_killed_run_held_is_asked_by_the_one_that_waits(store):
    told: list[str] = []

    def first_hangs(prompt: str, nth: int) -> tuple[float, int, str]:
        return (60.0 if prompt < "question 0004" and nth == 1 else 0.0, 200, prompt)

    with CountingServer(first_hangs) as server, run_apart(store, server, 40) as other:
        begin(other)
        until(lambda: sum(server.asked.values()) == 40)
        outcomes: list[CallOutcome] = []
        waiting = threading.Thread(
            target=lambda: outcomes.extend(
                run_here(store, server, 40, report=lambda done, total, what: told.append(what))
            )
        )
        waiting.start()
        until(lambda: "a test, waiting for another run" in told)
        assert sum(server.asked.values()) == 40
        killed_at = time.monotonic()
        other.send_signal(signal.SIGKILL)
        waiting.join(30)
        assert time.monotonic() - killed_at < 10  # far below a lease
    assert [outcome.text for outcome in outcomes] == [call.item_id for call in calls(40)]
    assert server.asked.total() == 44
    assert claimed(store) == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_run_resumed_after_sigkill_pays_again_for_no_more_than_was_in_flight(sqlite_store, seed):
    generator = random.Random(seed)
    at_once = generator.choice([4, 16])
    kill_after = generator.randrange(1, 240)
    with (
        CountingServer(prompt_after(0.002)) as server,
        run_apart(sqlite_store, server, 250, at_once=at_once) as other,
    ):
        begin(other)
        until(lambda: server.answered >= kill_after)
        os.kill(other.pid, signal.SIGKILL)
        other.wait(30)
        outcomes = run_here(sqlite_store, server, 250)
    assert [outcome.text for outcome in outcomes] == [call.item_id for call in calls(250)]
    assert server.asked.total() - 250 <= at_once


def test_what_another_run_gives_up_is_not_asked_again(sqlite_store):
    def refuses(prompt: str, nth: int) -> tuple[float, int, str]:
        return (0.4, 404, "") if prompt == "question 0001" else (0.0, 200, prompt)

    with CountingServer(refuses) as server:
        found: list[list[CallOutcome]] = []
        runs = [
            threading.Thread(target=lambda: found.append(run_here(sqlite_store, server, 3)))
            for _ in range(2)
        ]
        for run in runs:
            run.start()
            until(lambda: server.asked["question 0001"] == 1)
        for run in runs:
            run.join(30)
    assert server.asked.total() == 3
    assert [[one.status for one in outcomes] for outcomes in found] == [
        ["answered", "failed", "answered"]
    ] * 2
    assert {outcomes[1].error_code for outcomes in found} == {"client_error_4xx"}


def test_a_run_that_slept_longer_than_its_lease_takes_its_claims_anew(sqlite_store):
    keys = [call_key(call) for call in calls(2)]
    sleeper = CallClaims(sqlite_store.engine, lease_seconds=0.05)
    other = CallClaims(sqlite_store.engine)
    assert all(state.ours for state in sleeper.claim(keys).values())
    assert sleeper.lapses() == 0
    time.sleep(0.1)
    assert all(state.ours for state in other.claim(keys).values())
    assert other.abandoned == set(keys)
    assert sleeper.renew() == 0
    assert sleeper.lapses() == 1
    assert not any(state.ours for state in sleeper.claim(keys).values())


def test_renewing_keeps_a_claim_beyond_its_first_lease(sqlite_store):
    key = call_key(calls(1)[0])
    holder = CallClaims(sqlite_store.engine, lease_seconds=0.3)
    holder.claim([key])
    for _ in range(3):
        time.sleep(0.15)
        assert holder.renew() == 1
    assert not CallClaims(sqlite_store.engine).claim([key])[key].ours
    assert holder.lapses() == 0
    holder.release_all()
    assert CallClaims(sqlite_store.engine).claim([key])[key].ours


def test_an_answer_of_a_late_run_is_kept_beside_the_one_that_stands(store):
    """Both were paid: the earlier answers the call, the later counts as cost."""
    with CountingServer() as server:
        run_here(store, server, 1)
    journal = CallJournal(store.engine)
    key = call_key(calls(1)[0])
    (stands,) = journal.settled(SCOPE).values()
    again = replace(stands, text="late", recorded_at=stands.recorded_at + dt.timedelta(seconds=5))
    journal.record([again])
    journal.record([again])
    assert journal.settled_calls([key]) == {key: stands}
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(call_attempts.c.attempt, call_attempts.c.cost_usd).order_by("attempt")
        ).all()
    assert [tuple(row) for row in rows] == [(1, 14e-6), (2, 14e-6)]


def test_after_a_sleep_beyond_the_lease_nothing_is_asked_that_another_run_has_taken(sqlite_store):
    planned = {call_key(call): call for call in calls(4)}
    first, *others = planned
    other = CallClaims(sqlite_store.engine)
    sleeper = CallClaims(sqlite_store.engine, lease_seconds=0.05)
    guard = SpendingGuard({}, expectations=Expectations(lambda _: None), spent_on=lambda _: NOTHING)

    async def taken() -> list[CallKey]:
        with AttemptWriter(CallJournal(sqlite_store.engine), redact=lambda texts: []) as writer:
            feed = CallFeed(planned, at_once=4, claims=sleeper, writer=writer, guard=guard)
            found = [(await anext(feed))[0]]
            await asyncio.sleep(0.1)
            other.claim(others)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(feed), 0.4)
            assert feed.waiting
            sleeper.lease_seconds = 60.0
            other.release_all()
            found.append((await anext(feed))[0])
            await feed.close()
        return found

    assert asyncio.run(taken()) == [first, others[0]]
