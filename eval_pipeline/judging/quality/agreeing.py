"""Agreement of a judge with the settled labels, and what share of people's own agreement it is."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.fingerprint import seed_for
from eval_pipeline.judging.biases.measured import Measured, unmeasured
from eval_pipeline.statistics.weighted_agreement import (
    CHANCE_CORRECTED,
    Interval,
    chance_corrected_interval,
    share_interval,
)

NO_AUDIT: Final = "no audit labels: the disputes alone say nothing of the rest"
CEILED: Final = ("agreement", *CHANCE_CORRECTED)
"""What is measured of people as it is of judges."""
_Bools = NDArray[np.bool_]


def agreements(
    rows: pl.DataFrame, *, confidence: float, resamples: int, classes: bool
) -> Iterator[tuple[str, Measured]]:
    """Every measure of one rater under one rubric, by name; `rows` as of `rated_verdicts`.

    agreement, base_rate (the share of labels that pass), ac1, kappa, alpha and, with `classes`,
    sensitivity P(pass | label pass) and specificity P(fail | label fail). Shares have Wilson's
    interval over conversations, chance-corrected ones the bootstrap over conversations.
    """
    rated, label = _passes(rows["rated"]), _passes(rows["label"])
    everything = np.ones(rows.height, dtype=np.bool_)
    parts = {"agreement": (rated == label, everything), "base_rate": (label, everything)}
    if classes:
        parts |= {"sensitivity": (rated, label), "specificity": (~rated, ~label)}
    for measure, (hits, among) in parts.items():
        yield measure, _share(rows, hits, among, confidence=confidence)
    for measure in CHANCE_CORRECTED:
        yield measure, _corrected(rows, measure, confidence=confidence, resamples=resamples)


def share_of_ceiling(judge: Measured, people: Measured) -> Measured:
    """A judge's alpha as a share of people's: 1 is a judge that agrees as well as a second person.

    The interval is the judge's alone: people's alpha is taken as it was measured.
    """
    if judge.value is None or judge.lower is None or judge.upper is None:
        return unmeasured(judge.note or "no agreement to compare", items=judge.items)
    if people.value is None:
        told = people.note or "undefined"
        return unmeasured(f"people's own agreement: {told}", items=judge.items)
    if people.value <= 0:
        return unmeasured("people agree no better than by chance", items=judge.items)
    value, lower, upper = (part / people.value for part in (judge.value, judge.lower, judge.upper))
    return Measured(value, lower, upper, items=judge.items)


def _share(rows: pl.DataFrame, hits: _Bools, among: _Bools, *, confidence: float) -> Measured:
    names = np.asarray(rows["conversation_key"].to_list())
    interval = share_interval(
        hits[among],
        rows["weight"].to_numpy()[among],
        confidence=confidence,
        clusters=names[among].tolist(),
    )
    return _measured(rows, interval, items=int(among.sum()))


def _corrected(rows: pl.DataFrame, measure: str, *, confidence: float, resamples: int) -> Measured:
    if rows.is_empty() or not rows["represented"][0]:
        return _measured(rows, Interval(None, None, None), items=rows.height)
    interval = chance_corrected_interval(
        measure,
        np.column_stack([_passes(rows["rated"]), _passes(rows["label"])]),
        rows["weight"].to_numpy(),
        confidence=confidence,
        resamples=resamples,
        seed=seed_for("judge_quality", rows["judge_id"][0], rows["rubric_id"][0], measure),
        clusters=rows["conversation_key"].to_list(),
    )
    return _measured(rows, interval, items=rows.height)


def _measured(rows: pl.DataFrame, interval: Interval, *, items: int) -> Measured:
    if not items:
        return unmeasured("no label of this kind")
    if not rows["represented"][0]:
        return unmeasured(NO_AUDIT, items=items)
    if interval.value is None:
        return unmeasured("undefined: one side only gave one kind of answer", items=items)
    return Measured(interval.value, interval.lower, interval.upper, items=items)


def _passes(values: pl.Series) -> _Bools:
    passes: _Bools = (values == "pass").to_numpy()
    return passes
