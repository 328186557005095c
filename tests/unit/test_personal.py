"""Erasure knows every column that could lead to a person."""

import polars as pl
import pytest

from eval_pipeline.errors import TableError
from eval_pipeline.tables import ALL_TABLES, ERASURES, SHADOW_COUNTS, SHADOW_PAIRS, Table
from eval_pipeline.tables.personal import (
    IMPERSONAL,
    columns_with,
    role_of,
    treatment_of,
    unclassified,
)

BESIDE = (ERASURES, SHADOW_PAIRS, SHADOW_COUNTS)
"""Tables that no asset makes."""


def table_with(**columns) -> Table:
    return Table(
        name="another",
        job="refresh",
        grain="one row per name",
        partitioned_by="week",
        key=("subset",),
        schema=pl.Schema({"subset": pl.String, **columns}),
    )


@pytest.mark.parametrize("table", [*ALL_TABLES, *BESIDE], ids=lambda table: table.name)
def test_erasure_knows_of_every_column_that_can_hold_a_string_whether_it_leads_to_a_person(table):
    assert unclassified(table) == []


@pytest.mark.parametrize(
    "dtype", [pl.String, pl.List(pl.String), pl.List(pl.Struct({"content": pl.String}))]
)
def test_a_table_with_a_column_that_erasure_does_not_know_is_refused(dtype):
    with pytest.raises(TableError, match=r"\['quoted'\].*tables.personal"):
        treatment_of(table_with(quoted=dtype))


def test_numbers_need_no_classification():
    assert treatment_of(table_with(count=pl.Int64, shares=pl.List(pl.Float64))) == "nothing"


@pytest.mark.parametrize(
    ("columns", "treatment"),
    [
        ({"interaction_id": pl.String, "score": pl.Float64}, "remove"),
        ({"source_interaction_id": pl.String, "messages": pl.String}, "remove"),
        ({"user_key": pl.String}, "remove"),
        ({"members": pl.List(pl.String)}, "unlist"),
        ({"item_id": pl.String, "response": pl.String}, "blank"),
        ({"route": pl.String}, "nothing"),
    ],
)
def test_what_is_done_with_a_table_follows_from_its_columns(columns, treatment):
    assert treatment_of(table_with(**columns)) == treatment


def test_every_table_of_an_interaction_or_a_user_is_cleaned_of_them():
    for table in (*ALL_TABLES, *BESIDE):
        if columns_with(table, "interaction", "interactions", "user"):
            assert treatment_of(table) in {"remove", "unlist", "mapping", "versions"}, table.name


def test_no_column_is_both_personal_and_impersonal_and_none_is_listed_in_vain():
    there = {column for table in (*ALL_TABLES, *BESIDE) for column in table.schema}
    assert not [column for column in IMPERSONAL if role_of(column)]
    assert there >= IMPERSONAL
