"""Questions made hard on purpose, from real ones."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import MESSAGES, NAMES, Table, schema_of

SYNTHETIC_ITEMS: Final = Table(
    name="synthetic_items",
    job="publish",
    grain="one row per mutated question of the week",
    partitioned_by="week",
    key=("interaction_id",),
    required=frozenset(
        {
            "source_interaction_id",
            "mutation",
            "template",
            "route",
            "kind",
            "subsets",
            "messages",
            "conversation_key",
            "created_on",
        }
    ),
    schema=schema_of(
        {
            "interaction_id": pl.String,  # of source and mutation; no interaction bears it
            "source_interaction_id": pl.String,
            "mutation": pl.String,
            "template": pl.String,  # which of the mutation's variants
            "route": pl.String,
            "stratum": pl.String,
            "kind": pl.String,  # adversarial
            "subsets": NAMES,  # empty: synthetic items stand in none of the traffic's
            "messages": MESSAGES,
            "conversation_key": pl.String,  # the source's, and so is the user's: erasure needs them
            "user_key": pl.String,
            "created_on": pl.Date,  # the last day of the week
        }
    ),
)
