"""The weekly draw over real files: its watermark, a second draw, and what the gate asks for."""

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest

from eval_pipeline.errors import FrameChangedError, WeekNotClosedError
from eval_pipeline.flows import intake
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GATE_DECISION, SAMPLED_INTERACTIONS, SAMPLING_FRAME
from tests.scenario import CANDIDATE, NEXT_WEEK, WEEKS, World

WEEK = WEEKS[0]
SUBSET = "invented_drug_interactions"


def drawn(pipeline: Pipeline, *, week: str = WEEK) -> intake.Drawn:
    """Frames and draws as the assets do, and writes both."""
    framed = intake.frame_week(pipeline, week=week)
    pipeline.lake.replace(SAMPLING_FRAME, framed.frame, partition=week)
    draw = intake.draw_week(pipeline, week=week)
    pipeline.lake.replace(SAMPLED_INTERACTIONS, draw.sampled, partition=week)
    return draw


def logged(world: World, *, week: str = WEEK) -> pl.DataFrame:
    return pl.read_parquet(world.logs / f"week={week}" / "*.parquet", hive_partitioning=False)


@pytest.mark.parametrize(("minute", "closed"), [(119, False), (120, True)])
def test_nothing_is_counted_before_the_watermark(fresh_world, minute, closed):
    end = dt.datetime.fromisoformat(f"{NEXT_WEEK}T00:00:00Z")
    now = end + dt.timedelta(minutes=minute)
    with fresh_world.pipeline(clock=lambda: now) as pipeline:
        if closed:
            assert intake.frame_week(pipeline, week=WEEKS[1]).interactions > 0
        else:
            with pytest.raises(WeekNotClosedError, match=f"closes at {NEXT_WEEK} 02:00 UTC"):
                intake.frame_week(pipeline, week=WEEKS[1])


def test_a_draw_made_again_after_late_rows_keeps_what_still_qualifies(fresh_world):
    rows = logged(fresh_world)
    conversations = rows["conversation_id"].unique().sort()
    folder = fresh_world.logs / f"week={WEEK}"
    for file in folder.iterdir():
        file.unlink()
    early = pl.col("conversation_id").is_in(conversations.gather_every(2).implode())
    rows.filter(early).write_parquet(folder / "early.parquet")
    with fresh_world.pipeline() as pipeline:
        first = drawn(pipeline)
        assert first.told_redraw == "this is the first draw of the week"
        again = drawn(pipeline)
        assert again.redraw == intake.Redraw(kept=first.sampled.height, entered=0, left=0)
        rows.filter(~early).write_parquet(folder / "late.parquet")
        second = drawn(pipeline)
    before, after = (set(draw.sampled["interaction_id"]) for draw in (first, second))
    assert second.redraw == intake.Redraw(
        kept=len(before & after), entered=len(after - before), left=len(before - after)
    )
    assert min(len(before & after), len(after - before), len(before - after)) > 0
    # Nothing early left that lies before anything early that stayed, in the order of hashes.
    for stratum in first.sampled["stratum"].unique():
        order = first.sampled.filter(pl.col("stratum") == stratum).sort("unit_hash")
        stayed = [one in after for one in order["interaction_id"]]
        assert stayed == sorted(stayed, reverse=True), stratum


def test_logs_that_shrank_since_they_were_counted_are_not_drawn_from(fresh_world):
    with fresh_world.pipeline() as pipeline:
        framed = intake.frame_week(pipeline, week=WEEK)
        pipeline.lake.replace(SAMPLING_FRAME, framed.frame, partition=WEEK)
        rows = logged(fresh_world)
        route = framed.frame["stratum"][0].removeprefix("route=")
        for file in (fresh_world.logs / f"week={WEEK}").iterdir():
            file.unlink()
        rows.filter(pl.col("route") != route).write_parquet(
            fresh_world.logs / f"week={WEEK}" / "part-0.parquet"
        )
        with pytest.raises(FrameChangedError, match=f"strata: route={route}"):
            intake.draw_week(pipeline, week=WEEK)


def undecided(decision: dict[str, Any]) -> dict[str, Any]:
    """The decision as if one subset lacked 25 items of 30."""
    for finding in decision["subsets"]:
        lacking = finding["subset"] == SUBSET
        finding.update(items=5, items_needed=30 if lacking else None)
    return {**decision, "verdict": "inconclusive"}


def test_a_subset_that_the_gate_could_not_decide_on_gets_more_next_week(world):
    with world.pipeline() as pipeline:
        decision = pipeline.lake.read(GATE_DECISION, partition=CANDIDATE)
        silent = undecided(json.loads(decision["decision_json"][0]))
        for finding in silent["subsets"]:
            finding["items_needed"] = None
        asking = undecided(json.loads(decision["decision_json"][0]))
        frames = []
        for told in (silent, asking):
            changed = decision.with_columns(decision_json=pl.lit(json.dumps(told)))
            pipeline.lake.replace(GATE_DECISION, changed, partition=CANDIDATE)
            frames.append(intake.frame_week(pipeline, week=NEXT_WEEK).frame.sort("stratum"))
    without, asked = frames
    assert without["requested"].sum() == 0
    medication = asked.filter(pl.col("stratum") == "route=medication").row(0, named=True)
    # Its predicate is of one route: nothing is asked of the others, and none of them loses.
    assert asked.filter(pl.col("requested") > 0)["stratum"].to_list() == ["route=medication"]
    assert medication["asked_by"] == [SUBSET]
    assert medication["requested"] >= 25
    more = asked["drawn"] - without["drawn"]
    assert more.min() == 0
    assert (
        more.sum()
        == medication["drawn"]
        - without.filter(pl.col("stratum") == "route=medication")["drawn"].item()
    )
    assert more.sum() + medication["shortfall"] >= medication["requested"]
