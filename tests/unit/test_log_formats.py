import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.logs import lines as log_lines
from eval_pipeline.adapters.logs.formats import LOG_COLUMNS, mapped_records, source_statement
from eval_pipeline.adapters.queries import connection, load_sql, translated
from eval_pipeline.errors import CorruptFileError, LogSchemaError
from eval_pipeline.settings import LogsSettings

TEN = "2026-11-17T10:00:00Z"
AT_TEN = dt.datetime(2026, 11, 17, 10, tzinfo=dt.UTC)
TEN_NANOS = 1_794_909_600_000_000_000  # 2026-11-17 10:00 UTC
HI = [{"role": "user", "content": "Hi"}]
CANONICAL = {
    "interaction_id": "i1",
    "occurred_at": TEN,
    "conversation_id": "c1",
    "route": "orders",
    "messages": HI,
    "response": "Hello",
}


READABLE = """
SELECT * REPLACE (CASE WHEN reason IS NULL THEN occurred_at END AS occurred_at)
FROM interactions
"""
"""Python has no year 0."""


def interactions(log_format: str, *files: Path, **changes: Any) -> list[dict[str, Any]]:
    logs = LogsSettings.model_validate({"path": "*", "format": log_format, **changes})
    names = [str(file) for file in files]
    with connection() as engine, translated("the logs", files=names):
        mapped = mapped_records(
            engine, settings=logs, files=names, location="the logs", own_query=None
        )
        assert set(mapped.columns) == {
            *LOG_COLUMNS, "message_count", "response_missing", "attributes_missing", "malformed",
            "from_json",
        }  # fmt: skip
        mapped.create_view("mapped")
        engine.sql(load_sql("sources/canonical")).create_view("interactions")
        rows: list[dict[str, Any]] = engine.sql(READABLE).pl().rows(named=True)
    return rows


def read(folder: Path, log_format: str, *rows: Any, **changes: Any) -> list[dict[str, Any]]:
    file = folder / "log.jsonl"
    text = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    return interactions(log_format, file, **changes)


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(rows) == 1
    return rows[0]


def says(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in row["messages"]]


def reasons(rows: list[dict[str, Any]]) -> list[str | None]:
    return [row["reason"] for row in rows]


# OpenTelemetry


def typed(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [typed(each) for each in value]}}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": value}


def otlp(attributes: dict[str, Any], **span: Any) -> dict[str, Any]:
    """One line as the collector's file exporter writes it."""
    listed = [{"key": key, "value": typed(value)} for key, value in attributes.items()]
    whole = {
        "traceId": "t1", "spanId": "s1", "name": "chat m", "attributes": listed,
        "startTimeUnixNano": str(TEN_NANOS), "endTimeUnixNano": str(TEN_NANOS + 1_500_000_000),
        **span,
    }  # fmt: skip
    service = {"attributes": [{"key": "service.name", "value": typed("shop")}]}
    return {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [whole]}]}]}


def flat(attributes: dict[str, Any], **span: Any) -> dict[str, Any]:
    return {
        "trace_id": "t1", "span_id": "s1", "start_time": TEN, "attributes": attributes, **span,
    }  # fmt: skip


CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt",
    "gen_ai.response.model": "gpt-2026",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.conversation.id": "c1",
    "gen_ai.system_instructions": '[{"type": "text", "content": "Be kind."}]',
    "gen_ai.input.messages": json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "Rain?"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "weather"}]},
        ]
    ),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "No."}]}]
    ),
}


