"""Which drawn requests a shadow asks, and what each stands for."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.shadow.draw import shadow_draw


def drawn(*rows: tuple[str, str, int, str, int, int, int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        list(rows),
        schema=[
            "interaction_id", "stratum", "position", "selection", "population_size", "allocated",
            "drawn", "inclusion_probability",
        ],
        orient="row",
    )  # fmt: skip


# Ten conversations of `a`, of which one is in the sample and two in all; forty of `b`, two drawn.
WEEK = drawn(
    ("a1", "a", 1, "sample", 10, 1, 2, 1 / 10),
    ("a2", "a", 2, "reserve", 10, 1, 2, 2 / 10),
    ("b1", "b", 1, "sample", 40, 1, 2, 1 / 40),
    ("b2", "b", 2, "reserve", 40, 1, 2, 2 / 40),
)


def weights(rows: pl.DataFrame) -> dict[str, float]:
    return dict(rows.select("interaction_id", "design_weight").iter_rows())


def test_sample_and_reserve_together_weigh_as_one_draw_of_both():
    # Two of ten and two of forty: 5 and 20 each, whichever of the two selections it came by.
    asked = shadow_draw(WEEK, present=WEEK["interaction_id"])
    assert weights(asked) == pytest.approx({"a1": 5, "a2": 5, "b1": 20, "b2": 20})


def test_one_of_three_requests_of_a_conversation_weighs_three_times():
    one = drawn(("a1", "a", 1, "sample", 10, 2, 2, 2 / 10 / 3))
    # 10 conversations, 1 asked, a third of its requests: 10 / 1 * 3.
    assert weights(shadow_draw(one, present=one["interaction_id"])) == pytest.approx({"a1": 30})


def test_what_is_gone_is_taken_to_be_like_the_rest_of_its_stratum():
    asked = shadow_draw(WEEK, present=pl.Series(["a1", "b1", "b2"]))
    assert weights(asked) == pytest.approx({"a1": 10, "b1": 20, "b2": 20})


def test_fewer_items_are_shared_by_traffic_and_not_by_what_was_drawn():
    # Places (position - 0.5) / population: b1 0.0125, b2 0.0375, a1 0.05, a2 0.15.
    assert shadow_draw(WEEK, present=WEEK["interaction_id"], maximum=3)[
        "interaction_id"
    ].to_list() == ["a1", "b1", "b2"]


def test_a_conversation_is_asked_whole_or_not_at_all():
    two = drawn(
        ("a1", "a", 1, "sample", 10, 2, 2, 0.2),
        ("a2", "a", 1, "sample", 10, 2, 2, 0.2),
        ("a3", "a", 2, "sample", 10, 2, 2, 0.2),
        ("a4", "a", 2, "sample", 10, 2, 2, 0.2),
    )
    asked = shadow_draw(two, present=two["interaction_id"], maximum=3)
    assert asked["interaction_id"].to_list() == ["a1", "a2"]
    # One conversation of ten stands for them all.
    assert weights(asked) == pytest.approx({"a1": 10, "a2": 10})


@given(
    sizes=st.lists(st.integers(2, 30), min_size=1, max_size=4),
    maxima=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_a_smaller_draw_lies_in_a_larger_one_and_weights_give_the_strata_back(sizes, maxima):
    rows = [
        (f"{stratum}-{place}", str(stratum), place, "reserve", size, 0, size // 2, 0.0)
        for stratum, size in enumerate(sizes)
        for place in range(1, size // 2 + 1)
    ]
    week = drawn(*rows).with_columns(
        inclusion_probability=pl.col("drawn") / pl.col("population_size")
    )
    smaller, larger = sorted(maxima)
    few = shadow_draw(week, present=week["interaction_id"], maximum=smaller)
    many = shadow_draw(week, present=week["interaction_id"], maximum=larger)
    assert set(few["interaction_id"]) <= set(many["interaction_id"])
    assert many.height == min(larger, week.height)
    # Horvitz-Thompson: the weights of a stratum that was asked sum to its conversations.
    sums = dict(many.group_by("stratum").agg(pl.col("design_weight").sum()).iter_rows())
    assert sums == pytest.approx({stratum: sizes[int(stratum)] for stratum in sums})
