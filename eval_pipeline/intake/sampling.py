"""The weekly draw: bottom-k conversations per stratum by a hash, then interactions inside them.

Within a stratum a larger allocation adds to the draw and never replaces it; any order of the rows
gives the same draw (methods 1.1, 1.2).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import polars as pl

from eval_pipeline.fingerprint import keyed_pseudonym, unit_hash
from eval_pipeline.settings import SamplingSettings
from eval_pipeline.tables import SAMPLED_INTERACTIONS, UTC_MICROSECONDS

UNKNOWN: Final = "unknown"
"""The value of a stratum column where the log has none."""


def allocate(population: Mapping[str, int], *, budget: int, minimum: int) -> dict[str, int]:
    """How many units each stratum gets: sum min(budget, all), never more than a stratum holds.

    Every stratum first gets `minimum`, or all it holds if that is less; the rest goes in
    proportion to the units left, by largest remainder, ties to the first name. A budget below the
    sum of the floors is spread in proportion to the floors instead.
    """
    names = sorted(population)
    floors = {name: min(minimum, population[name]) for name in names}
    if sum(floors.values()) >= budget:
        return _proportional(floors, total=budget)
    left = {name: population[name] - floors[name] for name in names}
    extra = _proportional(left, total=min(budget - sum(floors.values()), sum(left.values())))
    return {name: floors[name] + extra[name] for name in names}


def _proportional(sizes: Mapping[str, int], *, total: int) -> dict[str, int]:
    """`total` spread over `sizes` by largest remainder; needs total <= sum, so none overflows."""
    whole = sum(sizes.values())
    if whole == 0:
        return dict.fromkeys(sizes, 0)
    exact = {name: Fraction(size * total, whole) for name, size in sizes.items()}
    shares = {name: int(share) for name, share in exact.items()}
    ranked = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in ranked[: total - sum(shares.values())]:
        shares[name] += 1
    return shares


def draw_sample(
    narrow: pl.DataFrame, *, policy: SamplingSettings, week: str, key: bytes
) -> pl.DataFrame:
    """The week's sample and reserve, one row per drawn interaction (`sampled_interactions`).

    The unit is the conversation within a stratum; one whose interactions lie in two strata is a
    unit of each. Sample rows carry the probability of the sample, reserve rows that of sample and
    reserve together, both times the share of the conversation's interactions that were drawn.
    """
    if narrow.is_empty():
        return SAMPLED_INTERACTIONS.empty()
    interactions = narrow.select(
        "interaction_id", "conversation_id", "route", "occurred_at", _stratum(policy)
    )
    conversations = _ranked_conversations(interactions, salt=f"{policy.salt}:{week}")
    chosen = _chosen(conversations, policy=policy)
    drawn = _drawn_within(interactions, chosen=chosen, policy=policy, week=week)
    return SAMPLED_INTERACTIONS.conform(_with_probabilities(drawn, key=key))


def _stratum(policy: SamplingSettings) -> pl.Expr:
    if not policy.strata:
        return pl.lit("all").alias("stratum")
    parts = [
        pl.concat_str(pl.lit(f"{column}="), pl.col(column).cast(pl.String).fill_null(UNKNOWN))
        for column in policy.strata
    ]
    return pl.concat_str(parts, separator="|").alias("stratum")


def _ranked_conversations(interactions: pl.DataFrame, *, salt: str) -> pl.DataFrame:
    """One row per conversation and stratum: its hash, its position, the stratum's size."""
    hashes = interactions.select(pl.col("conversation_id").unique().sort()).with_columns(
        unit_hash=pl.col("conversation_id").map_elements(
            lambda conversation: unit_hash(salt, conversation), return_dtype=pl.Float64
        )
    )
    return (
        interactions.group_by("stratum", "conversation_id")
        .agg(interactions=pl.len().cast(pl.Int64))
        .join(hashes, on="conversation_id", how="left")
        .sort("stratum", "unit_hash", "conversation_id")
        .with_columns(
            position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("stratum"),
            population_size=pl.len().cast(pl.Int64).over("stratum"),
        )
    )


def _chosen(conversations: pl.DataFrame, *, policy: SamplingSettings) -> pl.DataFrame:
    sizes = conversations.group_by("stratum").agg(pl.len().cast(pl.Int64)).sort("stratum")
    population = dict(sizes.iter_rows())
    sample = allocate(population, budget=policy.budget, minimum=policy.minimum_per_stratum)
    remaining = {name: population[name] - sample[name] for name in population}
    reserve = allocate(remaining, budget=policy.reserve, minimum=policy.minimum_per_stratum)
    allocation = pl.DataFrame(
        {
            "stratum": list(sample),
            "allocated": list(sample.values()),
            "drawn": [sample[name] + reserve[name] for name in sample],
        },
        schema={"stratum": pl.String, "allocated": pl.Int64, "drawn": pl.Int64},
    )
    return (
        conversations.join(allocation, on="stratum", how="left")
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
    salt = f"{policy.salt}:{week}:interaction"
    return (
        interactions.join(chosen, on=["stratum", "conversation_id"], how="inner")
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
        conversation_key=pl.col("conversation_id").map_elements(
            lambda conversation: keyed_pseudonym(key, "conversation", conversation),
            return_dtype=pl.String,
        ),
        occurred_at=pl.col("occurred_at").cast(UTC_MICROSECONDS),
        inclusion_probability=probability,
        design_weight=1 / probability,
    ).select(list(SAMPLED_INTERACTIONS.schema))
