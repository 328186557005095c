import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from eval_pipeline.evaluation.confidence_curves import confidence_curves
from eval_pipeline.evaluation.escalation import items_needed, search_threshold
from eval_pipeline.evaluation.stated_confidence import stated_confidence
from eval_pipeline.reports.confidence import confidence_sentences, curve_rows
from eval_pipeline.reports.confidence_plots import coverage_chart
from eval_pipeline.settings import SYNTHETIC_SUBSET, ConfidenceSettings, EscalationSettings
from eval_pipeline.statistics.ranking import area_under_curve
from eval_pipeline.tables import REGRESSION_TRIALS

POLICY = EscalationSettings()


def trials(*rows: dict[str, object], arm: str = "candidate") -> pl.DataFrame:
    usual = {
        "arm": arm, "system_id": "s", "trial": 1, "source": "golden", "look": 1,
        "golden_version": 1, "route": "r", "subsets": ["refunds"], "scorer": "exact",
        "score": 1.0, "status": "answered", "attempts": 1,
    }  # fmt: skip
    told = [
        {"item_id": f"i{n:03}", "cluster_id": f"c{n:03}", **usual, **row}
        for n, row in enumerate(rows)
    ]
    return pl.DataFrame(told, schema=REGRESSION_TRIALS.schema)


def curves(frame: pl.DataFrame, policy: EscalationSettings = POLICY) -> pl.DataFrame:
    return confidence_curves(frame, subsets=["refunds"], policy=policy)


def at(found: pl.DataFrame, threshold: float, subset: str = "all") -> dict[str, object]:
    rows = found.filter(pl.col("threshold") == threshold, pl.col("subset") == subset)
    return rows.row(0, named=True)


def test_what_is_not_answered_stays_in_the_coverage_and_leaves_the_accuracy() -> None:
    found = curves(
        trials(
            {"confidence": 0.9},
            {"confidence": 0.6, "score": 0.0},
            {"confidence": 0.5, "score": 0.0, "status": "refused"},
            {"confidence": None},
            {"confidence": 0.9, "score": None, "status": "failed"},
            {"confidence": 0.9, "scorer": "preference"},
        )
    )
    loosest, stricter = at(found, 0.0), at(found, 0.7)
    # Of six rows two have no score of their own; of the four, one is refused and one says nothing.
    assert (loosest["items"], loosest["missing"], loosest["without_confidence"]) == (4, 2, 1)
    assert (loosest["answered"], loosest["right"], loosest["coverage"]) == (2, 1, 0.5)
    assert (stricter["answered"], stricter["accuracy"], stricter["coverage"]) == (1, 1.0, 0.25)
    assert at(found, 0.95)["accuracy"] is None


def test_a_system_that_says_nothing_of_its_confidence_has_one_point() -> None:
    found = curves(trials({}, {"score": 0.5}, {"status": "refused", "score": 0.0}))
    assert found["state"].unique().to_list() == ["not_given"]
    row = at(found, 0.0)
    # Half a score is not right where `right_from` is 1.
    assert (row["answered"], row["right"], row["supported"]) == (2, 1, False)
    assert row["coverage"] == pytest.approx(2 / 3)
    assert "confidence not given" in confidence_sentences(found)[0]


def test_a_threshold_is_supported_down_to_the_last_that_the_test_rejects() -> None:
    sure = [{"confidence": 0.95} for _ in range(99)] + [{"confidence": 0.95, "score": 0.0}]
    unsure = [{"confidence": 0.3, "score": float(n % 2)} for n in range(100)]
    found = curves(trials(*sure, *unsure))
    # P(X >= 99 of 100) at 0.9 is 0.0003; with the unsure ones 149 of 200 are far below 0.9.
    assert at(found, 0.95)["p_value"] == pytest.approx(binom.sf(98, 100, 0.9))
    supported = found.filter(pl.col("supported"), pl.col("subset") == "all")
    # Thresholds down to 0.35 leave the same 100; at 0.3 the unsure ones come in and it ends.
    assert supported["threshold"].to_list() == [0.35]
    assert at(found, 0.3)["p_value"] > 0.99
    assert at(found, 0.25)["p_value"] is None
    assert set(found["state"]) == {"supported"}
    (row, *_) = curve_rows(found)
    assert (row["answered"], row["right"]) == (100, 99)


def test_items_of_one_conversation_are_tested_once() -> None:
    rows = [{"confidence": 1.0, "cluster_id": f"c{n // 2}"} for n in range(100)]
    found = at(curves(trials(*rows), EscalationSettings(first_items=30)), 1.0)
    assert (found["answered"], found["tested_items"]) == (100, 50)
    assert found["p_value"] == pytest.approx(0.9**50)


def test_few_items_support_nothing_and_say_how_many_would() -> None:
    found = curves(trials(*({"confidence": 0.8} for _ in range(20))))
    row = at(found, 0.0)
    # All 20 right: 0.9^20 = 0.12 > 0.05. All right, ln 0.05 / ln 0.9 = 28.4 would do, and so would
    # (1.645 * 0.3 / 0.1)^2 = 24.4; the search wants 60 to begin with.
    assert row["p_value"] == pytest.approx(0.9**20)
    assert (row["state"], row["items_needed"]) == ("not_supported", 60)
    assert "about 60 items are needed" in confidence_sentences(found)[0]


