"""Google's Gemini API: generateContent and batchEmbedContents."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from eval_pipeline.adapters.providers import schemas
from eval_pipeline.adapters.providers.conversations import SYSTEM_ROLES, system_text, turns
from eval_pipeline.adapters.providers.dialect import Body, Dialect, EmbeddingsDialect, nested
from eval_pipeline.adapters.providers.replies import (
    Failed,
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
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "max_output_tokens": "maxOutputTokens",
    "top_p": "topP",
    "top_k": "topK",
    "stop": "stopSequences",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
FINISHES: Final[Mapping[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "MALFORMED_FUNCTION_CALL": "tool_calls",
    "UNEXPECTED_TOOL_CALL": "tool_calls",
    "TOO_MANY_TOOL_CALLS": "tool_calls",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "ESCALATION",
            "MODEL_ARMOR",
        ),
        "content_filter",
    ),
}
BROKEN_OFF: Final = frozenset({"MALFORMED_RESPONSE"})


def model_path(model: str) -> str:
    """A model's resource: `models/NAME`, or its whole path where the name is one."""
    return quote(model if "/" in model else f"models/{model}", safe="/")


def _request(call: ModelCall, structured: StructuredOutput) -> Body:
    config = nested(call.spec.parameters, names=NAMES)
    if isinstance(config.get("stopSequences"), str):
        config["stopSequences"] = [config["stopSequences"]]
    if call.output_schema is not None and structured != "prompt_only":
        config["responseMimeType"] = "application/json"
        if structured == "json_schema":
            schema = schemas.loaded(call.output_schema)
            config["responseJsonSchema"] = schemas.for_gemini(schema)
    request: Body = {
        "contents": [
            {"role": "model" if turn.by_assistant else "user", "parts": [{"text": turn.text}]}
            for turn in turns(call.messages)
        ]
    }
    told = system_text(call.messages)
    if told and any(message.role not in SYSTEM_ROLES for message in call.messages):
        request["systemInstruction"] = {"parts": [{"text": told}]}
    if config:
        request["generationConfig"] = config
    return request


def _read(body: Mapping[str, Any]) -> Reply:
    facts, candidate = _facts(body), _candidate(body)
    if word_of(candidate.get("finishReason")) in BROKEN_OFF:
        return Failed("server_error", retryable=True, facts=facts)
    return settled(_text(candidate) if candidate else None, facts)


def _candidate(body: Mapping[str, Any]) -> Mapping[str, Any]:
    candidates = mappings_of(body.get("candidates"))
    return candidates[0] if candidates else {}


def _text(candidate: Mapping[str, Any]) -> str:
    parts = mappings_of(mapping_of(candidate.get("content")).get("parts"))
    return joined_texts([part for part in parts if not part.get("thought")])


def _facts(body: Mapping[str, Any]) -> ReplyFacts:
    usage = mapping_of(body.get("usageMetadata"))
    return ReplyFacts(
        served_model=name_of(body.get("modelVersion")),
        finish_reason=_finish(body),
        input_tokens=tokens_of(usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount")),
        output_tokens=_output_tokens(usage),
        cached_input_tokens=tokens_of(usage.get("cachedContentTokenCount")),
    )


def _output_tokens(usage: Mapping[str, Any]) -> int | None:
    """Shown and thought tokens; a count of zero is left out of the reply, so none is zero."""
    shown, thought = usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount")
    if shown is None and tokens_of(usage.get("promptTokenCount")) is not None:
        shown = 0
    return tokens_of(shown, thought)


def _finish(body: Mapping[str, Any]) -> FinishReason | None:
    if mapping_of(body.get("promptFeedback")).get("blockReason"):
        return "content_filter"
    reason = word_of(_candidate(body).get("finishReason"))
    return FINISHES.get(reason, "other") if reason else None


def _embeddings_request(model: str, texts: Sequence[str]) -> Body:
    resource = model if "/" in model else f"models/{model}"
    return {
        "requests": [{"model": resource, "content": {"parts": [{"text": text}]}} for text in texts]
    }


def _rows(body: Mapping[str, Any]) -> list[list[float]] | None:
    try:
        return [[float(part) for part in entry["values"]] for entry in body["embeddings"]]
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


GEMINI: Final = Dialect(
    path="/{resource}:generateContent",
    request=_request,
    read=_read,
    facts=_facts,
    key_header="x-goog-api-key",
    key_prefix="",
    resource=model_path,
    embeddings=EmbeddingsDialect(
        path="/{resource}:batchEmbedContents",
        request=_embeddings_request,
        rows=_rows,
    ),
)
