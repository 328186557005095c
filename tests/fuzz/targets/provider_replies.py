"""What providers reply, one by one and in batches: always one of three fates, always storable."""

import datetime as dt
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from eval_pipeline.adapters.batches import anthropic, gemini, openai
from eval_pipeline.adapters.batches.api import BatchResult
from eval_pipeline.adapters.batches.lines import json_object, objects, whole_lines
from eval_pipeline.adapters.model_calls.transports import HttpReply
from eval_pipeline.adapters.providers import Answered, ChatProvider, Failed, Refused, cost_usd
from eval_pipeline.adapters.providers.failures import SUCCESSES
from eval_pipeline.adapters.providers.provider import DIALECTS
from eval_pipeline.ports import ModelSpec
from eval_pipeline.settings import ProviderSettings
from tests.fuzz.target import Target, promise, variant_of

NOW: Final = dt.datetime(2026, 11, 17, 10, tzinfo=dt.UTC)
SPEC: Final = ModelSpec("p", "m", (), 1.0, 2.0)
LONGEST_LINE: Final = 4_096
PROVIDERS: Final = {
    api: ChatProvider(
        "p",
        ProviderSettings.model_validate({"base_url": "http://127.0.0.1:9/v1", "api": api}),
        secret=lambda name: name,
        version_headers=("x-version",),
    )
    for api in DIALECTS
}
BATCHES: Final = {"openai_chat": openai, "anthropic": anthropic, "gemini": gemini}
VARIANTS: Final = tuple(
    [f"{api} {status}" for api in DIALECTS for status in (200, 400, 429, 500)]
    + [f"{api} batch" for api in BATCHES]
    + [f"{api} embeddings" for api in ("openai_chat", "gemini")]
)


def run(data: bytes) -> object:
    """One reply, or the lines of a batch's results, read as the variant's API writes them."""
    variant, body = variant_of(data, VARIANTS)
    api, _, kind = variant.partition(" ")
    if kind == "batch":
        return _batch(api, body)
    if kind == "embeddings":
        return repr(PROVIDERS[api].read_vectors(_reply(200, body)))
    return _read(api, _reply(int(kind), body))


def _reply(status: int, body: bytes) -> HttpReply:
    headers = {"x-version": "v1", "retry-after": body[:40].decode("latin-1")}
    return HttpReply(status, body, headers, 0.1, 0.1)


def _read(api: str, reply: HttpReply) -> object:
    read = PROVIDERS[api].read(reply, now=NOW)
    promise(isinstance(read, Answered | Refused | Failed), "a reply without a fate")
    if isinstance(read, Answered):
        promise(bool(read.text.strip()), "an empty text counts as an answer")
        read.text.encode()
        promise("\0" not in read.text, "a text that no database stores")
        promise(reply.status in SUCCESSES, "a failure was read as an answer")
    if isinstance(read, Failed) and read.retry_after_seconds is not None:
        promise(read.retry_after_seconds >= 0, "a wait into the past")
    cost = cost_usd(SPEC, read.facts)
    promise(cost is None or cost >= 0, "a negative price")
    for count in (read.facts.input_tokens, read.facts.output_tokens):
        promise(count is None or 0 <= count < 2**31, "a count that no column holds")
    return read


def _batch(api: str, body: bytes) -> object:
    """Every line that names a request comes to one result; the file is cut anywhere on its way."""
    module = BATCHES[api]
    whole = list(objects(whole_lines([body], longest=LONGEST_LINE)))
    parts = [body[begin : begin + 7] for begin in range(0, len(body), 7)]
    promise(
        list(whole_lines(parts, longest=LONGEST_LINE))
        == list(whole_lines([body], longest=LONGEST_LINE)),
        "lines depend on where the download was cut",
    )
    standing = repr(module.standing_of(json_object(body)))
    return [standing, *_results(whole, module.result_of, api=api)]


