import datetime as dt
import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.queries import load_sql, query
from eval_pipeline.fingerprint import keyed_pseudonym, unit_hash
from eval_pipeline.intake.sampling import (
    ABOVE_ALL,
    draw_salt,
    draw_sample,
    incomplete_strata,
    thresholds,
)
from eval_pipeline.settings import SamplingSettings
from eval_pipeline.tables import SAMPLED_INTERACTIONS, SAMPLING_FRAME

WEEK = "2026-11-16"
KEY = b"key"
DRAWABLE = {
    "stratum": pl.String,
    "conversation_id": pl.String,
    "conversation_digits": pl.String,
    "interaction_id": pl.String,
    "route": pl.String,
    "occurred_at": pl.Datetime("us", "UTC"),
}


def interactions(
    conversations: dict[str, int], *, turns: int = 1, salt: str = f"weekly:{WEEK}"
) -> pl.DataFrame:
    """`conversations` per route, each with `turns` interactions, all of them drawable."""
    rows = [
        (
            f"route={route}",
            f"{route}-{number}",
            f"{int(unit_hash(salt, f'{route}-{number}') * 2**52):013x}",
            f"{route}-{number}-{turn}",
            route,
            dt.datetime(2026, 11, 16, tzinfo=dt.UTC) + dt.timedelta(minutes=number),
        )
        for route, count in conversations.items()
        for number in range(count)
        for turn in range(turns)
    ]
    return pl.DataFrame(rows, schema=DRAWABLE, orient="row")


def frame_of(drawable: pl.DataFrame, *, sample: int, reserve: int = 0) -> pl.DataFrame:
    """A frame that gives every stratum `sample` and `reserve`, or all it has."""
    size, rows = pl.col("population_size"), pl.lit(0, pl.Int64)
    return SAMPLING_FRAME.conform(
        drawable.group_by("stratum")
        .agg(
            population_size=pl.col("conversation_id").n_unique().cast(pl.Int64),
            interactions=pl.len().cast(pl.Int64),
        )
        .with_columns(
            late_interactions=rows,
            spread=pl.lit(None, pl.Float64),
            scored_interactions=rows,
            requested=rows,
            asked_by=pl.lit([], pl.List(pl.String)),
            golden_requested=rows,
            golden_asked_by=pl.lit([], pl.List(pl.String)),
            steered_by=pl.lit(None, pl.Int64),
            wanted=size,
            allocated=pl.min_horizontal(size, pl.lit(sample, pl.Int64)),
            drawn=pl.min_horizontal(size, pl.lit(sample + reserve, pl.Int64)),
            shortfall=rows,
            reason=pl.lit(None, pl.String),
        )
        .select(list(SAMPLING_FRAME.schema))
    )


def policy(**changes: object) -> SamplingSettings:
    return SamplingSettings.model_validate(changes)


def draw(
    drawable: pl.DataFrame,
    *,
    sample: int = 30,
    reserve: int = 20,
    week: str = WEEK,
    **changes: object,
) -> pl.DataFrame:
    return draw_sample(
        drawable,
        frame=frame_of(drawable, sample=sample, reserve=reserve),
        policy=policy(**changes),
        week=week,
        key=KEY,
    )


def test_a_conversations_weight_is_one_over_its_inclusion_probability() -> None:
    # 10 of 40 conversations in the sample, one of two turns: 10/40 * 1/2 = 1/8;
    # sample and reserve together 16 of 40: 16/40 * 1/2 = 1/5
    drawn = draw(interactions({"a": 40}, turns=2), sample=10, reserve=6)
    sample = drawn.filter(selection="sample")
    reserve = drawn.filter(selection="reserve")
    assert sample.height == 10
    assert reserve.height == 6
    assert sample["inclusion_probability"].unique().to_list() == [1 / 8]
    assert sample["design_weight"].unique().to_list() == [8.0]
    assert reserve["inclusion_probability"].unique().to_list() == [pytest.approx(1 / 5)]
    assert drawn["allocated"].unique().to_list() == [10]
    assert drawn["drawn"].unique().to_list() == [16]
    assert drawn["population_size"].unique().to_list() == [40]


def test_a_census_has_weight_one() -> None:
    drawn = draw(interactions({"a": 4}))
    assert drawn["design_weight"].to_list() == [1.0] * 4
    assert drawn["selection"].to_list() == ["sample"] * 4


def test_the_conversations_with_the_smallest_hashes_are_drawn() -> None:
    drawable = interactions({"a": 60})
    drawn = draw(drawable, sample=10, reserve=0)
    by_hash = sorted(
        drawable["conversation_id"],
        key=lambda conversation: unit_hash(f"weekly:{WEEK}", conversation),
    )
    expected = {keyed_pseudonym(KEY, "conversation", name) for name in by_hash[:10]}
    assert set(drawn["conversation_key"]) == expected
    assert sorted(drawn["position"]) == list(range(1, 11))


