"""How the weekly draw estimates totals, over 2,000 independent draws of one small world.

Hashes of different conversation ids are independent, so one draw from 2,000 copies of the world
whose ids differ, each with strata of its own, is 2,000 draws of the world: the draw is called once.
"""

import datetime as dt
import hashlib
import math
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.intake.allocation import allocate_frame
from eval_pipeline.intake.sampling import draw_sample
from eval_pipeline.intake.steering import REQUEST_COLUMNS, SPREAD_COLUMNS
from eval_pipeline.settings import SamplingSettings

WEEK = "2026-11-16"
COPIES = 2000
POLICY = SamplingSettings(
    budget=18, reserve=12, minimum_per_stratum=4, interactions_per_conversation=2
)
CONVERSATIONS = {"a": 30, "b": 14, "c": 5}
"""By stratum; a conversation has 1 to 5 interactions, each with a value of its own."""
SPREADS = {"a": 0.5, "b": 0.2, "c": 0.4}


@cache
def world() -> pl.DataFrame:
    """One copy: stratum, conversation, interaction, value. Long conversations are worth more."""
    generator = np.random.default_rng(5)
    rows = [
        (stratum, f"{stratum}{number}", f"{stratum}{number}-{turn}", float(value + turns))
        for stratum, count in CONVERSATIONS.items()
        for number in range(count)
        for turns in [1 + number % 5]
        for turn, value in enumerate(generator.gamma(2.0, size=turns))
    ]
    schema = ["stratum", "conversation_id", "interaction_id", "value"]
    return pl.DataFrame(rows, schema=schema, orient="row")


def digits(policy: SamplingSettings, conversation: str) -> str:
    salted = f"{policy.salt}:{WEEK}|{conversation}".encode()
    return hashlib.md5(salted, usedforsecurity=False).hexdigest()[:13]


def drawable(interactions: pl.DataFrame, *, policy: SamplingSettings = POLICY) -> pl.DataFrame:
    """All interactions as the log engine would give them."""
    hashes = interactions.select(pl.col("conversation_id").unique().sort()).with_columns(
        conversation_digits=pl.col("conversation_id").map_elements(
            lambda conversation: digits(policy, conversation), return_dtype=pl.String
        )
    )
    return interactions.join(hashes, on="conversation_id").select(
        "stratum",
        "conversation_id",
        "conversation_digits",
        "interaction_id",
        route=pl.lit("r"),
        occurred_at=pl.lit(dt.datetime(2026, 11, 16, tzinfo=dt.UTC)),
    )


def framed(interactions: pl.DataFrame, *, policy: SamplingSettings = POLICY) -> pl.DataFrame:
    """The SAMPLING_FRAME of a copy."""
    strata = interactions.group_by("stratum").agg(
        population_size=pl.col("conversation_id").n_unique().cast(pl.Int64),
        interactions=pl.len().cast(pl.Int64),
        late_interactions=pl.lit(0, dtype=pl.Int64),
    )
    return allocate_frame(
        strata,
        policy=policy,
        spreads=pl.DataFrame(
            [(name, spread, 100) for name, spread in SPREADS.items()],
            schema=SPREAD_COLUMNS,
            orient="row",
        ),
        requests=pl.DataFrame(schema=REQUEST_COLUMNS),
    )


