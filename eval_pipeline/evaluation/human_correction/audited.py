"""Which answers of a candidate's evaluation people are asked about, drawn with known chances.

Methods 3.3: a plain random sample of items by its own salt, topped up in thin label strata. Inside
a stratum both are the items with the smallest hashes, so a drawn item's chance is its stratum's
drawn over all, and never zero.
"""

from collections.abc import Collection
from typing import Final

import polars as pl

from eval_pipeline.evaluation.trial_items import SYNTHETIC
from eval_pipeline.fingerprint import fingerprint, smallest_by_hash
from eval_pipeline.settings import HumanCorrectionSettings

SPLIT: Final = "split"
CHANGED: Final = "changed"
SAME: Final = "same"
LABEL_STRATA: Final = (SPLIT, CHANGED, SAME)
"""Judges of an arm differ | they agree, and score the arms differently | they see no difference."""

_WHOLE: Final = (0.0, 1.0)
_ARM_COLUMNS: Final = ("score", "response", "judged")


def is_judged() -> pl.Expr:
    """Whether a row of REGRESSION_TRIALS has its score from judges who saw one answer alone.

    Refusals and what code scores have no judge's error; a preference is not what a label says. An
    answer that was erased since was judged all the same.
    """
    scorer = pl.col("scorer")
    by_judges = (scorer == "panel") | scorer.str.starts_with("judge:")
    return by_judges & pl.col("score").is_not_null() & (pl.col("status") == "answered")


def audited_pairs(trials: pl.DataFrame) -> pl.DataFrame:
    """One row per item of the traffic with a score in both arms, a judge's in at least one.

    Columns: item_id, route, golden_version, subsets, cluster_id, label_stratum, and of each arm
    its first trial's score_, response_ and judged_. By item id.
    """
    first = (
        trials.filter(pl.col("source") != SYNTHETIC, pl.col("score").is_not_null())
        .sort("item_id", "arm", "trial")
        .with_columns(judged=is_judged())
        .unique(["item_id", "arm"], keep="first", maintain_order=True)
    )
    shared = first.select("item_id", "route", "golden_version", "subsets", "cluster_id").unique(
        "item_id", keep="first", maintain_order=True
    )
    pairs = shared
    for arm in ("baseline", "candidate"):
        own = first.filter(arm=arm).select(
            "item_id", *(pl.col(name).alias(f"{name}_{arm}") for name in _ARM_COLUMNS)
        )
        pairs = pairs.join(own, on="item_id", how="inner")
    scored = pairs.filter(pl.col("judged_baseline") | pl.col("judged_candidate"))
    return scored.with_columns(label_stratum=_stratum()).sort("item_id")


def _stratum() -> pl.Expr:
    arms = [pl.col("score_baseline"), pl.col("score_candidate")]
    split = pl.any_horizontal(~arm.is_in(_WHOLE) for arm in arms)
    return (
        pl.when(split)
        .then(pl.lit(SPLIT))
        .when(arms[0] != arms[1])
        .then(pl.lit(CHANGED))
        .otherwise(pl.lit(SAME))
    )


def draw_audit(
    pairs: pl.DataFrame, *, candidate_id: str, policy: HumanCorrectionSettings
) -> pl.DataFrame:
    """The drawn rows of `audited_pairs` with their label_probability; nested in `audit_items`."""
    if not policy.audit_items:
        return pairs.clear().with_columns(label_probability=pl.lit(None, dtype=pl.Float64))
    salt = f"candidate audit:{candidate_id}"
    chosen = set(smallest_by_hash(pairs["item_id"].to_list(), policy.audit_items, salt=salt))
    drawn = []
    for name in LABEL_STRATA:
        inside = pairs.filter(label_stratum=name)
        items = inside["item_id"].to_list()
        wanted = max(len(chosen.intersection(items)), policy.minimum_per_stratum)
        taken = smallest_by_hash(items, wanted, salt=salt)
        chance = len(taken) / max(1, len(items))
        own = inside.filter(pl.col("item_id").is_in(taken))
        drawn.append(own.with_columns(label_probability=pl.lit(chance, dtype=pl.Float64)))
    return pl.concat(drawn).sort("item_id")


def audit_interaction(candidate_id: str, item_id: str, *, arm: str) -> str:
    """The name under which an answer is a review task; it says nothing of arm or item.

    `arm` is 'both' where the arms gave the same answer, which is asked once.
    """
    return f"audit-{fingerprint(['audited answer', candidate_id, arm, item_id])[:40]}"


def audit_interactions(candidate_ids: Collection[str], item_ids: Collection[str]) -> frozenset[str]:
    """Every name under which an answer to one of these items can be a task, for an erasure."""
    return frozenset(
        audit_interaction(candidate_id, item_id, arm=arm)
        for candidate_id in candidate_ids
        for item_id in item_ids
        for arm in AUDIT_ARMS
    )


AUDIT_ARMS: Final = ("baseline", "candidate", "both")


def asked_arm(arm: str, *, same_answer: bool) -> str:
    """The arm by which the answer's task is named."""
    return "both" if same_answer else arm
