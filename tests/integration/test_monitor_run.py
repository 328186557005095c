"""The monitor over a finished world: the reserve judged, the commands, the running week."""

import datetime as dt
import json

import polars as pl
import pytest

from eval_pipeline.flows import monitoring, quality
from eval_pipeline.tables import (
    MONITOR_ALERTS,
    PRODUCTION_MONITOR,
    PRODUCTION_QUALITY,
    QUALITY_VERDICTS,
    SAMPLED_INTERACTIONS,
    SAMPLING_FRAME,
    require_reconciled,
)
from tests.scenario import WEEKS, requests_seen

WEEK = WEEKS[-1]


def asking(world, **policy):
    """The week as if it were twenty times as large, so that its sample is too small a share."""
    world.configure(lambda tree: tree.setdefault("monitor", {}).update(policy))
    with world.pipeline() as pipeline:
        frame = pipeline.lake.read(SAMPLING_FRAME, partition=WEEK)
        larger = frame.with_columns(pl.col("interactions") * 20)
        pipeline.lake.replace(SAMPLING_FRAME, larger, partition=WEEK)


def test_a_sample_of_enough_of_the_traffic_asks_no_further_judge(finished_world):
    with finished_world.pipeline() as pipeline:
        assert pipeline.lake.read(QUALITY_VERDICTS, partition=WEEK).is_empty()
        of_all = pipeline.lake.read(PRODUCTION_QUALITY, partition=WEEK).filter(subset="all")
        assert of_all["judged_share"].item() >= 0.01
        assert of_all["lower"].item() < of_all["quality"].item() < of_all["upper"].item()
        assert of_all["from_reserve"].item() == 0


def test_the_reserve_is_judged_until_the_share_is_reached_and_paid_once(world, provider):
    asking(world, quality_share=0.05)
    with world.pipeline() as pipeline:
        sampled = pipeline.lake.read(SAMPLED_INTERACTIONS, partition=WEEK)
        further = quality.further_of_week(pipeline, week=WEEK)
        reserve = sampled.filter(selection="reserve")["interaction_id"].to_list()
        assert further
        assert set(further) <= set(reserve)
        judged = quality.judge_further(pipeline, week=WEEK)
        require_reconciled(judged.reconciled, table=QUALITY_VERDICTS.name)
        assert judged.asked == len(further)
        assert set(judged.panel["interaction_id"]) <= set(further)
        assert judged.panel.height > 0
        pipeline.lake.replace(QUALITY_VERDICTS, judged.panel, partition=WEEK)
        of_all = quality.quality_of_week(pipeline, week=WEEK).filter(subset="all")
        assert of_all["from_reserve"].item() == judged.panel.height
        asked = requests_seen(provider)
        again = quality.judge_further(pipeline, week=WEEK)
        assert again.panel.equals(judged.panel)
        assert requests_seen(provider) == asked
        told = quality.judged_told(pipeline, quality.quality_of_week(pipeline, week=WEEK))
        assert "asked for are 0.05" in told


def test_the_maximum_ends_it_and_is_named(world):
    asking(world, quality_share=0.05, quality_maximum=2)
    with world.pipeline() as pipeline:
        assert len(quality.further_of_week(pipeline, week=WEEK)) == 2


def test_a_week_on_record_is_told_without_a_run(finished_world):
    found = finished_world.run("monitor", "--week", WEEK, "--json")
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["finished"]
    assert {row["metric"] for row in told["figures"]} >= {"latency_p99_seconds", "error_code_mix"}
    with finished_world.pipeline() as pipeline:
        recorded = pipeline.lake.read(MONITOR_ALERTS, partition=WEEK)
    assert told["alerts"] == recorded.to_dicts()
    assert told["quality"]


def test_the_running_week_is_counted_up_to_now_and_written_nowhere(world):
    now = dt.datetime.fromisoformat(WEEK).replace(tzinfo=dt.UTC) + dt.timedelta(days=2, hours=5)
    before = world.files()
    with world.pipeline(clock=lambda: now) as pipeline:
        found = monitoring.watch_running_week(pipeline)
    assert (found.week, found.finished) == (WEEK, False)
    volume = found.monitor.filter(metric="interactions", route="all")
    assert volume["finding"].to_list() == ["unfinished"]
    assert found.alerts.filter(source="production_quality").is_empty()
    assert world.files() == before


def test_a_slow_route_is_an_alert_with_its_size_and_its_week(world):
    (file,) = (world.logs / f"week={WEEK}").glob("*.parquet")
    logged = pl.read_parquet(file)
    route = logged["route"].value_counts(sort=True)["route"][0]
    slow = pl.when(pl.col("route") == route).then(pl.col("latency_seconds") * 5)
    logged.with_columns(slow.otherwise("latency_seconds").alias("latency_seconds")).write_parquet(
        file
    )
    with world.pipeline() as pipeline:
        earlier = pipeline.lake.read(PRODUCTION_MONITOR, partition=WEEKS[0])
        for count in range(1, 13):
            # The first week again and again: a history in which nothing moves.
            monday = (dt.date.fromisoformat(WEEK) - dt.timedelta(weeks=count)).isoformat()
            pipeline.lake.replace(PRODUCTION_MONITOR, earlier, partition=monday)
        found = monitoring.watch_production(pipeline, week=WEEK)
        pipeline.lake.replace(PRODUCTION_MONITOR, found, partition=WEEK)
        alerts = monitoring.alert(pipeline, week=WEEK)
    row = alerts.row(
        by_predicate=(pl.col("metric") == "latency_p50_seconds")
        & (pl.col("subset") == f"route: {route}"),
        named=True,
    )
    assert row["change"] == pytest.approx(4.0, abs=0.8)
    assert (row["since_week"], row["weeks"]) == (WEEK, 1)
    assert f"Latency p50 on route: {route} is " in row["sentence"]


@pytest.mark.parametrize("week", ["2026-11-17", "yesterday"])
def test_what_is_no_week_is_refused(finished_world, week):
    found = finished_world.run("monitor", "--week", week)
    assert found.code == 1
    assert "--week" in found.err
