"""The week's predictions of the outcome, frozen, and beside them what production showed."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import scipy

from eval_pipeline.monitoring.outcome_tracking.history import past_of, since
from eval_pipeline.monitoring.outcome_tracking.link import ALL, Linked, Now, predict_outcomes
from eval_pipeline.tables import OUTCOME_PREDICTIONS

FROZEN: Final = (
    "basis", "golden_version", "rerun_week", "offline", "offline_se", "items", "kept", "labelled",
    "link", "link_weeks", "link_from", "slope", "predicted", "standard_error", "degrees", "lower",
    "upper",
)  # fmt: skip
"""What a prediction consists of: made once, and never again."""
SCORED: Final = FROZEN[:8]
OBSERVED: Final = (
    "outcome", "outcome_se", "outcome_lower", "outcome_upper", "observed", "outcome_effective",
    "outcome_source",
)  # fmt: skip
LARGEST_SCORE: Final = 8.0


def predict_week(
    scores: pl.DataFrame,
    outcomes: pl.DataFrame,
    *,
    history: pl.DataFrame,
    frozen: pl.DataFrame | None = None,
    fixed_slope: float,
    confidence: float,
    false_warnings_per_year: float,
    link_from: str | None = None,
) -> pl.DataFrame:
    """OUTCOME_PREDICTIONS of a week: a row per subset of `scores` and of `outcomes`.

    `scores` holds `subset` and `SCORED`, `outcomes` holds `subset` and `OBSERVED`. `history`:
    OUTCOME_PREDICTIONS of earlier weeks with `week`. Of the week's own outcomes the prediction
    reads nothing but `outcome_effective`, how many there are. `frozen` is the partition as it
    was made before: its predictions stay as they are.
    """
    rows = scores.join(outcomes, on="subset", how="full", coalesce=True).to_dicts()
    if frozen is None:
        links = _links(
            rows,
            since(history, link_from),
            fixed_slope=fixed_slope,
            confidence=confidence,
            false_warnings_per_year=false_warnings_per_year,
        )
        made = [{**row, **_prediction(links.get(row["subset"]), confidence)} for row in rows]
    else:
        before = {row["subset"]: row for row in frozen.select("subset", *FROZEN).to_dicts()}
        made = [{**row, **before.get(row["subset"], _UNKNOWN)} for row in rows]
    compared = [{**row, **_comparison(row)} for row in map(_counted, made)]
    return OUTCOME_PREDICTIONS.conform(pl.DataFrame(compared, schema=OUTCOME_PREDICTIONS.schema))


_COUNTS: Final = ("items", "labelled", "observed", "link_weeks")
_UNKNOWN: Final[Mapping[str, Any]] = {**dict.fromkeys(FROZEN), "link": "none"}


def _counted(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **{name: row[name] or 0 for name in _COUNTS}}


def _links(
    rows: list[dict[str, Any]],
    history: pl.DataFrame,
    *,
    fixed_slope: float,
    confidence: float,
    false_warnings_per_year: float,
) -> dict[str, Linked]:
    past = past_of(
        history,
        bases={row["subset"]: row["basis"] for row in rows},
        false_warnings_per_year=false_warnings_per_year,
    )
    now = {
        row["subset"]: Now(
            score=row["offline"],
            score_se=row["offline_se"],
            kept=row["kept"] or 0.0,
            effective=row["outcome_effective"],
        )
        for row in rows
        if row["offline_se"] is not None and row["outcome_effective"]
    }
    return predict_outcomes(past, now, fixed_slope=fixed_slope, confidence=confidence)


def _prediction(linked: Linked | None, confidence: float) -> dict[str, Any]:
    if linked is None:
        return {name: _UNKNOWN[name] for name in FROZEN if name not in SCORED}
    lower, upper = linked.predictive.interval(confidence)
    return {
        "link": linked.kind,
        "link_weeks": len(linked.weeks),
        "link_from": linked.weeks[0],
        "slope": linked.slope,
        "predicted": linked.predictive.location,
        "standard_error": linked.predictive.scale,
        "degrees": linked.predictive.degrees,
        "lower": min(max(lower, 0.0), 1.0),
        "upper": min(max(upper, 0.0), 1.0),
    }


def _comparison(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["predicted"] is None or row["outcome"] is None:
        return {"within_interval": None, "error_score": None}
    error = (row["outcome"] - row["predicted"]) / row["standard_error"]
    return {
        "within_interval": row["lower"] <= row["outcome"] <= row["upper"],
        "error_score": normal_score(error, degrees=row["degrees"]),
    }


def normal_score(error: float, *, degrees: float) -> float:
    """The standard normal quantile of a t-distributed error, cut at 8 to either side."""
    tail = float(scipy.special.stdtr(degrees, -abs(error)))
    score = LARGEST_SCORE if tail <= 0 else min(LARGEST_SCORE, -float(scipy.special.ndtri(tail)))
    return score if error > 0 else -score


def headline_first(frame: pl.DataFrame) -> pl.DataFrame:
    """'all' first, then the subsets by name: the order for readers."""
    return frame.sort(pl.col("subset") != ALL, "subset")
