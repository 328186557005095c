"""Model calls against a real server on loopback that misbehaves in every way it is told to."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval_pipeline.adapters.model_calls.runner import HttpModelRunner, call_key
from eval_pipeline.adapters.schema import call_attempts
from eval_pipeline.errors import (
    MissingEnvironmentError,
    ProviderAccessError,
    ProviderUnreachableError,
    SettingsError,
    StoreError,
)
from eval_pipeline.ports import CallOutcome, Message, ModelSpec
from tests.loopback import (
    SCOPE,
    Desk,
    Loopback,
    Step,
    ask,
    call,
    calls,
    free_port,
    provider,
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.engine.dispose()


def test_an_answer_comes_with_model_tokens_cost_and_latency(desk: Desk) -> None:
    outcome = ask(desk, lambda prompt, nth: Step(text="Yes."))
    assert (outcome.status, outcome.text, outcome.finish_reason) == ("answered", "Yes.", "stop")
    assert (outcome.requested_model, outcome.served_model) == ("chat", "chat-served")
    assert (outcome.system_fingerprint, outcome.attempts) == ("fp-1", 1)
    # 10 tokens at 1 and 2 at 2 dollars a million
    assert outcome.cost_usd == pytest.approx(14e-6)
    assert outcome.latency_seconds is not None
    assert 0 < outcome.latency_seconds < 5


def test_outcomes_come_in_the_order_of_the_calls(desk: Desk) -> None:
    def slower_first(prompt: str, nth: int) -> Step:
        return Step(text=prompt.upper(), delay=0.2 if prompt < "question 0004" else 0)

    planned = calls(12)
    with Loopback(slower_first) as server:
        outcomes = desk.runner(server).run(planned, purpose="a test")
    assert [outcome.call for outcome in outcomes] == planned
    assert [outcome.text for outcome in outcomes] == [c.item_id.upper() for c in planned]


def test_the_same_call_twice_is_paid_once_and_answered_twice(desk: Desk) -> None:
    with Loopback() as server:
        outcomes = desk.runner(server).run([call("a"), call("b"), call("a")], purpose="a test")
    assert outcomes[0] == outcomes[2]
    assert server.asked == {"a": 1, "b": 1}


def test_the_same_question_for_another_item_or_trial_is_another_call(desk: Desk) -> None:
    same = (Message("user", "a"),)
    planned = [
        call("one", messages=same),
        call("two", messages=same),
        call("two", messages=same, trial=2),
    ]
    with Loopback() as server:
        desk.runner(server).run(planned, purpose="a test")
    assert server.asked == {"a": 3}


def test_a_second_run_pays_nothing_and_returns_the_same_values(desk: Desk) -> None:
    def treat(prompt: str, nth: int) -> Step:
        return Step(500) if nth == 1 and prompt.endswith("3") else Step(text=prompt)

    planned = calls(10)
    with Loopback(treat) as server:
        first = desk.runner(server).run(planned, purpose="a test")
        requests = server.asked.total()
        second = desk.runner(server).run(planned, purpose="a test")
    assert second == first
    assert server.asked.total() == requests
    # Nor does it need the provider at all.
    assert desk.runner(free_port()).run(planned, purpose="a test") == first


def test_another_scope_is_never_answered_from_this_ones_journal(desk: Desk) -> None:
    with Loopback() as server:
        runner = desk.runner(server)
        runner.run([call("a")], purpose="a test")
        runner.run([call("a", scope="2026-11-23")], purpose="a test")
    assert server.asked == {"a": 2}


def test_the_address_may_change_without_paying_again(desk: Desk) -> None:
    with Loopback() as server:
        first = desk.runner(server).run([call("a")], purpose="a test")
    with Loopback() as moved:
        assert desk.runner(moved).run([call("a")], purpose="a test") == first
    assert moved.asked.total() == 0


def test_no_calls_need_no_provider(desk: Desk) -> None:
    assert desk.runner(free_port()).run([], purpose="a test") == []


def test_text_is_redacted_in_the_journal_and_in_the_outcome(desk: Desk) -> None:
    with Loopback(lambda prompt, nth: Step(text="Mail jane@example.com")) as server:
        runner = desk.runner_over(
            {"acme": provider(server.port)},
            redact=lambda texts: [text.replace("jane@example.com", "[EMAIL]") for text, _ in texts],
        )
        outcome = runner.run([call("a")], purpose="a test")[0]
    assert outcome.text == "Mail [EMAIL]"
    stored = b"".join(file.read_bytes() for file in desk.folder.iterdir())
    assert b"jane@example" not in stored


def test_no_prompt_and_no_answer_reaches_the_logs(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret_call = call("item", messages=(Message("user", "PLANTED-PROMPT"),))
    with Loopback(lambda prompt, nth: Step(text="PLANTED-ANSWER")) as server:
        desk.runner(server, key_variable="ACME_KEY").run([secret_call], purpose="a test")
    assert server.authorizations == {"bearer sk-secret"}
    for planted in ("PLANTED", "sk-secret"):
        assert planted not in caplog.text


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (Step(500), "server_error"),
        (Step(429), "rate_limited"),
        (Step(ending="reset"), "connection"),
        (Step(ending="half"), "connection"),
        (Step(ending="hang"), "timeout"),
        (Step(body=b"<html>busy</html>", content_type="text/html"), "bad_response"),
        (Step(body=b'{"choices": [{', content_type="application/json"), "bad_response"),
        (Step(headers=("content-encoding: gzip",)), "bad_response"),
        (Step(body=b"x" * (8 * 2**20 + 1)), "bad_response"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_passing_fault_is_recorded_and_tried_again(desk: Desk, bad: Step, code: str) -> None:
    patience = 1.0 if bad.ending == "hang" else 30.0
    outcome = ask(
        desk, lambda prompt, nth: bad if nth <= 2 else Step(), attempt_timeout_seconds=patience
    )
    assert (outcome.status, outcome.attempts) == ("answered", 3)
    assert [row["error_code"] for row in desk.rows()] == [code, code, None]
    assert [row["attempt"] for row in desk.rows()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("bad", "code", "attempts"),
    [
        (Step(500), "server_error", 3),
        (Step(429), "rate_limited", 3),
        (Step(ending="reset"), "connection", 3),
        (Step(ending="hang"), "timeout", 3),
        (Step(404), "client_error_4xx", 1),
        (Step(302, headers=("location: /elsewhere",)), "bad_response", 1),
        (Step(text=""), "empty_answer", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_lasting_fault_is_an_outcome_and_never_an_answer(
    desk: Desk, bad: Step, code: str, attempts: int
) -> None:
    patience = 0.3 if bad.ending == "hang" else 30.0
    outcome = ask(
        desk, lambda prompt, nth: bad, maximum_attempts=3, attempt_timeout_seconds=patience
    )
    assert (outcome.status, outcome.error_code) == ("failed", code)
    assert (outcome.attempts, outcome.text, outcome.latency_seconds) == (attempts, None, None)
    assert len(desk.rows()) == attempts


def test_a_content_filter_is_a_refusal_that_is_settled(desk: Desk) -> None:
    with Loopback(lambda prompt, nth: Step(finish_reason="content_filter", text="")) as server:
        runner = desk.runner(server)
        outcome = runner.run([call("a")], purpose="a test")[0]
        assert runner.run([call("a")], purpose="a test") == [outcome]
    assert (outcome.status, outcome.text, outcome.error_code) == ("refused", None, None)
    assert server.asked == {"a": 1}


def test_a_failed_call_is_asked_again_by_the_next_run_and_attempts_go_on(desk: Desk) -> None:
    with Loopback(lambda prompt, nth: Step(500) if nth <= 2 else Step()) as server:
        runner = desk.runner(server, maximum_attempts=2)
        assert runner.run([call("a")], purpose="a test")[0].status == "failed"
        outcome = runner.run([call("a")], purpose="a test")[0]
    assert (outcome.status, outcome.attempts) == ("answered", 3)
    assert [row["attempt"] for row in desk.rows()] == [1, 2, 3]


def test_retry_after_is_honoured_and_holds_every_call_to_the_provider(desk: Desk) -> None:
    first = threading.Event()

    def treat(prompt: str, nth: int) -> Step:
        if first.is_set():
            return Step()
        first.set()
        return Step(429, headers=("retry-after: 1",))

    with Loopback(treat) as server:
        outcomes = desk.runner(server, maximum_wait_seconds=5, concurrency=1).run(
            calls(3), purpose="a test"
        )
    assert {outcome.status for outcome in outcomes} == {"answered"}
    assert server.asked_at[1] - server.asked_at[0] >= 1
    assert len(server.asked_at) == 4


def test_a_long_retry_after_is_cut_to_the_longest_wait(desk: Desk) -> None:
    started = time.monotonic()
    outcome = ask(
        desk, lambda prompt, nth: Step(429, headers=("retry-after: 3600",)) if nth < 3 else Step()
    )
    assert outcome.status == "answered"
    assert time.monotonic() - started < 10


def test_a_storm_of_429_is_ridden_out_with_fewer_requests_at_once(desk: Desk) -> None:
    storm = Counter[str]()

    def treat(prompt: str, nth: int) -> Step:
        # More than four at once is too many for this provider.
        if server.at_once > 4:
            storm["limited"] += 1
            return Step(429, headers=("retry-after: 0.05",))
        return Step(delay=0.01)

    with Loopback(treat) as server:
        outcomes = desk.runner(server, concurrency=32, maximum_attempts=30).run(
            calls(150), purpose="a test"
        )
    assert {outcome.status for outcome in outcomes} == {"answered"}
    assert 0 < storm["limited"] < 150
    assert len(desk.rows()) == server.asked.total()


def test_hanging_requests_give_their_connections_back(desk: Desk) -> None:
    def treat(prompt: str, nth: int) -> Step:
        return Step(ending="hang") if prompt < "question 0006" else Step()

    with Loopback(treat) as server:
        outcomes = desk.runner(
            server, concurrency=4, maximum_attempts=2, attempt_timeout_seconds=0.6
        ).run(calls(40), purpose="a test")
    assert [outcome.status for outcome in outcomes] == ["failed"] * 6 + ["answered"] * 34


def test_six_hundred_calls_at_64_at_once_never_exceed_it_and_lose_nothing(desk: Desk) -> None:
    def treat(prompt: str, nth: int) -> Step:
        if nth == 1 and prompt.endswith("7"):
            return Step(500)
        return Step(text=prompt, delay=0.02)

    planned = calls(600)
    started = time.monotonic()
    with Loopback(treat) as server:
        outcomes = desk.runner(server, concurrency=64).run(planned, purpose="a test")
    assert [outcome.text for outcome in outcomes] == [c.item_id for c in planned]
    assert server.asked.total() == 660
    assert 8 < server.most_at_once <= 64
    assert time.monotonic() - started < 60


def test_a_port_that_nobody_listens_on_is_said_within_seconds(desk: Desk) -> None:
    started = time.monotonic()
    with pytest.raises(ProviderUnreachableError, match=r"'acme' at http://127\.0\.0\.1:\d+ cannot"):
        desk.runner(free_port(), maximum_wait_seconds=60).run(calls(500), purpose="a test")
    assert time.monotonic() - started < 15


def test_one_call_to_nobody_ends_with_its_last_attempt(desk: Desk) -> None:
    with pytest.raises(ProviderUnreachableError):
        desk.runner(free_port(), maximum_attempts=2).run([call("a")], purpose="a test")
    assert [row["error_code"] for row in desk.rows()] == ["connection", "connection"]


def test_a_provider_that_dies_midway_is_given_up_and_what_it_answered_is_kept(desk: Desk) -> None:
    def treat(prompt: str, nth: int) -> Step:
        return Step() if prompt < "question 0010" else Step(ending="reset")

    planned = calls(200)
    with Loopback(treat) as server:
        runner = desk.runner(server, concurrency=2, attempt_timeout_seconds=0.5, maximum_attempts=8)
        with pytest.raises(ProviderUnreachableError):
            runner.run(planned, purpose="a test")
    assert desk.journal.settled(SCOPE).keys() == {call_key(c) for c in planned[:10]}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_everything_at_once(desk: Desk, status: int) -> None:
    with Loopback(lambda prompt, nth: Step(status)) as server:
        runner = desk.runner(server, concurrency=4, key_variable="ACME_KEY")
        with pytest.raises(ProviderAccessError, match=f"HTTP {status}.*ACME_KEY") as caught:
            runner.run(calls(300), purpose="a test")
    assert server.asked.total() <= 8
    assert "sk-secret" not in str(caught.value)


def test_a_key_that_is_not_set_is_said_before_anything_is_asked(desk: Desk) -> None:
    with Loopback() as server, pytest.raises(MissingEnvironmentError, match="UNSET_KEY"):
        desk.runner(server, key_variable="UNSET_KEY")
    assert server.asked.total() == 0


def test_an_unknown_provider_is_said_before_anything_is_asked(desk: Desk) -> None:
    stray = call("b", spec=ModelSpec("nowhere", "chat"))
    with Loopback() as server, pytest.raises(SettingsError, match=r"'nowhere'.*configured: acme"):
        desk.runner(server).run([call("a"), stray], purpose="a test")
    assert server.asked.total() == 0


def test_two_providers_are_asked_in_one_run(desk: Desk) -> None:
    other = ModelSpec("other", "chat")
    planned = [call("a"), call("b", spec=other), call("c")]
    with Loopback() as acme, Loopback(lambda prompt, nth: Step(text="No.")) as second:
        runner = desk.runner_over({"acme": provider(acme.port), "other": provider(second.port)})
        texts = [outcome.text for outcome in runner.run(planned, purpose="a test")]
    assert texts == ["Yes.", "No.", "Yes."]


def test_a_journal_that_cannot_be_written_stops_the_run(desk: Desk) -> None:
    def treat(prompt: str, nth: int) -> Step:
        if prompt == "question 0000":
            call_attempts.drop(desk.engine)
        return Step(delay=0.02)

    with Loopback(treat) as server, pytest.raises(StoreError, match="run the same command again"):
        desk.runner(server, concurrency=2).run(calls(400), purpose="a test")
    assert server.asked.total() < 400


def test_a_thread_with_a_running_loop_may_ask_too(desk: Desk) -> None:
    async def inside(runner: HttpModelRunner) -> list[CallOutcome]:
        return runner.run(calls(5), purpose="a test")

    with Loopback() as server:
        outcomes = asyncio.run(inside(desk.runner(server)))
    assert [outcome.status for outcome in outcomes] == ["answered"] * 5


def test_an_error_inside_a_running_loop_comes_out_as_itself(desk: Desk) -> None:
    async def inside(runner: HttpModelRunner) -> list[CallOutcome]:
        return runner.run(calls(5), purpose="a test")

    with Loopback(lambda prompt, nth: Step(401)) as server, pytest.raises(ProviderAccessError):
        asyncio.run(inside(desk.runner(server)))


def test_progress_starts_with_what_is_recorded_and_ends_with_everything(desk: Desk) -> None:
    told: list[tuple[int, int | None, str]] = []
    with Loopback(lambda prompt, nth: Step(delay=0.4)) as server:
        runner = desk.runner_over(
            {"acme": provider(server.port, concurrency=2)},
            report=lambda done, total, what: told.append((done, total, what)),
        )
        runner.run(calls(2), purpose="verdicts")
        told.clear()
        runner.run(calls(6), purpose="verdicts")
    assert told[0] == (2, 6, "verdicts")
    assert told[-1] == (6, 6, "verdicts")
    assert 3 <= len(told) <= 12


RUN_APART = """
import datetime as dt, sys
import sqlalchemy as sa
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings

