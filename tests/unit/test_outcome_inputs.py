"""What predictions are made of: scores in the week's mix, and what production showed."""

import polars as pl
import pytest

from eval_pipeline.monitoring.outcome_tracking.outcomes import (
    as_success,
    drawn_outcomes,
    observed_outcomes,
)
from eval_pipeline.monitoring.outcome_tracking.scores import (
    Rerun,
    mean_and_error,
    offline_scores,
)
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    GOLDEN_WEIGHTS,
    PRODUCTION_MONITOR,
    SAMPLING_FRAME,
    STRATIFIED_INTERACTIONS,
)

NO_LABELS = pl.DataFrame(
    schema={
        "interaction_id": pl.String, "conversation_key": pl.String,
        "subsets": pl.List(pl.String), "value": pl.Float64, "weight": pl.Float64,
    }
)  # fmt: skip


def rerun(rows: list[tuple[str, str, float, float | None, list[str]]], **options) -> Rerun:
    """From (item, cell, live weight, score, subsets)."""
    weights = pl.DataFrame(
        [
            {"item_id": item, "conversation_key": f"c-{item}", "cell": cell, "live_weight": weight}
            for item, cell, weight, _, _ in rows
        ],
        schema=GOLDEN_WEIGHTS.schema,
    )
    scores = pl.DataFrame(
        [{"item_id": item, "score": score, "subsets": names} for item, _, _, score, names in rows],
        schema={"item_id": pl.String, "score": pl.Float64, "subsets": pl.List(pl.String)},
    )
    return Rerun(7, "2026-11-16", weights, scores, **{"earlier_items": (), **options})


SIX = [
    ("a", "web", 0.1, 1.0, ["refunds"]),
    ("b", "web", 0.1, 0.0, []),
    ("c", "web", 0.1, None, ["refunds"]),
    ("d", "app", 0.3, 1.0, []),
    ("e", "app", 0.2, 0.0, ["refunds"]),
    ("f", "app", 0.2, 1.0, []),
]


def test_each_cell_weighs_what_its_traffic_is_and_an_unscored_item_s_weight_stays_in_it() -> None:
    # web .3 over two scored items: .15 x (1 + 0); app .7 over three: .7 / 3 x (1 + 0 + 1)
    found = offline_scores(rerun(SIX), NO_LABELS, subsets=[])
    assert found["offline"][0] == pytest.approx(0.15 + 2 * 0.7 / 3)
    assert found.select("basis", "golden_version", "rerun_week", "items").row(0) == (
        "rerun", 7, "2026-11-16", 5,
    )  # fmt: skip


def test_a_subset_of_too_few_conversations_has_no_score() -> None:
    found = offline_scores(rerun(SIX), NO_LABELS, subsets=["refunds"])
    told = found.row(by_predicate=pl.col("subset") == "refunds", named=True)
    assert (told["offline"], told["basis"], told["items"]) == (None, None, 0)


def test_what_the_week_before_had_is_kept() -> None:
    # a weighs .15 and e .7 / 3 of 1
    found = offline_scores(rerun(SIX, earlier_items=["a", "e", "z"]), NO_LABELS, subsets=[])
    assert found["kept"][0] == pytest.approx(0.15 + 0.7 / 3)


def test_without_a_re_run_people_s_labels_stand_in_and_say_so() -> None:
    labelled = pl.DataFrame(
        {
            "interaction_id": list("abcdef"), "conversation_key": list("abcdef"),
            "subsets": [["refunds"]] * 6, "value": [1.0, 1.0, 1.0, 0.0, 1.0, 1.0],
            "weight": [1.0] * 6,
        }
    )  # fmt: skip
    found = offline_scores(None, labelled, subsets=["refunds"])
    assert found["basis"].to_list() == ["labels", "labels"]
    assert found["offline"].to_list() == pytest.approx([5 / 6, 5 / 6])
    assert found["labelled"].to_list() == [6, 6]
    assert found["rerun_week"].to_list() == [None, None]


def test_an_error_is_never_zero_for_want_of_variation() -> None:
    # Ten right answers and two pseudo-ones: centre 11/12; residual sums 1/12 (11 times) and -11/12;
    # V = (11 (1/12)^2 + (11/12)^2) / (1 - 1/12) / 12^2 = 0.006944
    ones = pl.Series([1.0] * 10)
    mean, error = mean_and_error(ones, ones, pl.Series([str(i) for i in range(10)]))
    assert mean == 1.0
    assert error**2 == pytest.approx((11 / 144 + 121 / 144) / (11 / 12) / 144)


