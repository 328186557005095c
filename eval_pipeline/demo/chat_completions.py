"""The OpenAI-style chat format of the demo's provider: what it reads and what it writes."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval_pipeline.demo.models import Answer, ChatModel
from eval_pipeline.demo.tokens import count_prompt_tokens, count_tokens


@dataclass(frozen=True)
class ChatRequest:
    """A chat request as far as the models care."""

    model: str
    messages: list[dict[str, str]]


def read_chat_request(body: bytes) -> ChatRequest | None:
    """The request in a body, or None if it is not one."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        return None
    messages = asked.get("messages")
    if not isinstance(messages, list) or not all(_is_message(one) for one in messages):
        return None
    if not _is_response_format(asked.get("response_format", {"type": "text"})):
        return None
    return ChatRequest(model=asked["model"], messages=messages)


def completion(
    asked: ChatRequest, answer: Answer, *, identity: str, epoch: str
) -> dict[str, object]:
    """The response body; nothing in it depends on the clock."""
    prompt_tokens = count_prompt_tokens(asked.messages)
    completion_tokens = count_tokens(answer.text)
    return {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion",
        "created": _created(epoch),
        "model": answer.served_model,
        "system_fingerprint": answer.system_fingerprint,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text},
                "finish_reason": answer.finish_reason,
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def model_list(models: Mapping[str, ChatModel]) -> dict[str, object]:
    """The body of GET /v1/models."""
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "owned_by": "demo"} for name in sorted(models)],
    }


def error_body(message: str, code: str) -> dict[str, object]:
    """An error as OpenAI-style APIs word it."""
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


def _is_message(candidate: Any) -> bool:
    return (
        isinstance(candidate, dict)
        and isinstance(candidate.get("role"), str)
        and isinstance(candidate.get("content"), str)
    )


def _is_response_format(form: Any) -> bool:
    """Whether the API knows this form of answer; a strict schema must close its object."""
    if not isinstance(form, dict) or form.get("type") not in {"text", "json_object", "json_schema"}:
        return False
    if form["type"] != "json_schema":
        return True
    told = form.get("json_schema")
    schema = told.get("schema") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(schema, dict) or not told.get("name"):
        return False
    properties, required = schema.get("properties", {}), schema.get("required", [])
    closed = schema.get("additionalProperties") is False and set(required) == set(properties)
    return closed or not told.get("strict")


def _created(epoch: str) -> int:
    try:
        day = dt.date.fromisoformat(epoch)
    except ValueError:
        return 0
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
