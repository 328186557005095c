"""A load profile against a provider with a planted limit, over real HTTP on loopback."""

import io
import json

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from benchmarks.load_profile import SCOPE, planted_limit, profile, profile_at
from eval_pipeline.adapters.model_calls.call_figures import spent_on
from eval_pipeline.adapters.schema import call_attempts
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import ProviderUnreachableError
from eval_pipeline.reports.load_profile_words import sentences
from eval_pipeline.settings import LoadSettings, SpendingLimit
from eval_pipeline.tables import LOAD_PROFILE
from tests.scenario import BASELINE, CANDIDATE

pytestmark = pytest.mark.slow
SMALL = LoadSettings(ramp=(1, 8), requests_per_step=60, rate_steps=6)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield opened
    opened.close()


def test_a_planted_rate_limit_is_found_within_ten_percent():
    found = planted_limit(25, 10, load=SMALL)
    assert found.value == pytest.approx(25, rel=0.1)
    assert found.lower <= 25.5
    assert found.upper >= 24.5


def test_every_request_is_in_the_journal_and_none_of_the_answers(store):
    profiled = profile((), SMALL, median_seconds=0.002, store=store)
    sent = sum(len(step.requests) for step in profiled.steps)
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(call_attempts.c.text, call_attempts.c.trial)).all()
    assert len(rows) == sent
    assert {row.text for row in rows} == {None}
    assert sorted(row.trial for row in rows) == list(range(1, sent + 1))
    assert profiled.searched.refused is None


@pytest.mark.parametrize("limit", [SpendingLimit(calls=90), SpendingLimit(usd=0.01)])
def test_the_profile_ends_before_it_would_pass_its_cap(store, limit):
    profiled = profile((), SMALL, median_seconds=0.002, store=store, limit=limit)
    spent = spent_on(store.engine, SCOPE)
    assert not profiled.searched.complete
    assert spent.calls <= (limit.calls or spent.calls)
    assert spent.usd <= (limit.usd or spent.usd)
    assert spent.calls > 10


def test_nothing_is_retried_and_refusals_are_told_apart_from_failures(store):
    faults = ("--requests-per-second", "5", "--burst", "3")
    load = LoadSettings(ramp=(8,), rates=(40.0,), requests_per_step=40)
    profiled = profile(faults, load, median_seconds=0.002, store=store)
    assert spent_on(store.engine, SCOPE).calls == sum(len(step.requests) for step in profiled.steps)
    step = profiled.steps[-1]
    assert step.limited
    assert {request.error_code for request in step.requests} == {None, "rate_limited"}
    assert any(request.retry_after_seconds for request in step.requests)
    assert any(name == "x-ratelimit-limit-requests" for name, _ in step.requests[0].told)


def test_a_provider_that_is_not_there_is_named(store):
    with pytest.raises(ProviderUnreachableError, match="demo"):
        profile_at(store, "http://127.0.0.1:9/v1", SMALL, limit=SpendingLimit(calls=200))


def test_a_profile_is_a_job_like_any_other_and_opens_no_candidate(finished_world):
    with finished_world.pipeline() as pipeline:
        rows = pipeline.lake.read(LOAD_PROFILE, partition=BASELINE)
        steps = rows.filter(pl.col("metric") == "seconds")
        assert steps["concurrency"].drop_nulls().to_list() == [1, 4]
        assert steps["offered_per_second"].drop_nulls().to_list() == [60.0]
        said = sentences(rows)
        assert any("rate limit" in line for line in said)
    with finished_world.entered(), dg.DagsterInstance.get() as instance:
        assert instance.get_dynamic_partitions("systems") == [BASELINE]
        assert BASELINE not in instance.get_dynamic_partitions("candidates")
    scope = "scope LIKE 'load:%'"
    # Twice 20 in the ramp; half a second at 60 a second takes 30.
    assert finished_world.count("call_attempts", scope) == 70
    assert finished_world.count("call_attempts", f"{scope} AND text IS NOT NULL") == 0


def test_the_command_asks_before_it_spends_and_refuses_a_load_that_cannot_be(world, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    paid = world.count("call_attempts")
    ended = world.run("load", BASELINE)
    assert ended.code != 0
    assert "at most 3,000 calls" in ended.err
    ended = world.run("load", BASELINE, "--ramp", "4,2", "--yes")
    assert (ended.code, "must grow" in ended.err) == (1, True)
    ended = world.run("load", "nobody", "--yes")
    assert (ended.code, "nobody" in ended.err) == (1, True)
    assert world.count("call_attempts") == paid


def test_the_command_prints_the_steps_and_the_advice(world):
    arguments = ("--ramp", "1,2", "--rates", "30", "--requests-per-step", "20", "--yes", "--json")
    ended = world.run("load", "assistant", *arguments)
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["system"] == BASELINE
    assert {row["phase"] for row in told["rows"]} == {"concurrency", "rate", "finding", "advice"}


def test_the_candidates_stand_in_one_table(world):
    ended = world.run("candidates", "--json")
    assert ended.code == 0, ended.err
    names = [row["name"] for row in json.loads(ended.out)["rows"]]
    assert names[0] == BASELINE
    assert CANDIDATE in names
