"""What settled labels show of a judge: whether it errs with length, or for its own family.

Each labelled response stands for 1 / label_probability judged ones, as in the calibration; its
error is the judge's verdict (pass is 1) minus the label.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from eval_pipeline.judging.biases.measured import DECIDED, PANEL, Measured, unmeasured
from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.statistics.regression import Slope, slope_within

LEAST_ERRORS = 5
"""Below this, what errors go with is not looked for: any slope would rest on one or two."""
_BY_PEOPLE = ("agreement", "adjudication")


def labelled_verdicts(
    verdicts: pl.DataFrame,
    panel_verdicts: pl.DataFrame,
    adjudications: pl.DataFrame,
    responses: pl.DataFrame,
) -> pl.DataFrame:
    """One row per judge, and panel, and response that people settled and the judge decided.

    `responses`: interaction_id, conversation_key, stratum, characters, response_family. Adds
    error (-1, 0 or 1), weight and represented: whether audit rows are among all the labels, for
    without them the weights stand for nothing. All frames hold every week up to this one.
    """
    labels = adjudications.filter(pl.col("settled_by").is_in(_BY_PEOPLE))
    represented = "audit" in labels["selection"].to_list()
    panel = panel_verdicts.select(
        "interaction_id",
        judge_id=pl.lit(PANEL),
        family=pl.lit(None, dtype=pl.String),
        verdict="panel_verdict",
    )
    own = verdicts.filter(pl.col("order") == "single").select(panel.columns)
    return (
        pl.concat([own, panel])
        .filter(pl.col("verdict").is_in(DECIDED))
        .join(labels.select("interaction_id", "label", "label_probability"), on="interaction_id")
        .filter(pl.col("label").is_in(DECIDED))
        .join(responses, on="interaction_id", validate="m:1")
        .with_columns(
            error=(pl.col("verdict") == "pass").cast(pl.Float64)
            - (pl.col("label") == "pass").cast(pl.Float64),
            weight=1 / pl.col("label_probability"),
            represented=pl.lit(represented),
        )
        .sort("judge_id", "interaction_id")
    )


def verbosity(rows: pl.DataFrame, *, confidence: float) -> Measured:
    """The error per standard deviation of log length, within strata; one judge's rows.

    Length is characters; a response twice as long is as much longer wherever it started, hence
    the logarithm. The standard deviation is that of the judged responses.
    """
    problem = _too_little(rows)
    if problem is not None:
        return unmeasured(problem, items=rows.height)
    length = np.log1p(rows["characters"].to_numpy().astype(np.float64))
    weight = rows["weight"].to_numpy()
    centre = float(weight @ length / weight.sum())
    spread = float(np.sqrt(weight @ np.square(length - centre) / weight.sum()))
    if spread == 0:
        return unmeasured("all responses are of one length", items=rows.height)
    slope = _slope(rows, rows["error"].to_numpy(), (length - centre) / spread, weight)
    return _told(slope, rows, confidence=confidence, lacking="lengths do not vary inside strata")


def self_preference(rows: pl.DataFrame, *, confidence: float) -> Measured:
    """How much more a judge's error favours its own family's responses than others'; with labels.

    Responses whose family is not known are missing.
    """
    known = rows.drop_nulls("response_family")
    missing = rows.height - known.height
    own = (known["response_family"] == known["family"]).cast(pl.Float64).to_numpy()
    problem = _one_family(own) or _too_little(known)
    if problem is not None:
        return unmeasured(problem, items=known.height, missing=missing)
    slope = _slope(known, known["error"].to_numpy(), own, known["weight"].to_numpy())
    return _told(
        slope,
        known,
        confidence=confidence,
        missing=missing,
        lacking="no stratum has responses of its own and of another family",
    )


def self_preference_against_judges(
    verdicts: pl.DataFrame,
    responses: pl.DataFrame,
    *,
    judge_id: str,
    family: str,
    confidence: float,
) -> Measured:
    """The difference in differences without labels, over all judged responses.

    Of the judge's verdict minus the mean verdict of the judges of other families, between
    responses of its own family and others. What a response is worth cancels, since all see the
    same one. Where the others' own families are among the responses, their own self-preference
    is in it too. `responses` also hold design_weight.
    """
    decided = verdicts.filter((pl.col("order") == "single") & pl.col("verdict").is_in(DECIDED))
    passed = decided.with_columns(passed=(pl.col("verdict") == "pass").cast(pl.Float64))
    judge = passed.filter((pl.col("judge_id") == judge_id) & (pl.col("family") == family))
    others = (
        passed.filter(pl.col("family") != family)
        .group_by("interaction_id")
        .agg(others=pl.col("passed").mean())
    )
    rows = (
        judge.select("interaction_id", "family", "passed")
        .join(others, on="interaction_id")
        .join(responses, on="interaction_id")
        .sort("interaction_id")
    )
    known = rows.drop_nulls("response_family")
    missing = rows.height - known.height
    own = (known["response_family"] == known["family"]).cast(pl.Float64).to_numpy()
    problem = _one_family(own)
    difference = (known["passed"] - known["others"]).to_numpy()
    if problem is None and np.count_nonzero(difference) < LEAST_ERRORS:
        problem = "the judges disagree on fewer than five of these responses"
    if problem is not None:
        return unmeasured(problem, items=known.height, missing=missing)
    slope = _slope(known, difference, own, known["design_weight"].to_numpy())
    return _told(
        slope,
        known,
        confidence=confidence,
        missing=missing,
        lacking="no stratum has responses of its own and of another family",
    )


def by_judge(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each judge, in the order of their names."""
    for judge_id in sorted(rows["judge_id"].unique().to_list()):
        yield judge_id, rows.filter(pl.col("judge_id") == judge_id)


def _too_little(rows: pl.DataFrame) -> str | None:
    if rows.is_empty() or not rows["represented"][0]:
        return "no audit labels: the disputes alone say nothing of the rest"
    errors = rows.filter(pl.col("error") != 0).height
    if errors < LEAST_ERRORS:
        return f"{errors} errors among the labels; a slope needs at least {LEAST_ERRORS}"
    return None


def _one_family(own: Floats) -> str | None:
    if not own.size:
        return "it is not known which family gave the responses"
    if own.all():
        return "all responses of known family are of the judge's own"
    return None if own.any() else "no response is known to be of the judge's own family"


def _slope(rows: pl.DataFrame, values: Floats, regressor: Floats, weight: Floats) -> Slope | None:
    return slope_within(
        values,
        regressor,
        strata=cluster_codes(rows.height, rows["stratum"].to_list()),
        weights=weight,
        clusters=cluster_codes(rows.height, rows["conversation_key"].to_list()),
    )


def _told(
    slope: Slope | None,
    rows: pl.DataFrame,
    *,
    confidence: float,
    lacking: str,
    missing: int = 0,
) -> Measured:
    if slope is None:
        return unmeasured(lacking, items=rows.height, missing=missing)
    lower, upper = slope.interval(confidence)
    return Measured(slope.value, lower, upper, items=rows.height, missing=missing)
