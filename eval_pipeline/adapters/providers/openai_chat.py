"""OpenAI-style chat completions, as vLLM, Ollama, LiteLLM and Azure speak them too."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eval_pipeline.adapters.providers import schemas
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

SCHEMA_NAME: Final = "answer"
FINISHES: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "refusal": "refusal",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
BROKEN_OFF: Final = frozenset({"abort", "error", "insufficient_system_resource"})
"""Words of vLLM, OpenRouter and DeepSeek for an answer that the server did not finish."""


def schema_format(call: ModelCall, structured: StructuredOutput) -> Body | None:
    """The form of answer in the words that both OpenAI APIs share; none for free text."""
    if call.output_schema is None or structured == "prompt_only":
        return None
    if structured == "json_object":
        return {"type": "json_object"}
    schema = schemas.loaded(call.output_schema)
    is_strict = schema.get("type") == "object" and schemas.fits_strict_mode(schema)
    return {
        "type": "json_schema",
        "name": SCHEMA_NAME,
        "strict": is_strict,
        "schema": schemas.strict(schema) if is_strict else schemas.ordered(schema),
    }


def _request(call: ModelCall, structured: StructuredOutput) -> Body:
    request = nested(call.spec.parameters, names={})
    request["model"] = call.spec.model
    request["messages"] = [
        {"role": message.role, "content": message.content} for message in call.messages
    ]
    form = schema_format(call, structured)
    if form is not None:
        kind = form.pop("type")
        request["response_format"] = {"type": kind, **({kind: form} if form else {})}
    return request


def _read(body: Mapping[str, Any]) -> Reply:
    choice, facts = _choice(body), _facts(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        return Failed("bad_response", retryable=True, facts=facts)
    if word_of(choice.get("finish_reason")) in BROKEN_OFF:
        return Failed("server_error", retryable=True, facts=facts)
    return settled(_text(message.get("content")), facts)


def _choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    return mapping_of(choices[0]) if isinstance(choices, list) and choices else {}


def _facts(body: Mapping[str, Any]) -> ReplyFacts:
    usage = mapping_of(body.get("usage"))
    return ReplyFacts(
        served_model=name_of(body.get("model")),
        system_fingerprint=name_of(body.get("system_fingerprint")),
        finish_reason=_finish(_choice(body)),
        input_tokens=tokens_of(usage.get("prompt_tokens")),
        output_tokens=tokens_of(usage.get("completion_tokens")),
        cached_input_tokens=tokens_of(
            mapping_of(usage.get("prompt_tokens_details")).get("cached_tokens")
        ),
    )


def _finish(choice: Mapping[str, Any]) -> FinishReason | None:
    reason = word_of(choice.get("finish_reason"))
    known = FINISHES.get(reason, "other") if reason else None
    message = mapping_of(choice.get("message"))
    parts = mappings_of(message.get("content"))
    declined = message.get("refusal") or any(part.get("type") == "refusal" for part in parts)
    return "refusal" if declined and known != "content_filter" else known


def _text(content: object) -> str | None:
    """The text of a message; some providers send a list of parts. Null where it is neither."""
    if content is None or isinstance(content, str):
        return content or ""
    return joined_texts(mappings_of(content)) if isinstance(content, list) else None


def _embeddings_request(model: str, texts: Sequence[str]) -> Body:
    return {"model": model, "input": list(texts)}


def _rows(body: Mapping[str, Any]) -> list[list[float]] | None:
    """The vectors in the order of the texts, by their `index`."""
    try:
        rows = {
            int(entry["index"]): [float(part) for part in entry["embedding"]]
            for entry in body["data"]
        }
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    whole = sorted(rows) == list(range(len(rows)))
    return [rows[index] for index in range(len(rows))] if whole else None


OPENAI_EMBEDDINGS: Final = EmbeddingsDialect(
    path="/embeddings", request=_embeddings_request, rows=_rows
)
OPENAI_CHAT: Final = Dialect(
    path="/chat/completions",
    request=_request,
    read=_read,
    facts=_facts,
    embeddings=OPENAI_EMBEDDINGS,
)
