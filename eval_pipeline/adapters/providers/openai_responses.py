"""OpenAI's responses API, asked to store nothing."""

from collections.abc import Mapping
from typing import Any, Final

from eval_pipeline.adapters.providers.conversations import SYSTEM_ROLES, system_text
from eval_pipeline.adapters.providers.dialect import Body, Dialect, nested
from eval_pipeline.adapters.providers.openai_chat import OPENAI_EMBEDDINGS, schema_format
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

NAMES: Final = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
CUT_OFF: Final[Mapping[str, FinishReason]] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}


def _request(call: ModelCall, structured: StructuredOutput) -> Body:
    request = {"store": False, **nested(call.spec.parameters, names=NAMES)}
    request["model"] = call.spec.model
    told = system_text(call.messages)
    rest = [message for message in call.messages if message.role not in SYSTEM_ROLES]
    if told and rest:
        request["instructions"] = told
    request["input"] = [
        {"role": message.role, "content": message.content} for message in rest or call.messages
    ]
    form = schema_format(call, structured)
    if form is not None:
        request["text"] = {**mapping_of(request.get("text")), "format": form}
    return request


def _read(body: Mapping[str, Any]) -> Reply:
    finished = word_of(body.get("status")) in {"completed", "incomplete"}
    text = _text(body) if finished and isinstance(body.get("output"), list) else None
    return settled(text, _facts(body))


def _contents(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of what the model says; its remarks on the way to an answer are none of it."""
    return [
        part
        for item in mappings_of(body.get("output"))
        if item.get("type") == "message" and item.get("phase") != "commentary"
        for part in mappings_of(item.get("content"))
    ]


def _text(body: Mapping[str, Any]) -> str:
    return joined_texts([part for part in _contents(body) if part.get("type") == "output_text"])


def _facts(body: Mapping[str, Any]) -> ReplyFacts:
    usage = mapping_of(body.get("usage"))
    return ReplyFacts(
        served_model=name_of(body.get("model")),
        finish_reason=_finish(body),
        input_tokens=tokens_of(usage.get("input_tokens")),
        output_tokens=tokens_of(usage.get("output_tokens")),
        cached_input_tokens=tokens_of(
            mapping_of(usage.get("input_tokens_details")).get("cached_tokens")
        ),
    )


def _finish(body: Mapping[str, Any]) -> FinishReason | None:
    status = body.get("status")
    if any(part.get("type") == "refusal" for part in _contents(body)):
        return "refusal"
    if status == "incomplete":
        reason = mapping_of(body.get("incomplete_details")).get("reason")
        return CUT_OFF.get(word_of(reason), "other")
    if status != "completed":
        return None
    kinds = {word_of(item.get("type")) for item in mappings_of(body.get("output"))}
    return "tool_calls" if "message" not in kinds and "function_call" in kinds else "stop"


OPENAI_RESPONSES: Final = Dialect(
    path="/responses",
    request=_request,
    read=_read,
    facts=_facts,
    embeddings=OPENAI_EMBEDDINGS,
)
