"""Spark and DuckDB scan the same logs by the same statements: the sample is one and the same."""

import contextlib
import datetime as dt
import gc
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from eval_pipeline.adapters.logs.duckdb_engine import open_duckdb
from eval_pipeline.adapters.logs.engines import LogFiles, OpenEngine
from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.adapters.queries import load_sql, query
from eval_pipeline.adapters.spark.dialects import to_spark
from eval_pipeline.adapters.spark.engine import open_spark
from eval_pipeline.adapters.spark.sessions import spark_session
from eval_pipeline.errors import (
    CorruptFileError,
    LogSchemaError,
    QueryError,
    SettingsError,
)
from eval_pipeline.settings import LogsSettings
from eval_pipeline.settings.logs import SparkSettings

pytestmark = [
    pytest.mark.slow,
    # Spark's driver leaves its sockets to the collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
    ),
]

WEEK = dt.date(2026, 11, 16)
MONDAY = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
ROUTES = ("billing", "shipping", "Rückgabe|eilig")
OPTIONS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # no time to warm up
}
LOCAL = {"url": "local[2]", "options": OPTIONS}
ARRIVAL = {"arrived_at": "arrived_at"}
THRESHOLDS = pl.DataFrame(
    {
        "stratum": [f"route={route}" for route in ROUTES],
        "threshold": ["8", "4", "fffffffffffff"],
    }
)
BOUNDS = {
    "from": "2026-11-16T00:00:00Z",
    "until": "2026-11-23T00:00:00Z",
    "week_before": "2026-11-09T00:00:00Z",
    "closes": "2026-11-23T02:00:00+00:00",
    "closed_before": "2026-11-16T02:00:00+00:00",
    "by_route": True,
    "by_prompt_version": False,
    "by_requested_model": False,
}
ONE_SLICE = {"slices": 1, "slice": 0}
SALT = "weekly's \\ ${java:version} \n2026-11-16"
STATEMENTS: dict[str, dict[str, Any]] = {
    "week_strata": {"parameters": ONE_SLICE},
    "repeated_ids": {"parameters": ONE_SLICE},
    "logs_profile": {
        "parameters": {
            **{name: BOUNDS[name] for name in ("from", "until", "closes")},
            "now": "2026-11-20T00:00:00+00:00",
        }
    },
    "logged_weeks": {},
    "traffic_by_route": {},
    "drawable_interactions": {
        "parameters": {"salt": SALT, "highest": THRESHOLDS["threshold"].max()},
        "frames": {"thresholds": THRESHOLDS},
    },
}


def missing() -> str | None:
    try:
        import pyspark
    except ImportError:
        return "pyspark is not installed: `make spark` installs it."
    if shutil.which("java") is None:
        return f"Spark {pyspark.__version__} needs Java, which is not here."
    return None


@pytest.fixture(scope="module", autouse=True)
def _spark_is_here() -> Iterator[None]:
    reason = missing()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have Spark. {reason}")
        pytest.skip(reason)
    yield
    stop_spark()


def stop_spark() -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession() or SparkSession._instantiatedSession
    if session is not None:
        session.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def records(count: int = 200) -> list[dict[str, Any]]:
    """Strata, empty ids and texts, repeated ids, late arrivals, umlauts and emoji."""
    return [
        {
            "interaction_id": f"é漢-{number % 140}" if number % 43 else None,
            "occurred_at": MONDAY + dt.timedelta(hours=number - 20, microseconds=number * 7),
            "arrived_at": MONDAY + dt.timedelta(hours=number - 20 + 6 * (number % 7)),
            "conversation_id": f"😀 {number % 70}" if number % 37 else "",
            "route": ROUTES[number % 3] if number % 41 else None,
            "prompt_version": f"v{number % 2}" if number % 5 else None,
            "requested_model": None,
            "messages": [{"role": "user", "content": f'Say "{number}" \\ ü'}] * (number % 29 > 0),
            "response": f"Answer {number}\n" if number % 11 else None,
            "latency_seconds": number / 7,
            "input_tokens": number,
            "cost_usd": 0.01 * number,
            "outcome": 0.25 * (number % 5),
            "feedback": number % 3 - 1,
            "escalated": number % 4 == 0,
            "attributes": [{"key": "tier", "value": "gold"}] if number % 2 else None,
        }
        for number in range(count)
    ]


