"""The weekly draw: bottom-k conversations per stratum by a hash, then interactions inside them.

Within a stratum a larger allocation adds to the draw and never replaces it; any order of the rows
and any division of the logs gives the same draw (methods 1.1, 1.2; Cohen and Kaplan 2008).
"""

import math
from typing import Final

import polars as pl

from eval_pipeline.fingerprint import keyed_pseudonym, unit_hash
from eval_pipeline.settings import SamplingSettings
from eval_pipeline.tables import SAMPLED_INTERACTIONS, UTC_MICROSECONDS

DIGITS: Final = 13
"""Hex digits of the hash: 52 bits, exact in a double."""
ABOVE_ALL: Final = "g"
"""A threshold above every hash: hex digits end at f."""
_WHOLE: Final = 16**DIGITS


def draw_salt(policy: SamplingSettings, week: str) -> str:
    """The salt of the conversations' hashes: another one each week and for each purpose."""
    return f"{policy.salt}:{week}"


def thresholds(frame: pl.DataFrame, *, widening: int = 1) -> pl.DataFrame:
    """Per stratum of the SAMPLING_FRAME, hex digits below which its draw lies, all but surely.

    Of N uniform hashes, those below (k + 6 sqrt(k) + 10) / N number fewer than k once in a hundred
    million times; `widening` multiplies the share for that time. They only limit what is read: the
    draw itself is exact.
    """
    rows = frame.select("stratum", "drawn", "population_size").iter_rows()
    return pl.DataFrame(
        [
            (stratum, _threshold((drawn + 6 * math.sqrt(drawn) + 10) * widening / size))
            for stratum, drawn, size in rows
            if drawn > 0
        ],
        schema={"stratum": pl.String, "threshold": pl.String},
        orient="row",
    )


def _threshold(share: float) -> str:
    return ABOVE_ALL if share >= 1 else f"{int(share * _WHOLE):0{DIGITS}x}"


def incomplete_strata(drawable: pl.DataFrame, *, frame: pl.DataFrame) -> list[str]:
    """The strata that `drawable` holds fewer conversations of than the frame wants drawn."""
    held = drawable.group_by("stratum").agg(held=pl.col("conversation_id").n_unique())
    short = frame.join(held, on="stratum", how="left").filter(
        pl.col("held").fill_null(0) < pl.col("drawn")
    )
    return sorted(short["stratum"].to_list())


def draw_sample(
    drawable: pl.DataFrame,
    *,
    frame: pl.DataFrame,
    policy: SamplingSettings,
    week: str,
    key: bytes,
) -> pl.DataFrame:
    """The week's sample and reserve, one row per drawn interaction (`sampled_interactions`).

    `drawable` holds every interaction of, per stratum, at least the `drawn` conversations of
    smallest hash: stratum, conversation_id, conversation_digits, interaction_id, route,
    occurred_at. `frame` is the SAMPLING_FRAME. The unit is the conversation within a stratum; one
    whose interactions lie in two strata is a unit of each. Sample rows carry the probability of
    the sample, reserve rows that of sample and reserve together, both times the share of the
    conversation's interactions that were drawn. A repeated id counts once, where it comes first.
    """
    if drawable.is_empty():
        return SAMPLED_INTERACTIONS.empty()
    interactions = drawable.sort(
        "stratum",
        "conversation_digits",
        "conversation_id",
        "interaction_id",
        "occurred_at",
        "route",
    ).unique("interaction_id", keep="first", maintain_order=True)
    chosen = _chosen(interactions, frame=frame)
    drawn = _drawn_within(interactions, chosen=chosen, policy=policy, week=week)
    return SAMPLED_INTERACTIONS.conform(_with_probabilities(drawn, key=key))


def _chosen(interactions: pl.DataFrame, *, frame: pl.DataFrame) -> pl.DataFrame:
    """One row per drawn conversation and stratum: its hash, its position, and its selection."""
    return (
        interactions.group_by("stratum", "conversation_digits", "conversation_id")
        .agg(interactions=pl.len().cast(pl.Int64))
        .sort("stratum", "conversation_digits", "conversation_id")
        .with_columns(
            position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("stratum"),
            unit_hash=(
                pl.col("conversation_digits")
                .str.to_integer(base=16, dtype=pl.Int64)
                .cast(pl.Float64)
                + 0.5
            )
            / _WHOLE,
        )
        .join(
            frame.select("stratum", "population_size", "allocated", "drawn"),
            on="stratum",
            how="inner",
        )
        .filter(pl.col("position") <= pl.col("drawn"))
        .with_columns(
            selection=pl.when(pl.col("position") <= pl.col("allocated"))
            .then(pl.lit("sample"))
            .otherwise(pl.lit("reserve"))
        )
    )


def _drawn_within(
    interactions: pl.DataFrame, *, chosen: pl.DataFrame, policy: SamplingSettings, week: str
) -> pl.DataFrame:
    """The interactions drawn inside each chosen conversation, by a hash with its own salt."""
    salt = f"{draw_salt(policy, week)}:interaction"
    return (
        interactions.select("stratum", "conversation_id", "interaction_id", "route", "occurred_at")
        .join(chosen, on=["stratum", "conversation_id"], how="inner")
        .with_columns(
            interaction_hash=pl.col("interaction_id").map_elements(
                lambda interaction: unit_hash(salt, interaction), return_dtype=pl.Float64
            )
        )
        .sort("stratum", "conversation_id", "interaction_hash", "interaction_id")
        .with_columns(
            place=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("stratum", "conversation_id"),
            taken=pl.min_horizontal(
                pl.col("interactions"), pl.lit(policy.interactions_per_conversation, pl.Int64)
            ),
        )
        .filter(pl.col("place") <= pl.col("taken"))
    )


def _with_probabilities(drawn: pl.DataFrame, *, key: bytes) -> pl.DataFrame:
    first_stage = pl.when(pl.col("selection") == "sample").then("allocated").otherwise("drawn")
    probability = (first_stage / pl.col("population_size")) * (
        pl.col("taken") / pl.col("interactions")
    )
    return drawn.with_columns(
        conversation_key=conversation_keys(key),
        occurred_at=pl.col("occurred_at").cast(UTC_MICROSECONDS),
        inclusion_probability=probability,
        design_weight=1 / probability,
    ).select(list(SAMPLED_INTERACTIONS.schema))


def conversation_keys(key: bytes) -> pl.Expr:
    """`conversation_id` as the pseudonym that stands for it on our storage."""
    return pl.col("conversation_id").map_elements(
        lambda conversation: keyed_pseudonym(key, "conversation", conversation),
        return_dtype=pl.String,
    )
