"""The contracts of sample and golden set: what breaks them, and what they never say."""

import datetime as dt
import os
import subprocess
import sys

import polars as pl
import pytest

from eval_pipeline.adapters.contracts.expectations import validate_golden, validate_sample
from eval_pipeline.settings import GoldenSettings, MixSettings
from eval_pipeline.tables import GOLDEN_SET, SAMPLED_INTERACTIONS

POLICY = GoldenSettings(
    minimum_items=4,
    maximum_items=10,
    minimum_per_subset=2,
    maximum_age_days=30,
    mix=MixSettings(tolerance=1.0),
)
SUBSETS = ["refunds", "dosage"]
DAY = dt.date(2026, 11, 16)


TIGHT = POLICY.model_copy(update={"mix": MixSettings(tolerance=0.1)})


def a_sample(size: int = 3) -> pl.DataFrame:
    rows = [
        {
            "interaction_id": f"i{number}",
            "conversation_key": f"c{number}",
            "route": "refunds",
            "stratum": "refunds",
            "occurred_at": dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC),
            "unit_hash": 0.1 + number / 100,
            "position": number + 1,
            "selection": "sample",
            "population_size": 40,
            "allocated": size,
            "drawn": size,
            "inclusion_probability": size / 40,
            "design_weight": 40 / size,
        }
        for number in range(size)
    ]
    return SAMPLED_INTERACTIONS.conform(pl.DataFrame(rows, schema=SAMPLED_INTERACTIONS.schema))


def golden_items(size: int = 5, **changed: object) -> pl.DataFrame:
    item = {
        "item_revision": 1,
        "item_fingerprint": "f",
        "week": "2026-11-16",
        "route": "refunds",
        "stratum": "refunds",
        "kind": "typical",
        "subsets": ["refunds", "dosage"],
        "messages": [{"role": "user", "content": "Where is my refund?"}],
        "expected_behaviour": "answer",
        "logged_response": "On its way.",
        "reference_response": None,
        "reference_label": "pass",
        "label_source": "agreement",
        "annotator_kind": "person",
        "selection": "sample",
        "inclusion_probability": 0.25,
        "design_weight": 4.0,
        "conversation_key": "c",
        "user_key": "u",
        "admitted_in": 1,
        "admitted_on": DAY,
        "labelled_on": DAY,
    }
    rows = [{**item, "item_id": f"item-{number}"} for number in range(size)]
    rows[0] |= changed
    return pl.DataFrame(rows, schema=GOLDEN_SET.schema)


def sample_failures(sample: pl.DataFrame) -> tuple[str, ...]:
    result = validate_sample(sample)
    assert result.passed == (not result.failures)
    assert result.warnings == ()
    return result.failures


def golden_failures(items: pl.DataFrame, policy: GoldenSettings = POLICY):
    return validate_golden(items, policy=policy, subsets=SUBSETS).failures