store, port = sys.argv[1:]
spec = ModelSpec("acme", "chat", (("temperature", 0),), 1.0, 2.0)
prompts = [f"question {number:04d}" for number in range(300)]
calls = [
    ModelCall("2026-11-16", "assistant", prompt, spec, (Message("user", prompt),))
    for prompt in prompts
]
settings = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", concurrency=8)
HttpModelRunner(
    {"acme": settings},
    journal=CallJournal(sa.create_engine(f"sqlite:///{store}")),
    redact=lambda texts: [text for text, _ in texts],
    secret=str,
    clock=lambda: dt.datetime.now(dt.UTC),
).run(calls, purpose="a test")
"""


@pytest.fixture
def slow_server() -> Iterator[Loopback]:
    with Loopback(lambda prompt, nth: Step(text=prompt, delay=0.03)) as server:
        yield server


def stopped_midway(desk: Desk, server: Loopback, *, by: signal.Signals) -> int:
    """Runs 300 calls in another process and stops it once 60 are recorded; its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_APART, str(desk.folder / "store.sqlite"), str(server.port)],
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while len(desk.journal.settled(SCOPE)) < 60 and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, by)
        return process.wait(30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_after_kill_9_nothing_that_was_recorded_is_asked_again(
    desk: Desk, slow_server: Loopback
) -> None:
    assert stopped_midway(desk, slow_server, by=signal.SIGKILL) == -signal.SIGKILL
    recorded = desk.journal.settled(SCOPE)
    assert 60 <= len(recorded) < 300
    before = slow_server.asked.copy()
    outcomes = desk.runner(slow_server).run(calls(300), purpose="a test")
    assert [outcome.text for outcome in outcomes] == [c.item_id for c in calls(300)]
    again = slow_server.asked - before
    assert again.keys().isdisjoint(key.item_id for key in recorded)
    assert again.total() == 300 - len(recorded)


@pytest.mark.slow
def test_an_interrupt_commits_every_answer_that_had_come(desk: Desk, slow_server: Loopback) -> None:
    assert stopped_midway(desk, slow_server, by=signal.SIGINT) != 0
    recorded = desk.journal.settled(SCOPE)
    assert 60 <= len(recorded) < 300
    # Asked and not recorded: only the eight that were in flight.
    assert slow_server.asked.total() - len(recorded) <= 8
