"""The view `interactions` in DuckDB over mapped records, and the wanted ones with their texts."""

import duckdb
import polars as pl

from eval_pipeline.adapters.queries import collect, load_sql
from eval_pipeline.tables import INTERACTION_SCHEMA


def view_interactions(engine: duckdb.DuckDBPyConnection, mapped: duckdb.DuckDBPyRelation) -> None:
    """The views `mapped` and `interactions`: each record with the reason that keeps it out."""
    mapped.create_view("mapped")
    engine.sql(load_sql("sources/canonical")).create_view("interactions")


def with_texts(engine: duckdb.DuckDBPyConnection, *, wanted: pl.DataFrame) -> pl.DataFrame:
    """The interactions whose id is in `wanted` (interaction_id), in the fixed order."""
    engine.register("wanted", wanted.to_arrow())
    found = collect(engine, load_sql("fetched_interactions"))
    return found.cast(INTERACTION_SCHEMA).select(list(INTERACTION_SCHEMA))