def test_importing_the_adapter_does_not_import_great_expectations():
    script = (
        "import sys, eval_pipeline.adapters.contracts.expectations; "
        "sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_sound_draw_passes():
    assert sample_failures(a_sample()) == ()


def test_an_empty_sample_breaks_the_contract():
    assert sample_failures(SAMPLED_INTERACTIONS.empty()) == (
        "There must be rows in the sample; there are 0.",
    )


@pytest.mark.parametrize(
    ("column", "value", "claim"),
    [
        ("inclusion_probability", 0.0, "Every `inclusion_probability` must lie above 0"),
        ("inclusion_probability", 1.01, "Every `inclusion_probability` must lie above 0"),
        ("design_weight", 5.0, "Every `weight_times_probability` must be 1"),
        ("selection", "favourite", "Every `selection` must be one of sample, reserve"),
        ("position", 0, "Every `position` must start from 1"),
        ("drawn", 41, "Every `drawn_beyond_population` must be 0"),
        ("stratum", None, "Every `stratum` must be present"),
    ],
)
def test_a_sample_that_is_no_probability_sample_is_refused(column, value, claim):
    dtype = SAMPLED_INTERACTIONS.schema[column]
    broken = a_sample().with_columns(pl.Series(column, [value] * 3, dtype=dtype))
    assert any(failure.startswith(claim) for failure in sample_failures(broken))


def test_a_sound_golden_version_passes():
    result = validate_golden(golden_items(), policy=POLICY, subsets=SUBSETS)
    assert result.passed
    assert result.shortfalls == ()
    assert result.as_markdown().endswith(f"all {result.evaluated} expectations hold.")


@pytest.mark.parametrize(
    ("column", "value", "claim"),
    [
        ("item_id", "item-1", "Every `item_id` must be unique; 2 of 5 rows"),
        ("kind", "odd", "Every `kind` must be one of typical, edge, adversarial; 1 of 5"),
        ("reference_label", "maybe", "Every `reference_label` must be one of pass, fail; 1 of 5"),
        ("label_source", "rumour", "Every `label_source` must be one of agreement"),
        ("inclusion_probability", 0.0, "Every `inclusion_probability` must lie above 0"),
        ("inclusion_probability", 1.5, "Every `inclusion_probability` must lie above 0"),
        ("design_weight", 0.0, "Every `design_weight` must be positive"),
        ("messages", [], "Every `filled_messages` must be at least 1"),
        ("messages", [{"role": "user", "content": "  \n"}], "Every `filled_messages` must be"),
        ("messages", None, "Every `messages` must be present"),
        ("subsets", ["refunds", "gone"], "Every `unknown_subsets` must be 0"),
        ("label_source", None, "Every `label_source` must be present"),
        ("labelled_on", DAY - dt.timedelta(31), "Every `label_age_days` must be at most 30"),
        ("reference_label", None, "Every `without_label` must be 0"),
        ("inclusion_probability", None, "Every `without_probability` must be 0"),
        ("design_weight", None, "Every `without_probability` must be 0"),
        ("expected_behaviour", "luck", "Every `expected_behaviour` must be one of answer"),
        ("selection", "reserve", "Every `selection` must be one of sample, synthetic"),
    ],
)
def test_one_unsound_item_breaks_the_golden_contract(column, value, claim):
    failures = golden_failures(golden_items(**{column: value}))
    assert any(failure.startswith(claim) for failure in failures), failures


def test_a_label_may_be_as_old_as_the_policy_says():
    assert golden_failures(golden_items(labelled_on=DAY - dt.timedelta(30))) == ()


def test_labels_age_up_to_the_day_that_is_named():
    later = DAY + dt.timedelta(31)
    result = validate_golden(golden_items(), policy=POLICY, subsets=SUBSETS, as_of=later)
    assert result.failures == (
        "Every `label_age_days` must be at most 30; 5 of 5 rows break this.",
    )


@pytest.mark.parametrize("size", [3, 11])
def test_a_version_outside_its_size_bounds_is_refused(size):
    assert golden_failures(golden_items(size)) == (
        f"The version must hold 4 to 10 items; found {size}.",
    )


def test_a_subset_below_its_minimum_is_a_shortfall_and_breaks_nothing():
    items = golden_items().with_columns(
        pl.Series("subsets", [["refunds"]] * 4 + [["refunds", "dosage"]])
    )
    result = validate_golden(items, policy=POLICY, subsets=SUBSETS)
    assert result.passed
    assert result.shortfalls == ("The subset 'dosage' should hold at least 2 items; found 1.",)
    assert "Wanted, and not met yet" in result.as_markdown()


def test_a_kind_outside_its_share_is_told_in_items_and_breaks_nothing():
    # all five are typical where 60 % of 5 are 3: 2 too many; 25 % are 1.25, so 2 are missing, and
    # 15 % are .75, so 1 is
    result = validate_golden(golden_items(), policy=TIGHT, subsets=SUBSETS)
    assert result.passed
    assert result.shortfalls == (
        "The share of typical items should be within 10 % of 60 %; found 2 too many.",
        "The share of edge items should be within 10 % of 25 %; found 2 too few.",
        "The share of adversarial items should be within 10 % of 15 %; found 1 too few.",
    )


def test_a_share_just_within_the_tolerance_is_no_shortfall():
    # 7, 2 and 1 of 10: .1, .05 and .05 off
    kinds = ["typical"] * 7 + ["edge"] * 2 + ["adversarial"]
    items = golden_items(10).with_columns(pl.Series("kind", kinds))
    assert validate_golden(items, policy=TIGHT, subsets=SUBSETS).shortfalls == ()


SYNTHETIC = {
    "label_source": "synthetic",
    "selection": "synthetic",
    "expected_behaviour": "graceful_failure",
    "reference_label": None,
    "inclusion_probability": None,
    "design_weight": None,
}


def test_a_synthetic_item_needs_neither_label_nor_probability_and_fills_no_subset():
    result = validate_golden(golden_items(5, **SYNTHETIC), policy=POLICY, subsets=SUBSETS)
    assert result.passed
    four = POLICY.model_copy(update={"minimum_per_subset": 5})
    short = validate_golden(golden_items(5, **SYNTHETIC), policy=four, subsets=SUBSETS).shortfalls
    assert "The subset 'refunds' should hold at least 5 items; found 4." in short


def test_a_broken_contract_quotes_no_text_and_no_key():
    canary = "jane.canary@example.org"
    items = golden_items(
        item_id=canary,
        kind=canary,
        reference_label=canary,
        subsets=[canary],
        messages=[{"role": "user", "content": canary}],
        logged_response=canary,
    )
    result = validate_golden(items, policy=POLICY, subsets=SUBSETS)
    assert not result.passed
    assert canary not in result.as_markdown()


def test_validating_twice_gives_the_same_result_from_one_kept_context():
    first = validate_golden(golden_items(3), policy=POLICY, subsets=SUBSETS)
    assert validate_golden(golden_items(3), policy=POLICY, subsets=SUBSETS) == first


def test_usage_reporting_is_off_and_no_reporter_is_loaded():
    sample_failures(a_sample())
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert "posthog" not in sys.modules
