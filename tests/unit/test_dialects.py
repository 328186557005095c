import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.adapters.spark.dialects import (
    DialectError,
    carrying,
    reading_view,
    source_tables,
    to_spark,
)

TEXTS = ("messages", "response", "attributes")


def expression(sql: str, **options: object) -> str:
    whole = to_spark(f"SELECT {sql} AS x FROM t", **options)
    return whole.removeprefix("SELECT ").removesuffix(" AS x FROM t")


@given(st.text())
def test_a_parameter_is_one_literal_whatever_it_holds(text) -> None:
    spark = to_spark("SELECT $given AS x", parameters={"given": text})
    (literal,) = parse_one(spark, read="spark").find_all(exp.Literal)
    assert literal.name == text
    assert literal.is_string


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (True, "TRUE"),
        (None, "NULL"),
        (-3, "-3"),
        (dt.date(2026, 11, 16), "CAST('2026-11-16' AS DATE)"),
        (
            dt.datetime(2026, 11, 16, 1, tzinfo=dt.UTC),
            "CAST('2026-11-16T01:00:00+00:00' AS TIMESTAMP)",
        ),
    ],
)
def test_a_parameter_keeps_its_type(value, literal) -> None:
    assert expression("$given", parameters={"given": value}) == literal


def test_a_parameter_without_a_value_or_of_a_strange_type_is_refused() -> None:
    with pytest.raises(DialectError, match=r"the parameter \$week has no value"):
        to_spark("SELECT $week")
    with pytest.raises(DialectError, match=r"the parameter \$week is of the type list"):
        to_spark("SELECT $week", parameters={"week": ["2026-11-16"]})


@pytest.mark.parametrize(
    ("problem", "statement"),
    [
        ("`list_aggregate` has no known", "SELECT list_aggregate(x, 'sum') FROM t"),
        ("`array_agg` has no known", "SELECT list(x ORDER BY y) FROM t"),
        ("`tablesample` has no known", "SELECT x FROM t USING SAMPLE 10"),
        ("`join` with `method`", "SELECT * FROM t ASOF JOIN u USING (x)"),
        ("has no known", "SELECT COLUMNS('a.*') FROM t"),
        ("`json_keys` has no known", "SELECT json_keys(x) FROM t"),
        ("`array_concat` has no known", "SELECT list_concat(x, y) FROM t"),
        ("`jsonpathwildcard`", "SELECT x ->> '$.a[*].b' FROM t"),
        ("not a plain literal", "SELECT x ->> y FROM t"),
        ("pattern that is not a literal", "SELECT x LIKE y FROM t"),
        ("`from_json` with that schema", 'SELECT from_json(x, \'{"a": "INT"}\') FROM t'),
        ("not one SELECT", "SELECT 1; SELECT 2"),
        ("not one SELECT", "DROP TABLE t"),
        ("cannot parse", "SELECT FROM WHERE"),
    ],
)
def test_what_is_not_known_to_mean_the_same_is_refused(problem, statement) -> None:
    with pytest.raises(DialectError, match=problem):
        to_spark(statement)


def test_a_refusal_quotes_no_literal() -> None:
    with pytest.raises(DialectError) as refused:
        to_spark("SELECT my_function('secret') FROM t")
    assert "secret" not in str(refused.value)
    assert "my_function" in str(refused.value)


def test_a_hash_has_sixty_four_bits_and_no_sign() -> None:
    # Spark's own hash has 32 bits: ten million ids would collide ten thousand times.
    # Half of its 64-bit hashes are negative: their remainder would fall in no slice.
    spark = expression("hash(id)")
    assert spark == "SHIFTRIGHTUNSIGNED(XXHASH64(id), 1)"


def test_days_of_the_week_count_from_sunday_as_zero() -> None:
    assert expression("dayofweek(at)") == "(DAYOFWEEK(at) - 1)"
    assert expression("isodow(at)") == "(WEEKDAY(at) + 1)"


def test_a_subscript_beyond_the_end_is_null() -> None:
    assert expression("xs[2]") == "GET(xs, 1)"  # DuckDB counts from one, `get` from zero


def test_a_backslash_in_a_pattern_stays_a_letter() -> None:
    (like,) = parse_one(to_spark(r"SELECT a LIKE 'a\b%' FROM t"), read="spark").find_all(exp.Like)
    assert like.expression.name == r"a\\b%"


def test_a_time_is_cast_by_its_text_only_where_its_type_is_not_known() -> None:
    assert "RLIKE" in expression("TRY_CAST(at AS TIMESTAMPTZ)")
    known = expression("TRY_CAST(at AS TIMESTAMPTZ)", types={"at": "timestamp"})
    assert known == "CAST(at AS TIMESTAMP)"


