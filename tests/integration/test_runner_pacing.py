"""How a run presses a provider, seen from the provider: ramp, holds, limits of time and size."""

import bisect
import gzip
import importlib.util
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval_pipeline.errors import SettingsError
from eval_pipeline.fingerprint import seed_for
from tests.loopback import Desk, Loopback, Step, ask, call, calls


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.engine.dispose()


def test_a_run_starts_slowly_and_doubles_while_it_goes_well(desk: Desk) -> None:
    together = []

    def treat(prompt: str, nth: int) -> Step:
        together.append(server.at_once)
        return Step(delay=0.1)

    with Loopback(treat) as server:
        desk.runner(server, concurrency=24, first_concurrency=3).run(calls(60), purpose="a test")
    # Three at first, and one more for each of the answered: of n + 1 requests that came, those not
    # on their way are answered, so on their way are at most 3 + (n + 1 - on their way).
    assert all(2 * open_now <= 3 + nth + 1 for nth, open_now in enumerate(together))
    assert server.most_at_once == 24


def test_failures_of_the_server_stop_the_growth(desk: Desk) -> None:
    def treat(prompt: str, nth: int) -> Step:
        return Step(500) if nth == 1 else Step(delay=0.02)

    with Loopback(treat) as server:
        outcomes = desk.runner(server, concurrency=64, first_concurrency=4).run(
            calls(12), purpose="a test"
        )
    # The four it begins with fail, which is too many to grow on for as long as they are recent.
    assert {outcome.status for outcome in outcomes} == {"answered"}
    assert server.most_at_once <= 6


def test_requests_that_are_wrong_in_themselves_do_not_stop_the_growth(desk: Desk) -> None:
    with Loopback(lambda prompt, nth: Step(400, delay=0.05)) as server:
        outcomes = desk.runner(server, concurrency=16, first_concurrency=4).run(
            calls(60), purpose="a test"
        )
    assert {outcome.error_code for outcome in outcomes} == {"client_error_4xx"}
    assert server.most_at_once == 16


def test_an_exhausted_limit_holds_everyone_before_a_429_does(desk: Desk) -> None:
    told = threading.Event()

    def treat(prompt: str, nth: int) -> Step:
        if told.is_set():
            return Step()
        told.set()
        exhausted = ("x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 700ms")
        return Step(headers=exhausted)

    with Loopback(treat) as server:
        outcomes = desk.runner(server, concurrency=1, maximum_wait_seconds=5).run(
            calls(3), purpose="a test"
        )
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 1]
    assert server.asked_at[1] - server.asked_at[0] >= 0.7
    assert server.asked_at[2] - server.asked_at[1] < 0.7


def test_a_reset_far_away_is_cut_to_the_longest_wait(desk: Desk) -> None:
    exhausted = ("x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 20h")
    started = time.monotonic()
    with Loopback(lambda prompt, nth: Step(headers=exhausted)) as server:
        desk.runner(server, maximum_wait_seconds=0.1).run(calls(20), purpose="a test")
    assert time.monotonic() - started < 15


def test_a_call_that_has_to_wait_lets_the_others_pass(desk: Desk) -> None:
    order = []

    def treat(prompt: str, nth: int) -> Step:
        order.append(prompt)
        return Step(500) if prompt == "question 0000" and nth <= 2 else Step()

    planned = calls(20)
    with Loopback(treat) as server:
        outcomes = desk.runner(server, concurrency=1, maximum_wait_seconds=0.5).run(
            planned, purpose="a test"
        )
    assert [outcome.attempts for outcome in outcomes] == [3] + [1] * 19
    # Each of its waits is a quarter of a second or more, in which the only worker asks others.
    assert order[:2] == ["question 0000", "question 0001"]
    assert [prompt for prompt in order if prompt != "question 0000"] == [
        c.item_id for c in planned[1:]
    ]


def test_a_call_ends_when_its_whole_time_is_up(desk: Desk) -> None:
    started = time.monotonic()
    outcome = ask(
        desk,
        lambda prompt, nth: Step(500),
        total_timeout_seconds=1.0,
        maximum_wait_seconds=0.3,
        maximum_attempts=1000,
    )
    assert (outcome.status, outcome.error_code) == ("failed", "server_error")
    # Waits lie between 0.15 and 0.3 s.
    assert 3 <= outcome.attempts <= 8
    assert time.monotonic() - started < 10


