"""Calls by the batch APIs of three providers, over real connections to a server in memory."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.schema import call_attempts, call_batches, metadata
from eval_pipeline.errors import (
    ProviderAccessError,
    ProviderUnreachableError,
    SpendingLimitError,
)
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec
from eval_pipeline.settings import BatchSettings, ProviderSettings, SpendingLimit
from tests.batch_api import BatchApiServer, batch_api

APIS = ("openai_chat", "anthropic", "gemini")
SCOPE = "drift:2026-11-16"


@dataclass
class Desk:
    """A journal in a folder, and runners over it."""

    folder: Path

    def __post_init__(self) -> None:
        self.engine = sa.create_engine(f"sqlite:///{self.folder / 'store.sqlite'}")
        metadata.create_all(self.engine)

    def runner(self, server: BatchApiServer, **changes: Any) -> HttpModelRunner:
        return runner_of(self.engine, server.url, **changes)

    def rows(self, table: sa.Table = call_attempts) -> list[sa.RowMapping]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(table)).mappings())

    def states(self) -> list[tuple[str, str | None]]:
        return [(row["state"], row["error"]) for row in self.rows(call_batches)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.engine.dispose()


def runner_of(engine: sa.Engine, url: str, **changes: Any) -> HttpModelRunner:
    batch = BatchSettings(**{"minimum_calls": 5, "poll_seconds": 0.02} | changes.pop("batch", {}))
    parts: dict[str, Any] = {
        "redact": lambda texts: [text for text, _ in texts],
        "clock": lambda: dt.datetime.now(dt.UTC),
    }
    for name in ("redact", "clock", "report", "spending"):
        if name in changes:
            parts[name] = changes.pop(name)
    chosen = {"maximum_wait_seconds": 0.05, "attempt_timeout_seconds": 5.0, "batch": batch}
    settings = ProviderSettings(base_url=url, **(chosen | changes))
    return HttpModelRunner({"acme": settings}, journal=CallJournal(engine), secret=str, **parts)


def calls(count: int, **changes: Any) -> list[ModelCall]:
    spec = ModelSpec("acme", "chat", (), 1.0, 2.0)
    prompts = [f"question {number:04d}" for number in range(count)]
    return [
        ModelCall(
            **({"scope": SCOPE, "system_id": "assistant", "item_id": prompt} | changes),
            spec=spec,
            messages=(Message("user", prompt),),
        )
        for prompt in prompts
    ]


def run(desk: Desk, server: BatchApiServer, count: int = 20, **changes: Any) -> list[CallOutcome]:
    return desk.runner(server, **changes).run(calls(count), purpose="a test")


def all_answered(outcomes: list[CallOutcome]) -> bool:
    return [(each.status, each.text) for each in outcomes] == [
        ("answered", f"answer to {each.call.item_id}") for each in outcomes
    ]


@pytest.mark.parametrize("api", [*APIS, "openai_responses"])
def test_a_batch_answers_every_call_at_its_share_of_the_price(desk: Desk, api: str) -> None:
    with batch_api() as server:
        outcomes = run(desk, server, api=api)
    assert all_answered(outcomes)
    # (10 tokens at 1 and 2 at 2 dollars a million) * 0.5
    assert [each.cost_usd for each in outcomes] == [pytest.approx(7e-6)] * 20
    assert {each.latency_seconds for each in outcomes} == {None}
    assert set(server.accepted.values()) == {1}
    assert not server.single
    assert {row["batch_id"] for row in desk.rows()} == set(server.batches)
    assert desk.states() == [("read", None)]


@pytest.mark.parametrize("api", APIS)
def test_what_a_batch_could_not_answer_is_asked_alone_if_that_may_help(
    desk: Desk, api: str
) -> None:
    fates = {"question 0001": "overloaded", "question 0002": "expired", "question 0003": "missing"}

    def fate(prompt: str) -> str:
        return "bad" if prompt == "question 0004" else fates.get(prompt, "answer")

    with batch_api(fate=fate) as server:
        outcomes = run(desk, server, api=api)
    assert all_answered([each for each in outcomes if each.call.item_id != "question 0004"])
    assert (outcomes[4].status, outcomes[4].error_code) == ("failed", "client_error_4xx")
    assert server.single == dict.fromkeys(fates, 1)
    # 20 by batch, of which three once more
    assert len(desk.rows()) == 23
    failed = {row["item_id"]: row["error_code"] for row in desk.rows() if row["status"] == "failed"}
    assert failed["question 0003"] == "batch_missing"
    assert outcomes[1].attempts == 2


def test_too_few_calls_another_spender_or_a_time_limit_are_asked_at_once(desk: Desk) -> None:
    with batch_api() as server:
        run(desk, server, 4)
        desk.runner(server).run(calls(20, scope="candidate:new"), purpose="a test")
        hurried = {"drift": SpendingLimit(minutes=30)}
        desk.runner(server, spending=hurried).run(calls(20), purpose="a test")
    assert not server.accepted
    assert server.single.total() == 4 + 20 + 16


def test_calls_are_split_by_model_and_by_the_largest_batch(desk: Desk) -> None:
    other = ModelSpec("acme", "larger")
    planned = [*calls(12), *(replaced(each, other) for each in calls(6))]
    with batch_api() as server:
        runner = desk.runner(server, api="anthropic", batch={"maximum_calls": 5})
        assert all_answered(runner.run(planned, purpose="a test"))
    sizes = sorted(len(each.requests) for each in server.batches.values())
    assert sizes == [1, 2, 5, 5, 5]


def replaced(call: ModelCall, spec: ModelSpec) -> ModelCall:
    return ModelCall(call.scope, "larger", call.item_id, spec, call.messages)


@pytest.mark.parametrize("api", APIS)
def test_a_busy_provider_is_asked_again_to_take_the_batch(desk: Desk, api: str) -> None:
    with batch_api(refusals=[429, 429]) as server:
        assert all_answered(run(desk, server, api=api))
    assert server.seen["submit"] == 3
    assert set(server.paid.values()) == {1}


def test_a_provider_that_takes_no_batches_is_asked_one_by_one(desk: Desk) -> None:
    with batch_api(refusals=[400]) as server:
        assert all_answered(run(desk, server))
    assert not server.accepted
    assert set(server.single.values()) == {1}
    assert desk.states() == [("lost", "refused_400")]


def test_a_batch_that_fails_as_a_whole_is_asked_one_by_one(desk: Desk) -> None:
    with batch_api(rejects=True) as server:
        assert all_answered(run(desk, server))
    assert set(server.single.values()) == {1}
    assert desk.states() == [("read", "batch_rejected")]


def test_no_access_stops_the_run_and_leaves_nothing_to_look_for(desk: Desk) -> None:
    with batch_api(refusals=[401]) as server, pytest.raises(ProviderAccessError):
        run(desk, server)
    assert desk.states() == [("lost", "not_sent")]


@pytest.mark.parametrize("api", APIS)
def test_a_submission_without_an_answer_is_found_instead_of_repeated(desk: Desk, api: str) -> None:
    with batch_api(lost=1) as server:
        assert all_answered(run(desk, server, api=api))
    assert set(server.paid.values()) == {1}


def test_a_submission_that_was_not_accepted_is_repeated(desk: Desk) -> None:
    with batch_api(refusals=[503]) as server:
        assert all_answered(run(desk, server))
    assert set(server.paid.values()) == {1}
    assert server.seen["list"] == 3


@pytest.mark.parametrize("api", ["openai_chat", "anthropic"])
def test_a_batch_of_somebody_else_is_not_taken_for_ours(desk: Desk, api: str) -> None:
    with batch_api(refusals=[503]) as server:
        theirs = {"messages": [{"role": "user", "content": "theirs"}], "max_tokens": 1}
        server.accept({f"their-{number}": theirs for number in range(20)}, None, "batch_")
        server.accepted.clear()
        assert all_answered(run(desk, server, api=api))
    assert set(server.paid.values()) == {1}
    assert {row["batch_id"] for row in desk.rows()} == {list(server.batches)[-1]}


def test_a_batch_that_another_run_has_given_up_is_not_sent_any_more(desk: Desk) -> None:
    given_up = sa.update(call_batches).values(state="lost", error="not_accepted")

    def give_up(event: str) -> None:
        if event == "list":
            with desk.engine.begin() as connection:
                connection.execute(given_up)

    with batch_api(refusals=[503], on=give_up) as server:
        assert all_answered(run(desk, server))
    assert server.seen["submit"] == 1
    assert set(server.paid.values()) == {1}


def test_a_batch_that_the_provider_has_lost_is_asked_one_by_one(desk: Desk) -> None:
    with batch_api(polls_needed=1) as server:
        with pytest.raises(KeyboardInterrupt):
            run(desk, server, report=interrupting)
        server.batches.clear()
        assert all_answered(run(desk, server))
    assert {row["error_code"] for row in desk.rows()} == {"batch_missing", None}
    assert set(server.single.values()) == {1}


def test_a_download_that_breaks_off_is_begun_again_and_records_nothing_twice(desk: Desk) -> None:
    with batch_api(broken_downloads=2, padding=5000) as server:
        outcomes = run(desk, server)
    assert {each.status for each in outcomes} == {"answered"}
    assert len(desk.rows()) == 20
    assert server.seen["half"] >= 3


def test_texts_are_redacted_before_they_are_recorded(desk: Desk) -> None:
    with batch_api() as server:
        run(desk, server, redact=lambda texts: ["masked" for _ in texts])
    assert {row["text"] for row in desk.rows()} == {"masked"}


def test_files_with_prompts_and_answers_do_not_stay_at_the_provider(desk: Desk) -> None:
    with batch_api() as server:
        run(desk, server)
    assert server.deleted == ["file-in", "out-batch_1", "err-batch_1"]


def test_progress_tells_how_the_batch_stands(desk: Desk) -> None:
    told: list[tuple[int, int | None, str]] = []
    with batch_api(polls_needed=3) as server:
        run(desk, server, report=lambda done, total, what: told.append((done, total, what)))
    assert told[0] == (1, 20, "a test, batch batch_1")
    assert told[-1] == (20, 20, "a test, batch batch_1")


def test_after_the_longest_wait_what_is_still_open_has_failed(desk: Desk) -> None:
    late = iter(range(10_000))

    def clock() -> dt.datetime:
        return dt.datetime(2026, 11, 22, tzinfo=dt.UTC) + dt.timedelta(minutes=next(late))

    with batch_api(never_ends=True, fate=lambda prompt: "expired") as server:
        outcomes = run(desk, server, clock=clock, batch={"maximum_wait_hours": 0.2})
    assert {(each.status, each.error_code) for each in outcomes} == {("failed", "batch_expired")}
    assert not server.single
    assert [batch.cancelled for batch in server.batches.values()] == [True]
    assert desk.states() == [("read", None)]


def test_a_limit_is_kept_by_batches_and_raised_when_they_are_read(desk: Desk) -> None:
    spending = {"drift": SpendingLimit(calls=12)}
    with batch_api() as server, pytest.raises(SpendingLimitError):
        run(desk, server, spending=spending)
    assert server.paid.total() == 12
    assert len(desk.rows()) == 12


def test_a_provider_that_falls_silent_stops_the_run_and_the_next_one_goes_on(desk: Desk) -> None:
    with batch_api(polls_needed=10_000) as server:
        runner = desk.runner(server, maximum_attempts=2, attempt_timeout_seconds=1.0)
        url = server.url

        def stop(event: str) -> None:
            if event == "poll":
                raise ConnectionResetError

        server.on = stop
        with pytest.raises(ProviderUnreachableError):
            runner.run(calls(20), purpose="a test")
        server.on = lambda event: None
        server.polls_needed = 1
        assert server.url == url
        assert all_answered(run(desk, server))
    assert set(server.paid.values()) == {1}


def test_batches_are_read_even_if_they_were_switched_off_meanwhile(desk: Desk) -> None:
    with batch_api(polls_needed=1) as server:
        with pytest.raises(KeyboardInterrupt):
            run(desk, server, report=interrupting)
        assert all_answered(
            desk.runner(server, batch={"spenders": ()}).run(calls(20), purpose="a test")
        )
    assert set(server.paid.values()) == {1}


def interrupting(done: int, total: int | None, what: str) -> None:
    raise KeyboardInterrupt


def test_two_runs_at_once_pay_for_every_call_once(desk: Desk) -> None:
    found: list[list[CallOutcome]] = []
    with batch_api(polls_needed=8) as server:
        threads = [
            threading.Thread(target=lambda: found.append(run(desk, server))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert [all_answered(outcomes) for outcomes in found] == [True, True]
    assert set(server.paid.values()) == {1}
    assert len(desk.rows()) == 20


CHILD = """
import datetime as dt, sys
import sqlalchemy as sa
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import BatchSettings, ProviderSettings