def copied(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """The frame once per copy, with the copy's number in front of these columns."""
    copies = pl.DataFrame({"copy": range(COPIES)})
    number = pl.format("{}:", "copy")
    return frame.join(copies, how="cross").with_columns(
        pl.concat_str(number, pl.col(column)).alias(column) for column in columns
    )


@cache
def draws() -> pl.DataFrame:
    """Every copy's drawn interactions with their weights, values and the copy's own stratum."""
    frame = copied(framed(world()), "stratum").drop("copy")
    interactions = copied(world(), "stratum", "conversation_id", "interaction_id")
    drawn = draw_sample(drawable(interactions), frame=frame, policy=POLICY, week=WEEK, key=b"key")
    return drawn.join(
        interactions.select("interaction_id", "value", "copy"), on="interaction_id"
    ).with_columns(pl.col("stratum").str.split(":").list.last())


def assert_unbiased(rows: pl.DataFrame, *, truth: float, estimated: pl.Expr) -> None:
    """The mean over all copies lies within four of its standard errors from the truth."""
    copies = pl.DataFrame({"copy": range(COPIES)})
    totals = copies.join(rows.group_by("copy").agg(total=estimated.sum()), on="copy", how="left")[
        "total"
    ].fill_null(0.0)
    mean, deviation = float(totals.to_numpy().mean()), float(totals.to_numpy().std(ddof=1))
    error = deviation / math.sqrt(COPIES)
    assert abs(mean - truth) <= max(4 * error, 1e-9 * truth)


def weighed(selection: str) -> pl.DataFrame:
    """The draws as one design: the sample alone, or sample and reserve together.

    A sample row's weight is the sample's; allocated over drawn makes it that of both.
    """
    if selection == "sample":
        return draws().filter(pl.col("selection") == "sample").with_columns(w="design_weight")
    share = (
        pl.when(pl.col("selection") == "sample")
        .then(pl.col("allocated") / pl.col("drawn"))
        .otherwise(1.0)
    )
    return draws().with_columns(w=pl.col("design_weight") * share)


@pytest.mark.slow
@pytest.mark.parametrize("selection", ["sample", "together"])
@pytest.mark.parametrize("stratum", [*CONVERSATIONS, "all"])
def test_weighted_totals_of_interactions_and_of_a_value_are_unbiased(
    selection: str, stratum: str
) -> None:
    # 4 standard errors: a false alarm in 16,000; 16 comparisons here
    rows, truth = weighed(selection), world()
    if stratum != "all":
        rows = rows.filter(pl.col("stratum") == stratum)
        truth = truth.filter(pl.col("stratum") == stratum)
    assert_unbiased(rows, truth=truth.height, estimated=pl.col("w"))
    assert_unbiased(rows, truth=truth["value"].sum(), estimated=pl.col("w") * pl.col("value"))


@pytest.mark.slow
def test_the_unweighted_mean_would_be_biased() -> None:
    # Two interactions a conversation, long ones worth more: without weights these count too little.
    rows = draws().filter(pl.col("selection") == "sample")
    means = rows.group_by("copy").agg(
        plain=pl.col("value").mean(),
        weighted=(pl.col("value") * pl.col("design_weight")).sum() / pl.col("design_weight").sum(),
    )
    truth = float(world()["value"].to_numpy().mean())
    plain, weighted = (
        abs(float(means[name].to_numpy().mean()) - truth) for name in means.columns[1:]
    )
    assert plain > 0.2
    assert weighted < 0.05


@pytest.mark.slow
def test_every_conversation_of_a_stratum_is_drawn_as_often_as_its_probability_says() -> None:
    # 49 conversations, seed fixed by the salt; the share of 2,000 copies that drew it lies within
    # four and a half binomial errors: a false alarm in 3,000 for all 49
    drawn = (
        draws()
        .with_columns(conversation=pl.col("interaction_id").str.split(":").list.last())
        .with_columns(pl.col("conversation").str.split("-").list.first())
        .unique(["copy", "conversation"])
    )
    found = drawn.group_by("stratum", "conversation").agg(
        share=pl.len() / COPIES, expected=(pl.col("drawn") / pl.col("population_size")).first()
    )
    assert found.height == sum(CONVERSATIONS.values())
    error = (found["expected"] * (1 - found["expected"]) / COPIES).sqrt()
    assert ((found["share"] - found["expected"]).abs() <= 4.5 * error + 1e-12).all()


late_conversations = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 10**6), st.integers(1, 4)),
    max_size=12,
    unique_by=lambda late: late[1],
)


@settings(max_examples=40, deadline=None)
@given(late_conversations)
def test_a_draw_made_again_after_late_rows_keeps_every_key_that_still_qualifies(
    late: list[tuple[str, int, int]],
) -> None:
    more = pl.DataFrame(
        [
            (stratum, f"late{number}", f"late{number}-{turn}", 1.0)
            for stratum, number, turns in late
            for turn in range(turns)
        ],
        schema=world().schema,
        orient="row",
    )
    before, after = world(), pl.concat([world(), more])
    first, again = (
        draw_sample(
            drawable(interactions),
            frame=framed(interactions),
            policy=POLICY,
            week=WEEK,
            key=b"key",
        )
        for interactions in (before, after)
    )
    kept = set(again["interaction_id"])
    by_hash = sorted(
        after.select("stratum", "conversation_id").unique().iter_rows(),
        key=lambda row: (row[0], digits(POLICY, row[1])),
    )
    allowed = dict(framed(after).select("stratum", "drawn").iter_rows())
    for stratum, count in allowed.items():
        own = [conversation for name, conversation in by_hash if name == stratum]
        qualifying = set(own[:count])
        was = set(first.filter(pl.col("stratum") == stratum)["interaction_id"])
        still = {key for key in was if key.split("-")[0] in qualifying}
        assert still <= kept
        assert {key for key in was - still if key in kept} == set()
        drawn_now = again.filter(pl.col("stratum") == stratum)["interaction_id"]
        assert {key.split("-")[0] for key in drawn_now} == qualifying
