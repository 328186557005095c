"""Weights of a golden version for a week's live traffic, by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.statistics.cell_means import cell_sum
from eval_pipeline.statistics.clusters import cluster_variance
from eval_pipeline.statistics.weights import capped
from eval_pipeline.tables import GOLDEN_SET, GOLDEN_WEIGHTS
from eval_pipeline.truth.live_estimate import live_estimate
from eval_pipeline.truth.post_stratification import (
    clustered_design_effect,
    live_weights,
    summary_of,
)


def golden(*groups, selection: str = "sample") -> pl.DataFrame:
    """`groups`: (stratum, kind, subsets, number of items), each item a conversation of its own."""
    rows = [
        {
            "item_id": f"i{place:02}-{number:03}",
            "item_revision": 1,
            "stratum": stratum,
            "kind": kind,
            "subsets": list(subsets),
            "selection": selection,
            "conversation_key": f"c{place}-{number}",
        }
        for place, (stratum, kind, subsets, items) in enumerate(groups)
        for number in range(items)
    ]
    blank = {name: dtype for name, dtype in GOLDEN_SET.schema.items() if name not in rows[0]}
    frame = pl.DataFrame(rows, schema_overrides={"subsets": pl.List(pl.String)})
    return frame.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in blank.items()
    ).select(list(GOLDEN_SET.schema))


def traffic(*groups) -> pl.DataFrame:
    """`groups`: (stratum, kind, subsets, drawn, design weight of each)."""
    return pl.DataFrame(
        [
            {
                "interaction_id": f"t{place}-{number}",
                "conversation_key": f"w{place}-{number}",
                "stratum": stratum,
                "kind": kind,
                "subsets": list(subsets),
                "selection": "sample",
                "design_weight": weight,
            }
            for place, (stratum, kind, subsets, drawn, weight) in enumerate(groups)
            for number in range(drawn)
        ],
        schema_overrides={"subsets": pl.List(pl.String), "design_weight": pl.Float64},
    )


def weigh(items, stratified, *, frame=None, gated=("refunds",)):
    return live_weights(items, version=3, stratified=stratified, frame=frame, gated=gated)


def by_group(weights: pl.DataFrame) -> dict[str, float]:
    """The weight of one item per group."""
    return {row["item_id"][:3]: row["live_weight"] for row in weights.iter_rows(named=True)}


def test_an_item_weighs_its_cells_share_of_traffic_over_the_cells_items() -> None:
    items = golden(("a", "typical", (), 5), ("a", "edge", (), 10), ("b", "typical", (), 5))
    week = traffic(
        ("a", "typical", (), 6, 100.0), ("a", "edge", (), 2, 100.0), ("b", "typical", (), 4, 50.0)
    )
    weights = weigh(items, week)
    # masses 600, 200, 200 of 1000; over 5, 10 and 5 items
    assert by_group(weights) == pytest.approx({"i00": 0.12, "i01": 0.02, "i02": 0.04})
    # n_eff = 1 / (5 * .12^2 + 10 * .02^2 + 5 * .04^2) = 1 / (.072 + .004 + .008) = 11.905
    summary = summary_of(weights)
    assert summary.effective_items == pytest.approx(1 / 0.084)
    assert summary.design_effect == pytest.approx(20 * 0.084)
    assert (summary.uncovered, summary.borrowed, summary.trimmed) == (0, 0, 0)


def test_the_frame_gives_strata_their_exact_shares_and_the_sample_what_is_inside() -> None:
    items = golden(("a", "typical", (), 5), ("a", "edge", (), 5), ("b", "typical", (), 5))
    week = traffic(
        ("a", "typical", (), 3, 10.0), ("a", "edge", (), 1, 10.0), ("b", "typical", (), 4, 99.0)
    )
    frame = pl.DataFrame({"stratum": ["a", "b", "c"], "interactions": [600, 300, 100]})
    weights = weigh(items, week, frame=frame)
    # a: .6 x 3/4 and .6 x 1/4, b: .3; c has no item, so all is over .9
    expected = {"i00": 0.45 / 0.9 / 5, "i01": 0.15 / 0.9 / 5, "i02": 0.3 / 0.9 / 5}
    assert by_group(weights) == pytest.approx(expected)
    assert summary_of(weights).uncovered == pytest.approx(0.1)


def test_synthetic_items_and_items_without_traffic_have_no_weight_and_a_reason() -> None:
    items = pl.concat(
        [
            golden(("a", "typical", (), 5), ("z", "typical", (), 2)),
            golden(("a", "edge", (), 3), selection="synthetic").with_columns(
                item_id="s" + pl.col("item_id")
            ),
        ]
    )
    weights = weigh(items, traffic(("a", "typical", (), 3, 10.0)))
    summary = summary_of(weights)
    assert summary.without_weight == {"no_traffic": 2, "synthetic": 3}
    assert (summary.items, summary.weighted_items) == (10, 5)
    assert weights["live_weight"].sum() == pytest.approx(1)


def test_a_subset_that_is_not_gated_tells_no_cells_apart() -> None:
    items = golden(("a", "typical", ("vip",), 5), ("a", "typical", (), 5))
    week = traffic(("a", "typical", ("vip",), 9, 1.0), ("a", "typical", (), 1, 1.0))
    assert set(by_group(weigh(items, week)).values()) == {0.1}
    assert len(set(by_group(weigh(items, week, gated=("vip",))).values())) == 2


def test_sparse_cells_of_one_kind_pool_and_a_pool_that_is_sparse_joins_the_largest() -> None:
    items = golden(("a", "typical", (), 8), ("a", "typical", ("refunds",), 3), ("a", "edge", (), 6))
    week = traffic(
        ("a", "typical", (), 5, 1.0),
        ("a", "typical", ("refunds",), 2, 1.0),
        ("a", "typical", ("vip", "refunds"), 1, 1.0),
        ("a", "edge", (), 2, 1.0),
    )
    weights = weigh(items, week, gated=("refunds", "vip"))
    # three items for refunds and none for refunds+vip: both join the eight of none, (5+2+1)/10/11
    groups = by_group(weights)
    assert groups["i00"] == groups["i01"] == pytest.approx(0.8 / 11)
    assert groups["i02"] == pytest.approx(0.2 / 6)
    assert summary_of(weights).borrowed == pytest.approx(0.1)
    names = set(weights["cell"])
    assert names == {"a: edge, none", "a: typical, none / typical, refunds / typical, refunds+vip"}


def test_a_kind_without_a_full_cell_pools_with_the_stratum_and_never_beyond_it() -> None:
    items = golden(("a", "typical", (), 6), ("a", "edge", (), 2), ("b", "edge", (), 1))
    week = traffic(
        ("a", "typical", (), 6, 1.0),
        ("a", "edge", (), 2, 1.0),
        ("b", "edge", (), 1, 1.0),
        ("c", "edge", (), 1, 1.0),
    )
    weights = weigh(items, week)
    groups = by_group(weights)
    assert groups["i00"] == groups["i01"] == pytest.approx(0.8 / 0.9 / 8)
    assert groups["i02"] == pytest.approx(0.1 / 0.9)
    assert summary_of(weights).uncovered == pytest.approx(0.1)


def test_no_item_weighs_more_than_ten_times_the_average_and_the_rest_share_the_excess() -> None:
    items = golden(("a", "typical", (), 95), ("b", "typical", (), 5))
    week = traffic(("a", "typical", (), 2, 1.0), ("b", "typical", (), 8, 1.0))
    weights = weigh(items, week)
    # b would weigh .8 / 5 = .16 an item; the cap is 10 / 100, so .3 of the weight moves to a
    assert by_group(weights) == pytest.approx({"i00": 0.5 / 95, "i01": 0.1})
    assert summary_of(weights).trimmed == pytest.approx(0.3)


@given(
    st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=40),
    st.floats(1.0, 20.0),
)
def test_capping_keeps_the_sum_the_order_and_the_bound(values: list[float], ratio: float) -> None:
    weights = np.array(values)
    cut = capped(weights, ratio)
    assert cut.sum() == pytest.approx(weights.sum())
    assert cut.max() <= ratio * weights.mean() * (1 + 1e-9)
    assert (np.diff(cut[np.argsort(weights)]) >= -1e-12).all()


def test_the_clustered_design_effect_multiplies_that_of_conversations() -> None:
    items = golden(("a", "typical", (), 6)).with_columns(
        conversation_key=pl.Series(["x", "x", "y", "z", "u", "v"])
    )
    weights = weigh(items, traffic(("a", "typical", (), 3, 1.0)))
    # deff of weights 1; m = (4 + 1 + 1 + 1 + 1) / 6 = 8/6; 1 + (8/6 - 1) x .3 = 1.1
    assert clustered_design_effect(weights, correlation=0.3) == pytest.approx(1.1)


def test_the_order_of_items_and_traffic_leaves_no_trace() -> None:
    items = golden(("a", "typical", (), 7), ("b", "edge", ("refunds",), 6))
    week = traffic(("a", "typical", (), 6, 1.0), ("b", "edge", ("refunds",), 3, 2.0))
    assert weigh(items, week).equals(weigh(items.reverse(), week.reverse()))


def test_without_any_traffic_no_item_has_a_weight() -> None:
    weights = weigh(golden(("a", "typical", (), 7)), traffic(("a", "typical", (), 1, 1.0)).clear())
    assert weights["live_weight"].null_count() == 7
    assert summary_of(weights).uncovered == 1
    scores = weights.select("item_id", score=pl.lit(1.0))
    assert live_estimate(weights, scores) is None


def test_the_live_estimate_is_the_sum_of_shares_times_the_cells_means() -> None:
    items = golden(("a", "typical", (), 10), ("b", "typical", (), 10))
    week = traffic(("a", "typical", (), 9, 100.0), ("b", "typical", (), 1, 100.0))
    weights = weigh(items, week)
    good = pl.col("item_id").str.starts_with("i00")
    scores = weights.select("item_id", score=pl.when(good).then(1.0).otherwise(0.0))
    found = live_estimate(weights, scores)
    assert found.mean == pytest.approx(0.9)
    assert found.unweighted == pytest.approx(0.5)
    # inside the cells nothing varies: what is left is the share, sqrt(.9 x .1 / 10) = .095
    assert 0.6 < found.lower < 0.9 - 0.095
    assert found.upper == 1.0


def test_a_missing_score_is_counted_and_its_weight_goes_to_its_cell() -> None:
    items = golden(("a", "typical", (), 6), ("b", "typical", (), 5))
    week = traffic(("a", "typical", (), 6, 1.0), ("b", "typical", (), 4, 1.0))
    weights = weigh(items, week)
    scores = weights.select(
        "item_id",
        score=pl.when(pl.col("item_id") == "i00-000")
        .then(None)
        .otherwise(pl.col("item_id").str.starts_with("i00").cast(pl.Float64)),
    )
    found = live_estimate(weights, scores)
    assert found.mean == pytest.approx(0.6)
    assert (found.items, found.missing_items) == (10, 1)
    assert found.missing_share == pytest.approx(0.1)


def test_when_every_score_is_right_the_interval_still_has_a_lower_end() -> None:
    weights = weigh(golden(("a", "typical", (), 50)), traffic(("a", "typical", (), 9, 1.0)))
    found = live_estimate(weights, weights.select("item_id", score=pl.lit(1.0)))
    # the rule of three says 1 - 3/50 = .94
    assert found.lower == pytest.approx(0.94, abs=0.01)
    assert found.upper == 1.0


def test_a_sum_over_one_cell_has_the_variance_of_a_clustered_mean() -> None:
    values = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.5])
    codes = np.array([0, 0, 1, 2, 3, 3, 3])
    found = cell_sum(
        values, cells=np.zeros(7, dtype=np.int64), coefficients=np.ones(1), clusters=codes
    )
    expected = cluster_variance(values - values.mean(), weights=np.ones(7), codes=codes)
    assert found.value == pytest.approx(values.mean())
    assert found.standard_error**2 == pytest.approx(expected)


def test_without_clusters_each_cell_has_its_own_sample_variance() -> None:
    values = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    cells = np.array([0, 0, 0, 1, 1, 1, 1])
    found = cell_sum(values, cells=cells, coefficients=np.array([0.6, 0.4]))
    # s^2 / n: (2/3) / 2 / 3 = 1/9 and (3/4) / 3 / 4 = 1/16
    assert found.standard_error**2 == pytest.approx(0.36 / 9 + 0.16 / 16)
    assert found.value == pytest.approx(0.6 / 3 + 0.4 * 0.75)


def test_a_lone_cell_takes_its_spread_from_all() -> None:
    values = np.array([1.0, 0.0, 1.0])
    found = cell_sum(values, cells=np.array([0, 0, 1]), coefficients=np.array([0.5, 0.5]))
    # first cell: .25 x (1/2)/2... = .0625; the lone one: (.5 x (1 - 2/3))^2 = 1/36
    assert found.standard_error**2 == pytest.approx(0.25 * 0.5 / 2 + 1 / 36)


def test_the_weights_are_a_table() -> None:
    weights = weigh(golden(("a", "typical", (), 7)), traffic(("a", "typical", (), 1, 1.0)))
    assert weights.schema == GOLDEN_WEIGHTS.schema
    assert set(weights["golden_version"]) == {3}
