"""Judge drift on anchors: the same words about the same frozen responses, week after week."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy

from eval_pipeline.judging.biases.measured import Measured, unmeasured
from eval_pipeline.judging.biases.repeated import share
from eval_pipeline.statistics.paired import augmented_interval, mcnemar_exact

RECURRENCE_WEEKS = 4
RECURRENCE_LEAST = 3


@dataclass(frozen=True)
class AnchorDrift:
    """One judge on the anchors it was asked about this week, against their first verdicts."""

    changes: Measured
    accuracy: Measured
    accuracy_change: Measured


def anchor_drift(history: pl.DataFrame, *, week: str, confidence: float) -> AnchorDrift:
    """From one judge's anchor probes of all weeks up to this one, with a column week.

    An anchor's first verdict is the first under the same rubric: another rubric is another
    question, and starts anew. An abstention is a verdict, and not right. The p-value is McNemar's
    exact one of right to wrong against wrong to right, not yet adjusted.
    """
    answered = history.drop_nulls("verdict")
    asked = history.filter(pl.col("week") == week)
    now = answered.filter(pl.col("week") == week)
    first = (
        answered.sort("week")
        .unique(["item_id", "rubric_id"], keep="first", maintain_order=True)
        .filter(pl.col("week") < week)
        .select("item_id", "rubric_id", before="verdict")
    )
    missing = asked.height - now.height
    if now.is_empty():
        nothing = unmeasured("no anchor was answered this week", missing=missing)
        return AnchorDrift(nothing, nothing, nothing)
    right = now.filter(pl.col("verdict") == pl.col("expected")).height
    accuracy = share(right, now.height, missing=missing, confidence=confidence)
    both = now.join(first, on=["item_id", "rubric_id"])
    if both.is_empty():
        nothing = unmeasured("no anchor has an earlier verdict to compare with", missing=missing)
        return AnchorDrift(nothing, accuracy, nothing)
    changed = both.filter(pl.col("verdict") != pl.col("before")).height
    return AnchorDrift(
        share(changed, both.height, missing=missing, confidence=confidence),
        accuracy,
        _accuracy_change(both, missing=missing, confidence=confidence),
    )


def _accuracy_change(both: pl.DataFrame, *, missing: int, confidence: float) -> Measured:
    now = (both["verdict"] == both["expected"]).to_numpy()
    before = (both["before"] == both["expected"]).to_numpy()
    lost, gained = int((before & ~now).sum()), int((now & ~before).sum())
    change = now.astype(np.float64) - before.astype(np.float64)
    lower, upper = augmented_interval(change, confidence=confidence)
    return Measured(
        float(change.mean()),
        lower,
        upper,
        items=both.height,
        missing=missing,
        note=f"right to wrong: {lost}; wrong to right: {gained}",
        p_value=mcnemar_exact(lost, gained),
    )


def with_faults(anchors: pl.DataFrame) -> pl.DataFrame:
    """Anchor probes with `fault`: null where the judge was right, or by what it erred.

    The rubric and the criterion that it wrongly calls broken, or that it missed what is broken
    (people label the whole response, so of which criterion is unknown), or that it abstained.
    """
    what = (
        pl.when(pl.col("verdict") == "fail")
        .then(pl.format("criterion {}", pl.col("criterion").cast(pl.String).fill_null("unknown")))
        .when(pl.col("verdict") == "pass")
        .then(pl.lit("missed"))
        .otherwise(pl.lit("abstained"))
    )
    wrong = pl.col("verdict") != pl.col("expected")
    return anchors.with_columns(
        fault=pl.when(wrong).then(pl.format("{}: {}", pl.col("rubric_id"), what))
    )


def recurring_disagreement(
    history: pl.DataFrame, *, weeks: Sequence[str], fault: str, confidence: float
) -> Measured:
    """The share of anchors with this fault in at least three of the last four weeks.

    `history`: one judge's anchor probes `with_faults`; `weeks`: the last four of the anchors'
    weeks, this one included. If errors were noise, any anchor would have the fault as often as
    all anchors have on average: the number with three would be binomial, and the p-value, not yet
    adjusted, is of at least as many as there are.
    """
    lately = history.filter(pl.col("week").is_in(list(weeks))).drop_nulls("verdict")
    faulty = pl.col("fault").eq(fault).fill_null(value=False)
    asked = lately.group_by("item_id").agg(asked=pl.len(), wrong=faulty.sum())
    error_rate = asked["wrong"].sum() / max(lately.height, 1)
    able = asked.filter(pl.col("asked") >= RECURRENCE_LEAST)
    missing = asked.height - able.height
    if able.is_empty():
        return unmeasured("no anchor was judged in three of four weeks yet", missing=missing)
    recurring = able.filter(pl.col("wrong") >= RECURRENCE_LEAST).height
    by_chance = float(
        scipy.stats.binom.sf(RECURRENCE_LEAST - 1, able["asked"].to_numpy(), error_rate).mean()
    )
    measured = share(recurring, able.height, missing=missing, confidence=confidence)
    return Measured(
        measured.value,
        measured.lower,
        measured.upper,
        items=able.height,
        missing=missing,
        note=f"wrong in at least three of the last {len(weeks)} weeks: {recurring}",
        p_value=float(scipy.stats.binom.sf(recurring - 1, able.height, by_chance)),
    )
