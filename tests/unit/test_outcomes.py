import datetime as dt

import polars as pl
import pytest

from eval_pipeline.monitoring.outcomes import validate_outcomes
from eval_pipeline.tables import ADJUDICATIONS, ANONYMISED_INTERACTIONS, STRATIFIED_INTERACTIONS


def ids(count: int) -> list[str]:
    return [f"i{number:03d}" for number in range(count)]


def anonymised(outcomes: list[float | None], **columns: object) -> pl.DataFrame:
    return pl.DataFrame(
        {"interaction_id": ids(len(outcomes)), "outcome": outcomes, **columns},
        schema_overrides={"outcome": pl.Float64, "feedback": pl.Int8},
    ).select(
        *(
            pl.col(name).cast(dtype)
            if name in {"interaction_id", "outcome", *columns}
            else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in ANONYMISED_INTERACTIONS.schema.items()
        )
    )


def stratified(weights: list[float], *, subset: str = "refunds") -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"interaction_id": name, "selection": "sample", "subsets": [subset],
             "design_weight": weight}
            for name, weight in zip(ids(len(weights)), weights, strict=True)
        ],
        schema=STRATIFIED_INTERACTIONS.schema,
    )  # fmt: skip


def labels(given: list[str], *, settled_by: str = "agreement", probability: float = 1.0) -> (
    pl.DataFrame
):  # fmt: skip
    return pl.DataFrame(
        [
            {"interaction_id": name, "label": label, "settled_by": settled_by,
             "label_probability": probability, "labelled_on": dt.date(2026, 11, 20)}
            for name, label in zip(ids(len(given)), given, strict=True)
        ],
        schema=ADJUDICATIONS.schema,
    )  # fmt: skip


def validated(
    outcomes: pl.DataFrame, sample: pl.DataFrame, given: pl.DataFrame, *, column="outcome"
) -> dict[str, object]:
    report = validate_outcomes(
        anonymised=outcomes, stratified=sample, adjudications=given, outcome=column,
        confidence=0.95,
    )  # fmt: skip
    return report.row(by_predicate=pl.col("subset") == "all", named=True)


def test_labels_and_outcomes_are_weighted_by_the_design() -> None:
    # weights 3 and 1: passes 3 / 4, outcomes (3 x 0 + 1 x 1) / 4
    found = validated(anonymised([0.0, 1.0]), stratified([3.0, 1.0]), labels(["pass", "fail"]))
    assert found["predicted"] == pytest.approx(0.75)
    assert found["outcome"] == pytest.approx(0.25)
    assert (found["labelled"], found["observed"]) == (2, 2)


def test_what_the_labels_foresaw_agrees() -> None:
    outcomes = [1.0] * 80 + [0.0] * 20
    given = ["pass"] * 41 + ["fail"] * 9
    found = validated(anonymised(outcomes), stratified([1.0] * 100), labels(given))
    assert found["finding"] == "agrees"


def test_labels_far_above_the_outcome_disagree() -> None:
    outcomes = [1.0] * 50 + [0.0] * 50
    found = validated(anonymised(outcomes), stratified([1.0] * 100), labels(["pass"] * 50))
    assert (found["predicted"], found["outcome"], found["finding"]) == (1.0, 0.5, "disagrees")


def test_labels_read_off_the_log_predict_nothing() -> None:
    given = labels(["pass"] * 50, settled_by="recorded")
    found = validated(anonymised([1.0] * 100), stratified([1.0] * 100), given)
    assert (found["labelled"], found["finding"]) == (0, "not_measured")


def test_without_an_outcome_nothing_is_measured() -> None:
    sample, given = stratified([1.0] * 10), labels(["pass"] * 10)
    assert validated(anonymised([None] * 10), sample, given)["finding"] == "not_measured"
    unconfigured = validated(anonymised([1.0] * 10), sample, given, column=None)
    assert (unconfigured["outcome"], unconfigured["finding"]) == (None, "not_measured")


def test_feedback_from_minus_one_to_one_is_read_as_success() -> None:
    # 1, 0 and -1 are 1, .5 and 0
    frame = anonymised([None] * 3, feedback=[1, 0, -1])
    found = validated(frame, stratified([1.0] * 3), labels(["pass"] * 3), column="feedback")
    assert found["outcome"] == pytest.approx(0.5)


def test_an_escalation_is_a_failure() -> None:
    frame = anonymised([None] * 4, escalated=[True, False, False, False])
    found = validated(frame, stratified([1.0] * 4), labels(["pass"]), column="escalated")
    assert found["outcome"] == pytest.approx(0.75)


def test_every_subset_of_the_sample_has_a_row() -> None:
    report = validate_outcomes(
        anonymised=anonymised([1.0] * 4), stratified=stratified([1.0] * 4),
        adjudications=ADJUDICATIONS.empty(), outcome="outcome", confidence=0.95,
    )  # fmt: skip
    assert report["subset"].to_list() == ["all", "refunds"]