@pytest.mark.parametrize("line", [otlp(CALL), flat(CALL)], ids=["otlp", "flat"])
def test_a_genai_span_is_an_interaction_however_its_attributes_are_listed(
    tmp_path: Path, line: dict[str, Any]
) -> None:
    row = only(read(tmp_path, "otel_genai", line))
    assert (row["interaction_id"], row["conversation_id"]) == ("t1:s1", "c1")
    assert row["occurred_at"] == AT_TEN
    assert says(row) == [
        ("system", "Be kind."),
        ("user", "Rain?"),
        ("assistant", '{"type":"tool_call","name":"weather"}'),
    ]
    assert (row["response"], row["finish_reason"]) == ("No.", "stop")
    assert (row["provider"], row["requested_model"], row["served_model"]) == (
        "openai", "gpt", "gpt-2026",
    )  # fmt: skip
    assert (row["input_tokens"], row["output_tokens"], row["reason"]) == (12, 5, None)


def test_a_span_lasts_from_its_start_to_its_end_and_is_routed_by_its_service(
    tmp_path: Path,
) -> None:
    row = only(read(tmp_path, "otel_genai", otlp(CALL)))
    assert (row["latency_seconds"], row["route"]) == (1.5, "shop")


def test_a_failed_span_has_its_error_type(tmp_path: Path) -> None:
    failed = otlp({**CALL, "error.type": "timeout"})
    bare = otlp(CALL, status={"code": 2})
    assert [row["error"] for row in read(tmp_path, "otel_genai", failed, bare)] == [
        "timeout",
        "error",
    ]


def test_older_attribute_names_are_understood(tmp_path: Path) -> None:
    openllmetry = {
        "gen_ai.system": "openai", "gen_ai.request.model": "m", "llm.request.type": "chat",
        "gen_ai.usage.prompt_tokens": 3, "gen_ai.usage.completion_tokens": 4,
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "S",
        "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "U",
        "gen_ai.prompt.10.role": "user", "gen_ai.prompt.10.content": "last",
        "gen_ai.completion.0.content": "R", "gen_ai.completion.0.finish_reason": "stop",
        "traceloop.association.properties.session_id": "s",
    }  # fmt: skip
    openinference = {
        "openinference.span.kind": "LLM", "llm.model_name": "m", "session.id": "s",
        "user.id": "u", "llm.token_count.prompt": 3, "llm.token_count.completion": 4,
        "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "S",
        "llm.input_messages.1.message.role": "user", "llm.input_messages.1.message.content": "U",
        "llm.input_messages.2.message.role": "user",
        "llm.input_messages.2.message.contents.0.message_content.text": "last",
        "llm.output_messages.0.message.content": "R",
    }  # fmt: skip
    rows = read(tmp_path, "otel_genai", flat(openllmetry), otlp(openinference))
    for row in rows:
        assert says(row) == [("system", "S"), ("user", "U"), ("user", "last")]
        assert (row["response"], row["conversation_id"], row["requested_model"]) == ("R", "s", "m")
        assert (row["input_tokens"], row["output_tokens"], row["reason"]) == (3, 4, None)
    assert rows[1]["user_id"] == "u"


def test_messages_in_span_events_are_read(tmp_path: Path) -> None:
    attributes = {"gen_ai.system": "openai", "gen_ai.request.model": "m"}
    by_role = [
        {"name": "gen_ai.system.message", "attributes": {"content": "S"}},
        {"name": "gen_ai.user.message", "attributes": {"content": "U"}},
        {"name": "gen_ai.choice", "attributes": {"message": '{"content": "R"}'}},
    ]
    prompt = json.dumps([{"role": "system", "content": "S"}, {"role": "user", "content": "U"}])
    whole = [
        {
            "name": "gen_ai.content.prompt",
            "attributes": [{"key": "gen_ai.prompt", "value": typed(prompt)}],
        },
        {
            "name": "gen_ai.content.completion",
            "attributes": [{"key": "gen_ai.completion", "value": typed("R")}],
        },
    ]
    rows = read(
        tmp_path, "otel_genai", flat(attributes, events=by_role), otlp(attributes, events=whole)
    )
    for row in rows:
        assert says(row) == [("system", "S"), ("user", "U")]
        assert (row["response"], row["response_missing"], row["reason"]) == ("R", False, None)