def test_items_of_one_conversation_count_as_one() -> None:
    values, ones = pl.Series([1.0, 0.0] * 10), pl.Series([1.0] * 20)
    _, apart = mean_and_error(values, ones, pl.Series([str(i) for i in range(20)]))
    _, paired = mean_and_error(
        pl.Series([1.0] * 10 + [0.0] * 10), ones, pl.Series([str(i // 2) for i in range(20)])
    )
    assert paired == pytest.approx(apart * 2**0.5, rel=0.1)


def draw(selections: str, weights: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"interaction_id": f"i{place}", "conversation_key": f"c{place}", "stratum": "web",
             "selection": {"s": "sample", "r": "reserve"}[one], "subsets": ["refunds"],
             "design_weight": weight}
            for place, (one, weight) in enumerate(zip(selections, weights, strict=True))
        ],
        schema=STRATIFIED_INTERACTIONS.schema,
    )  # fmt: skip


def logged(outcomes: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"interaction_id": f"i{place}", "outcome": one} for place, one in enumerate(outcomes)],
        schema=ANONYMISED_INTERACTIONS.schema,
    )


FRAME = pl.DataFrame([{"stratum": "web", "allocated": 2, "drawn": 8}], schema=SAMPLING_FRAME.schema)


def test_sample_and_reserve_are_one_draw() -> None:
    # 2 of 8 drawn are the sample: its weight of 16 is that of 4 in the whole draw
    stratified = draw("ssrrrrrr", [16.0] * 2 + [4.0] * 6)
    drawn = drawn_outcomes(logged([1.0] * 8), stratified, FRAME, outcome="outcome")
    assert drawn["weight"].to_list() == [4.0] * 8


def test_without_its_frame_the_sample_speaks_alone() -> None:
    stratified = draw("ssrrrrrr", [16.0] * 2 + [4.0] * 6)
    drawn = drawn_outcomes(logged([1.0] * 8), stratified, None, outcome="outcome")
    assert drawn["weight"].to_list() == [16.0, 16.0]


def test_what_was_not_logged_is_not_counted() -> None:
    stratified = draw("rrrr", [4.0] * 4)
    drawn = drawn_outcomes(logged([1.0, None, 0.0, None]), stratified, FRAME, outcome="outcome")
    found = observed_outcomes(
        drawn, None, outcome="outcome", subsets=["refunds", "other"], confidence=0.95
    )
    rows = {row["subset"]: row for row in found.to_dicts()}
    assert (rows["refunds"]["outcome"], rows["refunds"]["observed"]) == (0.5, 2)
    assert (rows["other"]["outcome"], rows["other"]["observed"]) == (None, 0)
    assert rows["all"]["outcome_source"] == "draw"


def monitored(value: float, half: float) -> pl.DataFrame:
    return pl.DataFrame(
        [{"route": "all", "metric": "outcome_mean", "value": value, "lower": value - half,
          "upper": value + half, "interactions": 2000, "finding": "usual"}],
        schema=PRODUCTION_MONITOR.schema,
    )  # fmt: skip


def test_all_traffic_is_what_the_logs_say() -> None:
    # A half-width of 1.96 x .01 at .8 is that of .8 x .2 / .0001 = 1600 interactions
    drawn = drawn_outcomes(logged([1.0]), draw("s", [4.0]), FRAME, outcome="outcome")
    found = observed_outcomes(
        drawn, monitored(0.8, 0.0195996), outcome="outcome", subsets=[], confidence=0.95
    )
    (row,) = found.to_dicts()
    assert (row["outcome"], row["outcome_source"], row["observed"]) == (0.8, "logs", 1600)
    assert row["outcome_se"] == pytest.approx(0.01, rel=1e-4)


def test_logs_without_any_variation_leave_it_to_the_draw() -> None:
    drawn = drawn_outcomes(logged([1.0]), draw("s", [4.0]), FRAME, outcome="outcome")
    found = observed_outcomes(
        drawn, monitored(1.0, 0.0), outcome="outcome", subsets=[], confidence=0.95
    )
    assert found["outcome_source"][0] == "draw"


def test_feedback_and_escalations_become_successes() -> None:
    assert as_success((0.5, 0.25, 0.75), "feedback") == (0.75, 0.625, 0.875)
    assert as_success((0.05, 0.04, 0.07), "escalated") == pytest.approx((0.95, 0.93, 0.96))