@given(st.integers(1, 59), st.integers(1, 59))
def test_a_larger_draw_from_a_stratum_contains_the_smaller(one: int, other: int) -> None:
    drawable = interactions({"a": 60})
    smaller, larger = sorted((one, other))
    few = draw(drawable, sample=smaller, reserve=0)
    many = draw(drawable, sample=larger, reserve=0)
    assert set(few["interaction_id"]) <= set(many["interaction_id"])


def test_turning_reserve_into_sample_draws_nothing_new() -> None:
    drawable = interactions({"a": 60})
    apart = draw(drawable, sample=10, reserve=15)
    together = draw(drawable, sample=25, reserve=0)
    assert set(apart["interaction_id"]) == set(together["interaction_id"])


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(shuffler: random.Random) -> None:
    drawable = interactions({"a": 30, "b": 12}, turns=3)
    order = list(range(drawable.height))
    shuffler.shuffle(order)
    assert draw(drawable[order], sample=8).equals(draw(drawable, sample=8))


def test_what_lies_beyond_the_draw_changes_nothing() -> None:
    drawable = interactions({"a": 400, "b": 9}, turns=2)
    frame = frame_of(drawable, sample=20, reserve=10)
    limits = dict(thresholds(frame).iter_rows())
    assert limits["route=b"] == ABOVE_ALL
    below = drawable.filter(
        pl.col("conversation_digits") < pl.col("stratum").replace_strict(limits)
    )
    assert below.height < drawable.height
    assert incomplete_strata(below, frame=frame) == []
    whole, part = (
        draw_sample(rows, frame=frame, policy=policy(), week=WEEK, key=KEY)
        for rows in (drawable, below)
    )
    assert part.equals(whole)


def test_a_threshold_leaves_room_for_chance() -> None:
    # k = 100 of N = 10,000: (100 + 6*10 + 10) / 10,000 = 0.017
    frame = frame_of(interactions({"a": 10_000}), sample=100)
    digits = thresholds(frame)["threshold"].item()
    assert int(digits, 16) / 16**13 == pytest.approx(0.017)
    wider = thresholds(frame, widening=2)["threshold"].item()
    assert int(wider, 16) / 16**13 == pytest.approx(0.034)


def test_a_stratum_with_fewer_conversations_than_it_should_give_is_named() -> None:
    drawable = interactions({"a": 40, "b": 40})
    frame = frame_of(drawable, sample=30)
    kept = drawable.filter(
        (pl.col("route") == "b") | (pl.col("conversation_id").str.ends_with("1"))
    )
    assert incomplete_strata(kept, frame=frame) == ["route=a"]
    assert incomplete_strata(drawable.clear(), frame=frame) == ["route=a", "route=b"]


def test_a_stratum_that_gets_nothing_is_not_read() -> None:
    assert thresholds(frame_of(interactions({"a": 4}), sample=0)).is_empty()


def test_another_week_and_another_salt_have_other_hashes() -> None:
    salts = {
        draw_salt(policy(), WEEK),
        draw_salt(policy(), "2026-11-23"),
        draw_salt(policy(salt="other"), WEEK),
    }
    assert len(salts) == 3
    draws = [
        set(draw(interactions({"a": 200}, salt=salt), sample=20, reserve=0)["interaction_id"])
        for salt in salts
    ]
    assert draws[0] != draws[1] != draws[2]


def test_a_repeated_id_is_drawn_once() -> None:
    drawable = interactions({"a": 5}, turns=2)
    twice = pl.concat([drawable, drawable.head(4)])
    assert draw(twice).equals(draw(drawable))


def test_as_many_interactions_as_asked_are_drawn_inside_a_conversation() -> None:
    drawn = draw(interactions({"a": 3}, turns=5), interactions_per_conversation=2)
    assert drawn.group_by("conversation_key").len()["len"].to_list() == [2, 2, 2]
    # all 3 conversations, 2 of 5 turns: 1 * 2/5
    assert drawn["inclusion_probability"].unique().to_list() == [pytest.approx(0.4)]


def test_a_week_without_rows_gives_an_empty_table() -> None:
    assert draw(interactions({})).equals(SAMPLED_INTERACTIONS.empty())


def test_duckdb_reads_the_same_digits() -> None:
    drawable = interactions({"ä": 50, "b": 50})
    in_sql = query(
        load_sql("drawable_interactions"),
        parameters={"salt": f"weekly:{WEEK}", "highest": ABOVE_ALL},
        frames={
            "framed": drawable.drop("conversation_digits"),
            "thresholds": pl.DataFrame(
                {"stratum": ["route=ä", "route=b"], "threshold": [ABOVE_ALL, "8"]}
            ),
        },
    )
    expected = drawable.filter(
        (pl.col("route") == "ä") | (pl.col("conversation_digits") < "8")
    ).sort("stratum", "conversation_digits")
    assert 50 < expected.height < 100
    assert in_sql.select(expected.columns).rows() == expected.rows()
