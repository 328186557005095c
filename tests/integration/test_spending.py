"""Limits of spending against a real server on loopback: a hard stop that keeps what is paid."""

import logging
import re
import time

import pytest

from eval_pipeline.adapters.model_calls.call_figures import spent_on
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import SpendingLimitError
from eval_pipeline.settings import SpendingLimit
from tests.counting_server import CountingServer, prompt_after
from tests.integration_runs import SCOPE, run_here


@pytest.fixture
def store(tmp_path):
    opened = Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield opened
    opened.close()


def limited(store, server, count: int, *, at_once: int = 8, **limit):
    return run_here(
        store,
        server,
        count,
        settings={"concurrency": at_once},
        spending={"refresh": SpendingLimit(**limit)},
    )


# Each answer takes 10 tokens at 1 and 2 tokens at 2 dollars a million: 14 millionths, 12 tokens.
@pytest.mark.parametrize(
    ("limit", "affordable"),
    [
        ({"usd": 25 * 14e-6}, 25),
        ({"usd": 25.9 * 14e-6}, 25),
        ({"tokens": 25 * 12}, 25),
        ({"tokens": 26 * 12 - 1}, 25),
    ],
)
@pytest.mark.parametrize("at_once", [1, 16])
def test_a_limit_is_used_up_and_never_passed(store, limit, affordable, at_once):
    with CountingServer(prompt_after(0.002)) as server:
        run_here(store, server, 5)  # from here on the journal knows what a call takes
        with pytest.raises(SpendingLimitError) as caught:
            limited(store, server, 60, at_once=at_once, **limit)
    assert server.asked.total() == affordable
    assert len(CallJournal(store.engine).settled(SCOPE)) == affordable
    assert spent_on(store.engine, SCOPE).calls == affordable
    bound = next(iter(limit))
    assert f"`spending.refresh.{bound}`" in str(caught.value)
    assert f"{60 - affordable} calls are still without an answer" in str(caught.value)


def test_the_same_command_with_a_higher_limit_pays_for_what_is_missing_only(store):
    with CountingServer() as server:
        run_here(store, server, 2)
        with pytest.raises(SpendingLimitError, match=r"Raise `spending\.refresh\.usd`"):
            limited(store, server, 40, usd=10 * 14e-6)
        assert server.asked.total() == 10
        outcomes = limited(store, server, 40, usd=40 * 14e-6)
    assert {outcome.status for outcome in outcomes} == {"answered"}
    assert server.asked.total() == 40


def test_more_calls_than_may_be_made_are_refused_before_anything_is_asked(store):
    with CountingServer() as server:
        limited(store, server, 10, calls=15)
        with pytest.raises(SpendingLimitError, match=r"limit `spending.refresh.calls` of 15: .*10"):
            limited(store, server, 16, calls=15)
        assert server.asked.total() == 10
        # What is in the journal is not asked, so it needs no allowance.
        assert len(limited(store, server, 15, calls=15)) == 15
    assert server.asked.total() == 15


def test_failed_attempts_count_as_calls_and_the_limit_holds_for_them_too(store):
    broken = CountingServer(lambda prompt, nth: (0.0, 500, ""))
    with broken as server, pytest.raises(SpendingLimitError):
        limited(store, server, 6, calls=9)
    assert server.asked.total() == 9
    assert spent_on(store.engine, SCOPE).calls == 9


def test_a_first_run_without_figures_overshoots_by_no_more_than_is_in_flight(store):
    """Nothing is known but the length of the texts, and answers are far longer than assumed."""
    with CountingServer(prompt_after(0.01)) as server, pytest.raises(SpendingLimitError):
        limited(store, server, 200, at_once=8, tokens=600)
    # 600 tokens are 50 calls of 12; an unknown call is taken for 500 and more: one goes first.
    assert server.asked.total() == 50


def test_after_its_minutes_a_run_asks_nothing_new_and_keeps_what_came(store):
    with CountingServer(prompt_after(0.1)) as server:
        started = time.monotonic()
        with pytest.raises(SpendingLimitError, match="Run the same command again, or raise"):
            limited(store, server, 400, at_once=4, minutes=0.5 / 60)
        assert time.monotonic() - started < 10
        answered = len(CallJournal(store.engine).settled(SCOPE))
    assert 4 <= answered == server.asked.total() < 60


def test_a_scope_without_a_limit_is_not_held_up(store):
    with CountingServer() as server:
        run_here(store, server, 5, spending={"drift": SpendingLimit(calls=1)})
    assert server.asked.total() == 5


def test_the_plan_is_told_before_and_what_was_paid_after(store, caplog):
    caplog.set_level(logging.INFO, logger="eval_pipeline")
    with CountingServer() as server:
        run_here(store, server, 2)
        run_here(store, server, 6)
        run_here(store, server, 6)
    told = [record.getMessage() for record in caplog.records if record.name.endswith("runner")]
    # 12 characters of a question are 3 tokens; an answer is taken for 500: 2 x 503 tokens and
    # 2 x (3 + 2 x 500) millionths.
    assert told[0] == (
        "a test: 2 calls planned, 0 in the journal, 2 to ask; expected 1,006 tokens and "
        "0.0020 USD, by the length of the texts for assistant."
    )
    assert told[1] == "a test: paid for 2 calls, 24 tokens and 0.0000 USD."
    assert re.match(r"a test: 6 calls planned, 2 in the journal, 4 to ask; expected 48 ", told[2])
    assert told[2].endswith("by what these systems' calls took so far.")
    assert len(told) == 4  # a run that asks nothing has nothing to tell