def write_parquet(file: Path, rows: list[dict[str, Any]]) -> Path:
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(file)
    return file


def write_lines(file: Path, rows: list[Any]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, default=str) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def logs(log_format: str = "canonical", **changes: Any) -> LogsSettings:
    given = {"path": "*", "format": log_format, "spark": LOCAL, "columns": {}, **changes}
    return LogsSettings.model_validate(given)


THE_DRAW = ("week_strata", "drawable_interactions")


def scanned(
    opens: OpenEngine, files: list[Path], *, names: Sequence[str] = tuple(STATEMENTS)
) -> dict[str, pl.DataFrame]:
    """What the statements say over these files, and the texts of what can be drawn."""
    with opens(LogFiles("the logs", tuple(str(file) for file in files))) as engine:
        engine.define("framed", load_sql("framed_interactions"), parameters=BOUNDS)
        found = {name: engine.select(load_sql(name), **STATEMENTS[name]) for name in names}
        drawn = found["drawable_interactions"]["interaction_id"]
        found["reasons"] = engine.select(
            "SELECT reason, count(*) AS records FROM interactions GROUP BY reason ORDER BY reason"
        )
        found["fetched"] = engine.fetch(drawn)
    return found


def assert_alike(
    settings: LogsSettings,
    files: list[Path],
    *,
    own_query: str | None = None,
    names: Sequence[str] = tuple(STATEMENTS),
) -> dict[str, pl.DataFrame]:
    here = scanned(open_duckdb(settings, own_query=own_query), files, names=names)
    there = scanned(open_spark(settings, own_query=own_query), files, names=names)
    for name, expected in here.items():
        found = there[name]
        assert found.cast(dict(expected.schema)).rows() == expected.rows(), name
    drawn = here["drawable_interactions"]
    assert set(drawn.rows()) ^ set(there["drawable_interactions"].rows()) == set()
    assert len(drawn) > 0
    return here


def test_both_engines_draw_the_same_from_parquet(tmp_path) -> None:
    file = write_parquet(tmp_path / "a [1] {b}.parquet", records())
    found = assert_alike(logs(columns=ARRIVAL), [file])
    reasons = dict(found["reasons"].rows())
    assert {"missing_interaction_id", "missing_route", "missing_messages"} <= set(reasons)
    assert found["repeated_ids"].item() > 0
    assert found["week_strata"]["late_interactions"].sum() > 0


def test_both_engines_draw_the_same_from_lines_of_json(tmp_path) -> None:
    odd = [
        '{"interaction_id": "cut off', "", "   ", '"a text"', "null", "[1]", "12",
        '{"interaction_id": 1} {"interaction_id": 2}', "{'interaction_id': 3}",
        '{"interaction_id": "\\ud800", "route": "x"}', '{"interaction_id": "a\tb"}',
        '{"interaction_id": NaN, "cost_usd": -Infinity}', '{"interaction_id": 01}',
        '{"interaction_id": {"a": 1}, "conversation_id": [], "route": "x"}]', "{}",
    ]  # fmt: skip
    rows = [*records(), *odd]
    file = write_lines(tmp_path / "a.jsonl", rows)
    file.write_bytes(file.read_bytes() + b'{"interaction_id": "\xff\xfe"}\n{"route": "x"}\r\n')
    found = assert_alike(logs(columns=ARRIVAL), [file])
    # Cut off, a text, null, a list, a number, two in one, single quotes, half a surrogate, a raw
    # tab, a leading zero, an object and a bracket, no UTF-8; the object of NaN is one.
    assert dict(found["reasons"].rows())["malformed_line"] == 12


def test_how_the_records_are_cut_into_files_does_not_matter(tmp_path) -> None:
    rows = records()
    whole = scanned(
        open_spark(logs(columns=ARRIVAL), own_query=None),
        [write_parquet(tmp_path / "whole.parquet", rows)],
        names=THE_DRAW,
    )
    cuts = [rows[150:], rows[:7], rows[7:150]]
    parts = [
        write_parquet(tmp_path / f"{name}.parquet", cut[::-1])
        for name, cut in zip("xyz", cuts, strict=True)
    ]
    opens = open_spark(logs(columns=ARRIVAL), own_query=None)
    for name, found in scanned(opens, parts, names=THE_DRAW).items():
        assert found.equals(whole[name]), name


