"""How well judges, panel and people agree with the settled labels, weighted to all that was judged.

Each labelled interaction stands for 1 / label_probability judged ones, so the dispute queue does
not make the judges look worse than they are (methods 3.3; Horvitz-Thompson weights).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.fingerprint import seed_for
from eval_pipeline.statistics.weighted_agreement import (
    CHANCE_CORRECTED,
    Interval,
    chance_corrected_interval,
    share_interval,
)
from eval_pipeline.tables import JUDGE_CALIBRATION

PANEL = "panel"
PEOPLE = "people"
DECIDED = ("pass", "fail")

_AUDIT = "audit"
_BY_PEOPLE = ("agreement", "adjudication")
_NOT_COMPUTABLE = Interval(None, None, None)


@dataclass(frozen=True)
class _Rater:
    """One row per labelled interaction: rated, label (pass or fail), weight, selection."""

    judge_id: str
    rubric_id: str | None
    rows: pl.DataFrame


def calibrate(
    verdicts: pl.DataFrame,
    panel_verdicts: pl.DataFrame,
    adjudications: pl.DataFrame,
    *,
    weeks: int,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> pl.DataFrame:
    """Agreement of each judge, of the panel and of people, as JUDGE_CALIBRATION.

    The frames hold every week up to this one, `weeks` of them. Labels that the log itself carries
    are left out: the question is how judges agree with people. A judge counts where it said pass
    or fail; abstentions and failed calls are not disagreement. For 'people' the first two
    annotators are set against each other, the second in the place of the label.

    `sensitivity` is P(pass | label pass), `specificity` P(fail | label fail); their `labelled`
    counts that class alone. Shares have Wilson intervals with Kish's effective n; chance-corrected
    measures a seeded bootstrap's over interactions. Values are null where undefined, and
    everywhere unless audit rows are among the labels: a queue of disputes alone says nothing of
    the rest. Unsettled tasks are taken as missing at random.
    """
    labelled = adjudications.filter(pl.col("settled_by").is_in(_BY_PEOPLE)).with_columns(
        weight=1 / pl.col("label_probability")
    )
    raters = [
        *_judges(verdicts, labelled),
        _panel(panel_verdicts, labelled, rubric_id=_only(verdicts["rubric_id"])),
    ]
    rows = [
        _row(rater, measure, labelled=count, interval=interval, weeks=weeks)
        for rater in raters
        for measure, count, interval in _measures(
            rater, confidence=confidence, resamples=resamples, with_classes=True
        )
    ]
    people = _people(labelled)
    rows += [
        _row(people, measure, labelled=count, interval=interval, weeks=weeks)
        for measure, count, interval in _measures(
            people, confidence=confidence, resamples=resamples, with_classes=False
        )
    ]
    return JUDGE_CALIBRATION.conform(pl.DataFrame(rows, schema=JUDGE_CALIBRATION.schema))


def _judges(verdicts: pl.DataFrame, labelled: pl.DataFrame) -> Iterable[_Rater]:
    for judge_id in sorted(verdicts["judge_id"].unique().to_list()):
        own = verdicts.filter((pl.col("judge_id") == judge_id) & (pl.col("order") == "single"))
        rated = own.select("interaction_id", rated="verdict")
        yield _Rater(judge_id, _only(own["rubric_id"]), _paired(rated, labelled))


def _panel(
    panel_verdicts: pl.DataFrame, labelled: pl.DataFrame, *, rubric_id: str | None
) -> _Rater:
    rated = panel_verdicts.select("interaction_id", rated="panel_verdict")
    return _Rater(PANEL, rubric_id, _paired(rated, labelled))


def _people(labelled: pl.DataFrame) -> _Rater:
    first = pl.col("labels").list.get(0, null_on_oob=True)
    second = pl.col("labels").list.get(1, null_on_oob=True)
    rows = labelled.with_columns(rated=first, label=second).filter(
        pl.col("rated").is_in(DECIDED) & pl.col("label").is_in(DECIDED)
    )
    return _Rater(PEOPLE, None, rows.sort("interaction_id"))


def _paired(rated: pl.DataFrame, labelled: pl.DataFrame) -> pl.DataFrame:
    return (
        labelled.join(rated, on="interaction_id", validate="1:1")
        .filter(pl.col("rated").is_in(DECIDED) & pl.col("label").is_in(DECIDED))
        .sort("interaction_id")
    )


def _only(values: pl.Series) -> str | None:
    """The one value that occurs, or null where a judge applied several rubrics."""
    distinct = values.unique().to_list()
    return distinct[0] if len(distinct) == 1 else None


def _measures(
    rater: _Rater, *, confidence: float, resamples: int, with_classes: bool
) -> Iterable[tuple[str, int, Interval]]:
    rows = rater.rows
    represented = _AUDIT in rows["selection"].to_list()
    rated = _is_pass(rows["rated"])
    label = _is_pass(rows["label"])
    weight = rows["weight"].to_numpy()

    def share(hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[int, Interval]:
        count = int(among.sum())
        if not represented:
            return count, _NOT_COMPUTABLE
        return count, share_interval(hits[among], weight[among], confidence=confidence)

    everything = np.ones(rows.height, dtype=np.bool_)
    yield "agreement", *share(rated == label, everything)
    for measure in CHANCE_CORRECTED:
        interval = _NOT_COMPUTABLE
        if represented:
            interval = chance_corrected_interval(
                measure,
                np.column_stack([rated, label]),
                weight,
                confidence=confidence,
                resamples=resamples,
                seed=seed_for("calibration", rater.judge_id, measure),
            )
        yield measure, rows.height, interval
    if with_classes:
        yield "sensitivity", *share(rated, label)
        yield "specificity", *share(~rated, ~label)


def _is_pass(values: pl.Series) -> NDArray[np.bool_]:
    passes: NDArray[np.bool_] = (values == "pass").to_numpy()
    return passes


def _row(
    rater: _Rater, measure: str, *, labelled: int, interval: Interval, weeks: int
) -> dict[str, object]:
    return {
        "judge_id": rater.judge_id,
        "rubric_id": rater.rubric_id,
        "measure": measure,
        "value": interval.value,
        "lower": interval.lower,
        "upper": interval.upper,
        "labelled": labelled,
        "weeks": weeks,
    }