def test_what_is_no_model_call_is_ignored_and_what_is_no_span_is_counted(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        "otel_genai",
        flat({"http.method": "GET"}),
        otlp({"gen_ai.operation.name": "embeddings", "gen_ai.provider.name": "o"}),
        otlp({"gen_ai.operation.name": "execute_tool"}),
        flat({"openinference.span.kind": "CHAIN", "llm.model_name": "m"}),
        {"resourceLogs": []},
        {"no": "span"},
        {"resourceSpans": "wrong"},
        {"resourceSpans": [{"scopeSpans": 5}]},
        "{",
    )
    assert reasons(rows) == ["malformed_line"] * 4


def test_a_repeated_or_nameless_attribute_does_not_break_its_span(tmp_path: Path) -> None:
    line = otlp(CALL)
    span = line["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["attributes"] += [
        {"key": "gen_ai.usage.input_tokens", "value": typed(99)},
        {"value": typed("nameless")},
        "no attribute",
        {"key": 'quo"te', "value": 5},
    ]
    row = only(read(tmp_path, "otel_genai", line))
    assert (row["input_tokens"], row["response"], row["reason"]) == (12, "No.", None)


# Langfuse

TRACE = {
    "id": "t1", "timestamp": TEN, "name": "orders", "sessionId": "c1", "userId": "u1",
    "tags": ["vip"], "input": "x", "output": "y",
}  # fmt: skip
GENERATION = {
    "id": "g1", "traceId": "t1", "type": "GENERATION", "startTime": TEN,
    "endTime": "2026-11-17T10:00:02Z", "createdAt": "2026-11-17T10:05:00Z", "model": "gpt",
    "input": HI, "output": {"role": "assistant", "content": "Hello"},
    "usageDetails": {"input": 3, "output": 4}, "costDetails": {"total": 0.1},
    "promptName": "p", "promptVersion": 3,
}  # fmt: skip


def score(name: str, value: float, **changes: Any) -> dict[str, Any]:
    return {
        "id": name, "traceId": "t1", "name": name, "value": value, "dataType": "NUMERIC", **changes,
    }  # fmt: skip


def test_a_generation_takes_session_user_name_and_tags_from_its_trace(tmp_path: Path) -> None:
    row = only(read(tmp_path, "langfuse", GENERATION, TRACE))
    assert (row["interaction_id"], row["conversation_id"], row["user_id"]) == ("g1", "c1", "u1")
    assert (row["route"], row["prompt_version"], row["requested_model"]) == ("orders", "p:3", "gpt")
    assert (says(row), row["response"]) == ([("user", "Hi")], "Hello")
    assert (row["latency_seconds"], row["input_tokens"], row["cost_usd"]) == (2.0, 3, 0.1)
    assert row["arrived_at"] == AT_TEN + dt.timedelta(minutes=5)
    assert row["attributes"] == [{"key": "tags", "value": '["vip"]'}]


def test_the_blob_export_with_the_trace_in_each_row_reads_alike(tmp_path: Path) -> None:
    blob = {
        "id": "g1", "trace_id": "t1", "type": "GENERATION",
        "start_time": "2026-11-17 10:00:00.000000", "end_time": "2026-11-17 10:00:02.000000",
        "created_at": "2026-11-17 10:05:00.000000",
        "provided_model_name": "gpt", "input": json.dumps(HI), "output": "Hello",
        "usage_details": {"input": 3, "output": 4}, "total_cost": 0.1, "prompt_name": "p",
        "prompt_version": 3, "session_id": "c1", "user_id": "u1", "trace_name": "orders",
        "tags": ["vip"],
    }  # fmt: skip
    row = only(read(tmp_path, "langfuse", blob))
    assert row == only(read(tmp_path, "langfuse", GENERATION, TRACE))