OPENAI = [
    {
        "request": {"model": "m", "messages": [{"role": "user", "content": "Hi"}] * (number % 3)},
        "response": {"id": f"r{number}", "choices": [{"message": {"content": f"No {number}"}}]},
        "metadata": {"route": ROUTES[number % 3], "session_id": f"s{number // 2}"},
        "created": 1_795_000_000.123456 + number if number % 2 else "2026-11-18T10:00:00+01:00",
    }
    for number in range(24)
]
LITELLM = [
    {
        "id": f"l{number}",
        "call_type": "acompletion" if number % 5 else "aembedding",
        "session_id": f"s{number // 2}",
        "startTime": 1_795_000_000.5 + number,
        "endTime": 1_795_000_001.75 + number,
        "messages": [{"role": "user", "content": f"Hi {number}"}] if number % 4 else "{}",
        "response": {"choices": [{"message": {"content": f"No {number}"}}]},
        "metadata": {"spend_logs_metadata": {"route": ROUTES[number % 3], "feedback": 1}},
        "prompt_tokens": number,
    }
    for number in range(24)
]
OTEL = [
    {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [
                        {"key": "service.name", "value": {"stringValue": ROUTES[number % 3]}}
                    ]
                },
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": f"t{number}",
                                "spanId": f"p{part}",
                                "startTimeUnixNano": str(1_795_000_000_000_000_000 + number),
                                "endTimeUnixNano": str(1_795_000_001_500_000_000 + number),
                                "attributes": [
                                    {"key": key, "value": {"stringValue": value}}
                                    for key, value in {
                                        "gen_ai.operation.name": "chat" if part else "embeddings",
                                        "gen_ai.provider.name": "openai",
                                        "gen_ai.request.model": "m",
                                        "gen_ai.input.messages": json.dumps(
                                            [{"role": "user", "content": f'Say "{number}"'}]
                                        ),
                                        "gen_ai.completion": f"No {number}",
                                    }.items()
                                ],
                            }
                            for part in range(3)
                        ]
                    }
                ],
            }
        ]
    }
    for number in range(12)
]
LANGFUSE = [
    line
    for number in range(12)
    for line in (
        {
            "id": f"t{number}",
            "timestamp": "2026-11-18T10:00:00.000Z",
            "name": ROUTES[number % 3],
            "sessionId": f"s{number // 2}",
            "input": "Hi",
            "output": f"No {number}",
        },
        *(
            {
                "id": f"o{number}-{part}",
                "traceId": f"t{number}",
                "type": "GENERATION",
                "startTime": "2026-11-18T10:00:01.000Z",
                "endTime": "2026-11-18T10:00:02.500Z",
                "input": [{"role": "user", "content": f"Hi {number}"}],
                "output": f"No {number}-{part}",
            }
            for part in range(number % 3)
        ),
        {"id": f"x{number}", "traceId": f"t{number}", "name": "outcome", "value": 0.5},
    )
]


@pytest.mark.parametrize(
    ("log_format", "lines"),
    [
        ("openai_jsonl", OPENAI),
        ("litellm", LITELLM),
        ("otel_genai", OTEL),
        ("langfuse", LANGFUSE),
    ],
)
def test_both_engines_draw_the_same_from_every_format(tmp_path, log_format, lines) -> None:
    file = write_lines(tmp_path / "a.jsonl", [*lines, '{"cut off'])
    found = assert_alike(logs(log_format), [file], names=THE_DRAW)
    assert found["fetched"]["response"].null_count() == 0


def test_both_engines_draw_the_same_by_a_teams_own_select(tmp_path) -> None:
    file = write_parquet(tmp_path / "a.parquet", records())
    own = """
    SELECT * EXCLUDE (route), lower(route) || '!' AS route
    FROM read_parquet($path)
    WHERE conversation_id <> '😀 3'
    """
    settings = logs("sql", query="own.sql")
    here = scanned(open_duckdb(settings, own_query=own), [file], names=THE_DRAW)
    there = scanned(open_spark(settings, own_query=own), [file], names=THE_DRAW)
    assert there["week_strata"].rows() == here["week_strata"].rows()
    assert there["reasons"].rows() == here["reasons"].rows()


