"""Logs that Spark and DuckDB scan by the same statements, and what each of them says."""

import datetime as dt
import gc
import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from eval_pipeline.adapters.logs.duckdb_engine import open_duckdb
from eval_pipeline.adapters.logs.engines import LogFiles, OpenEngine
from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.adapters.spark.engine import open_spark
from eval_pipeline.settings import LogsSettings


def missing() -> str | None:
    try:
        import pyspark
    except ImportError:
        return "pyspark is not installed: `make spark` installs it."
    if shutil.which("java") is None:
        return f"Spark {pyspark.__version__} needs Java, which is not here."
    return None


def stop_spark() -> None:
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession() or SparkSession._instantiatedSession
    if session is not None:
        session.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


SHORT_LIVED = "-XX:TieredStopAtLevel=1"
"""For Java: compile once and quickly, there is no time to warm up."""
OPTIONS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.extraJavaOptions": SHORT_LIVED,
}


LOCAL = {"url": "local[2]", "options": OPTIONS}


ARRIVAL = {"arrived_at": "arrived_at"}


ROUTES = ("billing", "shipping", "Rückgabe|eilig")


MONDAY = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)


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
    "traffic_histogram": {},
    "traffic_finish_reasons": {},
    "traffic_errors": {},
    "drawable_interactions": {
        "parameters": {"salt": SALT, "highest": THRESHOLDS["threshold"].max()},
        "frames": {"thresholds": THRESHOLDS},
    },
}


ERRORS = (
    None, "Timeout: no answer\nfor 30 s", "429", "RateLimited", "Ana Müller's card", "timeout", "",
)  # fmt: skip


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
            "finish_reason": (None, "stop", "Content_Filter", "see: line", "length")[number % 5],
            "error": ERRORS[number % 7],
            "latency_seconds": number / 7,
            "input_tokens": number * 9 if number % 3 else None,
            "output_tokens": number * number if number % 13 else -1,
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