@pytest.mark.parametrize(
    ("scores", "outcome", "feedback"),
    [
        ([score("outcome", 0.75), score("quality", 0.1)], 0.75, None),
        ([score("quality", 0.2), score("tone", 0.4), score("length", 120)], 0.3, None),
        ([score("user-feedback", 1), score("quality", 1)], 1.0, 1),
        ([score("user-feedback", -1)], None, -1),
        ([score("user-feedback", 0, dataType="BOOLEAN")], None, -1),
        ([score("thumbs", 1, dataType="CATEGORICAL", stringValue="Down")], None, -1),
        # One of the generation itself stands before one of the whole trace.
        ([score("outcome", 0.75), score("outcome", 0.5, observationId="g1")], 0.5, None),
    ],
)
def test_scores_become_outcome_and_feedback(
    tmp_path: Path, scores: list[Any], outcome: float | None, feedback: int | None
) -> None:
    row = only(read(tmp_path, "langfuse", *scores, GENERATION, TRACE))
    assert row["outcome"] == (None if outcome is None else pytest.approx(outcome))
    assert row["feedback"] == feedback


def test_a_trace_without_generation_is_an_interaction_if_it_has_both_texts(tmp_path: Path) -> None:
    alone = {**TRACE, "id": "t2", "input": {"question": "Why?"}, "output": "Because."}
    mute = {**TRACE, "id": "t3", "output": None}
    span = {"id": "s", "traceId": "t2", "type": "SPAN", "startTime": TEN}
    row = only(read(tmp_path, "langfuse", alone, mute, span))
    assert (row["interaction_id"], row["route"]) == ("t2", "orders")
    assert says(row) == [("user", '{"question":"Why?"}')]
    assert row["response"] == "Because."


def test_what_is_no_trace_observation_or_score_is_counted(tmp_path: Path) -> None:
    rows = read(tmp_path, "langfuse", TRACE, GENERATION, {"a": 1}, "[1]", "{", '"text"')
    assert sorted(reasons(rows), key=str) == [None, *["malformed_line"] * 4]


# LiteLLM

SPENT = {
    "id": "i1", "trace_id": "t1", "call_type": "acompletion", "startTime": TEN_NANOS / 1e9,
    "endTime": TEN_NANOS / 1e9 + 1.25, "model": "gpt", "model_group": "prod", "messages": HI,
    "response": {
        "model": "gpt-2026",
        "choices": [{"finish_reason": "stop", "message": {"content": "Hello"}}],
    },
    "prompt_tokens": 3, "completion_tokens": 4, "response_cost": 0.01, "end_user": "u1",
    "request_tags": ["User-Agent: x", "route:orders"], "custom_llm_provider": "openai",
}  # fmt: skip


def test_a_standard_payload_is_an_interaction(tmp_path: Path) -> None:
    row = only(read(tmp_path, "litellm", SPENT))
    assert (row["interaction_id"], row["conversation_id"], row["user_id"]) == ("i1", "t1", "u1")
    assert (row["occurred_at"], row["latency_seconds"]) == (AT_TEN, 1.25)
    assert (row["route"], row["provider"], row["cost_usd"]) == ("orders", "openai", 0.01)
    assert (row["requested_model"], row["served_model"]) == ("prod", "gpt-2026")
    assert (says(row), row["response"]) == ([("user", "Hi")], "Hello")


def test_a_row_of_the_spend_logs_reads_its_stored_request(tmp_path: Path) -> None:
    row = only(
        read(
            tmp_path,
            "litellm",
            {
                "request_id": "i1", "call_type": "acompletion", "startTime": "2026-11-17 10:00:00",
                "model": "gpt", "messages": {}, "response": {}, "spend": 0.5, "session_id": "c1",
                "proxy_server_request": {"messages": HI},
                "metadata": {
                    "status": "failure",
                    "user_api_key_alias": "team",
                    "error_information": {"error_class": "RateLimitError"},
                    "spend_logs_metadata": {"outcome": 1, "prompt_version": "v2"},
                },
            },
        )
    )  # fmt: skip
    assert (row["interaction_id"], row["conversation_id"], row["route"]) == ("i1", "c1", "team")
    assert (says(row), row["response_missing"]) == ([("user", "Hi")], True)
    assert (row["error"], row["outcome"], row["prompt_version"]) == ("RateLimitError", 1.0, "v2")


