"""Everything that is known of the judges in one frame, as JUDGE_QUALITY and JUDGE_RELIABILITY."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.judging.biases.measured import PANEL, Measured, finding_of
from eval_pipeline.judging.quality.agreeing import CEILED, agreements, share_of_ceiling
from eval_pipeline.judging.quality.calibrating import calibrations, forecasts_of
from eval_pipeline.judging.quality.graded import (
    CRITERIA,
    REPEATS,
    VOTES,
    graded_responses,
    is_graded,
)
from eval_pipeline.judging.quality.rated import (
    ALL_RUBRICS,
    PEOPLE,
    Judged,
    rated_people,
    rated_verdicts,
)
from eval_pipeline.statistics.probability_scores import reliability_bins
from eval_pipeline.tables import JUDGE_QUALITY, JUDGE_RELIABILITY

AGAINST_LABELS: Final = "labels"
AGAINST_PEOPLE: Final = "people"
FROM_BIASES: Final = (
    "retest_flips",
    "position_excess",
    "position_bias",
    "verbosity",
    "self_preference",
    "error_correlation",
    "effective_judges",
    "anchor_accuracy_change",
    "recurring_disagreement",
)
SCRIPTED: Final = "scripts stood in for people"


def judge_quality(
    judged: Judged,
    biases: pl.DataFrame,
    *,
    judges: Iterable[str],
    confidence: float = 0.95,
    resamples: int = 2000,
) -> pl.DataFrame:
    """Every judge and the panel under every rubric in force, as JUDGE_QUALITY.

    `biases`: the week's JUDGE_BIASES, which are of all rubrics together. Judges and people are
    measured on the same weeks with the same weights, so that one is the other's ceiling. What
    could not be measured has a row that says why.
    """
    known = (*sorted(judges), PANEL)
    rubrics = [*sorted(judged.rubrics), ALL_RUBRICS]
    rated, people, graded = rated_verdicts(judged), rated_people(judged), graded_responses(judged)
    rows: list[dict[str, Any]] = []
    for rubric in rubrics:
        blind = people.rows.filter(pl.col("rubric_id") == rubric)
        ceiling = dict(agreements(blind, confidence=confidence, resamples=resamples, classes=False))
        note = SCRIPTED if people.scripted else None
        rows += [
            _row(PEOPLE, rubric, measure, AGAINST_PEOPLE, measured, note=note)
            for measure, measured in ceiling.items()
        ]
        for judge in known:
            own = rated.filter((pl.col("judge_id") == judge) & (pl.col("rubric_id") == rubric))
            measured = dict(
                agreements(own, confidence=confidence, resamples=resamples, classes=True)
            )
            rows += _agreeing(judge, rubric, measured, ceiling)
            rows += _calibrated(graded, judge, rubric, confidence=confidence)
    rows += _from_biases(biases)
    frame = pl.DataFrame(rows, schema=JUDGE_QUALITY.schema, infer_schema_length=None)
    return JUDGE_QUALITY.conform(frame.with_columns(weeks=pl.lit(judged.weeks, dtype=pl.Int64)))


def judge_reliability(judged: Judged, *, confidence: float = 0.95) -> pl.DataFrame:
    """The reliability diagram of every graded judge, rubric and reading, as JUDGE_RELIABILITY."""
    rows = []
    graded = graded_responses(judged).filter(pl.col("represented"))
    groups = graded.group_by("judge_id", "rubric_id", "against", maintain_order=True)
    for (judge, rubric, reading), group in groups:
        if not is_graded(group["probability"]):
            continue
        rows += [
            {
                "judge_id": judge,
                "rubric_id": rubric,
                "against": reading,
                "bin": number,
                "said": one.said,
                "came": one.came.value,
                "lower": one.came.lower,
                "upper": one.came.upper,
                "items": one.items,
                "weight_share": one.share,
            }
            for number, one in enumerate(
                reliability_bins(forecasts_of(group), confidence=confidence), start=1
            )
        ]
    return JUDGE_RELIABILITY.conform(pl.DataFrame(rows, schema=JUDGE_RELIABILITY.schema))


def _agreeing(
    judge: str, rubric: str, measured: dict[str, Measured], ceiling: dict[str, Measured]
) -> Iterator[dict[str, Any]]:
    for measure, one in measured.items():
        human = ceiling[measure].value if measure in CEILED else None
        yield _row(judge, rubric, measure, AGAINST_LABELS, one, ceiling=human)
    share = share_of_ceiling(measured["alpha"], ceiling["alpha"])
    yield _row(judge, rubric, "share_of_ceiling", AGAINST_PEOPLE, share)


def _calibrated(
    graded: pl.DataFrame, judge: str, rubric: str, *, confidence: float
) -> Iterator[dict[str, Any]]:
    for reading in (VOTES,) if judge == PANEL else (CRITERIA, REPEATS):
        own = graded.filter(
            (pl.col("judge_id") == judge)
            & (pl.col("rubric_id") == rubric)
            & (pl.col("against") == reading)
        )
        for measure, measured in calibrations(own, confidence=confidence):
            yield _row(judge, rubric, measure, reading, measured)


def _from_biases(biases: pl.DataFrame) -> Iterator[dict[str, Any]]:
    known = biases.filter(pl.col("measure").is_in(FROM_BIASES))
    for row in known.iter_rows(named=True):
        copied = {name: row[name] for name in row if name in JUDGE_QUALITY.schema}
        yield {**copied, "rubric_id": ALL_RUBRICS}


def _row(
    judge: str,
    rubric: str,
    measure: str,
    against: str,
    measured: Measured,
    *,
    ceiling: float | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    finding = "reported" if measured.value is not None else finding_of(measured, None)
    return {
        "judge_id": judge,
        "rubric_id": rubric,
        "measure": measure,
        "against": against,
        "value": measured.value,
        "lower": measured.lower,
        "upper": measured.upper,
        "ceiling": ceiling,
        "items": measured.items,
        "missing": measured.missing,
        "finding": finding,
        "note": measured.note or note,
    }
