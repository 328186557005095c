"""From people's labels of a candidate's answers to what corrects the judges, as HUMAN_CORRECTION.

Methods 3.1 and 3.2: the stratified difference estimate over what judges said of each pair, pooled
over all subsets, and how much subsets differ about it.
"""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.human_correction.judge_bias import BiasBound, PooledRectifier
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import HumanCorrectionSettings
from eval_pipeline.statistics.clusters import Floats, kish_effective_items
from eval_pipeline.statistics.heterogeneity import between_variance
from eval_pipeline.statistics.label_strata import TwoPhaseSample
from eval_pipeline.statistics.two_phase import two_phase_mean
from eval_pipeline.tables import HUMAN_CORRECTION

USED: Final = "used"
TOO_FEW: Final = "too_few"
UNFINISHED: Final = "unfinished"
TOLD: Final = "told"

LEAST_IN_SUBSET: Final = 3
"""Labelled pairs from which on a subset's own rectifier is told and compared with others."""
LEAST_DOUBLES: Final = 10
SCRIPTED: Final = "scripted"
_PASSED: Final = {"pass": 1.0, "fail": 0.0}
_BOUND_PERCENTILE: Final = 0.95


def rectify(
    pairs: pl.DataFrame,
    audit: pl.DataFrame,
    *,
    policy: HumanCorrectionSettings,
    trials_fingerprint: str,
) -> pl.DataFrame:
    """The HUMAN_CORRECTION of `audited_pairs` and a CANDIDATE_AUDIT.

    A pair counts as labelled when every answer of it that a judge scored is settled as pass or
    fail; all other drawn pairs are missing. What is missing is taken to be like what is there,
    stratum by stratum, so more of it than the policy accepts corrects nothing.
    """
    drawn = _labelled(pairs, audit)
    rows = [_parent_row(drawn, audit, policy=policy)]
    rows += _subset_rows(drawn)
    frame = pl.DataFrame(
        [{**row, "trials_fingerprint": trials_fingerprint} for row in rows],
        schema=HUMAN_CORRECTION.schema,
    )
    return HUMAN_CORRECTION.conform(frame)


def scores_fingerprint(trials: pl.DataFrame) -> str:
    """Of every score in REGRESSION_TRIALS: labels correct these and no others."""
    rows = trials.select("arm", "item_id", "trial", "scorer", "score").sort(
        "arm", "item_id", "trial"
    )
    return fingerprint([list(row) for row in rows.iter_rows()])


def pooled_rectifier(correction: pl.DataFrame) -> PooledRectifier | None:
    """What corrects the gate, from a HUMAN_CORRECTION; None where its labels do not suffice."""
    found = correction.filter(subset=ALL, state=USED)
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return PooledRectifier(
        value=row["rectifier"],
        variance=row["rectifier_se"] ** 2,
        between_variance=row["between_variance"],
        degrees=row["degrees"],
        groups=row["groups"],
        labels=row["labelled"],
    )


def bias_bound(
    corrections: Sequence[pl.DataFrame], *, policy: HumanCorrectionSettings
) -> BiasBound | None:
    """How far the judges were wrong on the last candidates that people labelled.

    The 95th percentile of their rectifiers' sizes, which with fewer than twenty candidates is the
    largest. Else what the policy assumes; None where it assumes nothing.
    """
    seen: list[tuple[dt.date, float]] = [
        (row["labelled_on"], abs(row["rectifier"]))
        for correction in corrections
        for row in correction.filter(subset=ALL, state=USED).iter_rows(named=True)
    ]
    last = [size for _, size in sorted(seen, reverse=True)[: policy.bias_candidates]]
    if last:
        bound = np.quantile(last, _BOUND_PERCENTILE, method="inverted_cdf")
        return BiasBound(float(bound), len(last))
    return None if policy.assumed_bias is None else BiasBound(policy.assumed_bias, 0)


def label_error(labels: Sequence[Sequence[str]]) -> float | None:
    """How often a settled label is wrong, from the first two labels of each task.

    Two people who err independently with the chance h differ in 2h(1 - h) of the tasks. Agreement
    is wrong where both err; of what they dispute, an adjudicator errs in h. None with fewer than
    ten tasks on which both decided, which would tell nothing.
    """
    doubles = [said[:2] for said in labels if len(said) > 1 and set(said[:2]) <= set(_PASSED)]
    if len(doubles) < LEAST_DOUBLES:
        return None
    differing = sum(first != second for first, second in doubles) / len(doubles)
    single = (1 - math.sqrt(max(0.0, 1 - 2 * differing))) / 2
    return single**2 + 2 * single * (1 - single) * single


