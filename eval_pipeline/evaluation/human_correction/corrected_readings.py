"""Readings of subsets that allow for what is known of the judges' bias."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.human_correction.audited import is_judged
from eval_pipeline.evaluation.human_correction.judge_bias import (
    BiasBound,
    JudgeBias,
    PooledRectifier,
    corrected_test,
    human_part,
)
from eval_pipeline.evaluation.subset_readings import Reading
from eval_pipeline.statistics.clusters import Floats


@dataclass(frozen=True)
class KnownBias:
    """The judges' bias, and which items of the pairs have it: those that models scored."""

    bias: JudgeBias
    scored: NDArray[np.bool_]


def known_bias(
    bias: JudgeBias | None, trials: pl.DataFrame, *, item_ids: pl.Series
) -> KnownBias | None:
    """The bias over the items of REGRESSION_TRIALS, in the order of `item_ids`.

    Labels, which are of one answer at a time, correct nothing that was scored by preference; a
    bound stands for every model. What code scored has no judge's error.
    """
    if bias is None:
        return None
    by_models = is_judged()
    if isinstance(bias, BiasBound):
        by_models = by_models | pl.col("scorer").str.starts_with("preference")
    scored = trials.filter(by_models)["item_id"].unique()
    return KnownBias(bias, item_ids.is_in(scored.implode()).to_numpy().astype(np.bool_))


def allowing_for(
    known: KnownBias | None,
    reading: Reading,
    *,
    complete: NDArray[np.bool_],
    weights: Floats | None,
    is_parent: bool,
) -> Reading:
    """The reading with people's labels in it, or with the bound that judges alone have to clear.

    `complete` are the items it rests on, `weights` those of all items. Both labels and bound count
    for the share that models scored. `is_parent` is true of the items that the rectifier was
    pooled over, each counted once: an aggregate that is weighted to the traffic is none.
    """
    if known is None:
        return reading
    mass = None if weights is None else weights[complete]
    bias, share = known.bias, float(np.average(known.scored[complete], weights=mass))
    part = human_part(bias, difference=reading.difference, share=share, is_parent=is_parent)
    if part is None or not isinstance(bias, PooledRectifier):
        return replace(reading, human=part)
    test, worst, best = (
        corrected_test(each, bias, share=share, is_parent=is_parent)
        for each in (reading.test, reading.worst, reading.best)
    )
    return replace(
        reading,
        difference=reading.difference + share * bias.value,
        test=test,
        worst=worst,
        best=best,
        human=part,
    )


def bound_of(reading: Reading) -> float:
    """What the difference has to clear besides the margin; 0 where nothing is bounded."""
    return 0.0 if reading.human is None else reading.human.bound or 0.0


def human_columns(reading: Reading) -> dict[str, Any]:
    """The columns of REGRESSION_REPORT that say what people's labels did; none without them."""
    part = reading.human
    if part is None:
        return {}
    return {
        "judge_difference": part.judge_difference,
        "rectifier": part.rectifier,
        "rectifier_se": part.standard_error,
        "human_labels": part.labels,
        "bias_bound": part.bound,
    }


def margin_left(reading: Reading, *, margin: float, quantile: float) -> float | None:
    """What more items can work with of the margin; None where items alone can never certify.

    A bound takes its size from the margin. A rectifier's error does not shrink with items:
    `quantile` standard errors of it are gone.
    """
    part = reading.human
    if part is None:
        return margin
    left = margin - (part.bound or 0.0)
    squared = left**2 - (quantile * (part.standard_error or 0.0)) ** 2
    return None if left <= 0 or squared <= 0 else float(np.sqrt(squared))
