"""What Spark cannot do is said at once, with the remedy, and quotes nothing that is logged."""

import contextlib
import socket
import sys
import time

import pytest

from eval_pipeline.adapters.spark.engine import open_spark
from eval_pipeline.adapters.spark.sessions import spark_session
from eval_pipeline.errors import (
    CorruptFileError,
    LogSchemaError,
    QueryError,
    SettingsError,
)
from eval_pipeline.settings.logs import SparkSettings
from tests.spark_logs import LOCAL, logs, records, scanned, stop_spark, write_parquet

pytestmark = pytest.mark.slow


def test_a_failure_quotes_nothing_that_is_logged(tmp_path, capfd) -> None:
    rows = [{name: row[name] for name in row if name != "error"} for row in records()]
    file = write_parquet(tmp_path / "a.parquet", rows)
    own = "SELECT *, CAST(response AS DOUBLE) AS error FROM read_parquet($path)"
    with pytest.raises(QueryError, match="CAST_INVALID_INPUT") as failed:
        scanned(open_spark(logs("sql", query="own.sql"), own_query=own), [file])
    assert failed.value.__cause__ is None
    written = capfd.readouterr()
    for place in (str(failed.value), written.out, written.err):
        assert "Answer" not in place


def test_a_file_that_is_no_parquet_and_a_column_that_is_not_there_are_named(tmp_path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(CorruptFileError, match="the logs"):
        scanned(open_spark(logs(), own_query=None), [broken])
    file = write_parquet(tmp_path / "a.parquet", records())
    with pytest.raises(LogSchemaError, match="no column 'session'"):
        scanned(open_spark(logs(columns={"conversation_id": "session"}), own_query=None), [file])


def test_a_column_that_engines_would_read_otherwise_is_refused(tmp_path) -> None:
    rows = [{**row, "route": 1.5, "occurred_at": 1_795_000_000} for row in records(3)]
    file = write_parquet(tmp_path / "a.parquet", rows)
    with pytest.raises(LogSchemaError, match="the column 'route' has the type double"):
        scanned(open_spark(logs(), own_query=None), [file])


def test_a_spark_that_is_not_there_is_an_error_within_seconds(tmp_path) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound, but nobody listens
        began = time.monotonic()
        with (
            pytest.raises(SettingsError, match="nothing answers there"),
            spark_session(SparkSettings(url=f"sc://127.0.0.1:{port}")),
        ):
            pass
    assert time.monotonic() - began < 15


def test_another_spark_in_this_process_is_refused() -> None:
    with (
        spark_session(SparkSettings(**LOCAL)),
        pytest.raises(SettingsError, match=r"already has a Spark at local\[2\]"),
        spark_session(SparkSettings(url="local[1]")),
    ):
        pass


def test_without_pyspark_the_error_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with (
        pytest.raises(SettingsError, match=r'pip install "eval-pipeline\[spark\]"'),
        spark_session(SparkSettings(**LOCAL)),
    ):
        pass


def test_without_java_the_error_says_so(monkeypatch, tmp_path) -> None:
    stop_spark()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with (
        pytest.raises(SettingsError, match="needs Java 17"),
        spark_session(SparkSettings(**LOCAL)),
    ):
        pass
