"""Reference runs and drift signals through the real jobs: one world, pinned and then changed."""

import datetime as dt
import json

import polars as pl
import pytest

from eval_pipeline.evaluation.drift_detection.pinning import PinOrder
from eval_pipeline.flows.drift_reference import reference_gaps, scope_of_run
from eval_pipeline.tables import DRIFT_REFERENCE, DRIFT_SIGNALS
from tests.scenario import NEXT_WEEK, WEEKS, World, requests_seen

pytestmark = pytest.mark.slow
PINNED = WEEKS[1]


ITEMS = 30


def small(tree) -> None:
    tree["drift"].update(reference_runs=3, reference_items=ITEMS, reference_days=1)


@pytest.fixture
def pinned(world: World, provider) -> World:
    world.configure(small)
    ended = world.run("drift", "pin", "--week", PINNED, "--runs", "2", "--json")
    assert ended.code == 0, ended.err
    (state,) = json.loads(ended.out)
    assert (state["runs"], state["pinned_week"], state["items"]) == (2, PINNED, ITEMS)
    return world


def headline(world: World, week: str) -> dict[str, dict]:
    with world.pipeline() as pipeline:
        signals = pipeline.lake.read(DRIFT_SIGNALS, partition=week)
    return {row["stream"]: row for row in signals.filter(pl.col("subset") == "all").to_dicts()}


def test_before_anyone_pins_nothing_is_measured_and_what_cannot_be_pinned_is_refused(
    world: World,
) -> None:
    rows = headline(world, PINNED)
    assert rows["rerun"]["finding"] == "not_measured"
    assert rows["rerun"]["note"] == (
        "There are no reference runs: make them with `eval-pipeline drift pin`."
    )
    unknown = world.run("drift", "pin", "--week", PINNED, "--system", "nobody")
    assert unknown.code == 1
    assert "'nobody' is not re-run every week" in unknown.err
    early = world.run("drift", "pin", "--week", NEXT_WEEK)
    assert early.code == 1
    assert f"eval-pipeline drift --week {NEXT_WEEK}" in early.err


def test_runs_are_asked_one_by_one_and_a_lost_reference_comes_back_from_the_journal(
    pinned: World, provider
) -> None:
    # The third run asks every item; a fourth is not wanted.
    assert pinned.run("drift", "pin", "--week", PINNED).code == 0
    answered = "system_id = 'assistant' AND status = 'answered' AND scope = '{}'"
    counted = [
        pinned.count("call_attempts", answered.format(scope_of_run(PINNED, run)))
        for run in (1, 2, 3, 4)
    ]
    assert counted == [ITEMS, ITEMS, ITEMS, 0]
    before, asked = pinned.files(), requests_seen(provider)
    path = f"drift_reference/week={PINNED}/part-0.parquet"
    with pinned.pipeline() as pipeline:
        dates = pipeline.lake.read(DRIFT_REFERENCE, partition=PINNED)["asked_on"]
        pipeline.lake.delete(path)
    assert set(dates.drop_nulls()) == {dt.datetime.now(tz=dt.UTC).date()}
    assert pinned.run("drift", "pin", "--week", PINNED).code == 0
    assert requests_seen(provider) == asked
    assert pinned.files() == before


def test_a_silent_change_is_the_provider_s_until_the_system_is_pinned_again(
    pinned: World,
) -> None:
    calm = headline(pinned, PINNED)
    assert calm["rerun"]["finding"] == calm["rejudged"]["finding"] == "within_noise"
    with pinned.pipeline() as pipeline:
        old = pipeline.lake.read(DRIFT_REFERENCE, partition=PINNED)
    # Another model answers from now on, and knows nothing of pharmacies.
    pinned.configure(lambda tree: tree["systems"]["assistant"].update(model="skeptic"))
    told = pinned.run("drift", "--week", NEXT_WEEK)
    assert told.code == 0, told.err
    raised = headline(pinned, NEXT_WEEK)
    again = pinned.run("drift", "pin", "--week", NEXT_WEEK, "--again", "--runs", "2")
    assert again.code == 0, again.err
    assert (raised["rerun"]["finding"], raised["rerun"]["attribution"]) == ("alarm", "provider")
    assert (raised["rejudged"]["finding"], raised["frozen"]["finding"]) == ("within_noise",) * 2
    assert f"alarm since {NEXT_WEEK}, the provider's change" in told.out
    settled = headline(pinned, NEXT_WEEK)
    assert (settled["rerun"]["pinned_week"], settled["rerun"]["finding"]) == (
        NEXT_WEEK,
        "within_noise",
    )
    with pinned.pipeline() as pipeline:
        assert pipeline.lake.read(DRIFT_REFERENCE, partition=PINNED).equals(old)
        (gap,) = reference_gaps(pipeline, week=NEXT_WEEK, order=PinOrder(runs=1))
    assert (gap.pinned, [run for run, _ in gap.asked]) == (NEXT_WEEK, [3])
