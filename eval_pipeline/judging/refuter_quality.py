"""How far the refuter can be trusted, by what people said of the passes that it attacked."""

from collections.abc import Iterator

import polars as pl

from eval_pipeline.statistics.weighted_agreement import Interval, share_interval
from eval_pipeline.tables import JUDGE_CALIBRATION

REFUTER = "refuter"
PRECISION = "precision"
MISS_RATE = "miss_rate"
RECALL = "recall"

_AUDIT = "audit"
_BY_PEOPLE = ("agreement", "adjudication")
_DECIDED = ("pass", "fail")


def refuter_quality(
    refutations: pl.DataFrame,
    adjudications: pl.DataFrame,
    *,
    weeks: int,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Rows of JUDGE_CALIBRATION for 'refuter' and, where several models did it, for each of them.

    The frames hold every week up to this one, `weeks` of them. `precision` is
    P(label fail | refuted): every refuted pass is a dispute and so may be drawn for people.
    `miss_rate` is P(label fail | survived) and `recall` P(refuted | label fail) among all that was
    attacked: only the audit slice sees what survived, so without audit rows both are null.
    Each label stands for 1 / label_probability attacked passes; intervals are Wilson's with Kish's
    effective n. Labels that the log carries are left out, as everywhere in the calibration.
    Annotators label blind; an adjudicator of what they dispute has seen the claim.
    """
    labelled = (
        refutations.select("interaction_id", "refuter_id", "finding")
        .filter(pl.col("finding").is_not_null())
        .join(
            adjudications.filter(
                pl.col("settled_by").is_in(_BY_PEOPLE) & pl.col("label").is_in(_DECIDED)
            ),
            on="interaction_id",
            validate="1:1",
        )
        .sort("interaction_id")
    )
    models = refutations["refuter_id"].unique().sort().to_list()
    rows = list(_rows(REFUTER, labelled, weeks=weeks, confidence=confidence)) if models else []
    for model in models if len(models) > 1 else []:
        own = labelled.filter(pl.col("refuter_id") == model)
        rows += _rows(f"{REFUTER}:{model}", own, weeks=weeks, confidence=confidence)
    return JUDGE_CALIBRATION.conform(pl.DataFrame(rows, schema=JUDGE_CALIBRATION.schema))


def _rows(
    judge_id: str, labelled: pl.DataFrame, *, weeks: int, confidence: float
) -> Iterator[dict[str, object]]:
    refuted, failed = pl.col("finding") == "refuted", pl.col("label") == "fail"
    represented = _AUDIT in labelled["selection"].to_list()
    for measure, among, hit, known in (
        (PRECISION, refuted, failed, True),
        (MISS_RATE, pl.col("finding") == "survived", failed, represented),
        (RECALL, failed, refuted, represented),
    ):
        rows = labelled.filter(among)
        interval = Interval(None, None, None)
        if known:
            interval = share_interval(
                rows.select(hit).to_series().to_numpy(),
                1 / rows["label_probability"].to_numpy(),
                confidence=confidence,
            )
        yield {
            "judge_id": judge_id,
            "rubric_id": None,
            "measure": measure,
            "value": interval.value,
            "lower": interval.lower,
            "upper": interval.upper,
            "labelled": rows.height,
            "weeks": weeks,
        }