def _results(
    lines: Iterable[dict[str, Any]], result_of: Callable[..., BatchResult | None], *, api: str
) -> list[object]:
    found: list[object] = []
    for line in lines:
        result = result_of(line)
        if result is None:
            continue
        promise(bool(result.custom_id), "a result without the request that it answers")
        promise((result.reply is None) != (result.error_code is None), "both answered and not")
        found.append(_read(api, result.reply) if result.reply else result.error_code)
    return found


def _seed(variant: str, *bodies: Any) -> bytes:
    return "\n".join([variant, *map(json.dumps, bodies)]).encode()


CHAT: Final = {
    "model": "m-2026", "system_fingerprint": "fp", "usage": {"prompt_tokens": 3,
    "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}},
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi", "role": "a"}}],
}  # fmt: skip
RESPONSES: Final = {
    "model": "m", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"},
    {"type": "refusal", "refusal": "no"}]}], "usage": {"input_tokens": 3, "output_tokens": 2},
}  # fmt: skip
MESSAGES: Final = {
    "model": "m", "stop_reason": "end_turn", "content": [{"type": "text", "text": "Hi"}],
    "usage": {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 1},
}  # fmt: skip
GENERATED: Final = {
    "modelVersion": "m", "candidates": [{"finishReason": "STOP", "content": {"parts": [
    {"text": "Hi"}, {"text": "hm", "thought": True}]}}], "promptFeedback": {"blockReason": "X"},
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1},
}  # fmt: skip
ERROR: Final = {"error": {"code": "context_length_exceeded", "message": "too long", "type": "x"}}
TARGET: Final = Target(
    name="provider_replies",
    run=run,
    structure="json lines",
    variants=VARIANTS,
    examples=150,
    seeds=(
        _seed("openai_chat 200", CHAT),
        _seed("openai_responses 200", RESPONSES),
        _seed("anthropic 200", MESSAGES),
        _seed("gemini 200", GENERATED),
        *(_seed(f"{api} 400", ERROR) for api in DIALECTS),
        b"openai_chat 429\nWed, 21 Oct 2026 07:28:00 GMT",
        _seed("openai_chat embeddings", {"data": [{"index": 0, "embedding": [0.5, 1]}]}),
        _seed("gemini embeddings", {"embeddings": [{"values": [0.5, 1]}]}),
        _seed(
            "openai_chat batch",
            {"custom_id": "t-1", "response": {"status_code": 200, "body": CHAT}},
            {"custom_id": "t-2", "response": None, "error": {"code": "batch_expired"}},
        ),
        _seed(
            "anthropic batch",
            {"custom_id": "t-1", "result": {"type": "succeeded", "message": MESSAGES}},
            {"custom_id": "t-2", "result": {"type": "errored", "error": {"type": "api_error"}}},
            {"custom_id": "t-3", "result": {"type": "canceled"}},
        ),
        _seed(
            "gemini batch",
            {"metadata": {"key": "t-1"}, "response": GENERATED},
            {"metadata": {"key": "t-2"}, "error": {"code": 13, "message": "x"}},
        ),
        _seed("openai_chat batch", {"id": "b", "status": "completed", "created_at": 1794909600,
              "request_counts": {"total": 2, "completed": 1, "failed": 1}}),
        _seed("gemini batch", {"name": "b", "done": True, "metadata": {"state": "BATCH_STATE_X",
              "batchStats": {"requestCount": "2"}, "createTime": "2026-11-17T10:00:00.1Z"}}),
    ),
    words=(
        "choices", "message", "content", "finish_reason", "refusal", "usage", "prompt_tokens",
        "completion_tokens", "model", "error", "code", "type", "text", "output", "output_text",
        "status", "incomplete_details", "stop_reason", "candidates", "parts", "finishReason",
        "promptFeedback", "blockReason", "usageMetadata", "custom_id", "response", "status_code",
        "body", "result", "succeeded", "errored", "metadata", "key", "data", "index", "embedding",
        "values", "created_at", "createTime", "request_counts", "length", "content_filter",
        "tool_calls", "thought", "details", "retryDelay", "12s", "120", "id", "tag",
    ),
)  # fmt: skip
