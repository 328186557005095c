"""Failures that no subset covers, by topic."""

import polars as pl
import pytest
from ruamel.yaml import YAML

from eval_pipeline.monitoring.unnamed_failures import find_unnamed_failures, subset_stub
from eval_pipeline.settings import SubsetSettings
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import STRATIFIED_INTERACTIONS

# 30 judged in 'late' of which 12 fail, 4 of them in a subset; 60 in 'other' of which 6 fail, all
# in a subset; 10 without a topic of which 1 fails.
FAILS = {"late": (30, 12, 4), "other": (60, 6, 6), None: (10, 1, 0)}


def world(**changes: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows, verdicts = [], []
    for cluster, (judged, fails, covered) in FAILS.items():
        for number in range(judged):
            name = f"{cluster}-{number:03d}"
            rows.append(
                dict.fromkeys(STRATIFIED_INTERACTIONS.schema)
                | {
                    "interaction_id": name,
                    "conversation_key": f"k-{name}",
                    "selection": "sample",
                    "cluster": cluster,
                    "subsets": ["named"] if number < covered else [],
                    "design_weight": 2.0,
                    "unit_hash": (judged - number) / 100,
                    **changes,
                }
            )
            verdicts.append((name, "fail" if number < fails else "pass"))
    return (
        pl.DataFrame(rows, schema=STRATIFIED_INTERACTIONS.schema),
        pl.DataFrame(verdicts, schema=["interaction_id", "panel_verdict"], orient="row"),
    )


def found(
    stratified: pl.DataFrame, verdicts: pl.DataFrame, terms: tuple[str, ...] = ("parcel", "late")
) -> dict[str, dict]:
    frame = find_unnamed_failures(
        stratified=stratified,
        panel_verdicts=verdicts,
        topics={"late": ("late, parcel", ["late", "parcel"]), "other": ("other", [])},
        terms_of=lambda ids: list(terms),
        week="2026-01-05",
        confidence=0.95,
    )
    return {row["cluster"]: row for row in frame.to_dicts()}


def test_only_topics_with_a_failure_outside_every_subset_are_told():
    assert set(found(*world())) == {"late", "none"}


def test_shares_and_rates_are_those_of_the_judged_sample():
    row = found(*world())["late"]
    assert (row["failures"], row["judged"]) == (8, 30)
    assert row["traffic_share"] == pytest.approx(8 / 100)
    assert row["failure_rate"] == pytest.approx(12 / 30)
    assert row["rest_failure_rate"] == pytest.approx(7 / 70)
    lower, upper = wilson(0.4, 30, confidence=0.95)
    assert (row["failure_rate_lower"], row["failure_rate_upper"]) == pytest.approx((lower, upper))
    assert row["finding"] == "higher"


def test_ten_interactions_are_needed_on_both_sides_of_the_comparison():
    stratified, verdicts = world()
    few = stratified.filter(
        ~pl.col("interaction_id").is_in([f"late-{n:03d}" for n in range(9, 30)])
    )
    assert found(few, verdicts)["late"]["finding"] == "too_little"


def test_what_has_no_topic_is_told_as_none():
    row = found(*world())["none"]
    assert (row["failures"], row["topic"], row["finding"]) == (1, "no topic", "not_higher")


def test_examples_are_at_most_five_by_the_draws_hash():
    row = found(*world())["late"]
    assert row["examples"] == [f"late-{number:03d}" for number in (11, 10, 9, 8, 7)]


def test_failures_too_few_to_have_terms_are_told_by_those_of_their_topic():
    row = found(*world(), terms=())["late"]
    assert row["terms"] == ["late", "parcel"]
    assert "LIKE '%late%'" in row["subset_stub"]


def test_a_weight_counts_as_the_traffic_it_stands_for():
    stratified, verdicts = world()
    heavy = stratified.with_columns(
        design_weight=pl.when(pl.col("cluster") == "late").then(9.0).otherwise(1.0)
    )
    # Eight failures of weight 9 in 30 * 9 + 70 * 1.
    assert found(heavy, verdicts)["late"]["traffic_share"] == pytest.approx(72 / 340)


def test_the_reserve_and_what_the_panel_left_open_do_not_count():
    stratified, verdicts = world()
    assert found(stratified.with_columns(selection=pl.lit("reserve")), verdicts) == {}
    assert found(stratified, verdicts.with_columns(panel_verdict=pl.lit(None, pl.String))) == {}


def test_a_week_without_verdicts_gives_an_empty_table():
    stratified, verdicts = world()
    assert found(stratified, verdicts.clear()) == {}


@pytest.mark.parametrize("terms", [("parcel", "late"), (), ("überfällig",)])
def test_the_stub_is_a_subset_that_the_settings_accept(terms):
    stub = subset_stub(
        terms, cluster="c-2026-01-05-01", topic='say "late", then', failures=8, week="2026-01-05"
    )
    tree = YAML(typ="safe", pure=True).load(stub)
    ((name, subset),) = tree["subsets"].items()
    assert name.startswith("unnamed")
    settings = SubsetSettings.model_validate(subset)
    texts = pl.DataFrame({"conversation_text": ["my Parcel is LATE", "refund", "Überfällig"]})
    hits = texts.select(pl.sql_expr(settings.predicate).alias("hit"))["hit"].to_list()
    expected = {"parcel": [True, False, False], "überfällig": [False, False, True]}
    assert hits == (expected[terms[0]] if terms else [False] * 3)