def test_calls_that_ask_for_no_text_are_ignored_and_unstored_prompts_counted(
    tmp_path: Path,
) -> None:
    embedding = {**SPENT, "call_type": "aembedding"}
    rows = read(tmp_path, "litellm", embedding, {**SPENT, "messages": {}}, "[]")
    assert reasons(rows) == ["missing_messages", "malformed_line"]


# OpenAI


def test_a_chat_completion_is_an_interaction(tmp_path: Path) -> None:
    choice = {"finish_reason": "stop", "message": {"content": "Hello"}}
    row = only(
        read(
            tmp_path,
            "openai_jsonl",
            {
                "request": {"model": "gpt", "messages": HI, "user": "u1"},
                "response": {
                    "id": "i1", "model": "gpt-2026", "created": TEN_NANOS // 10**9,
                    "choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4},
                },
                "metadata": {"conversation_id": "c1", "route": "orders", "arrived_at": TEN},
            },
        )
    )  # fmt: skip
    assert (row["interaction_id"], row["occurred_at"], row["arrived_at"]) == ("i1", AT_TEN, AT_TEN)
    assert (row["conversation_id"], row["user_id"], row["route"]) == ("c1", "u1", "orders")
    assert (says(row), row["response"], row["input_tokens"]) == ([("user", "Hi")], "Hello", 3)


def test_a_pair_of_the_responses_api_keeps_instructions_and_tool_calls(tmp_path: Path) -> None:
    row = only(
        read(
            tmp_path,
            "openai_jsonl",
            {
                "request": {"model": "gpt", "instructions": "Be kind.", "input": "Hi"},
                "response": {
                    "id": "i1",
                    "created_at": TEN_NANOS / 1e9,
                    "status": "completed",
                    "output": [
                        {"type": "reasoning", "summary": []},
                        {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
                        {"type": "function_call", "name": "f", "arguments": "{}"},
                    ],
                    "usage": {"input_tokens": 3, "output_tokens": 4},
                },
            },
        )
    )
    assert says(row) == [("system", "Be kind."), ("user", "Hi")]
    assert row["response"] == 'Hello\n{"type":"function_call","name":"f","arguments":"{}"}'
    assert (row["occurred_at"], row["output_tokens"]) == (AT_TEN, 4)


def test_items_of_the_responses_api_have_roles(tmp_path: Path) -> None:
    items = [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_image"}],
        },
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "output": "42"},
    ]
    request = {"input": items}
    row = only(read(tmp_path, "openai_jsonl", {"request": request, "response": {"id": "i"}}))
    assert says(row) == [
        ("user", "Hi\n[input_image]"),
        ("assistant", '{"type":"function_call","name":"f","arguments":"{}"}'),
        ("tool", "42"),
    ]


