"""Predictions of the outcome: what they rest on, that they are frozen, and what they are told."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.monitoring.outcome_tracking.link import MOST_WEEKS
from eval_pipeline.monitoring.outcome_tracking.outcomes import OUTCOMES
from eval_pipeline.monitoring.outcome_tracking.predictions import (
    FROZEN,
    normal_score,
    predict_week,
)
from eval_pipeline.monitoring.outcome_tracking.scores import SCORES
from eval_pipeline.monitoring.outcome_tracking.tracking import rank_interval, spearman, track
from eval_pipeline.tables import OUTCOME_PREDICTIONS

FIRST = dt.date(2026, 1, 5)
POLICY = {"confidence": 0.95, "false_warnings_per_year": 0.2}


def week_named(number: int) -> str:
    return (FIRST + dt.timedelta(weeks=number)).isoformat()


def scores(offline: float | None, *, basis: str = "rerun", subset: str = "all") -> pl.DataFrame:
    row = {
        "subset": subset, "basis": basis if offline is not None else None, "golden_version": 3,
        "rerun_week": "2026-01-05", "offline": offline,
        "offline_se": None if offline is None else 0.01, "items": 100, "kept": 0.0, "labelled": 0,
    }  # fmt: skip
    return pl.DataFrame([row], schema=SCORES)


def outcomes(outcome: float | None, *, count: int = 400, subset: str = "all") -> pl.DataFrame:
    row = {
        "subset": subset, "outcome": outcome, "outcome_se": None if outcome is None else 0.02,
        "outcome_lower": outcome, "outcome_upper": outcome,
        "observed": 0 if outcome is None else count,
        "outcome_effective": None if outcome is None else float(count),
        "outcome_source": None if outcome is None else "draw",
    }  # fmt: skip
    return pl.DataFrame([row], schema=OUTCOMES)


def told(
    pairs: Sequence[tuple[float | None, float | None]], **options: Any
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """The history that these pairs of score and outcome make, week by week, and its rows."""
    options = {"fixed_slope": 1.0, **POLICY, **options}
    history = OUTCOME_PREDICTIONS.empty().with_columns(week=pl.lit(""))
    for number, (score, outcome) in enumerate(pairs):
        made = predict_week(scores(score), outcomes(outcome), history=history, **options)
        history = pl.concat([history, made.with_columns(week=pl.lit(week_named(number)))])
    return history, history.sort("week").to_dicts()


STEADY = [(0.80, 0.75), (0.82, 0.77), (0.79, 0.75), (0.81, 0.75), (0.80, 0.76)] * 4


def test_three_weeks_teach_the_level_and_the_fourth_is_predicted() -> None:
    # Outcome less score is -.05 three times; .84 - .05 = .79
    _, rows = told([(0.80, 0.75), (0.82, 0.77), (0.79, 0.74), (0.84, 0.79)])
    assert [row["link"] for row in rows] == ["none", "none", "none", "level"]
    assert rows[3]["predicted"] == pytest.approx(0.79)
    assert (rows[3]["link_weeks"], rows[3]["link_from"], rows[3]["slope"]) == (
        3,
        FIRST.isoformat(),
        1,
    )
    assert rows[3]["within_interval"] is True
    assert rows[3]["error_score"] == pytest.approx(0.0, abs=1e-6)


def test_from_ten_weeks_on_the_slope_is_learned() -> None:
    pairs = [(score, 0.70 + 0.5 * (score - 0.80)) for score in (0.7, 0.9, 0.75, 0.85, 0.8) * 4]
    _, rows = told([(x, y) for x, y in pairs])
    assert [row["link"] for row in rows[9:12]] == ["level", "line", "line"]
    # The scores' errors of .01 take next to nothing off a spread of .07.
    assert rows[-1]["slope"] == pytest.approx(0.5, abs=0.03)


def test_scores_on_another_scale_predict_by_the_level_alone() -> None:
    _, rows = told([(0.5, 0.95), (0.9, 0.95), (0.6, 0.95), (0.7, 0.95)], fixed_slope=0.0)
    assert rows[3]["predicted"] == pytest.approx(0.95)


def test_the_outcome_itself_does_not_bear_on_its_prediction() -> None:
    history, _ = told(STEADY)
    made = [
        predict_week(scores(0.8), outcomes(seen), history=history, fixed_slope=1.0, **POLICY)
        for seen in (0.1, 0.9)
    ]
    assert made[0].select(FROZEN).equals(made[1].select(FROZEN))
    assert made[0]["outcome"][0] != made[1]["outcome"][0]


def test_what_was_predicted_before_stays_whatever_is_known_now() -> None:
    history, _ = told(STEADY)
    first = predict_week(scores(0.8), outcomes(0.75), history=history, fixed_slope=1.0, **POLICY)
    later = predict_week(
        scores(0.9), outcomes(0.70), history=history.head(6), frozen=first, fixed_slope=1.0,
        **POLICY,
    )  # fmt: skip
    assert later.select(FROZEN).equals(first.select(FROZEN))
    assert later["outcome"][0] == 0.70
    again = predict_week(
        scores(0.8), outcomes(0.75), history=history, frozen=first, fixed_slope=1.0, **POLICY
    )
    assert again.equals(first)


def test_a_subset_that_came_later_has_no_prediction_in_a_frozen_week() -> None:
    history, _ = told(STEADY)
    first = predict_week(scores(0.8), outcomes(0.75), history=history, fixed_slope=1.0, **POLICY)
    both = [pl.concat([make(0.8), make(0.8, subset="new")]) for make in (scores, outcomes)]
    later = predict_week(*both, history=history, frozen=first, fixed_slope=1.0, **POLICY)
    new = later.row(by_predicate=pl.col("subset") == "new", named=True)
    assert (new["predicted"], new["offline"], new["outcome"]) == (None, None, 0.8)


def test_labels_and_re_runs_do_not_share_a_link() -> None:
    history, _ = told(STEADY[:5])
    made = predict_week(
        scores(0.8, basis="labels"), outcomes(0.75), history=history, fixed_slope=1.0, **POLICY
    )
    assert (made["link"][0], made["predicted"][0]) == ("none", None)


def test_fewer_interactions_give_a_wider_interval() -> None:
    history, _ = told(STEADY)
    widths = []
    for count in (40, 4000):
        made = predict_week(
            scores(0.8), outcomes(0.75, count=count), history=history, fixed_slope=1.0, **POLICY
        )
        widths.append(made["upper"][0] - made["lower"][0])
    assert widths[0] > 1.3 * widths[1]


def test_the_broken_weeks_are_not_learned() -> None:
    _, rows = told(STEADY + [(0.80, 0.60)] * 12)
    assert rows[-1]["predicted"] == pytest.approx(rows[20]["predicted"], abs=0.01)
    assert rows[-1]["link_weeks"] <= 21


def test_a_person_can_have_the_link_learned_anew() -> None:
    start = week_named(20)
    _, rows = told(STEADY + [(0.80, 0.60)] * 6, link_from=start)
    assert rows[-1]["link_from"] == start
    assert rows[-1]["predicted"] == pytest.approx(0.60, abs=0.01)


def test_a_link_rests_on_at_most_a_year() -> None:
    _, rows = told(STEADY * 3)
    assert rows[-1]["link_weeks"] == MOST_WEEKS


def test_a_break_is_told_with_its_first_week_and_its_size() -> None:
    history, _ = told(STEADY + [(0.80, 0.65)] * 3)
    (row,) = track(history, **POLICY).to_dicts()
    assert (row["finding"], row["since_week"]) == ("no_longer_tracks", week_named(20))
    assert row["sentence"] == (
        "For 17 of 20 weeks the outcome fell inside the predicted interval. Since 2026-05-25 it "
        "has been 10.0 points below the prediction on average: the offline score no longer tracks "
        "production."
    )


def test_a_steady_link_tracks_and_counts_its_weeks() -> None:
    history, _ = told(STEADY)
    (row,) = track(history, **POLICY).to_dicts()
    assert (row["weeks"], row["inside"], row["coverage"]) == (17, 17, 1.0)
    # Clopper and Pearson, 17 of 17: .025^(1/17) = .805
    assert row["coverage_lower"] == pytest.approx(0.805, abs=0.001)
    assert (row["finding"], row["since_week"]) == ("tracks", None)
    assert row["sentence"] == "For 17 of 17 weeks the outcome fell inside the predicted interval."
    assert row["bias_lower"] < row["bias"] < row["bias_upper"]
    assert row["skill"] == pytest.approx(1 - row["mean_absolute_error"] / row["naive_error"])


def test_under_ten_weeks_nothing_is_claimed() -> None:
    history, _ = told(STEADY[:8])
    (row,) = track(history, **POLICY).to_dicts()
    assert (row["finding"], row["rank_agreement"], row["slope"]) == (
        "too_little_history", None, None,
    )  # fmt: skip
    assert row["sentence"] == (
        "For 5 of 5 weeks the outcome fell inside the predicted interval; fewer than 10 weeks are "
        "no evidence of tracking."
    )


def test_before_the_first_interval_the_sentence_says_what_is_missing() -> None:
    history, _ = told(STEADY[:2])
    (row,) = track(history, **POLICY).to_dicts()
    assert (row["weeks"], row["coverage"], row["finding"]) == (0, None, "too_little_history")
    assert "learned from 3 weeks with a score and an outcome, and there are 2." in row["sentence"]


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ((0.8, None), "Not measured: production logged no outcome."),
        ((None, 0.8), "Not measured: there is no offline score."),
    ],
)
def test_what_cannot_be_compared_says_why(pair, sentence) -> None:
    history, _ = told([pair] * 3)
    (row,) = track(history, **POLICY).to_dicts()
    assert (row["finding"], row["sentence"]) == ("not_measured", sentence)


def test_the_naive_error_is_that_of_the_week_before() -> None:
    # Compared weeks are the fourth and fifth: |.79 - .74| and |.76 - .79|
    history, _ = told([(0.80, 0.75), (0.82, 0.77), (0.79, 0.74), (0.84, 0.79), (0.80, 0.76)])
    (row,) = track(history, **POLICY).to_dicts()
    assert row["naive_error"] == pytest.approx(0.04)


def test_spearman_ranks_ties_by_their_mean() -> None:
    # Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 x 5)
    first, second = pl.Series([1.0, 2.0, 2.0, 5.0]), pl.Series([1.0, 3.0, 4.0, 9.0])
    assert spearman(first.to_numpy(), second.to_numpy()) == pytest.approx(0.948683, abs=1e-6)
    assert spearman(first.to_numpy(), pl.Series([1.0] * 4).to_numpy()) is None


def test_the_interval_of_a_rank_correlation_is_bonett_and_wright_s() -> None:
    # atanh(.6) = .6931; sqrt((1 + .18) / 17) = .26346; .6931 -/+ 1.96 x .26346 = .1768, 1.2095
    assert rank_interval(0.6, 20, 0.95) == pytest.approx((0.1750, 0.8365), abs=2e-4)


@given(st.floats(-50, 50), st.floats(1, 200))
def test_a_normal_score_is_odd_and_no_larger_than_its_error(error, degrees) -> None:
    score = normal_score(error, degrees=degrees)
    assert score == pytest.approx(-normal_score(-error, degrees=degrees))
    assert abs(score) <= abs(error) + 1e-9
