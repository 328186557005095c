"""The judged share of production: who is judged beside the sample, and what share passes."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from eval_pipeline.monitoring.quality import further_to_judge, measure_quality
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.tables import (
    PANEL_VERDICTS,
    PRODUCTION_QUALITY,
    SAMPLED_INTERACTIONS,
    STRATIFIED_INTERACTIONS,
)

WEEK = "2026-11-16"


def draw(strata: dict[str, tuple[int, int, int]]) -> pl.DataFrame:
    """(population, allocated, drawn) conversations by stratum, one interaction each."""
    rows = [
        {
            **dict.fromkeys(SAMPLED_INTERACTIONS.schema),
            "interaction_id": f"{stratum}-{position:03d}",
            "conversation_key": f"k-{stratum}-{position:03d}",
            "stratum": stratum,
            "position": position,
            "unit_hash": position / population,
            "selection": "sample" if position <= allocated else "reserve",
            "population_size": population,
            "allocated": allocated,
            "drawn": drawn,
            "design_weight": population / (allocated if position <= allocated else drawn),
        }
        for stratum, (population, allocated, drawn) in strata.items()
        for position in range(1, drawn + 1)
    ]
    return pl.DataFrame(rows, schema=SAMPLED_INTERACTIONS.schema)


def told(ids: list[str], fails: set[str] = frozenset(), **changes: Any) -> pl.DataFrame:
    rows = [
        {
            **dict.fromkeys(PANEL_VERDICTS.schema),
            "interaction_id": one,
            "panel_verdict": "fail" if one in fails else "pass",
            "reason": "unanimous",
            **changes,
        }
        for one in ids
    ]
    return pl.DataFrame(rows, schema=PANEL_VERDICTS.schema)


def stratified(sampled: pl.DataFrame, subset: list[str] = ()) -> pl.DataFrame:
    rows = [
        {
            **dict.fromkeys(STRATIFIED_INTERACTIONS.schema),
            "interaction_id": one,
            "subsets": ["minors"] if one in subset else [],
        }
        for one in sampled["interaction_id"]
    ]
    return pl.DataFrame(rows, schema=STRATIFIED_INTERACTIONS.schema)


def quality(sampled: pl.DataFrame, panel: pl.DataFrame, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "stratified": stratified(sampled),
        "further": [],
        "interactions": 1000,
        "history": PRODUCTION_QUALITY.empty().with_columns(week=pl.lit("", pl.String)),
        "week": WEEK,
        "policy": MonitorSettings(),
        **changes,
    }
    found = measure_quality(sampled=sampled, panel=panel, **given)
    return {row["subset"]: row for row in found.iter_rows(named=True)}


def sample_of(sampled: pl.DataFrame) -> list[str]:
    return sampled.filter(pl.col("selection") == "sample")["interaction_id"].to_list()


def test_a_sample_that_is_share_enough_asks_for_nothing_more() -> None:
    sampled = draw({"a": (1000, 20, 60)})
    assert further_to_judge(sampled, interactions=2000, policy=MonitorSettings()) == []


def test_the_reserve_follows_in_hash_order_until_the_share_is_reached() -> None:
    # 1 % of 4,000 is 40, of which 30 are the sample: ten more. Hashes are position / population,
    # so b's 11th (.022) to 20th (.040) come before a's 21st (.021)... in order of the hash.
    sampled = draw({"a": (1000, 20, 60), "b": (500, 10, 60)})
    further = further_to_judge(sampled, interactions=4000, policy=MonitorSettings())
    assert len(further) == 10
    hashes = dict(sampled.select("interaction_id", "unit_hash").iter_rows())
    rest = sampled.filter(pl.col("selection") == "reserve")["interaction_id"].to_list()
    assert further == sorted(rest, key=lambda one: (hashes[one], one))[:10]


def test_never_more_than_the_maximum_nor_than_the_reserve_holds() -> None:
    sampled = draw({"a": (10_000, 20, 60)})
    policy = MonitorSettings(quality_maximum=7)
    assert len(further_to_judge(sampled, interactions=10_000, policy=policy)) == 7
    assert len(further_to_judge(sampled, interactions=10_000, policy=MonitorSettings())) == 40


def test_each_stratum_weighs_as_much_of_the_traffic_as_it_is() -> None:
    # a: 900 conversations, 10 judged, none fails; b: 100, 10 judged, 5 fail: 1 - .1 * .5 = .95
    sampled = draw({"a": (900, 10, 20), "b": (100, 10, 20)})
    fails = {f"b-{position:03d}" for position in range(1, 6)}
    found = quality(sampled, told(sample_of(sampled), fails))["all"]
    assert found["quality"] == pytest.approx(0.95)
    assert found["lower"] < 0.95 < found["upper"]
    assert (found["judged"], found["passes"], found["fails"]) == (20, 15, 5)
    assert found["judged_share"] == pytest.approx(0.02)


def test_judging_further_makes_a_stratum_s_draw_deeper_and_not_heavier() -> None:
    # b judged twice as deep: 20 of 100, 10 of them fail, and it is a tenth of the traffic still
    sampled = draw({"a": (900, 10, 20), "b": (100, 10, 20)})
    further = [f"b-{position:03d}" for position in range(11, 21)]
    fails = {f"b-{position:03d}" for position in range(1, 21, 2)}
    panel = told([*sample_of(sampled), *further], fails)
    found = quality(sampled, panel, further=further)["all"]
    assert found["quality"] == pytest.approx(1 - 0.1 * 0.5)
    assert (found["sampled"], found["from_reserve"]) == (20, 10)


def test_what_the_panel_could_not_decide_is_counted_and_in_no_share() -> None:
    sampled = draw({"a": (900, 10, 20)})
    ids = sample_of(sampled)
    split = told(ids[:2], panel_verdict=None, reason="split")
    lost = told(ids[2:3], panel_verdict=None, reason="below_quorum")
    found = quality(sampled, pl.concat([split, lost, told(ids[3:9], {ids[3], ids[4], ids[5]})]))
    row = found["all"]
    assert row["quality"] == pytest.approx(0.5)
    assert (row["undecided"], row["below_quorum"], row["unanswerable"]) == (2, 1, 1)
    assert row["judged"] == 9


def test_every_subset_of_the_judged_has_its_row() -> None:
    sampled = draw({"a": (900, 40, 80)})
    ids = sample_of(sampled)
    found = quality(
        sampled, told(ids, set(ids[:5])), stratified=stratified(sampled, subset=ids[:10])
    )
    assert set(found) == {"all", "minors"}
    assert found["minors"]["quality"] == pytest.approx(0.5)
    assert found["minors"]["judged_share"] is None
    assert found["minors"]["finding"] == "too_few"


def test_a_week_whose_panel_said_nothing_has_no_quality() -> None:
    sampled = draw({"a": (900, 10, 20)})
    found = quality(sampled, told([]))["all"]
    assert (found["quality"], found["finding"], found["unanswerable"]) == (None, "not_logged", 10)


def test_a_drop_of_the_quality_is_unusual_against_its_own_weeks() -> None:
    sampled = draw({"a": (5000, 200, 400)})
    ids = sample_of(sampled)
    schema = {**PRODUCTION_QUALITY.schema, "week": pl.String}
    first = np.datetime64("2026-08-24")
    weeks = [str(first + np.timedelta64(7 * place, "D")) for place in range(12)]
    same = {"subset": "all", "effective": 200.0, "lower": 0.85, "upper": 0.94}
    past = pl.DataFrame(
        [
            {
                **dict.fromkeys(schema),
                "week": week,
                "quality": 0.88 + 0.01 * (place % 4),
                **same,
            }
            for place, week in enumerate(weeks)
        ],
        schema=schema,
    )
    low = quality(sampled, told(ids, set(ids[:80])), history=past)["all"]
    assert low["finding"] == "unusual"
    assert low["change"] == pytest.approx(0.6 - 0.895)
    assert quality(sampled, told(ids, set(ids[:22])), history=past)["all"]["finding"] == "usual"
