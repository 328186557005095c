"""Logs in every format that is read: every line is a row or is counted, and none is quoted."""

import datetime as dt
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.logs.formats import mapped_records
from eval_pipeline.adapters.logs.interactions import view_interactions
from eval_pipeline.adapters.logs.recognition import recognise
from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.adapters.queries import connection, translated
from eval_pipeline.errors import (
    CorruptFileError,
    EmptyWeekError,
    LogSchemaError,
    LogsNotFoundError,
)
from eval_pipeline.settings import LogsSettings
from eval_pipeline.tables import INTERACTION_SCHEMA
from tests.fuzz.target import MARK, Target, only, promise, stored, variant_of

FORMATS: Final = ("canonical", "otel_genai", "langfuse", "litellm", "openai_jsonl")
VARIANTS: Final = (
    *(f"{name} .jsonl" for name in FORMATS),
    *(f"{name} .parquet" for name in ("canonical", "litellm")),
    "canonical .json", "canonical .jsonl.gz", "recognised .jsonl", "recognised .json",
)  # fmt: skip
READABLE: Final = """
SELECT * REPLACE (
  CASE WHEN reason IS NULL THEN occurred_at END AS occurred_at,
  CASE WHEN year(arrived_at) BETWEEN 1 AND 9999 THEN arrived_at END AS arrived_at
)
FROM interactions
"""
"""Python has no year 0."""
WEEK: Final = dt.date(2026, 11, 16)
NOW: Final = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)


def run(data: bytes) -> object:
    """The bytes as a week's log of the variant's format: counted, put into strata, fetched."""
    variant, rest = variant_of(data, VARIANTS)
    name, _, ending = variant.partition(" ")
    data = gzip.compress(rest, mtime=0) if ending.endswith(".gz") else rest
    with stored(data, f"log{ending}") as file:
        with only(LogSchemaError, CorruptFileError, EmptyWeekError, LogsNotFoundError) as told:
            if name == "recognised":
                return recognise(file)
            return _read(name, file, rest)
        # A wrong file is told by the names of its columns, and by nothing else of it.
        promise(MARK not in "".join(told) or "no column" in told[0], "an error quotes a log")
        return told


def _read(name: str, file: Path, data: bytes) -> object:
    """One scan of every row; every so often by the whole door, which scans five times."""
    settings = LogsSettings.model_validate({"path": str(file), "format": name})
    names = [str(file)]
    with connection() as engine, translated("the logs", files=names):
        mapped = mapped_records(
            engine, settings=settings, files=names, location="the logs", own_query=None
        )
        view_interactions(engine, mapped)
        rows = engine.sql(READABLE).pl().rows(named=True)
    if name == "canonical" and file.suffix == ".jsonl":
        lines = sum(1 for line in data.split(b"\n") if line.strip())
        promise(len(rows) == lines, f"{lines} lines came to {len(rows)} rows")
    for row in rows:
        fits = row["reason"] is None
        promise(not fits or bool(row["interaction_id"] and row["route"]), "fits without a name")
        promise(not fits or row["message_count"] > 0, "fits without a message")
    return [rows, _through_the_door(settings) if zlib.crc32(data) % 8 == 0 else None]


def _through_the_door(settings: LogsSettings) -> object:
    source = LogSource(settings, locate=lambda path: path)
    profile = source.profile(WEEK, now=NOW).row(0, named=True)
    weeks = source.weeks_available()
    promise(all(week.weekday() == 0 for week in weeks), "a week that does not begin on Monday")
    strata = source.strata(WEEK)
    drawn = source.drawable(WEEK, thresholds=_all_of(strata), salt="s")
    promise(drawn["interaction_id"].null_count() == 0, "drawn without a name")
    fetched = source.fetch(WEEK, drawn["interaction_id"])
    promise(fetched.schema == pl.Schema(INTERACTION_SCHEMA), "not the canonical schema")
    promise(
        set(drawn["interaction_id"]) <= set(fetched["interaction_id"]), "drawn and not to be had"
    )
    return [profile, weeks, strata.to_dicts(), fetched.to_dicts()]


def _all_of(strata: pl.DataFrame) -> pl.DataFrame:
    return strata.select("stratum", threshold=pl.lit("g"))


