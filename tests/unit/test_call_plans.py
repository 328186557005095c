"""What a run is expected to take: by the journal where it knows, by the texts where it does not."""

import asyncio
import datetime as dt
import logging
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.model_calls.call_figures import Spent, UsualTokens, spent_by
from eval_pipeline.adapters.model_calls.call_plans import Expectations, plan_of
from eval_pipeline.adapters.model_calls.journal import Attempt, CallKey
from eval_pipeline.adapters.model_calls.runner import CALLS_LOGGER, call_key
from eval_pipeline.adapters.model_calls.spending import (
    LOOK_AGAIN_SECONDS,
    Purse,
    SpendingGuard,
    spender_of,
)
from eval_pipeline.cli.session import CallProgress
from eval_pipeline.flows.drift import scope_of_drift
from eval_pipeline.flows.drift_reference import scope_of_run
from eval_pipeline.flows.judging import scope_of_week
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import Spender, SpendingLimit

SPEC = ModelSpec("acme", "chat", (("max_tokens", 50),), 1.0, 2.0)
CALL = ModelCall("refresh:w", "judge:a", "item-1", SPEC, (Message("user", "x" * 400),))
KEY = call_key(CALL)


def attempt(key: CallKey = KEY, *, read: int | None = 30, written: int | None = 10) -> Attempt:
    usd = None if read is None or written is None else (read + 2 * written) / 1e6
    return Attempt(
        key=key, attempt=1, status="answered", error_code=None, text="", requested_model="chat",
        served_model=None, system_fingerprint=None, finish_reason="stop", input_tokens=read,
        output_tokens=written, cost_usd=usd, latency_seconds=0.1,
        recorded_at=dt.datetime(2026, 11, 16, tzinfo=dt.UTC),
    )  # fmt: skip


def test_without_a_journal_a_call_takes_its_characters_and_its_longest_answer():
    # 400 characters / 4 = 100 tokens read, 50 written: 100 + 2 * 50 = 200 millionths
    expected = Expectations(lambda _: None).of(CALL)
    assert (expected.calls, expected.tokens) == (1, 150)
    assert expected.usd == pytest.approx(200e-6)


def test_an_answer_of_unknown_length_is_taken_for_five_hundred_tokens():
    free = replace(CALL, spec=replace(SPEC, parameters=()), output_schema="s" * 40)
    assert Expectations(lambda _: None).of(free).tokens == 100 + 10 + 500


def test_the_journal_knows_better_and_this_runs_answers_move_its_mean():
    expectations = Expectations(lambda _: UsualTokens(10.0, 4.0, 1))
    assert expectations.of(CALL).tokens == 14
    expectations.learn(attempt(read=30, written=10))
    # (10 + 30) / 2 read and (4 + 10) / 2 written
    assert expectations.of(CALL).tokens == 20 + 7
    assert expectations.of(CALL).usd == pytest.approx(34e-6)


def test_the_first_answers_stand_for_the_estimate_of_a_system_alone():
    expectations = Expectations(lambda _: None)
    expectations.learn(attempt())
    other = replace(CALL, system_id="judge:b")
    assert (expectations.of(CALL).tokens, expectations.of(other).tokens) == (40, 150)
    expectations.learn(attempt(read=None))
    assert expectations.of(CALL).tokens == 40


def test_a_plan_says_which_systems_are_estimated():
    known = {"judge:a": UsualTokens(10.0, 4.0, 7)}
    other = replace(CALL, system_id="judge:b")
    plan = plan_of(
        [CALL, other], purpose="judging w", planned=5, expectations=Expectations(known.get)
    )
    assert plan.told == (
        "judging w: 5 calls planned, 3 in the journal, 2 to ask; expected 164 tokens and "
        "0.0002 USD, by the length of the texts for judge:b, for the others by what their calls "
        "took so far."
    )


def test_every_kind_of_scope_has_its_spender():
    scopes = {
        scope_of_week("2026-11-16"): "refresh",
        scope_of_drift("2026-11-16"): "drift",
        scope_of_run("2026-11-16", 3): "drift",
        "rewrite:2026-11-16": "refresh",
        "candidate:steady": "candidate",
        "watch:steady:3": "watch",
        "judge_checks:2026-11-16": "judge_checks",
        "triage:steady": "triage",
        "continue:steady": "candidate",
        "aa:2026-11-16:first": "aa",
        "load:steady:20261116T120000": "load",
        "shadow:steady": "shadow",
    }
    assert {scope: spender_of(scope) for scope in scopes} == scopes
    assert set(scopes.values()) == set(get_args(Spender))
    assert spender_of("anything else") is None


@given(
    st.integers(1, 30),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 200)), max_size=40),
)
def test_what_is_spent_and_set_aside_never_passes_the_limit_of_calls(limit, steps):
    purse = Purse("refresh:w", SpendingLimit(calls=limit, tokens=100 * limit))
    for item, tokens in steps:
        key = replace(KEY, item_id=str(item))
        if key in purse.in_flight:
            purse.pay(attempt(key, read=min(tokens, 100), written=0))
        elif purse.exceeded_by(Spent(0.0, 1, 100)) is None:
            purse.reserve(key, Spent(0.0, 1, 100))
        total = purse.spent + purse.reserved
        assert total.calls <= limit
        assert total.tokens <= 100 * limit
        assert purse.reserved.calls == len(purse.in_flight)


def test_what_a_provider_did_not_count_is_a_call_without_cost():
    assert spent_by(attempt(read=None, written=None)) == Spent(0.0, 1, 0)


def test_plans_are_shown_where_they_are_asked_for_and_nowhere_else(capsys):
    progress, logger = CallProgress(), logging.getLogger(CALLS_LOGGER)
    with progress.shown("refresh", plans=True):
        logger.info("judging w: 2 calls planned")
    with progress.shown("demo"):
        logger.info("judging again")
    told = capsys.readouterr().err
    assert "judging w: 2 calls planned" in told
    assert "judging again" not in told


def test_what_another_run_spends_meanwhile_counts_against_the_limit():
    purse = Purse("refresh:w", SpendingLimit(calls=10))
    guard = SpendingGuard(
        {"refresh:w": purse},
        expectations=Expectations(lambda _: None),
        spent_on=lambda _: Spent(0.5, 8, 900),
    )
    keys = [replace(KEY, item_id=str(number)) for number in range(3)]

    async def asked() -> bool:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        await guard.look_again()
        assert await guard.admits(keys[0], CALL)
        assert await guard.admits(keys[1], CALL)
        third = asyncio.create_task(guard.admits(keys[2], CALL))
        await asyncio.sleep(0.01)
        assert not third.done()  # it may fit once the others are paid
        for key in keys[:2]:
            guard.pay(attempt(key))
        return await third

    assert not asyncio.run(asked())
    assert guard.stopped is not None
    # 8 of the other run and 2 of this one
    assert (guard.stopped.bound, guard.stopped.spent.calls) == ("calls", 10)
    assert guard.stopped.setting == "spending.refresh.calls"
