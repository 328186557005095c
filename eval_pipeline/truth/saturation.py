"""Which items tell systems apart no longer: every system has answered them fully for weeks."""

import polars as pl

FULL = 1.0


def saturated_items(trials: pl.DataFrame, *, weeks: int) -> frozenset[str]:
    """The ids of items with full score from every system in each of their newest `weeks` weeks.

    `trials`: week, item_id, item_revision, system_id, stream, score, any number of weeks. An item's
    weeks are those in which it was asked anew under its newest revision; with fewer than `weeks` of
    them it is not saturated. Every trial of every system that was asked anything that week counts;
    an error is no score, so a null breaks the row of weeks.
    """
    asked = trials.filter(pl.col("stream") == "rerun")
    systems = asked.group_by("week").agg(systems=pl.col("system_id").n_unique())
    by_week = (
        asked.filter(pl.col("item_revision") == pl.col("item_revision").max().over("item_id"))
        .group_by("item_id", "week")
        .agg(
            full=(pl.col("score") >= FULL).fill_null(value=False).all(),
            answered_by=pl.col("system_id").n_unique(),
        )
        .join(systems, on="week")
        .select(
            "item_id", "week", full=pl.col("full") & (pl.col("answered_by") == pl.col("systems"))
        )
    )
    newest = (
        by_week.sort("week", descending=True)
        .group_by("item_id")
        .agg(full=pl.col("full").head(weeks).all(), asked_in=pl.len())
    )
    return frozenset(newest.filter(pl.col("full") & (pl.col("asked_in") >= weeks))["item_id"])
