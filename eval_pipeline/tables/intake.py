"""Interactions: drawn, masked, put into subsets."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import (
    ATTRIBUTES,
    MESSAGES,
    NAMES,
    UTC_MICROSECONDS,
    ColumnTypes,
    Table,
    schema_of,
)

SAMPLING_FRAME: Final = Table(
    name="sampling_frame",
    job="refresh",
    grain="one row per stratum of the week: what it holds, what it is given, and why not more",
    partitioned_by="week",
    key=("stratum",),
    required=frozenset(
        {
            "population_size",
            "interactions",
            "late_interactions",
            "scored_interactions",
            "requested",
            "asked_by",
            "golden_requested",
            "golden_asked_by",
            "wanted",
            "allocated",
            "drawn",
            "shortfall",
        }
    ),
    schema=schema_of(
        {
            "stratum": pl.String,
            "population_size": pl.Int64,  # conversations in the stratum this week
            "interactions": pl.Int64,
            "late_interactions": pl.Int64,  # of an earlier week, arrived after its watermark
            "spread": pl.Float64,  # standard deviation of earlier scores; null: not known
            "scored_interactions": pl.Int64,  # behind the spread
            "requested": pl.Int64,  # conversations that undecided subsets asked for
            "asked_by": NAMES,  # those subsets
            "golden_requested": pl.Int64,  # sample conversations that the golden set asked for
            "golden_asked_by": NAMES,  # the subsets it lacks items of, and kinds as 'kind:edge'
            "steered_by": pl.Int64,  # the golden version whose deficits asked; null: none yet
            "wanted": pl.Int64,  # conversations, before what is there and the budget cut it
            "allocated": pl.Int64,  # conversations in the sample
            "drawn": pl.Int64,  # conversations in sample and reserve together
            "shortfall": pl.Int64,  # wanted and not drawn, or the part of a minimum left open
            "reason": pl.String,  # of the shortfall: population | budget | null
        }
    ),
)


SAMPLED_INTERACTIONS: Final = Table(
    name="sampled_interactions",
    job="refresh",
    grain="one row per interaction drawn this week, for the sample or for the reserve; no text",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset(
        {
            "conversation_key",
            "stratum",
            "route",
            "occurred_at",
            "unit_hash",
            "position",
            "selection",
            "population_size",
            "allocated",
            "drawn",
            "inclusion_probability",
            "design_weight",
        }
    ),
    schema=schema_of(
        {
            "interaction_id": pl.String,
            "conversation_key": pl.String,
            "route": pl.String,
            "stratum": pl.String,
            "occurred_at": UTC_MICROSECONDS,
            "unit_hash": pl.Float64,
            "position": pl.Int64,  # of the conversation in its stratum by hash order, from 1
            "selection": pl.String,  # sample | reserve
            "population_size": pl.Int64,  # conversations in the stratum this week
            "allocated": pl.Int64,  # conversations of the stratum in the sample
            "drawn": pl.Int64,  # conversations of the stratum in sample and reserve together
            "inclusion_probability": pl.Float64,
            "design_weight": pl.Float64,
        }
    ),
)


INTERACTION_COLUMNS: Final[ColumnTypes] = {
    "interaction_id": pl.String,
    "occurred_at": UTC_MICROSECONDS,
    "conversation_id": pl.String,
    "user_id": pl.String,
    "route": pl.String,
    "prompt_version": pl.String,
    "messages": MESSAGES,
    "response": pl.String,
    "provider": pl.String,
    "requested_model": pl.String,
    "served_model": pl.String,
    "finish_reason": pl.String,
    "error": pl.String,
    "latency_seconds": pl.Float64,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "outcome": pl.Float64,
    "feedback": pl.Int8,
    "escalated": pl.Boolean,
    "attributes": ATTRIBUTES,
}
"""The canonical interaction: what every log source is mapped to. Lives in memory only."""


INTERACTION_SCHEMA: Final = pl.Schema(INTERACTION_COLUMNS)
_ANONYMISED_COLUMNS = {
    name: dtype
    for name, dtype in INTERACTION_COLUMNS.items()
    if name not in {"conversation_id", "user_id"}
}


ANONYMISED_INTERACTIONS: Final = Table(
    name="anonymised_interactions",
    job="refresh",
    grain="one row per sampled interaction, every text masked, ids of people replaced by keys",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset({"conversation_key", "occurred_at", "route", "messages", "selection"}),
    schema=schema_of(
        {
            **_ANONYMISED_COLUMNS,
            "conversation_key": pl.String,
            "user_key": pl.String,
            "selection": pl.String,
            "masked": pl.List(pl.Struct({"kind": pl.String, "spans": pl.Int64})),
            "masked_texts": pl.Int64,  # texts that masking changed; null: not counted
            "characters": pl.Int64,  # of all its texts before masking
            "masked_characters": pl.Int64,  # of these, replaced by placeholders
            "anonymiser_fingerprint": pl.String,
        }
    ),
)


STRATIFIED_INTERACTIONS: Final = Table(
    name="stratified_interactions",
    job="refresh",
    grain="one row per sampled interaction with the subsets it belongs to",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset(
        {
            "conversation_key",
            "route",
            "stratum",
            "selection",
            "subsets",
            "kind",
            "inclusion_probability",
            "design_weight",
            "item_fingerprint",
            "unit_hash",
        }
    ),
    schema=schema_of(
        {
            "interaction_id": pl.String,
            "conversation_key": pl.String,
            "route": pl.String,
            "stratum": pl.String,
            "selection": pl.String,
            "unit_hash": pl.Float64,
            "subsets": NAMES,
            "kind": pl.String,  # typical | edge | adversarial
            "cluster": pl.String,  # topic cluster; null where the week has none
            "inclusion_probability": pl.Float64,
            "design_weight": pl.Float64,
            "item_fingerprint": pl.String,
        }
    ),
)