def test_a_batch_line_has_request_and_response_under_body(tmp_path: Path) -> None:
    body = {"created": TEN_NANOS // 10**9, "choices": [{"message": {"content": "Hello"}}]}
    batch = {
        "custom_id": "i1", "body": {"model": "gpt", "messages": HI},
        "response": {"status_code": 200, "body": body}, "error": None,
    }  # fmt: skip
    failed = {**batch, "response": None, "error": {"code": "batch_expired"}, "created_at": TEN}
    rows = read(tmp_path, "openai_jsonl", batch, failed)
    assert [(row["interaction_id"], row["response"], row["error"]) for row in rows] == [
        ("i1", "Hello", None),
        ("i1", None, "batch_expired"),
    ]
    assert reasons(rows) == [None, None]


# Canonical


def test_every_reason_for_quarantine_has_its_row(tmp_path: Path) -> None:
    changes: list[tuple[dict[str, Any], str | None]] = [
        ({}, None),
        ({"latency_seconds": "abc", "outcome": "NaN", "cost_usd": "inf", "feedback": []}, None),
        ({"interaction_id": "{9F2A-1}"}, None),
        ({"interaction_id": {"a": 1}}, "malformed_line"),
        ({"route": ["orders"]}, "malformed_line"),
        ({"interaction_id": None}, "missing_interaction_id"),
        ({"conversation_id": ""}, "missing_conversation_id"),
        ({"route": None}, "missing_route"),
        ({"occurred_at": "soon"}, "missing_occurred_at"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "implausible_occurred_at"),
        ({"occurred_at": "2000-01-01T00:00:00Z"}, None),
        ({"occurred_at": "2099-12-31T23:59:59Z"}, None),
        ({"occurred_at": "2100-01-01T00:00:00Z"}, "implausible_occurred_at"),
        ({"occurred_at": "0000-01-01T00:00:00Z"}, "implausible_occurred_at"),
        ({"occurred_at": "9999-12-31T00:00:00Z"}, "implausible_occurred_at"),
        ({"occurred_at": "-infinity"}, "implausible_occurred_at"),
        ({"messages": []}, "missing_messages"),
        ({"messages": "Hi"}, "missing_messages"),
        ({"messages": ["Hi"]}, "missing_messages"),
    ]
    rows = read(tmp_path, "canonical", *({**CANONICAL, **change} for change, _ in changes))
    assert reasons(rows) == [reason for _, reason in changes]


def test_a_wrong_optional_value_is_null(tmp_path: Path) -> None:
    wrong = {"latency_seconds": "abc", "input_tokens": [1], "outcome": "NaN", "cost_usd": 1e400}
    row = only(read(tmp_path, "canonical", {**CANONICAL, **wrong}))
    assert [row[name] for name in wrong] == [None] * 4


def test_not_a_number_is_null_though_parquet_s_statistics_do_not_know_it(tmp_path: Path) -> None:
    times = [float("nan"), float("inf"), -float("inf"), -1.0, None]
    rows = [{**CANONICAL, "occurred_at": AT_TEN, "latency_seconds": time} for time in times]
    pl.DataFrame(rows).write_parquet(tmp_path / "log.parquet")
    found = interactions("canonical", tmp_path / "log.parquet")
    assert [row["latency_seconds"] for row in found] == [None, None, None, -1.0, None]


def test_arrival_is_read_where_a_column_is_mapped_to_it(tmp_path: Path) -> None:
    lines = {**CANONICAL, "ingested": TEN}
    row = only(read(tmp_path, "canonical", lines, columns={"arrived_at": "ingested"}))
    assert row["arrived_at"] == AT_TEN
    assert only(read(tmp_path, "canonical", CANONICAL))["arrived_at"] is None


def test_what_is_missing_is_known_without_the_text(tmp_path: Path) -> None:
    filled = {**CANONICAL, "attributes": {"tier": "gold"}}
    rows = read(tmp_path, "canonical", filled, {**CANONICAL, "response": None})
    known = [
        (row["message_count"], row["response_missing"], row["attributes_missing"]) for row in rows
    ]
    assert known == [(1, False, False), (1, True, True)]


def test_parquet_rows_of_any_format_read_as_its_lines_do(tmp_path: Path) -> None:
    pl.DataFrame([SPENT]).write_parquet(tmp_path / "log.parquet")
    from_parquet = only(interactions("litellm", tmp_path / "log.parquet"))
    assert from_parquet == only(read(tmp_path, "litellm", SPENT))


def test_files_of_two_kinds_are_refused(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.csv"):
        (tmp_path / name).write_text("{}\n", encoding="utf-8")
    with pytest.raises(LogSchemaError, match=r"\.csv"):
        interactions("litellm", tmp_path / "a.jsonl", tmp_path / "b.csv")


@pytest.mark.parametrize("name", ["langfuse", "litellm", "openai_jsonl", "otel_genai"])
def test_every_format_of_lines_has_one_statement_with_its_grain(name: Any) -> None:
    assert source_statement(name).startswith("-- Grain: ")


# Lines


def lines_read(file: Path) -> list[str | None]:
    """What the careful reader makes of a file."""
    table = pa.RecordBatchReader.from_stream(log_lines.CarefulLines([str(file)])).read_all()
    texts: list[str | None] = table["text"].to_pylist()
    return texts


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b'\xef\xbb\xbf{"id": 1}\n{"id": 2}\n', ["1", "2"]),
        (b'{"id": 1}\r\n\r\n   \r\n{"id": 2}', ["1", "2"]),
        (b'{"id": 1}\n{"id": \n{"id": 2}\n', ["1", None, "2"]),
        (b'{"id": 1}\n\xff\xfe\n{"id": "\xed\xa0\x80"}\n{"id": 2}\n', ["1", None, None, "2"]),
        (b'{"id": "\\ud800"}\n{"id": "\x00"}\n{"id": 2}\n', [None, None, "2"]),
        (b"", []),
    ],
)
@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_bad_line_is_one_null_and_its_neighbours_stay(
    tmp_path: Path, content: bytes, ids: list[str | None], ending: str
) -> None:
    file = tmp_path / f"log{ending}"
    packed = {
        ".jsonl": content,
        ".jsonl.gz": gzip.compress(content),
        ".jsonl.zst": pa.compress(content, codec="zstd", asbytes=True),
    }
    file.write_bytes(packed[ending])
    with connection() as engine:
        log_lines.lines_of(engine, files=[str(file)]).create_view("lines")
        found = engine.sql("SELECT line ->> '$.id' FROM lines").fetchall()
    assert [row[0] for row in found] == ids


