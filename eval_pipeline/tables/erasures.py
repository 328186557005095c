"""What was erased because a person asked for it; the same partitions keep them from coming back."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import UTC_MICROSECONDS, Table, schema_of

ERASURES: Final = Table(
    name="erasures",
    job="forget",
    grain="one row per place that an erasure changed, and per request made of it",
    partitioned_by="erasure",
    key=("place", "old_hash", "erased_at"),
    required=frozenset({"treatment", "rows_removed", "rows_blanked", "requested_by", "reason"}),
    later=frozenset({"person_link"}),
    schema=schema_of(
        {
            "place": pl.String,  # a file of the lake, `store/<table>`, or `request`
            "treatment": pl.String,  # suppressed | removed | blanked | rendered | reissued
            "rows_removed": pl.Int64,
            "rows_blanked": pl.Int64,  # kept with their figures, without text and without ids
            "old_hash": pl.String,  # of the file before; empty where there is no file
            "new_hash": pl.String,  # of the file that took its place; null where there is none
            "requested_by": pl.String,
            "reason": pl.String,  # masked
            "erased_at": UTC_MICROSECONDS,
            # Of the row `request`: who holds the key and the person's data knows them by it again.
            "person_link": pl.String,
        }
    ),
)
"""Its partition is a keyed pseudonym that no other purpose uses; it is made by no asset."""
