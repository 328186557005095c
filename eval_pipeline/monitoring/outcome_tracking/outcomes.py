"""What production showed in a week, by subset.

All traffic by the logs' own exact mean; subsets, whose predicates need the text, by everything that
was drawn of the week: sample and reserve are one draw, and nobody needs to label an outcome.
"""

from collections.abc import Collection
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.outcome_tracking.link import ALL
from eval_pipeline.monitoring.outcome_tracking.predictions import OBSERVED
from eval_pipeline.monitoring.outcome_tracking.scores import mean_and_error, members
from eval_pipeline.monitoring.outcomes import SUCCESS, OutcomeColumn
from eval_pipeline.statistics.clusters import kish_effective_items
from eval_pipeline.statistics.proportions import normal_quantile, wilson
from eval_pipeline.tables import OUTCOME_PREDICTIONS

METRICS: Final = {
    "outcome": "outcome_mean",
    "feedback": "feedback_mean",
    "escalated": "escalation_share",
}
"""By outcome column, what PRODUCTION_MONITOR calls it."""
MONITOR_CONFIDENCE: Final = 0.95
OUTCOMES: Final = pl.Schema(
    [(name, OUTCOME_PREDICTIONS.schema[name]) for name in ("subset", *OBSERVED)]
)


def drawn_outcomes(
    anonymised: pl.DataFrame,
    stratified: pl.DataFrame,
    frame: pl.DataFrame | None,
    *,
    outcome: OutcomeColumn | None,
) -> pl.DataFrame:
    """The draw's rows with an outcome: `interaction_id`, `conversation_key`, `subsets`, `success`,
    `weight`.

    Without the week's SAMPLING_FRAME the sample stands alone, for it says how much of a stratum
    the sample was of the whole draw.
    """  # noqa: D205 - the columns do not fit one line
    success = pl.lit(None, dtype=pl.Float64) if outcome is None else SUCCESS[outcome]
    rows = stratified.select(
        "interaction_id", "conversation_key", "stratum", "selection", "subsets", "design_weight"
    ).join(anonymised.select("interaction_id", success=success), on="interaction_id")
    if frame is None:
        rows = rows.filter(pl.col("selection") == "sample").with_columns(part=pl.lit(1.0))
    else:
        part = frame.select("stratum", part=pl.col("allocated") / pl.col("drawn"))
        rows = rows.join(part, on="stratum").with_columns(
            part=pl.when(pl.col("selection") == "sample").then("part").otherwise(1.0)
        )
    return (
        rows.drop_nulls("success")
        .with_columns(weight=pl.col("design_weight") * pl.col("part"))
        .select("interaction_id", "conversation_key", "subsets", "success", "weight")
        .sort("interaction_id")
    )


def observed_outcomes(
    drawn: pl.DataFrame,
    monitored: pl.DataFrame | None,
    *,
    outcome: OutcomeColumn | None,
    subsets: Collection[str],
    confidence: float,
) -> pl.DataFrame:
    """`OUTCOMES` for 'all' and `subsets`; `monitored` is the week's PRODUCTION_MONITOR."""
    rows = [_from_draw(drawn, name, confidence) for name in (ALL, *sorted(subsets))]
    exact = None if outcome is None else _from_logs(monitored, outcome, confidence)
    if exact is not None:
        rows[0] = exact
    return pl.DataFrame(rows, schema=OUTCOMES)


def _from_draw(drawn: pl.DataFrame, name: str, confidence: float) -> dict[str, Any]:
    own = members(drawn, name)
    if own.is_empty():
        return {"subset": name, **dict.fromkeys(OBSERVED), "observed": 0}
    mean, error = mean_and_error(own["success"], own["weight"], own["conversation_key"])
    effective = kish_effective_items(own["weight"].to_numpy())
    lower, upper = wilson(mean, effective, confidence=confidence)
    return {
        "subset": name,
        "outcome": mean,
        "outcome_se": error,
        "outcome_lower": lower,
        "outcome_upper": upper,
        "observed": own.height,
        "outcome_effective": effective,
        "outcome_source": "draw",
    }


def _from_logs(
    monitored: pl.DataFrame | None, outcome: OutcomeColumn, confidence: float
) -> dict[str, Any] | None:
    """The exact mean of all traffic; its error is that of so many interactions drawn at random.

    The monitor tells the interval and not the count: as many 0s and 1s as would have that interval
    are the count.
    """
    if monitored is None:
        return None
    found = monitored.filter(pl.col("route") == ALL, pl.col("metric") == METRICS[outcome])
    figures = found.select("value", "lower", "upper").drop_nulls()
    if figures.is_empty():
        return None
    value, lower, upper = as_success(figures.row(0), outcome)
    if upper <= lower:  # all alike: the draw's pseudo-conversations know better than an error of 0
        return None
    error = (upper - lower) / 2 / normal_quantile(MONITOR_CONFIDENCE)
    effective = max(value * (1 - value), 1e-4) / max(error, 1e-6) ** 2
    low, high = wilson(value, effective, confidence=confidence)
    return {
        "subset": ALL,
        "outcome": value,
        "outcome_se": error,
        "outcome_lower": low,
        "outcome_upper": high,
        "observed": round(effective),
        "outcome_effective": effective,
        "outcome_source": "logs",
    }


def as_success(
    measured: tuple[float, float, float], outcome: OutcomeColumn
) -> tuple[float, float, float]:
    """The monitor's value, lower and upper as those of a success from 0 to 1."""
    value, lower, upper = measured
    match outcome:
        case "feedback":  # from -1 to 1
            return (value + 1) / 2, (lower + 1) / 2, (upper + 1) / 2
        case "escalated":  # a failure
            return 1 - value, 1 - upper, 1 - lower
    return measured