TEN: Final = "2026-11-17T10:00:00Z"
NANOS: Final = "1794909600000000000"
HI: Final = [{"role": "user", "content": MARK}]
CANONICAL: Final = {
    "interaction_id": "i1", "occurred_at": TEN, "conversation_id": "c1", "route": "orders",
    "messages": HI, "response": MARK, "latency_seconds": 0.5, "input_tokens": 3, "feedback": 1,
    "escalated": False, "attributes": {"key": MARK, "a/b~c": 1}, "cost_usd": 0.1, "user_id": "u",
}  # fmt: skip
SPAN: Final = {
    "trace_id": "t1", "span_id": "s1", "start_time": TEN, "end_time": TEN, "attributes": {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.conversation.id": "c1",
    "gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 12,
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text",
    "content": MARK}]}]),
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text",
    "content": "No"}]}])},
}  # fmt: skip
OTLP: Final = {"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
    "scopeSpans": [{"spans": [{"traceId": "t1", "spanId": "s1", "startTimeUnixNano": NANOS,
    "endTimeUnixNano": NANOS, "name": "chat m", "events": [], "attributes": [
    {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
    {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
    {"key": "gen_ai.response.finish_reasons",
    "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}}}]}]}]}]}  # fmt: skip
LANGFUSE: Final = (
    {"id": "o1", "traceId": "t1", "type": "GENERATION", "startTime": TEN, "input": HI,
    "output": MARK,
     "model": "m", "usage": {"input": 3, "output": 2}, "createdAt": TEN, "updatedAt": TEN},
    {"id": "t1", "timestamp": TEN, "name": "orders", "userId": "u", "sessionId": "c1",
    "tags": ["a"]},
    {"id": "s1", "traceId": "t1", "name": "user-feedback", "value": 1, "dataType": "NUMERIC"},
)  # fmt: skip
LITELLM: Final = (
    {"id": "i1", "call_type": "acompletion", "startTime": 1794909600.5, "endTime": 1794909601,
     "messages": HI, "response": {"choices": [{"message": {"content": MARK},
     "finish_reason": "stop"}]},
     "model": "m", "metadata": {"user_api_key_end_user_id": "u"}, "prompt_tokens": 3,
     "response_cost": 0.1},
    {"request_id": "i2", "call_type": "completion", "startTime": TEN, "messages": "{}",
     "proxy_server_request": json.dumps({"messages": HI}), "response": "{}", "spend": 0.1},
)  # fmt: skip
OPENAI: Final = (
    {"request": {"model": "m", "messages": HI}, "response": {"id": "r1", "created": 1794909600,
     "choices": [{"message": {"content": MARK, "tool_calls": []}, "finish_reason": "stop"}],
     "usage": {"prompt_tokens": 3}}, "metadata": {"conversation_id": "c1", "route": "orders"}},
    {"custom_id": "b1", "body": {"input": [{"type": "message", "role": "user",
    "content": [{"text": MARK}]}]},
     "response": {"body": {"output": [{"type": "message", "content": [{"type": "output_text",
     "text": "x"}]}]}}},
)  # fmt: skip


def _lines(*rows: Any) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def _parquet(*rows: Any) -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(rows).write_parquet(sink, compression="uncompressed")
    return sink.getvalue()


FLAT: Final = {name: value for name, value in CANONICAL.items() if name != "attributes"}
TARGET: Final = Target(
    name="logs",
    run=run,
    structure="json lines",
    variants=VARIANTS,
    examples=8,
    seeds=(
        b"canonical .jsonl\n" + _lines(CANONICAL, CANONICAL | {"occurred_at": None}, 1) + b"\n{\n",
        b"canonical .json\n" + json.dumps([CANONICAL, "x", {"a": "]"}]).encode(),
        b"canonical .jsonl.gz\n\xef\xbb\xbf" + _lines(CANONICAL) + b"\r\n\xff\r\n",
        b"canonical .parquet\n" + _parquet(FLAT),
        b"litellm .parquet\n" + _parquet({"request_id": "i", "call_type": "completion"}),
        b"otel_genai .jsonl\n" + _lines(SPAN, OTLP),
        b"langfuse .jsonl\n" + _lines(*LANGFUSE),
        b"litellm .jsonl\n" + _lines(*LITELLM),
        b"openai_jsonl .jsonl\n" + _lines(*OPENAI),
        b"recognised .jsonl\n" + _lines(*OPENAI),
        b"recognised .json\n" + json.dumps([SPAN, OTLP]).encode(),
    ),
    words=(*CANONICAL, *SPAN, *SPAN["attributes"], "resourceSpans", "scopeSpans", "spans",
    "stringValue",  # type: ignore[misc]
           "intValue", "arrayValue", "values", "doubleValue", "kvlistValue", "events",
           "startTimeUnixNano",
           "type", "GENERATION", "trace", "input", "output", "usage", "sessionId", "userId",
           "name", "tags",
           "call_type", "startTime", "endTime", "response_cost", "proxy_server_request", "choices",
           "message",
           "content", "tool_calls", "function_call", "parts", "text", "role", "request", "body",
           "created",
           "custom_id", "instructions", "arrived_at", "metadata", "value", "dataType", TEN, NANOS),
)  # fmt: skip
