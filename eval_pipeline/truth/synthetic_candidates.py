"""Turns synthetic questions into candidates for the golden set."""

import polars as pl

from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.entries import item_identity
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.rotation import SYNTHETIC


def synthetic_candidates(made: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """One row per synthetic question of a week, columns as `CANDIDATE_COLUMNS` plus the id.

    `made`: interaction_id, source_interaction_id, mutation, route, stratum, kind, subsets,
    messages, conversation_key, user_key, created_on. Nobody has answered them and nothing drew
    them, so response, label, probability and weight are null; what is asked of a system is to
    fail gracefully. They age from the day they were made.
    """
    given = {
        "week": pl.lit(week),
        "label_source": pl.lit(SYNTHETIC),
        "selection": pl.lit(SYNTHETIC),
        "expected_behaviour": pl.lit("graceful_failure"),
        "labelled_on": pl.col("created_on"),
        "derived_from": pl.col("source_interaction_id").map_elements(
            item_identity, return_dtype=pl.String
        ),
    }
    columns = {
        column: given.get(column, pl.col(column) if column in made.columns else pl.lit(None)).cast(
            GOLDEN_SET.schema[column]
        )
        for column in CANDIDATE_COLUMNS
    }
    return made.select("interaction_id", **columns).sort("interaction_id")
