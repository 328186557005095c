from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.adapters.queries import connection, load_sql, query
from eval_pipeline.errors import CorruptFileError, LogSchemaError, LogsNotFoundError, QueryError

SQL = Path(__file__).resolve().parents[2] / "sql"


@pytest.mark.parametrize(
    "name", [str(file.relative_to(SQL).with_suffix("")) for file in sorted(SQL.rglob("*.sql"))]
)
def test_every_statement_loads_and_states_its_grain_first(name: str) -> None:
    assert load_sql(name).startswith("-- Grain: one row")


def test_an_unknown_statement_is_told_by_name() -> None:
    with pytest.raises(QueryError, match="'no_such'"):
        load_sql("no_such")


def test_frames_are_views_and_values_are_parameters() -> None:
    found = query(
        "SELECT name, $greeting AS greeting FROM people WHERE age > $least ORDER BY name",
        parameters={"least": 30, "greeting": "'; DROP TABLE people; --"},
        frames={"people": pl.DataFrame({"name": ["b", "a", "c"], "age": [40, 31, 30]})},
    )
    assert found.rows() == [("a", "'; DROP TABLE people; --"), ("b", "'; DROP TABLE people; --")]


def test_instants_come_back_in_utc() -> None:
    found = query("SELECT TIMESTAMPTZ '2026-11-16 01:00:00+01' AS at")
    assert found.schema["at"] == pl.Datetime("us", "UTC")
    assert str(found["at"][0]) == "2026-11-16 00:00:00+00:00"


def test_the_engine_neither_downloads_nor_spills() -> None:
    with connection() as engine:
        held = dict(engine.sql("SELECT name, value FROM duckdb_settings()").fetchall())
    assert held["autoinstall_known_extensions"] in {"false", "0"}
    assert held["autoload_known_extensions"] in {"false", "0"}
    assert held["temp_directory"] == ""


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(LogsNotFoundError):
        query("SELECT * FROM read_parquet($path)", parameters={"path": str(tmp_path / "x.parquet")})


def test_a_damaged_file_is_corrupt(tmp_path: Path) -> None:
    file = tmp_path / "bad.parquet"
    file.write_bytes(b"PAR1 not parquet at all")
    with pytest.raises(CorruptFileError):
        query("SELECT * FROM read_parquet($path)", parameters={"path": str(file)})


def test_a_missing_column_is_named() -> None:
    with pytest.raises(LogSchemaError, match="'nope'"):
        query("SELECT nope FROM held", frames={"held": pl.DataFrame({"a": [1]})})


def test_a_value_that_does_not_fit_is_never_quoted() -> None:
    with pytest.raises(LogSchemaError) as caught:
        query(
            "SELECT CAST(a AS INTEGER) FROM held",
            frames={"held": pl.DataFrame({"a": ["maria@example.com"]})},
        )
    assert "maria" not in str(caught.value)


def test_a_statement_that_cannot_be_read_is_a_query_error() -> None:
    with pytest.raises(QueryError, match="ParserException"):
        query("SELEC 1")
