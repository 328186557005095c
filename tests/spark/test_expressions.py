"""What a statement may use means the same to Spark and to DuckDB."""

from typing import Any

import polars as pl
import pytest

from eval_pipeline.adapters.queries import query
from eval_pipeline.adapters.spark.dialects import to_spark
from eval_pipeline.adapters.spark.sessions import spark_session
from eval_pipeline.settings.logs import SparkSettings
from tests.spark_logs import LOCAL

pytestmark = pytest.mark.slow

TIMES = (
    "2026-11-16", "2026-11-16T01:02:03", "2026-11-16 01:02:03.1234567", "2026-11-16T01:02Z",
    "2026-11-16T01:02:03+01", "2026-11-16T01:02:03-0130", "2026-1-6 1:2:3", "2026-02-30",
    "2026-11-16T01:02:03 Europe/Berlin", "2026-11-16T23:59:60", " 2026-11-16T00:00:00Z ",
    "2026", "20261116", "1795000000", "T12:00:00", "12:00:00", "now", "", "2026-11-16T00",
)  # fmt: skip


NUMBERS = (
    "1", " 1 ", "-1", "1.5", "-1.5", "1.", ".5", "1e3", "1e-5", "NaN", "1d", "1f", "1L", "",
    "9223372036854775807", "9223372036854775808", "9007199254740993.0", "one", "1 2", "0.125",
)  # fmt: skip


OVER_TEXTS = {
    "epoch_us(TRY_CAST(x AS TIMESTAMPTZ))": TIMES,
    "TRY_CAST(x AS BIGINT)": NUMBERS,
    "TRY_CAST(x AS TINYINT)": tuple(number for number in NUMBERS if number != "1e3"),
    "TRY_CAST(x AS DOUBLE) < 1e300": NUMBERS,
    "CAST(TRY_CAST(x AS DECIMAL(28, 9)) AS VARCHAR)": ("1", "1.5", "-0.1234567891", "x", "1e3"),
    "TRY_CAST(x AS BOOLEAN)": ("true", "T", "1", "0", "yes", "no", "f", "2", "", "on"),
    "isfinite(TRY_CAST(x AS DOUBLE))": ("1", "NaN", "Infinity", "-Infinity", "x"),
    "concat_ws('|', x, nullif(x, 'a'), 'b')": ("a", "", "c"),
    "substr(md5('s' || '|' || x), 1, 13)": ("", "é", "😀", "a|b", "\u0000", "\\"),
    r"x LIKE '%\b%'": (r"a\bc", "abc", "b"),
    r"regexp_matches(x, '^\s*[{]')": (" {", "[{", "{"),
    r"regexp_extract(x, '(\d+)-', 1)": ("12-a", "a", "-"),
    "'a''b\\c\n${x}' || x": ("", "d"),
    "x < 'Z'": ("a", "É", "Z", "", "😀", "￿"),
    "coalesce(nullif(x, ''), 'none')": ("", "a"),
    "(CAST(x AS JSON) ->> '$.a') IS NULL": ('{"a": null}', '{"a": 1}', "{}", "[]"),
    "CAST(x AS JSON) ->> '$.\"a.b\"[1].c'": ('{"a.b": [0, {"c": "é"}]}', '{"a.b": 1}'),
    "CAST(x AS JSON) ->> '$.a'": ('{"a": [1,"b"]}', '{"a": true}', '{"a": "q\\"q"}', '{"a": 12}'),
    "json_type(CAST(x AS JSON), '$.a')": ('{"a": {}}', '{"a": []}', '{"a": ""}', "1"),
    "json_array_length(CAST(x AS JSON), '$.a')": ('{"a": [1, null]}', '{"a": 1}', "{}", '{"a":[]}'),
    "(CAST(x AS JSON) -> '$.a') IS NOT NULL": ('{"a": null}', "{}"),
    "array_to_string(list_transform(list_filter(from_json(CAST(x AS JSON), '[\"JSON\"]'), "
    "lambda p: (p ->> '$.t') IS NOT NULL), lambda p: p ->> '$.t'), ',')": (
        '[{"t":1},{},{"t":"b"}]',),
    "dayofweek(CAST(x AS TIMESTAMPTZ))": ("2026-11-15", "2026-11-16", "2026-11-21"),
    "isodow(CAST(x AS TIMESTAMPTZ))": ("2026-11-15", "2026-11-16", "2026-11-21"),
    "epoch_us(date_trunc('week', CAST(x AS TIMESTAMPTZ)))": ("2026-11-15", "2026-11-16T10:00:00"),
}  # fmt: skip


OVER_NUMBERS = {
    "CAST(x AS BIGINT)": (1.4, 1.6, -1.6, 2.0),
    "CAST(floor(x) AS BIGINT)": (1.6, -1.6),
    "epoch_us(to_timestamp(x))": (0.0, 1.5, -1.5, 1795000000.123456, 1731715200.333333, 0.1 + 0.2),
    "TRY_CAST(x AS BIGINT) // 2": (7.0, 8.0),
    "TRY_CAST(x AS BIGINT) % 3": (7.0, -7.0),
    "x / 8": (1.0, -3.0),
    "abs(x) < 1e300": (float("nan"), float("inf"), 1.0),
    "x = x": (float("nan"), 1.0),
    "greatest(x, 2.0)": (1.0, 3.0),
    "1 << dayofweek(to_timestamp(x))": (0.0, 86400.0 * 3),
}


def test_every_expression_that_a_statement_may_use_means_the_same() -> None:
    with spark_session(SparkSettings(**LOCAL)) as session:
        differing = [
            (expression, value, ours, theirs)
            for cases, kind in ((OVER_TEXTS, pl.String), (OVER_NUMBERS, pl.Float64))
            for expression, values in cases.items()
            for value, ours, theirs in zip(
                values, *both(session, expression, values, kind=kind), strict=True
            )
            if ours != theirs
        ]
    assert differing == []


def both(
    session: Any, expression: str, values: tuple[Any, ...], *, kind: Any
) -> tuple[list[Any], list[Any]]:
    frame = pl.DataFrame({"n": range(len(values)), "x": pl.Series(values, dtype=kind)})
    statement = f"SELECT {expression} AS found FROM given ORDER BY n"
    session.createDataFrame(frame.to_arrow()).createOrReplaceTempView("given")
    types = {} if kind == pl.String else {"x": "double"}
    theirs = pl.from_arrow(session.sql(to_spark(statement, types=types)).toArrow())
    ours = query(statement, frames={"given": frame})["found"]
    return ours.to_list(), theirs["found"].to_list()


def test_the_slices_of_a_hash_lose_no_row() -> None:
    ids = pl.DataFrame({"id": [f"é{number}" for number in range(1000)] + [None]})
    with spark_session(SparkSettings(**LOCAL)) as session:
        session.createDataFrame(ids.to_arrow()).createOrReplaceTempView("ids")
        statement = "SELECT count(*) AS n FROM ids WHERE hash(id) % $slices = $slice"
        found = [
            session.sql(to_spark(statement, parameters={"slices": 3, "slice": number})).first()[0]
            for number in range(3)
        ]
    assert sum(found) == 1001
    assert min(found) > 250
