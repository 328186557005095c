"""Do the labels foresee the outcome? Labelled quality against what production logged, by subset."""

import math
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import NOT_LOGGED, Measured
from eval_pipeline.statistics.proportions import normal_quantile, wilson
from eval_pipeline.tables import OUTCOME_VALIDITY

ALL: Final = "all"
OutcomeColumn = Literal["outcome", "feedback", "escalated"]

SUCCESS: Final = {
    "outcome": pl.col("outcome"),
    "feedback": (pl.col("feedback").cast(pl.Float64) + 1) / 2,
    "escalated": 1 - pl.col("escalated").cast(pl.Float64),
}
"""Each outcome column as a success from 0 to 1."""


def validate_outcomes(
    *,
    anonymised: pl.DataFrame,
    stratified: pl.DataFrame,
    adjudications: pl.DataFrame,
    outcome: OutcomeColumn | None,
    confidence: float,
) -> pl.DataFrame:
    """The OUTCOME_VALIDITY of a week: a row per subset of its sample, and 'all'.

    Predicted: the share of passes among the labels of people, each weighted by its design weight
    over the probability that it was labelled. Labels that were read off the log itself predict
    nothing and are left out. Observed: the weighted mean outcome of the sample. They disagree
    when their difference lies outside its interval at `confidence`.
    """
    week = _week(anonymised, stratified, outcome)
    labelled = labelled_sample(stratified, adjudications)
    observed = week.filter(pl.col("success").is_not_null()).select(
        "subsets", value="success", weight="design_weight"
    )
    names = sorted(week["subsets"].explode(empty_as_null=True).drop_nulls().unique())
    rows = [
        _row(
            name,
            predicted=_weighted_rate(_members(labelled, name), confidence),
            outcome=_weighted_rate(_members(observed, name), confidence),
            confidence=confidence,
        )
        for name in (ALL, *names)
    ]
    return OUTCOME_VALIDITY.conform(pl.DataFrame(rows, schema=OUTCOME_VALIDITY.schema))


def labelled_sample(stratified: pl.DataFrame, adjudications: pl.DataFrame) -> pl.DataFrame:
    """What people said of the week's sample: `subsets`, `conversation_key`, `value`, `weight`.

    Labels that were read off the log itself are left out.
    """
    return (
        stratified.filter(pl.col("selection") == "sample")
        .select("interaction_id", "conversation_key", "subsets", "design_weight")
        .join(
            adjudications.filter(pl.col("settled_by") != "recorded").select(
                "interaction_id", "label", "label_probability"
            ),
            on="interaction_id",
        )
        .with_columns(
            value=(pl.col("label") == "pass").cast(pl.Float64),
            weight=pl.col("design_weight") / pl.col("label_probability"),
        )
        .sort("interaction_id")
    )


def _week(
    anonymised: pl.DataFrame, stratified: pl.DataFrame, outcome: OutcomeColumn | None
) -> pl.DataFrame:
    """The sample's rows with their success; null where none is logged or configured."""
    success = pl.lit(None, dtype=pl.Float64) if outcome is None else SUCCESS[outcome]
    return (
        stratified.filter(pl.col("selection") == "sample")
        .select("interaction_id", "subsets", "design_weight")
        .join(anonymised.select("interaction_id", success.alias("success")), on="interaction_id")
        .sort("interaction_id")
    )


def _members(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows if name == ALL else rows.filter(pl.col("subsets").list.contains(name))


def _weighted_rate(rows: pl.DataFrame, confidence: float) -> Measured:
    """The Hajek mean with Wilson's interval at Kish's effective count."""
    if rows.is_empty():
        return NOT_LOGGED
    values, weights = rows["value"].to_numpy(), rows["weight"].to_numpy()
    mean = float(np.clip(weights @ values / weights.sum(), 0, 1))
    effective = float(weights.sum() ** 2 / np.square(weights).sum())
    return Measured(mean, *wilson(mean, effective, confidence=confidence), rows.height)


def _row(name: str, *, predicted: Measured, outcome: Measured, confidence: float) -> dict[str, Any]:
    return {
        "subset": name,
        "predicted": predicted.value,
        "predicted_lower": predicted.lower,
        "predicted_upper": predicted.upper,
        "outcome": outcome.value,
        "outcome_lower": outcome.lower,
        "outcome_upper": outcome.upper,
        "labelled": predicted.count,
        "observed": outcome.count,
        "finding": _finding(predicted, outcome, confidence),
    }


def _finding(predicted: Measured, outcome: Measured, confidence: float) -> str:
    """Newcombe's interval of the difference of two rates, from their Wilson intervals."""
    if predicted.value is None or outcome.value is None:
        return "not_measured"
    first, second = predicted, outcome
    if predicted.value < outcome.value:
        first, second = outcome, predicted
    gap = abs(predicted.value - outcome.value)
    reach = math.hypot(
        (first.value or 0.0) - (first.lower or 0.0), (second.upper or 0.0) - (second.value or 0.0)
    )
    return "disagrees" if gap > max(reach, normal_quantile(confidence) * 1e-12) else "agrees"