def test_an_attempt_gets_no_more_than_what_is_left_of_the_calls_time(desk: Desk) -> None:
    started = time.monotonic()
    outcome = ask(
        desk,
        lambda prompt, nth: Step(ending="hang"),
        total_timeout_seconds=0.8,
        attempt_timeout_seconds=60.0,
    )
    assert (outcome.error_code, outcome.attempts) == ("timeout", 1)
    assert time.monotonic() - started < 10


def test_a_hold_before_its_first_attempt_is_not_the_calls_time(desk: Desk) -> None:
    def treat(prompt: str, nth: int) -> Step:
        return Step(429, headers=("retry-after: 1",)) if len(server.asked_at) == 1 else Step()

    with Loopback(treat) as server:
        outcomes = desk.runner(
            server, concurrency=1, maximum_wait_seconds=5, total_timeout_seconds=0.9
        ).run(calls(3), purpose="a test")
    # The first would have had to wait longer than its time; the others had not begun.
    assert [outcome.status for outcome in outcomes] == ["failed", "answered", "answered"]
    assert outcomes[0].error_code == "rate_limited"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_reply_is_cut_off_at_its_largest_size(desk: Desk, *, packed: bool) -> None:
    body = b"x" * 50_000_000 if packed else b"x" * 3000
    headers = ("content-encoding: gzip",) if packed else ()
    step = Step(body=gzip.compress(body, 1) if packed else body, headers=headers)
    outcome = ask(desk, lambda prompt, nth: step, largest_reply_bytes=2048, maximum_attempts=1)
    assert (outcome.status, outcome.error_code) == ("failed", "bad_response")


def test_a_packed_reply_is_read(desk: Desk) -> None:
    body = (
        b'{"choices": [{"message": {"content": "Packed."}, "finish_reason": "stop"}], "model": "m"}'
    )
    step = Step(body=gzip.compress(body), headers=("content-encoding: gzip",))
    assert ask(desk, lambda prompt, nth: step).text == "Packed."


def test_a_packed_reply_that_breaks_off_is_no_answer(desk: Desk) -> None:
    step = Step(body=gzip.compress(b"{}" * 999)[:-9], headers=("content-encoding: gzip",))
    assert ask(desk, lambda prompt, nth: step, maximum_attempts=1).error_code == "bad_response"


@pytest.mark.skipif(importlib.util.find_spec("h2") is not None, reason="h2 is installed")
def test_http2_without_its_package_is_said_before_anything_is_asked(desk: Desk) -> None:
    with Loopback() as server:
        runner = desk.runner(server, http2=True)
        with pytest.raises(SettingsError, match=r"acme\.http2.*h2.*Nothing was asked"):
            runner.run(calls(3), purpose="a test")
    assert server.asked.total() == 0


SHARES = ("429", "500", "hang", "reset", "200")


def test_under_random_faults_everything_is_answered_and_nothing_counted_twice(desk: Desk) -> None:
    fates = Counter[str]()

    def treat(prompt: str, nth: int) -> Step:
        point = seed_for(prompt, str(nth)) % 100
        fate = SHARES[bisect.bisect([30, 40, 42, 43], point)]
        fates[fate] += 1
        if fate in {"429", "500"}:
            return Step(int(fate))
        return Step(text=prompt) if fate == "200" else Step(ending=fate)

    planned = calls(300)
    with Loopback(treat) as server:
        outcomes = desk.runner(
            server, concurrency=32, maximum_attempts=30, attempt_timeout_seconds=4.0
        ).run(planned, purpose="a test")
    assert [outcome.text for outcome in outcomes] == [c.item_id for c in planned]
    # Paid once each; every attempt is in the journal and in the outcomes.
    assert fates["200"] == 300
    assert len(desk.rows()) == server.asked.total() == sum(o.attempts for o in outcomes)


def test_a_rate_limit_uses_up_no_attempts_while_others_are_served(desk: Desk) -> None:
    # Each prompt is turned away nine times, three times what one call may fail.
    def treat(prompt: str, nth: int) -> Step:
        return Step(429) if nth <= 9 and prompt != "question 0000" else Step()

    with Loopback(treat) as server:
        runner = desk.runner(server, concurrency=2, maximum_attempts=3)
        many = [call("question 0000", trial=trial) for trial in range(1, 400)]
        outcomes = runner.run([*calls(3)[1:], *many], purpose="a test")
    assert {outcome.status for outcome in outcomes} == {"answered"}
    assert [outcome.attempts for outcome in outcomes[:2]] == [10, 10]
