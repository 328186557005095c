"""Spark and DuckDB draw the same sample from every format of logs."""

import json

import pytest

from tests.spark_logs import ROUTES, THE_DRAW, assert_alike, logs, write_lines

pytestmark = pytest.mark.slow

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