def test_no_number_of_items_helps_a_system_that_is_not_right_often_enough() -> None:
    rows = [{"confidence": 0.5, "score": float(n % 2)} for n in range(100)]
    found = curves(trials(*rows))
    assert at(found, 0.0)["items_needed"] is None
    assert "at none is the accuracy seen above it" in confidence_sentences(found)[0]


def test_the_items_needed_are_those_of_a_one_sided_test_of_a_proportion() -> None:
    # Half are left, 95 % of them right: ((1.6449 * 0.3 + 0.8416 * 0.2179) / 0.05)^2 = 183.4 tested.
    expected = ((1.6449 * 0.3 + 0.8416 * math.sqrt(0.95 * 0.05)) / 0.05) ** 2 * 2
    needed = items_needed([(100, 95)], items=200, policy=POLICY)
    assert needed == pytest.approx(expected, abs=1)
    assert items_needed([(9, 9)], items=200, policy=POLICY) is None


def test_without_a_target_no_threshold_is_sought() -> None:
    policy = EscalationSettings(minimum_accuracy=None)
    found = curves(trials(*({"confidence": 1.0} for _ in range(100))), policy)
    assert set(found["state"]) == {"no_target"}
    assert found["p_value"].null_count() == found.height
    assert "no target is set" in confidence_sentences(found)[0]


def test_the_search_begins_where_enough_items_are_left() -> None:
    confidences = np.concatenate([np.full(10, 1.0), np.full(100, 0.6)])
    found = search_threshold(confidences, np.ones(110, dtype=np.bool_), policy=POLICY)
    # At 0.65 and above ten items are left, too few to begin with; at 0.6 all are.
    assert found.tested[0].threshold == 0.6
    assert found.supported == 0.0


def test_synthetic_items_stand_in_their_own_subset_alone() -> None:
    found = curves(
        trials(
            {"confidence": 1.0},
            {"source": "synthetic", "subsets": [SYNTHETIC_SUBSET], "score": 0.0},
        )
    )
    assert at(found, 0.0)["items"] == 1
    assert at(found, 0.0, SYNTHETIC_SUBSET)["items"] == 1


def test_the_same_trials_in_another_order_give_the_same_curves() -> None:
    drawn = np.random.default_rng(7).random((2, 90))
    frame = trials(
        *(
            {"confidence": float(sure), "score": float(hit), "cluster_id": f"c{n % 40}"}
            for n, (sure, hit) in enumerate(zip(drawn[0], drawn[1] > 0.5, strict=True))
        )
    )
    assert curves(frame).equals(curves(frame.sample(fraction=1, shuffle=True, seed=1)))


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.1])
    right = np.array([True, True, False, False])
    # Pairs (right, wrong): 0.9>0.8, 0.9>0.1, 0.8=0.8, 0.8>0.1: (1 + 1 + 0.5 + 1) / 4.
    area, lower, upper = area_under_curve(scores, right, codes=np.arange(4), confidence=0.95)
    assert area == pytest.approx(3.5 / 4)
    assert lower is not None
    assert upper is not None
    assert 0 <= lower < area < upper <= 1
    assert area_under_curve(scores, np.ones(4, bool), codes=np.arange(4), confidence=0.95) == (
        None, None, None,
    )  # fmt: skip


def test_the_interval_of_the_area_covers_as_often_as_it_says() -> None:
    # Two normals one apart: the area is Phi(1 / sqrt 2) = 0.7602. 400 draws, seed 20261122.
    rng, covered = np.random.default_rng(20261122), 0
    right = np.repeat([True, False], [60, 40])
    for _ in range(400):
        scores = rng.normal(size=100) + right
        _, lower, upper = area_under_curve(scores, right, codes=np.arange(100), confidence=0.95)
        covered += lower <= 0.7602 <= upper
    assert 0.925 <= covered / 400 <= 0.99


FIELD = ConfidenceSettings(field="meta.sure", certain=100)
PATTERN = ConfidenceSettings(pattern=r"(?i)confidence:? ([0-9.]+)")


@pytest.mark.parametrize(
    ("text", "settings", "confidence"),
    [
        ('{"meta": {"sure": 85}}', FIELD, 0.85),
        ('{"meta": {"sure": "85"}}', FIELD, 0.85),
        ('{"meta": {"sure": 850}}', FIELD, None),
        ('{"meta": {"sure": true}}', FIELD, None),
        ('{"meta": [1]}', FIELD, None),
        ("no JSON", FIELD, None),
        ("Yes. Confidence: 0.7", PATTERN, 0.7),
        ("Yes. Confidence: high", PATTERN, None),
        ("Yes. Confidence: 1.2.3", PATTERN, None),
        (None, PATTERN, None),
    ],
)
def test_a_confidence_is_read_or_it_is_not_there(text, settings, confidence) -> None:
    assert stated_confidence(text, settings) == confidence


def test_the_chart_shows_both_arms_and_is_the_same_twice() -> None:
    rng = np.random.default_rng(3)
    rows = [{"confidence": float(c), "score": float(rng.random() < c)} for c in rng.random(200)]
    found = pl.concat([curves(trials(*rows)), curves(trials({}, {}, arm="baseline"))])
    drawn = coverage_chart(found)
    assert drawn == coverage_chart(found)
    assert "confidence not given" in drawn
    assert coverage_chart(found.clear()).startswith("<")