def test_a_line_beyond_the_maximum_is_one_null_in_a_plain_and_a_packed_file(
    tmp_path: Path,
) -> None:
    long = b'{"id": "' + b"x" * log_lines.MAXIMUM_LINE_BYTES + b'"}\n'
    content = b'{"id": 1}\n' + long + b'{"id": 2}\n'
    (tmp_path / "a.jsonl").write_bytes(content)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(content, compresslevel=1))
    with connection() as engine:
        files = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl.gz")]
        log_lines.lines_of(engine, files=files).create_view("lines")
        found = engine.sql("SELECT line ->> '$.id' FROM lines").fetchall()
    assert [row[0] for row in found] == ["1", None, "2"] * 2


def test_a_list_of_records_is_read_element_by_element(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    rows = [{"id": "1", "text": 'brackets ] } , and " quotes'}, {"id": "2", "list": [1, [2]]}]
    file.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    assert [json.loads(text or "") for text in lines_read(file)] == rows


def test_a_list_that_is_cut_off_loses_its_last_element_only(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text('[{"id": "1"}, {"id": "2"}, {"id": "3', encoding="utf-8")
    assert lines_read(file) == ['{"id": "1"}', '{"id": "2"}', None]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(st.text(max_size=4), st.text(max_size=20), max_size=3), max_size=6
    ),
    size=st.integers(1, 40),
    as_list=st.booleans(),
)
def test_records_are_the_same_wherever_the_blocks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], size: int, as_list: bool
) -> None:
    written = [json.dumps(row, ensure_ascii=False) for row in rows]
    whole = f"[{', '.join(written)}]" if as_list else "\n".join(written)
    data = whole.encode("utf-8", "surrogatepass")
    cut = [data[start : start + size] for start in range(0, len(data), size)]
    reader = log_lines._element_batches if as_list else log_lines._line_batches
    texts = [text for batch in reader(cut) for text in batch["text"].to_pylist()]
    assert [json.loads(text) for text in texts] == rows


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"id": 1}\n' * 1000)[:-20])
    with pytest.raises(CorruptFileError, match=r"log\.jsonl\.gz"):
        interactions("litellm", file)
