"""Means over a population, weights and design effects, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.estimates import hajek_mean, stratified_mean
from eval_pipeline.statistics.cell_means import cell_sum
from eval_pipeline.statistics.clusters import cluster_codes
from eval_pipeline.statistics.design_effect import (
    design_effect,
    intraclass_correlation,
    mean_cluster_size,
)
from eval_pipeline.statistics.weights import capped, rake, trimmed_mass


def test_each_item_weighs_one_over_its_inclusion_probability() -> None:
    # (1/0.5 + 0/0.25) / (1/0.5 + 1/0.25) = 2 / 6; n_eff = 6^2 / (2^2 + 4^2) = 1.8
    found = hajek_mean(np.array([1.0, 0.0]), weights=np.array([2.0, 4.0]))
    assert found is not None
    assert found.value == pytest.approx(1 / 3)
    assert found.effective_items == pytest.approx(1.8)
    assert found.design_effect == pytest.approx(2 / 1.8)
    assert (found.items, found.clusters, found.uncovered) == (2, 2, 0.0)


def test_what_weighs_nothing_is_no_item_and_nothing_at_all_is_no_estimate() -> None:
    found = hajek_mean(np.array([1.0, 0.0]), weights=np.array([1.0, 0.0]))
    assert found is not None
    assert (found.value, found.items, found.lower) == (1.0, 1, None)
    assert hajek_mean(np.array([1.0]), weights=np.array([0.0])) is None


def test_strata_count_as_much_as_their_population() -> None:
    # .75 x 1/2 + .25 x 1 = .625; loads .375, .375, .125, .125: n_eff = 1 / .3125 = 3.2
    found = stratified_mean(
        np.array([1.0, 0.0, 1.0, 1.0]),
        strata=["web", "web", "app", "app"],
        population={"web": 750, "app": 250},
    )
    assert found is not None
    assert found.value == pytest.approx(0.625)
    assert found.effective_items == pytest.approx(3.2)
    assert found.lower is not None
    assert found.lower < 0.625 < found.upper


def test_a_stratum_without_items_is_uncovered_and_the_others_share_its_weight() -> None:
    found = stratified_mean(
        np.array([1.0, 0.0, 1.0, 1.0]),
        strata=["web", "web", "app", "app"],
        population={"web": 600, "app": 200, "phone": 200},
    )
    assert found is not None
    assert found.uncovered == pytest.approx(0.2)
    assert found.value == pytest.approx(0.625)


def test_values_of_no_known_stratum_stand_for_nothing() -> None:
    values, strata = np.array([1.0, 0.0, 0.0]), ["web", "web", "other"]
    found = stratified_mean(values, strata=strata, population={"web": 10})
    assert found is not None
    assert (found.value, found.items) == (0.5, 2)
    assert stratified_mean(values, strata=strata, population={"mail": 5}) is None


def test_a_census_of_this_week_is_known_exactly_but_says_little_of_the_next() -> None:
    values, strata, population = np.array([1.0, 0.0, 1.0, 1.0]), ["web"] * 4, {"web": 4}
    realised = stratified_mean(values, strata=strata, population=population, realised=True)
    ahead = stratified_mean(values, strata=strata, population=population)
    assert realised is not None
    assert ahead is not None
    assert (realised.lower, realised.upper) == pytest.approx((0.75, 0.75))
    assert ahead.upper - ahead.lower > 0.5


def test_the_finite_population_takes_its_share_off_the_variance() -> None:
    # 4 of 8: V = (1 - 4/8) s^2 / 4 with s^2 = 1/3, where s^2 / 4 is all without it
    values, cells = np.array([1.0, 0.0, 1.0, 0.0]), np.zeros(4, dtype=np.int64)
    whole = cell_sum(values, cells=cells, coefficients=np.ones(1))
    half = cell_sum(values, cells=cells, coefficients=np.ones(1), left=np.array([0.5]))
    assert whole.standard_error**2 == pytest.approx(1 / 3 / 4)
    assert half.standard_error**2 == pytest.approx(1 / 3 / 4 / 2)
    assert half.degrees == whole.degrees


def test_two_strata_of_one_item_each_are_collapsed_as_cochran_does() -> None:
    # W^2 (y1 - y2)^2 = .5^2 x 1
    found = cell_sum(
        np.array([0.0, 1.0]), cells=np.array([0, 1]), coefficients=np.full(2, 0.5), collapse=True
    )
    assert found.standard_error**2 == pytest.approx(0.25)
    told = stratified_mean(
        np.array([0.0, 1.0, 1.0, 0.0]),
        strata=["a", "b", "c", "c"],
        population={"a": 1, "b": 1, "c": 2},
    )
    assert told is not None
    assert told.collapsed == 2


def test_the_design_effect_is_that_of_the_weights_times_that_of_the_clusters() -> None:
    # n_eff = (1+1+2+2)^2 / 10 = 3.6, 4 / 3.6; clusters of 3 and 1: m = 10 / 4 = 2.5;
    # 4 / 3.6 x (1 + 1.5 x .2)
    codes = cluster_codes(4, ["a", "a", "a", "b"])
    assert mean_cluster_size(codes) == pytest.approx(2.5)
    found = design_effect(weights=np.array([1.0, 1.0, 2.0, 2.0]), codes=codes, correlation=0.2)
    assert found == pytest.approx(4 / 3.6 * 1.3)


def test_values_that_are_equal_inside_clusters_correlate_fully_and_opposites_not_at_all() -> None:
    codes = np.array([0, 0, 1, 1, 2, 2])
    together = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    assert intraclass_correlation(together, codes=codes) == pytest.approx(1.0)
    assert intraclass_correlation(np.array([1.0, 0.0] * 3), codes=codes) == 0.0
    assert intraclass_correlation(together, codes=np.arange(6)) is None
    assert intraclass_correlation(np.ones(6), codes=codes) is None


def test_the_intraclass_correlation_is_that_of_the_analysis_of_variance() -> None:
    # means 1, .5, 0: MSB = 2 (.25 + 0 + .25) / 2 = .5; MSW = (0 + .5 + 0) / 3 = 1/6; m0 = 2
    # (1/2 - 1/6) / (1/2 + 1/6) = 1/2
    values = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    assert intraclass_correlation(values, codes=np.array([0, 0, 1, 1, 2, 2])) == pytest.approx(0.5)


def test_raking_meets_both_margins_without_the_joint_table() -> None:
    routes, languages = ["a", "a", "b", "b"], ["en", "de", "en", "de"]
    shares = ({"a": 0.7, "b": 0.3}, {"en": 0.6, "de": 0.4})
    found = rake(routes, languages, shares=shares)
    # independent margins from equal weights: the products
    assert found.weights == pytest.approx([0.42, 0.28, 0.18, 0.12])
    assert (found.uncovered, found.trimmed, found.distance) == (0.0, 0.0, 0.0)


def test_raking_says_what_it_leaves_out() -> None:
    shares = ({"a": 0.5, "b": 0.3, "c": 0.2}, {"en": 1.0})
    found = rake(["a", "b"], ["en", "en"], shares=shares)
    assert found.uncovered == pytest.approx(0.2)
    assert found.weights == pytest.approx([5 / 8, 3 / 8])


def test_no_raked_weight_is_over_ten_times_the_average_and_the_trimmed_mass_is_told() -> None:
    # 1 of 40 items stands for half of everything: 20 times the average, cut to 10: 10 / 40
    routes = ["rare"] + ["usual"] * 39
    found = rake(routes, ["en"] * 40, shares=({"rare": 0.5, "usual": 0.5}, {"en": 1.0}))
    assert found.weights[0] == pytest.approx(0.25)
    assert found.trimmed == pytest.approx(0.25)
    assert found.distance == pytest.approx(0.25)


@given(st.lists(st.floats(0.01, 100), min_size=12, max_size=40))
def test_trimming_keeps_the_sum_and_tells_what_it_took(values: list[float]) -> None:
    wanted = np.array(values)
    given_out = capped(wanted, 3.0)
    assert given_out.sum() == pytest.approx(wanted.sum())
    assert given_out.max() <= 3.0 * wanted.mean() * (1 + 1e-9)
    lost = np.maximum(wanted - given_out, 0).sum() / wanted.sum()
    assert trimmed_mass(wanted, given_out) == pytest.approx(lost, abs=1e-9)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40))
def test_dense_codes_are_those_of_the_names(names: list[str]) -> None:
    numbers = np.array(["abcd".index(name) for name in names], dtype=np.int64)
    assert cluster_codes(len(names), numbers).tolist() == cluster_codes(len(names), names).tolist()