store, url, api = sys.argv[1:]
spec = ModelSpec("acme", "chat", (), 1.0, 2.0)
prompts = [f"question {number:04d}" for number in range(20)]
calls = [
    ModelCall("drift:2026-11-16", "assistant", prompt, spec, (Message("user", prompt),))
    for prompt in prompts
]
batch = BatchSettings(minimum_calls=5, poll_seconds=0.02)
HttpModelRunner(
    {"acme": ProviderSettings(base_url=url, api=api, batch=batch)},
    journal=CallJournal(sa.create_engine(f"sqlite:///{store}")),
    redact=lambda texts: [text for text, _ in texts],
    secret=str,
    clock=lambda: dt.datetime.now(dt.UTC),
).run(calls, purpose="a test")
"""
MOMENTS = [
    *(("openai_chat", moment) for moment in ("upload", "submit", "accepted", "poll", "half")),
    *(("anthropic", moment) for moment in ("submit", "accepted", "poll", "half")),
    *(("gemini", moment) for moment in ("submit", "accepted", "poll")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("api", "moment"), MOMENTS)
def test_a_kill_at_any_moment_loses_nothing_and_repeats_nothing(
    desk: Desk, api: str, moment: str
) -> None:
    child: list[subprocess.Popen[bytes]] = []
    known = threading.Event()

    def kill(event: str) -> bool:
        if event == moment and known.wait(30) and child[0].poll() is None:
            os.kill(child[0].pid, signal.SIGKILL)
            child[0].wait(30)
        return event == moment

    with batch_api(padding=4000, on=kill) as server:
        command = [sys.executable, "-c", CHILD, str(desk.folder / "store.sqlite"), server.url, api]
        child.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        known.set()
        assert child[0].wait(60) == -signal.SIGKILL
        before = server.accepted.total()
        server.on = lambda event: None
        outcomes = run(desk, server, api=api)
    assert {each.status for each in outcomes} == {"answered"}
    assert before == (0 if moment in {"upload", "submit"} else 20)
    assert set(server.paid.values()) == {1}
    assert len(desk.rows()) == 20
    assert not server.single
    assert desk.states()[-1] == ("read", None)
