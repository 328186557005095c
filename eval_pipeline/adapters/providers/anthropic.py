"""Anthropic's messages API."""

from collections.abc import Mapping
from typing import Any, Final

from eval_pipeline.adapters.providers import schemas
from eval_pipeline.adapters.providers.conversations import SYSTEM_ROLES, system_text, turns
from eval_pipeline.adapters.providers.dialect import Body, Dialect, nested
from eval_pipeline.adapters.providers.replies import (
    FinishReason,
    Reply,
    ReplyFacts,
    joined_texts,
    mapping_of,
    mappings_of,
    name_of,
    settled,
    tokens_of,
    word_of,
)
from eval_pipeline.ports import ModelCall
from eval_pipeline.settings import StructuredOutput

VERSION: Final = "2023-06-01"
MOST_OUTPUT_TOKENS: Final = 4096
"""Asked for where the parameters name none: the API demands a limit, and every model allows it.

What a model may think comes on top, since the limit holds for both."""

NAMES: Final = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "stop": "stop_sequences",
    "effort": "output_config.effort",
}
FINISHES: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}


def _request(call: ModelCall, structured: StructuredOutput) -> Body:
    request = nested(call.spec.parameters, names=NAMES)
    thought = tokens_of(mapping_of(request.get("thinking")).get("budget_tokens")) or 0
    request.setdefault("max_tokens", MOST_OUTPUT_TOKENS + thought)
    if isinstance(request.get("stop_sequences"), str):
        request["stop_sequences"] = [request["stop_sequences"]]
    request["model"] = call.spec.model
    told = system_text(call.messages)
    if told and any(message.role not in SYSTEM_ROLES for message in call.messages):
        request["system"] = told
    request["messages"] = [
        {"role": "assistant" if turn.by_assistant else "user", "content": turn.text}
        for turn in turns(call.messages)
    ]
    if call.output_schema is not None and structured == "json_schema":
        schema = schemas.for_anthropic(schemas.loaded(call.output_schema))
        request["output_config"] = {
            **mapping_of(request.get("output_config")),
            "format": {"type": "json_schema", "schema": schema},
        }
    return request


def _read(body: Mapping[str, Any]) -> Reply:
    content = body.get("content")
    parts = [part for part in mappings_of(content) if part.get("type") == "text"]
    return settled(joined_texts(parts) if isinstance(content, list) else None, _facts(body))


def _facts(body: Mapping[str, Any]) -> ReplyFacts:
    usage, reason = mapping_of(body.get("usage")), word_of(body.get("stop_reason"))
    read = usage.get("cache_read_input_tokens")
    return ReplyFacts(
        served_model=name_of(body.get("model")),
        finish_reason=FINISHES.get(reason, "other") if reason else None,
        # What was read from a cache or written to it is not part of `input_tokens` here.
        input_tokens=tokens_of(
            usage.get("input_tokens"), read, usage.get("cache_creation_input_tokens")
        ),
        output_tokens=tokens_of(usage.get("output_tokens")),
        cached_input_tokens=tokens_of(read),
    )


ANTHROPIC: Final = Dialect(
    path="/messages",
    request=_request,
    read=_read,
    facts=_facts,
    key_header="x-api-key",
    key_prefix="",
    headers={"anthropic-version": VERSION},
)
