"""Whether a judge's grades mean what they say: proper scores and calibration error."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.fingerprint import seed_for
from eval_pipeline.judging.biases.measured import Measured, unmeasured
from eval_pipeline.judging.quality.agreeing import NO_AUDIT
from eval_pipeline.judging.quality.graded import is_graded
from eval_pipeline.statistics.probability_scores import (
    Forecasts,
    bootstrap,
    brier,
    calibration_error,
    debiased_calibration_error,
    log_loss,
    murphy_parts,
)

LEAST_LABELS: Final = 300
"""Below this a calibration error is mostly noise: a perfect judge shows .08 at 100 labels."""
NOT_GRADED: Final = "it grades nothing: every probability is 0 or 1"


def _part(name: str) -> Callable[[Forecasts], float]:
    return lambda forecasts: murphy_parts(forecasts)[name]


_PROPER: Final[dict[str, Callable[[Forecasts], float]]] = {
    "brier": brier,
    "brier_reliability": _part("reliability"),
    "brier_resolution": _part("resolution"),
    "brier_uncertainty": _part("uncertainty"),
    "brier_within_bins": _part("within_bins"),
    "log_loss": log_loss,
}
CALIBRATION: Final = (*_PROPER, "ece", "ece_debiased")


def forecasts_of(rows: pl.DataFrame) -> Forecasts:
    """One judge, rubric and reading of `graded_responses` as probabilities and outcomes."""
    return Forecasts(
        probability=rows["probability"].to_numpy(),
        outcome=(rows["label"] == "pass").to_numpy().astype(np.float64),
        weight=rows["weight"].to_numpy(),
        clusters=rows["conversation_key"].to_list(),
    )


def calibrations(rows: pl.DataFrame, *, confidence: float) -> Iterator[tuple[str, Measured]]:
    """Every measure of one judge, rubric and reading, by name."""
    problem = _problem(rows)
    if problem is not None:
        for measure in CALIBRATION:
            yield measure, unmeasured(problem, items=rows.height)
        return
    forecasts = forecasts_of(rows)
    names = (rows["judge_id"][0], rows["rubric_id"][0], rows["against"][0])
    for measure, figure in _PROPER.items():
        seed = seed_for("judge_quality", *names, measure)
        interval = bootstrap(forecasts, figure, seed=seed, confidence=confidence)
        yield measure, Measured(interval.value, interval.lower, interval.upper, rows.height)
    yield from _errors(forecasts, rows.height, names, confidence=confidence)


def _errors(
    forecasts: Forecasts, items: int, names: tuple[str, ...], *, confidence: float
) -> Iterator[tuple[str, Measured]]:
    if items < LEAST_LABELS:
        told = f"insufficient: {items} labels, and it takes at least {LEAST_LABELS}"
        yield "ece", unmeasured(told, items=items)
        yield "ece_debiased", unmeasured(told, items=items)
        return
    # The raw error's own interval would carry its bias: the debiased one has the interval.
    yield "ece", Measured(calibration_error(forecasts), None, None, items)
    seed = seed_for("judge_quality", *names, "ece_debiased")
    debiased = debiased_calibration_error(forecasts, seed=seed, confidence=confidence)
    yield "ece_debiased", Measured(debiased.value, debiased.lower, debiased.upper, items)


def _problem(rows: pl.DataFrame) -> str | None:
    if rows.is_empty():
        return "no labelled response has such a grade"
    if not rows["represented"][0]:
        return NO_AUDIT
    return None if is_graded(rows["probability"]) else NOT_GRADED
