"""What a declared table lets in."""

import polars as pl
import pytest

from eval_pipeline.errors import TableError
from eval_pipeline.tables import ALL_TABLES, Table

TINY = Table(
    name="tiny",
    job="refresh",
    grain="one row per key",
    partitioned_by="week",
    key=("key",),
    required=frozenset({"kind"}),
    schema=pl.Schema({"key": pl.String, "kind": pl.String, "score": pl.Float64}),
)
ROWS = pl.DataFrame({"key": ["b", "a"], "kind": ["x", "y"], "score": [None, 0.5]})


def test_conform_puts_columns_and_rows_into_the_declared_order():
    conformed = TINY.conform(ROWS.select("score", "kind", "key"))
    assert conformed.columns == ["key", "kind", "score"]
    assert conformed["key"].to_list() == ["a", "b"]


def test_the_order_of_rows_on_the_way_in_leaves_no_trace():
    assert TINY.conform(ROWS).equals(TINY.conform(ROWS.reverse()))


def test_a_null_is_kept_where_none_is_required():
    assert TINY.conform(ROWS)["score"].to_list() == [0.5, None]


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match=r"'tiny'.*missing columns \['score'\]"):
        TINY.conform(ROWS.drop("score"))


def test_an_undeclared_column_is_named():
    with pytest.raises(TableError, match=r"undeclared columns \['text'\]"):
        TINY.conform(ROWS.with_columns(text=pl.lit("x")))


def test_a_wrong_dtype_is_refused_and_never_cast():
    with pytest.raises(TableError, match="column 'score' is Int64, declared Float64"):
        TINY.conform(ROWS.with_columns(pl.col("score").cast(pl.Int64)))


def test_a_null_in_a_required_column_is_refused():
    with pytest.raises(TableError, match="column 'kind' has 1 nulls"):
        TINY.conform(ROWS.with_columns(kind=pl.Series(["x", None])))


def test_a_null_in_the_key_is_refused():
    with pytest.raises(TableError, match="column 'key' has 1 nulls"):
        TINY.conform(ROWS.with_columns(key=pl.Series(["a", None])))


def test_a_repeated_key_is_refused_and_counted():
    with pytest.raises(TableError, match="1 rows repeat the key"):
        TINY.conform(pl.concat([ROWS, ROWS.head(1)]))


def test_a_refusal_quotes_no_value():
    secret = ROWS.with_columns(key=pl.lit("jane@example.org"))
    with pytest.raises(TableError) as refused:
        TINY.conform(secret)
    assert "jane" not in str(refused.value)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_table_accepts_its_own_empty_frame(table):
    assert table.conform(table.empty()).is_empty()


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_table_declares_its_key_and_what_it_requires(table):
    assert set(table.key) <= set(table.schema)
    assert table.required <= set(table.schema)
    assert table.key


def test_no_two_tables_share_a_name():
    assert len({table.name for table in ALL_TABLES}) == len(ALL_TABLES)


def test_one_column_name_has_one_dtype_in_all_tables():
    dtypes: dict[str, set[str]] = {}
    for table in ALL_TABLES:
        for column, dtype in table.schema.items():
            dtypes.setdefault(column, set()).add(str(dtype))
    assert {column: found for column, found in dtypes.items() if len(found) > 1} == {}


def test_units_end_the_names_of_quantities():
    columns = {column for table in ALL_TABLES for column in table.schema}
    for unit in ("seconds", "usd", "tokens"):
        assert all(column.endswith(unit) for column in columns if unit in column)
