"""The profile of a week's logs: one row of counts, whatever engine counted them."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from eval_pipeline.adapters.logs.engines import LogEngine
from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.tables import INTERACTION_COLUMNS, UTC_MICROSECONDS

REASONS: Final = (
    "implausible_occurred_at",
    "malformed_line",
    "missing_conversation_id",
    "missing_interaction_id",
    "missing_messages",
    "missing_occurred_at",
    "missing_route",
)
"""Why a record is quarantined: the constants of `sql/sources/canonical.sql`, in order."""

_NEVER_NULL: Final = ("interaction_id", "occurred_at", "conversation_id", "route", "messages")
_RANGES: Final = (
    "negative_latency",
    "implausible_latency",
    "negative_tokens",
    "implausible_tokens",
    "negative_cost",
    "outcome_outside_0_1",
    "feedback_unknown",
)
_COUNTS: Final = (
    "interactions",
    "late_interactions",
    "left_for_next_week",
    "quarantined",
    "duplicate_ids",
    "arrived_before_occurred",
    "in_the_future",
    "days_with_interactions",
    *(f"null_{column}" for column in INTERACTION_COLUMNS),
    "out_of_range",
    *_RANGES,
)

LOG_PROFILE: Final = pl.Schema(
    {
        **dict.fromkeys(_COUNTS, pl.Int64()),
        "first_occurred_at": UTC_MICROSECONDS,  # of the week itself, late ones left out
        "last_occurred_at": UTC_MICROSECONDS,
        "quarantine_reasons": pl.List(pl.Struct({"reason": pl.String, "count": pl.Int64})),
    }
)
"""One row a week: counts and two times, nothing that is logged."""


def profile_of(
    engine: LogEngine, *, parameters: Mapping[str, object], duplicate_ids: int
) -> pl.DataFrame:
    """The one row of `LOG_PROFILE`; the views `interactions` and `framed` must be there.

    `parameters` are from, until, closes and now. `duplicate_ids` is counted elsewhere and is no
    part of `quarantined`. A column that no interaction can lack has no nulls by definition: a
    record without it is quarantined.
    """
    counted = engine.select(load_sql("logs_profile"), parameters=parameters)
    return (
        counted.with_columns(
            pl.concat_list(_reason(name) for name in REASONS)
            .list.filter(pl.element().struct.field("count") > 0)
            .alias("quarantine_reasons"),
            *(pl.lit(0).alias(f"null_{column}") for column in _NEVER_NULL),
            duplicate_ids=pl.lit(duplicate_ids),
        )
        .select(list(LOG_PROFILE))
        .cast(LOG_PROFILE)
    )


def _reason(name: str) -> pl.Expr:
    return pl.struct(reason=pl.lit(name), count=pl.col(name).cast(pl.Int64))