def test_the_source_of_the_logs_does_not_know_which_engine_scans(tmp_path) -> None:
    write_parquet(tmp_path / "a.parquet", records())
    here, there = (
        LogSource(
            logs(path=str(tmp_path / "*.parquet"), columns=ARRIVAL, engine=engine), locate=str
        )
        for engine in ("duckdb", "spark")
    )
    assert there.strata(WEEK).equals(here.strata(WEEK))
    drawn = here.drawable(WEEK, thresholds=THRESHOLDS, salt=SALT)
    assert there.drawable(WEEK, thresholds=THRESHOLDS, salt=SALT).equals(drawn)
    chosen = drawn["interaction_id"][:7]
    assert there.fetch(WEEK, chosen).equals(here.fetch(WEEK, chosen))


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


def test_a_failure_quotes_nothing_that_is_logged(tmp_path, capfd) -> None:
    file = write_parquet(tmp_path / "a.parquet", records())
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


@contextlib.contextmanager
def processes(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts Spark's own programs on the loopback, and stops those it started."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable, "SPARK_NO_DAEMONIZE": "1", "SPARK_DAEMON_MEMORY": "512m",
    }  # fmt: skip
    running: list[subprocess.Popen[bytes]] = []

    def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (folder / "spark.log").open("ab") as log:
            command = [str(home / "bin" / program), *arguments]
            running.append(
                subprocess.Popen(
                    command, env=environment, stdout=log, stderr=log, start_new_session=True
                )
            )
        return running[-1]

    try:
        yield start
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    with contextlib.closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def until_it_answers(port: int, *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.2)
    pytest.fail("Spark did not start in time")


def test_a_cluster_of_two_workers_draws_the_same(tmp_path) -> None:
    stop_spark()
    file = write_parquet(tmp_path / "a.parquet", records())
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    with processes(tmp_path) as start:
        place = ("--host", "127.0.0.1", "--webui-port", "0")
        start("spark-class", "org.apache.spark.deploy.master.Master", "--port", str(port), *place)
        until_it_answers(port)
        for number in range(2):
            start(
                "spark-class", "org.apache.spark.deploy.worker.Worker", *place, "--cores", "1",
                "--memory", "600m", "--work-dir", str(tmp_path / f"worker-{number}"), url,
            )  # fmt: skip
        options = {
            **OPTIONS, "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1", "spark.executor.memory": "512m",
            "spark.scheduler.minRegisteredResourcesRatio": "1", "spark.cores.max": "2",
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
        }  # fmt: skip
        try:
            settings = logs(columns=ARRIVAL, spark={"url": url, "options": options})
            assert_alike(settings, [file])
            with spark_session(settings.spark) as session:
                assert executors(session) == 2
        finally:
            stop_spark()


def test_spark_connect_draws_the_same(tmp_path) -> None:
    stop_spark()
    file = write_lines(tmp_path / "a.jsonl", records())
    port = free_port()
    with processes(tmp_path) as start:
        start(
            "spark-submit", "--master", "local[2]", "--class", CONNECT_SERVER,
            *conf("spark.connect.grpc.binding.address", "127.0.0.1"),
            *conf("spark.connect.grpc.binding.port", str(port)),
            *conf("spark.ui.enabled", "false"), *conf("spark.driver.bindAddress", "127.0.0.1"),
            *(part for option in OPTIONS.items() for part in conf(*option)), "spark-internal",
        )  # fmt: skip
        until_it_answers(port)
        settings = logs(columns=ARRIVAL, spark={"url": f"sc://127.0.0.1:{port}"})
        assert_alike(settings, [file], names=THE_DRAW)


CONNECT_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


def conf(key: str, value: str) -> tuple[str, str]:
    return "--conf", f"{key}={value}"


def executors(session: Any) -> int:
    """How many machines do the work, the driver not counted."""
    return int(session.sparkContext._jsc.sc().getExecutorMemoryStatus().size()) - 1
