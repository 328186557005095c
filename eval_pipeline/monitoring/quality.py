"""What share of the week's traffic the panel passes: a judged sample of one to five percent.

The weekly draw's sample is judged anyway. Where it is less of the traffic than asked for, the
reserve's conversations follow in the order of their hash, which makes every stratum's draw deeper
and leaves it a bottom-k draw: its weights follow from how deep it is.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.comparison import against_history, figures_of, judge, past_of
from eval_pipeline.monitoring.intervals import NOT_LOGGED, Measured
from eval_pipeline.monitoring.scales import CONFIDENCE
from eval_pipeline.monitoring.topic_mix import week_shares
from eval_pipeline.settings import MonitorSettings
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import PRODUCTION_QUALITY

ALL: Final = "all"
QUALITY: Final = "quality"
VERDICTS: Final = ("fail", "pass")


def further_to_judge(
    sampled: pl.DataFrame, *, interactions: int, policy: MonitorSettings
) -> list[str]:
    """The reserve's interactions that fill the judged share, in hash order; whole conversations.

    `sampled`: SAMPLED_INTERACTIONS of the week, which has `interactions` in all. Never more than
    `quality_maximum`.
    """
    judged = sampled.filter(pl.col("selection") == "sample").height
    lacking = math.ceil(policy.quality_share * interactions) - judged
    if lacking <= 0:
        return []
    conversations = (
        sampled.filter(pl.col("selection") == "reserve")
        .group_by("stratum", "position")
        .agg(pl.col("unit_hash").first(), pl.col("interaction_id").sort(), rows=pl.len())
        .sort("unit_hash", "stratum", "position")
        .with_columns(until=pl.col("rows").cum_sum())
    )
    taken = conversations.filter(
        (pl.col("until") - pl.col("rows") < lacking) & (pl.col("until") <= policy.quality_maximum)
    )
    ids: list[str] = taken["interaction_id"].explode(empty_as_null=False).to_list()
    return ids


def measure_quality(
    *,
    sampled: pl.DataFrame,
    stratified: pl.DataFrame,
    panel: pl.DataFrame,
    further: Sequence[str],
    interactions: int,
    history: pl.DataFrame,
    week: str,
    policy: MonitorSettings,
) -> pl.DataFrame:
    """The PRODUCTION_QUALITY of a week.

    `panel`: PANEL_VERDICTS rows of the sample and of the `further` interactions of the reserve.
    `history`: PRODUCTION_QUALITY rows with their `week`. The share is Hajek's, of passes among
    passes and fails, with Wilson's interval at the effective size of a stratified draw of
    conversations. What the panel did not decide is counted, and in neither.
    """
    judged = _judged(sampled, stratified, panel, further=further)
    names = sorted(judged["subsets"].explode(empty_as_null=True).drop_nulls().unique())
    members = {name: _members(judged, name) for name in (ALL, *names)}
    shares = {name: _share(rows) for name, rows in members.items()}
    measured = [measure for measure, _ in shares.values()]
    told = history.with_columns(
        metric=pl.lit(QUALITY), value=pl.col("quality"), measured=pl.col("effective")
    )
    past = past_of(told, [(name, QUALITY) for name in shares], week=week, policy=policy)
    comparison = judge(figures_of(measured), past.figures, "share", policy=policy)
    against = against_history(measured, comparison, "share")
    rows = [
        {
            **dict.fromkeys(PRODUCTION_QUALITY.schema),
            "subset": name,
            "quality": measure.value,
            "lower": measure.lower,
            "upper": measure.upper,
            "effective": effective,
            **_counts(members[name]),
            "judged_share": _judged_share(judged, interactions) if name == ALL else None,
            **row,
        }
        for (name, (measure, effective)), row in zip(shares.items(), against, strict=True)
    ]
    return PRODUCTION_QUALITY.conform(pl.DataFrame(rows, schema=PRODUCTION_QUALITY.schema))


def _judged(
    sampled: pl.DataFrame, stratified: pl.DataFrame, panel: pl.DataFrame, *, further: Sequence[str]
) -> pl.DataFrame:
    """The drawn interactions that were to be judged, with the weight of so deep a draw."""
    chosen = sampled.filter(
        (pl.col("selection") == "sample") | pl.col("interaction_id").is_in(list(further))
    )
    given = pl.when(pl.col("selection") == "sample").then("allocated").otherwise("drawn")
    deep = pl.max_horizontal("allocated", pl.col("position").max().over("stratum"))
    return (
        chosen.with_columns(weight=pl.col("design_weight") * given / deep)
        .join(stratified.select("interaction_id", "subsets"), on="interaction_id")
        .join(
            panel.select("interaction_id", "panel_verdict", "reason"),
            on="interaction_id",
            how="left",
        )
        .rename({"panel_verdict": "cluster"})
        .sort("interaction_id")
    )


def _members(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows if name == ALL else rows.filter(pl.col("subsets").list.contains(name))


def _share(rows: pl.DataFrame) -> tuple[Measured, float | None]:
    decided = rows.filter(pl.col("cluster").is_not_null())
    if decided.is_empty():
        return NOT_LOGGED, None
    shares = week_shares(decided, clusters=list(VERDICTS))
    place = VERDICTS.index("pass")
    share = float(np.clip(shares.shares[place], 0, 1))
    effective = shares.effective(place)
    bounds = wilson(share, effective, confidence=CONFIDENCE)
    return Measured(share, *bounds, round(effective)), effective


def _counts(rows: pl.DataFrame) -> dict[str, Any]:
    told = rows.filter(pl.col("reason").is_not_null())
    reserve = told.filter(pl.col("selection") == "reserve").height
    return {
        "judged": told.height,
        "sampled": told.height - reserve,
        "from_reserve": reserve,
        "conversations": told["conversation_key"].n_unique(),
        "passes": told.filter(pl.col("cluster") == "pass").height,
        "fails": told.filter(pl.col("cluster") == "fail").height,
        "undecided": told.filter(pl.col("reason").is_in(["split", "refuted"])).height,
        "below_quorum": told.filter(pl.col("reason") == "below_quorum").height,
        "unanswerable": rows.height - told.height,
    }


def _judged_share(judged: pl.DataFrame, interactions: int) -> float | None:
    count = judged.filter(pl.col("reason").is_not_null()).height
    return count / interactions if interactions else None