def _labelled(pairs: pl.DataFrame, audit: pl.DataFrame) -> pl.DataFrame:
    """The pairs with judges' difference `judged`, people's `said` (null where missing), `drawn`."""
    settled = audit.with_columns(
        value=pl.when(pl.col("state") == "given")
        .then(pl.col("score"))
        .otherwise(pl.col("label").replace_strict(_PASSED, default=None, return_dtype=pl.Float64))
    )
    said = settled.group_by("item_id").agg(
        pl.when(pl.col("value").is_null().any())
        .then(None)
        .otherwise(
            pl.col("value").filter(pl.col("arm") == "candidate").sum()
            - pl.col("value").filter(pl.col("arm") == "baseline").sum()
        )
        .first()
        .alias("said"),
        drawn=pl.lit(value=True),
    )
    return pairs.join(said, on="item_id", how="left", maintain_order="left").with_columns(
        judged=pl.col("score_candidate") - pl.col("score_baseline"),
        drawn=pl.col("drawn").fill_null(value=False),
    )


def _parent_row(
    drawn: pl.DataFrame, audit: pl.DataFrame, *, policy: HumanCorrectionSettings
) -> dict[str, Any]:
    counted = _counts(drawn, ALL)
    row: dict[str, Any] = {**counted, "state": TOO_FEW}
    if counted["labelled"] < max(2, policy.minimum_labels):
        return row
    mean = two_phase_mean(_sample(drawn), tuned=True)
    groups, between = _heterogeneity(drawn)
    people = audit.drop_nulls("label")
    unfinished = counted["missing"] > policy.maximum_missing * counted["drawn"]
    return {
        **row,
        "state": UNFINISHED if unfinished else USED,
        "judge_difference": mean.score_mean,
        "rectifier": mean.rectifier,
        "rectifier_se": math.sqrt(mean.added_variance),
        "between_variance": between,
        "groups": groups,
        "degrees": mean.rectifier_degrees,
        "variance_ratio": mean.variance_ratio,
        "human_error": label_error(
            audit.unique("task_id", maintain_order=True)["labels"].drop_nulls().to_list()
        ),
        "annotator_kind": SCRIPTED if SCRIPTED in people["annotator_kind"] else "person",
        "labelled_on": people["labelled_on"].max(),
    }


def _sample(drawn: pl.DataFrame) -> TwoPhaseSample:
    return TwoPhaseSample(
        scores=drawn["judged"].to_numpy(),
        labels=drawn["said"].fill_null(float("nan")).to_numpy(),
        strata=drawn["label_stratum"].rank("dense").to_numpy().astype(np.int64),
        step=1.0,
        clusters=drawn["cluster_id"].rank("dense").to_numpy().astype(np.int64),
    )


def _counts(drawn: pl.DataFrame, subset: str) -> dict[str, Any]:
    asked = drawn.filter("drawn")
    return {
        "subset": subset,
        "items": drawn.height,
        "drawn": asked.height,
        "labelled": asked["said"].count(),
        "missing": asked["said"].null_count(),
    }


def _heterogeneity(drawn: pl.DataFrame) -> tuple[int, float]:
    """The subsets whose rectifiers are compared, and how much those differ beyond chance."""
    told = [row for row in _subset_rows(drawn) if row["rectifier"] is not None]
    if any(row["rectifier_se"] == 0 for row in told):
        return len(told), 0.0
    values = [row["rectifier"] for row in told]
    errors = [row["rectifier_se"] ** 2 for row in told]
    return len(told), between_variance(values, errors)


def _subset_rows(drawn: pl.DataFrame) -> list[dict[str, Any]]:
    """Each subset's own rectifier, weighted by chance; its error from the spread of all pairs."""
    weights, residuals = _residuals(drawn)
    spread = _spread(weights, residuals)
    rows = []
    for name in sorted({name for names in drawn["subsets"].to_list() for name in names}):
        inside = drawn["subsets"].list.contains(name).to_numpy()
        own = inside & ~np.isnan(residuals)
        row: dict[str, Any] = {
            **_counts(drawn.filter(pl.Series(inside)), name),
            "state": TOLD,
            "judge_difference": float(str(drawn.filter(pl.Series(inside))["judged"].mean())),
            "rectifier": None,
        }
        if own.sum() >= LEAST_IN_SUBSET:
            row["rectifier"] = float(np.average(residuals[own], weights=weights[own]))
            row["rectifier_se"] = math.sqrt(spread / kish_effective_items(weights[own]))
        rows.append(row)
    return rows


def _residuals(drawn: pl.DataFrame) -> tuple[Floats, Floats]:
    """Of each pair 1 / its chance to have a label here, and label minus score; NaN without one."""
    labelled = pl.col("said").is_not_null()
    chance = labelled.sum().over("label_stratum") / pl.len().over("label_stratum")
    frame = drawn.select(
        weight=pl.when(labelled).then(1 / chance).otherwise(0.0),
        residual=(pl.col("said") - pl.col("judged")).fill_null(float("nan")),
    )
    return frame["weight"].to_numpy(), frame["residual"].to_numpy()


def _spread(weights: Floats, residuals: Floats) -> float:
    known: NDArray[np.bool_] = ~np.isnan(residuals)
    if known.sum() < LEAST_IN_SUBSET:
        return 0.0
    mass, seen = weights[known], residuals[known]
    centre = float(np.average(seen, weights=mass))
    return float(np.average(np.square(seen - centre), weights=mass) * seen.size / (seen.size - 1))