def test_order_puts_nulls_last_as_duckdb_does() -> None:
    spark = to_spark("SELECT a FROM t ORDER BY a, b DESC")
    assert spark.endswith("ORDER BY a NULLS LAST, b DESC")  # where Spark puts them last by itself


def test_a_part_of_json_is_a_part_of_a_variant() -> None:
    spark = expression("line ->> '$.a.\"b.c\"[0]'", json_columns=["line"])
    assert spark == """TRY_VARIANT_GET(line, '$["a"]["b.c"][0]', 'string')"""
    pointer = expression("json_extract(line, '/a~1b')", json_columns=["line"])
    assert pointer == """TRY_VARIANT_GET(line, '$["a/b"]', 'variant')"""


def test_an_arrow_among_arguments_is_a_part_of_json_and_no_lambda() -> None:
    spark = expression("coalesce(line -> '$.a', line -> '$.b')", json_columns=["line"])
    assert spark == (
        """COALESCE(TRY_VARIANT_GET(line, '$["a"]', 'variant'), """
        """TRY_VARIANT_GET(line, '$["b"]', 'variant'))"""
    )


def test_json_is_known_through_aliases_and_a_text_is_parsed_first() -> None:
    spark = to_spark(
        "WITH a AS (SELECT line -> '$.x' AS part, note FROM lines) "
        "SELECT part ->> '$.y' AS y, note ->> '$.z' AS z FROM a",
        json_columns=["line"],
    )
    assert "TRY_VARIANT_GET(part, " in spark
    assert "FROM_JSON(CONCAT(" in spark.partition(" AS y, ")[2]


def test_columns_that_are_not_needed_go_with_all_that_only_they_need() -> None:
    spark = to_spark(
        """
        WITH a AS (SELECT x, json_object('k', x) AS made, json_keys(x) AS keys FROM t),
        b AS (SELECT x, made, keys FROM a)
        SELECT x, made AS messages, list_sort(keys) AS attributes FROM b
        """,
        without=TEXTS,
    )
    assert spark == "WITH a AS (SELECT x FROM t), b AS (SELECT x FROM a) SELECT x FROM b"


def test_a_column_that_something_else_names_stays() -> None:
    spark = to_spark(
        "WITH a AS (SELECT x, y AS response FROM t) "
        "SELECT x, response, response IS NULL AS response_missing FROM a",
        without=TEXTS,
    )
    assert spark == (
        "WITH a AS (SELECT x, y AS response FROM t) "
        "SELECT x, response IS NULL AS response_missing FROM a"
    )


def test_a_star_in_an_inner_select_stays_beside_other_columns() -> None:
    inner = "WITH a AS (SELECT *, x + 1 AS y FROM t) SELECT x, y, messages FROM a"
    assert "SELECT *, x + 1 AS y FROM t" in to_spark(inner, without=TEXTS)


def test_a_star_names_every_column_and_a_count_of_rows_names_none() -> None:
    star = "WITH a AS (SELECT x, y FROM t), b AS (SELECT * FROM a) SELECT x, 1 AS response FROM b"
    assert "SELECT x, y FROM t" in to_spark(star, without=TEXTS)
    count = "WITH a AS (SELECT x, y FROM t) SELECT max(x) AS x, count(*) AS n FROM a"
    assert "SELECT x FROM t" in to_spark(count, without=TEXTS)


@pytest.mark.parametrize("source", ["openai_jsonl", "litellm", "langfuse", "otel_genai"])
def test_every_source_is_understood_without_its_texts(source) -> None:
    json_columns = ("line", "span", "attributes")
    spark = to_spark(load_sql(f"sources/{source}"), json_columns=json_columns, without=TEXTS)
    (outermost,) = [q for q in [parse_one(spark, read="spark")] if isinstance(q, exp.Select)]
    shown = {column.alias_or_name for column in outermost.expressions}
    assert {"interaction_id", "message_count", "response_missing", "malformed"} <= shown
    assert not shown & set(TEXTS)


def test_a_column_is_carried_through_every_select_of_a_chain() -> None:
    carried = carrying(
        "WITH a AS (SELECT x FROM lines) SELECT x FROM a", column="record", source="lines"
    )
    assert carried == "WITH a AS (SELECT x, record FROM lines) SELECT x, record FROM a"


def test_no_column_is_carried_through_a_join_or_a_group() -> None:
    with pytest.raises(DialectError, match="no single origin"):
        carrying("SELECT count(*) FROM lines GROUP BY x", column="record", source="lines")


def test_a_teams_own_select_reads_a_view_where_it_read_files() -> None:
    own = "SELECT a FROM read_parquet($path, union_by_name = true)"
    assert source_tables(own) == {"read_parquet"}
    assert reading_view(own, functions={"read_parquet": "rows"}) == "SELECT a FROM rows"
    with pytest.raises(DialectError, match="reads by `read_csv`"):
        reading_view("SELECT a FROM read_csv($path)", functions={})
