"""What passes the mirror: requests of customers, and replies of the baseline in any encoding."""

import datetime as dt
import json
import zlib
from functools import cache
from typing import Any, Final

from eval_pipeline.adapters.model_calls.transports import HttpReply
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.mirror.asking import Observing
from eval_pipeline.mirror.budget import Budget
from eval_pipeline.mirror.passing import Passed, is_drawn, read_passing
from eval_pipeline.settings import ProviderSettings, ShadowSettings, SystemSettings
from tests.fuzz.target import Target, promise, variant_of

VARIANTS: Final = (
    "request", "request other", "reply", "stream", "reply gzip", "stream gzip", "candidate",
)  # fmt: skip
NOW: Final = dt.datetime(2026, 11, 17, 10, tzinfo=dt.UTC)
PROMPT: Final = "You help."


def _arm(api: str, prompt: str) -> tuple[str, SystemSettings, ChatProvider]:
    settings = ProviderSettings.model_validate({"base_url": "http://127.0.0.1:9/v1", "api": api})
    system = SystemSettings.model_validate(
        {"provider": "p", "model": "m", "family": "f", "prompt": prompt}
    )
    return (api, system, ChatProvider("p", settings, secret=lambda name: name))


@cache
def _observing(api: str) -> Observing:
    return Observing(baseline=_arm("openai_chat", PROMPT), candidate=_arm(api, "Be brief."))


def run(data: bytes) -> object:
    """A request as the mirror draws and rewrites it, or a reply as it reads what was sent."""
    variant, body = variant_of(data, VARIANTS)
    kind, _, rest = variant.partition(" ")
    if kind == "request":
        return _request(body, "anthropic" if rest else "openai_chat")
    if kind == "candidate":
        reply = HttpReply(200, body, {}, 0.1, 0.1)
        return repr(_observing("openai_chat").candidate_reply(reply, now=NOW))
    return _reply(body, kind="text/event-stream" if kind == "stream" else "x", encoding=rest)


def _request(body: bytes, api: str) -> object:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return None  # the door refuses it
    if not isinstance(request, dict):
        return None
    passing = read_passing({}, request, settings=ShadowSettings(), key=b"k")
    promise(is_drawn(passing, candidate_id="c", share=1.0), "a whole share leaves one out")
    asked = _observing(api).candidate_request(request)
    if asked is None:
        return passing
    budget = Budget(_observing(api).candidate_spec, limit=1.0, spent=0.0)
    expected = budget.expected(request, characters=len(asked.body))
    promise(expected >= 0, "asking costs less than nothing")
    sent = json.loads(asked.body)
    promise("stream" not in sent, "the candidate is asked for a stream that nobody reads")
    told = json.dumps(sent)
    for message in asked.stored:
        promise(isinstance(message.content, str), "a message that is no text")
    promise(
        (sent["model"] == "m" and "Be brief." in told) or asked.prompt_use != "added", "unasked"
    )
    return [asked, asked.body, asked.stored]


def _reply(body: bytes, *, kind: str, encoding: str) -> object:
    if encoding == "gzip":
        packer = zlib.compressobj(wbits=31)
        body = packer.compress(body) + packer.flush()
    passed = Passed(
        passing=read_passing({}, {}, settings=ShadowSettings(), key=b"k"),
        request={},
        body=body,
        status=200,
        content_type=kind,
        encoding=encoding,
        occurred_at=NOW,
        latency_seconds=0.1,
        first_byte_seconds=0.1,
    )
    observed = _observing("openai_chat").baseline_reply(passed, now=NOW)
    if observed is not None and observed.text is not None:
        observed.text.encode()
        promise("\0" not in observed.text, "a text that no database stores")
    return None if observed is None else (observed.text, observed.columns)


REQUEST: Final = {
    "model": "m", "stream": True, "user": "u", "n": 1, "temperature": 0.5,
    "max_completion_tokens": 9,
    "messages": [{"role": "system", "content": PROMPT}, {"role": "user", "content": [
        {"type": "text", "text": "Hi"}]}, {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "function": {"name": "f", "arguments": "{}"}}]}],
}  # fmt: skip
REPLY: Final = {
    "model": "m", "usage": {"prompt_tokens": 3}, "choices": [{"message": {"content": "Hi",
    "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}, "finish_reason": "stop"}],
}  # fmt: skip
DELTAS: Final[tuple[Any, ...]] = (
    {"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "H"}}]},
    {"choices": [{"index": 0, "delta": {"content": "i", "tool_calls": [{"index": 0, "function": {
        "name": "f", "arguments": "{"}}]}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0,
    "function": {"arguments": "}"}}]},
                  "finish_reason": "tool_calls"}], "usage": {"completion_tokens": 2}},
)  # fmt: skip
STREAM: Final = b"".join(f"data: {json.dumps(each)}\n\n".encode() for each in DELTAS)
TARGET: Final = Target(
    name="mirrored_requests",
    run=run,
    structure="json lines",
    variants=VARIANTS,
    examples=150,
    seeds=(
        b"request\n" + json.dumps(REQUEST).encode(),
        b"request other\n" + json.dumps(REQUEST | {"messages": REQUEST["messages"][:2]}).encode(),
        # type: ignore[index]
        b"reply\n" + json.dumps(REPLY).encode(),
        b"reply gzip\n" + json.dumps(REPLY).encode(),
        b"candidate\n" + json.dumps(REPLY).encode(),
        b"stream\n" + STREAM + b"data: [DONE]\n\n",
        b"stream gzip\n" + STREAM,
        b'request\n{"model": "m", "messages": [{"role": ["user"], "content": "x"}]}',
        b'request\n{"messages": [{"role": "user", "content": ' + b"[" * 900 + b"]" * 900 + b"}]}",
    ),
    words=("model", "messages", "role", "content", "system", "developer", "user", "assistant",
    "tool",
           "stream", "stream_options", "tool_calls", "function_call", "function", "name",
           "arguments",
           "temperature", "max_tokens", "max_completion_tokens", "seed", "top_p", "n", "metadata",
           "text",
           "type", "image_url", "choices", "index", "delta", "finish_reason", "refusal", "usage",
           "error",
           "data: ", "data: {}\n", PROMPT, "response_format", "tools", "stop", "prompt_tokens"),
)  # fmt: skip
