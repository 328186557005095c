"""What each API's replies mean: the same outcomes and facts, whatever words an API has for them."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.model_calls.transports import HttpReply
from eval_pipeline.adapters.providers import (
    Answered,
    ChatProvider,
    Failed,
    Refused,
    Reply,
    ReplyFacts,
)
from eval_pipeline.settings import ProviderSettings

NOON = dt.datetime(2026, 11, 16, 12, 0, tzinfo=dt.UTC)
APIS = ("openai_chat", "openai_responses", "anthropic", "gemini")
WATCHED = ("OpenAI-Version", "x-model-version")


def provider(api: str) -> ChatProvider:
    chosen = {"base_url": "https://api.example.com/v1", "api": api}
    return ChatProvider(
        "cloud",
        ProviderSettings.model_validate(chosen),
        secret={}.__getitem__,
        version_headers=WATCHED,
    )


def read(api: str, body: object, *, status: int = 200, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return provider(api).read(HttpReply(status, content, named, 0.1, 0.05), now=NOON)


def chat(finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "model": "large-1",
        "system_fingerprint": "fp-7",
        "choices": [{"message": {"content": "Yes."} | message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 64},
        },
    }


def response(
    status: str = "completed", *, content: Any = None, reason: str | None = None, **changes: Any
) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": "Yes."}] if content is None else content
    return {
        "model": "large-1",
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {
                "type": "message",
                "phase": "commentary",
                "content": [{"type": "output_text", "text": "Wait."}],
            },
            {"type": "message", "content": parts},
        ],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 64},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": 6},
        },
    } | changes


def message(stop: str = "end_turn", *, text: str = "Yes.", **changes: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "model": "large-1",
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": text}],
        "stop_reason": stop,
        "usage": {
            "input_tokens": 30,
            "cache_read_input_tokens": 64,
            "cache_creation_input_tokens": 6,
            "output_tokens": 10,
        },
    } | changes


def generated(finish: str = "STOP", *, text: str = "Yes.", **changes: Any) -> dict[str, Any]:
    return {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [{"text": "Hm.", "thought": True}, {"text": text}],
                },
                "finishReason": finish,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 100,
            "cachedContentTokenCount": 64,
            "candidatesTokenCount": 4,
            "thoughtsTokenCount": 6,
        },
        "modelVersion": "large-1",
    } | changes


def facts(finish: Any = "stop", **changes: Any) -> ReplyFacts:
    # Anthropic's 100 = 30 fresh + 64 read from a cache + 6 written; Gemini's 10 = 4 + 6 thought.
    fields = {"input_tokens": 100, "output_tokens": 10, "cached_input_tokens": 64} | changes
    return ReplyFacts("large-1", finish_reason=finish, **fields)


FINGERPRINTED = {"system_fingerprint": "fp-7"}


@pytest.mark.parametrize(
    ("api", "body", "more"),
    [
        ("openai_chat", chat(), FINGERPRINTED),
        ("openai_responses", response(), {}),
        ("anthropic", message(), {}),
        ("gemini", generated(), {}),
    ],
)
def test_an_answer_has_the_same_facts_in_every_api(
    api: str, body: dict[str, Any], more: dict[str, Any]
) -> None:
    assert read(api, body) == Answered("Yes.", facts(**more))


def test_the_headers_that_name_a_version_are_kept_and_no_others() -> None:
    found = read("openai_chat", chat(), x_model_version="m-2", openai_version="v", date="today")
    assert found.facts.headers == (("openai-version", "v"), ("x-model-version", "m-2"))
    failed = read("openai_chat", {}, status=500, openai_version="v")
    assert failed.facts.headers == (("openai-version", "v"),)


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai_chat", chat("length")),
        ("openai_chat", chat("model_length")),
        ("openai_responses", response("incomplete", reason="max_output_tokens")),
        ("anthropic", message("max_tokens")),
        ("anthropic", message("model_context_window_exceeded")),
        ("gemini", generated("MAX_TOKENS")),
    ],
)
def test_a_cut_off_answer_stays_an_answer_of_finish_length(api: str, body: dict[str, Any]) -> None:
    found = read(api, body)
    assert isinstance(found, Answered)
    assert (found.text, found.facts.finish_reason) == ("Yes.", "length")


@pytest.mark.parametrize(
    ("api", "body", "finish"),
    [
        ("openai_chat", chat("content_filter", content=None), "content_filter"),
        ("openai_chat", chat("stop", content=None, refusal="I cannot."), "refusal"),
        ("openai_chat", chat(content=[{"type": "refusal", "refusal": "I cannot."}]), "refusal"),
        (
            "openai_responses",
            response(content=[{"type": "refusal", "refusal": "I cannot."}]),
            "refusal",
        ),
        (
            "openai_responses",
            response("incomplete", content=[], reason="content_filter"),
            "content_filter",
        ),
        (
            "openai_responses",
            response("failed", error={"code": "bio_policy", "message": "no"}),
            "content_filter",
        ),
        ("anthropic", message("refusal", text="I can"), "refusal"),
        *(
            ("gemini", generated(reason, text=""), "content_filter")
            for reason in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")
        ),
        (
            "gemini",
            {
                "promptFeedback": {"blockReason": "SAFETY"},
                "modelVersion": "large-1",
                "usageMetadata": {
                    "promptTokenCount": 100,
                    "cachedContentTokenCount": 64,
                    "thoughtsTokenCount": 10,
                },
            },
            "content_filter",
        ),
    ],
)
def test_every_way_to_decline_is_a_refusal_with_what_it_cost(
    api: str, body: dict[str, Any], finish: str
) -> None:
    more = FINGERPRINTED if api == "openai_chat" else {}
    assert read(api, body) == Refused(facts(finish, **more))


@pytest.mark.parametrize(
    ("api", "body", "finish"),
    [
        ("openai_chat", chat(content=" \n"), "stop"),
        ("openai_chat", chat("tool_calls", content=None), "tool_calls"),
        ("openai_responses", response(content=[]), "stop"),
        ("openai_responses", response(output=[{"type": "function_call"}]), "tool_calls"),
        ("anthropic", message(content=[]), "stop"),
        ("anthropic", message("tool_use", text=""), "tool_calls"),
        ("anthropic", message("pause_turn", text=""), "other"),
        ("gemini", generated(text=""), "stop"),
        ("gemini", generated("MAX_TOKENS", text=""), "length"),
        ("gemini", generated("MALFORMED_FUNCTION_CALL", text=""), "tool_calls"),
        ("gemini", generated("OTHER", text=""), "other"),
    ],
)
def test_an_empty_answer_is_paid_and_not_asked_again_at_once(
    api: str, body: dict[str, Any], finish: str
) -> None:
    found = read(api, body)
    assert isinstance(found, Failed)
    assert (found.error_code, found.retryable) == ("empty_answer", False)
    assert (found.facts.finish_reason, found.facts.input_tokens) == (finish, 100)


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai_chat", chat("abort")),
        ("openai_chat", chat("insufficient_system_resource")),
        ("openai_responses", response("failed", error={"code": "server_error"})),
        ("gemini", generated("MALFORMED_RESPONSE")),
    ],
)
def test_an_answer_that_the_server_broke_off_is_the_servers_failure(
    api: str, body: dict[str, Any]
) -> None:
    found = read(api, body)
    assert isinstance(found, Failed)
    assert (found.error_code, found.retryable) == ("server_error", True)
    assert found.facts.output_tokens == 10


@pytest.mark.parametrize(
    ("api", "body"),
    [(api, body) for api in APIS for body in (b"", b"<html>", b"[]", b"{}", b"null", b"[" * 9999)]
    + [
        ("openai_responses", response("in_progress")),
        ("openai_responses", response(output="text")),
        ("anthropic", message(content="Yes.")),
        ("gemini", generated(candidates=[])),
    ],
)
def test_a_success_without_an_answer_in_it_is_a_bad_response(api: str, body: object) -> None:
    found = read(api, body)
    assert isinstance(found, Failed)
    assert (found.error_code, found.retryable) == ("bad_response", True)


# Errors, in the words of their API


def openai_error(code: str | None, message: str = "secret words", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code} | more}


def anthropic_error(kind: str, message: str = "secret words", **more: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message} | more}


def gemini_error(
    code: int, status: str, message: str = "secret words", *details: dict[str, Any]
) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


AZURE_FILTER = openai_error(
    "content_filter",
    "The response was filtered due to the prompt triggering the content management policy.",
    param="prompt",
    status=400,
    innererror={
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
    },
)


@pytest.mark.parametrize(
    ("api", "status", "body"),
    [
        ("openai_chat", 400, AZURE_FILTER),
        (
            "openai_chat",
            400,
            {"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        ),
        ("openai_chat", 400, openai_error("invalid_prompt")),
        ("openai_chat", 400, {"error": {"type": "ContentPolicyViolationError", "code": "400"}}),
        (
            "openai_chat",
            403,
            {"error": {"code": 403, "metadata": {"flagged_input": "x", "reasons": ["hate"]}}},
        ),
        (
            "anthropic",
            400,
            anthropic_error("invalid_request_error", "Output blocked by content filtering policy"),
        ),
    ],
)
def test_a_filter_that_answers_with_an_error_is_a_refusal(
    api: str, status: int, body: dict[str, Any]
) -> None:
    assert read(api, body, status=status) == Refused(ReplyFacts(finish_reason="content_filter"))


@pytest.mark.parametrize(
    ("api", "status", "body", "code"),
    [
        ("openai_chat", 401, openai_error("invalid_api_key"), "authentication"),
        ("openai_chat", 429, openai_error("insufficient_quota"), "authentication"),
        ("openai_chat", 429, openai_error("rate_limit_exceeded"), "rate_limited"),
        ("openai_chat", 200, {"error": {"code": 429, "message": "upstream"}}, "rate_limited"),
        ("openai_chat", 200, {"error": {"code": 502, "message": "upstream"}}, "server_error"),
        ("openai_chat", 200, {"error": "upstream"}, "bad_response"),
        ("openai_chat", 400, openai_error("context_length_exceeded"), "too_long"),
        (
            "openai_chat",
            400,
            {"object": "error", "message": "This model's maximum context length is 9 tokens."},
            "too_long",
        ),
        (
            "openai_chat",
            400,
            {"error": "input length exceeds the available context size"},
            "too_long",
        ),
        (
            "openai_chat",
            400,
            openai_error(None, "litellm.ContextWindowExceededError: x"),
            "too_long",
        ),
        ("openai_chat", 413, openai_error("rate_limit_exceeded"), "too_long"),
        ("openai_chat", 404, openai_error("model_not_found"), "client_error_4xx"),
        (
            "openai_responses",
            200,
            response("failed", error={"code": "rate_limit_exceeded"}),
            "rate_limited",
        ),
        ("anthropic", 401, anthropic_error("authentication_error"), "authentication"),
        ("anthropic", 403, anthropic_error("permission_error"), "authentication"),
        (
            "anthropic",
            400,
            anthropic_error(
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API.",
            ),
            "authentication",
        ),
        (
            "anthropic",
            429,
            anthropic_error(
                "rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}
            ),
            "authentication",
        ),
        ("anthropic", 429, anthropic_error("rate_limit_error"), "rate_limited"),
        ("anthropic", 529, anthropic_error("overloaded_error"), "server_error"),
        ("anthropic", 200, anthropic_error("overloaded_error"), "server_error"),
        ("anthropic", 413, anthropic_error("request_too_large"), "too_long"),
        (
            "anthropic",
            400,
            anthropic_error("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
            "too_long",
        ),
        ("anthropic", 400, anthropic_error("invalid_request_error"), "client_error_4xx"),
        (
            "gemini",
            400,
            gemini_error(400, "INVALID_ARGUMENT", "x", {"reason": "API_KEY_INVALID"}),
            "authentication",
        ),
        ("gemini", 403, gemini_error(403, "PERMISSION_DENIED"), "authentication"),
        ("gemini", 429, gemini_error(429, "RESOURCE_EXHAUSTED"), "rate_limited"),
        ("gemini", 503, gemini_error(503, "UNAVAILABLE"), "server_error"),
        ("gemini", 504, gemini_error(504, "DEADLINE_EXCEEDED"), "server_error"),
        (
            "gemini",
            400,
            gemini_error(
                400,
                "INVALID_ARGUMENT",
                "The input token count (9) exceeds the maximum number of tokens allowed (8).",
            ),
            "too_long",
        ),
        ("gemini", 400, gemini_error(400, "INVALID_ARGUMENT"), "client_error_4xx"),
    ],
)
def test_an_error_has_one_meaning_and_is_never_quoted(
    api: str, status: int, body: dict[str, Any], code: str
) -> None:
    found = read(api, body, status=status)
    assert isinstance(found, Failed)
    assert found.error_code == code
    assert found.retryable == (code in {"rate_limited", "server_error", "bad_response"})
    assert "secret words" not in repr(found)


def test_a_failed_response_keeps_what_it_cost() -> None:
    found = read("openai_responses", response("failed", error={"code": "server_error"}))
    assert (found.facts.input_tokens, found.facts.output_tokens) == (100, 10)


def test_the_providers_word_on_asking_again_counts_save_for_access() -> None:
    told = [
        read("openai_chat", openai_error(code), status=status, x_should_retry=said)
        for code, status, said in (
            ("x", 500, "false"),
            ("x", 400, "true"),
            ("insufficient_quota", 429, "true"),
        )
    ]
    assert [reply.retryable for reply in told if isinstance(reply, Failed)] == [False, True, False]


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"retry_after_ms": "250", "retry_after": "7"}, {}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "7"}, {}, 7.0),
        ({}, {"retryDelay": "34.5s"}, 34.5),
        ({"retry_after": "7"}, {"retryDelay": "34.5s"}, 7.0),
        ({}, {"retryDelay": 34}, None),
    ],
)
def test_a_wait_is_told_by_headers_or_as_gemini_does_in_the_body(
    headers: dict[str, str], details: dict[str, Any], seconds: float | None
) -> None:
    body = gemini_error(429, "RESOURCE_EXHAUSTED", "x", details)
    found = read("gemini", body, status=429, **headers)
    assert isinstance(found, Failed)
    assert found.retry_after_seconds == seconds


def keys_of(value: object) -> set[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(value if isinstance(value, dict) else (), *map(keys_of, inner))


SHAPES = [chat(), response(), message(), generated(), AZURE_FILTER, gemini_error(429, "x", "", {})]
words = st.sampled_from(sorted(keys_of(SHAPES)))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["message", "completed", "output_text", "1e999s", "STOP"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=16,
)
waits = st.text(max_size=9) | st.sampled_from(
    ["inf", "nan", "Mon, 16 Nov 99999999999999 12:00:00 GMT", "Mon, 99 Nov 2026 12:00:00 GMT"]
)
statuses = st.sampled_from([200, 302, 400, 403, 429, 500]) | st.integers(100, 599)


@settings(deadline=None, max_examples=150)
@given(body=values | st.binary(max_size=40), status=statuses, wait=waits)
def test_whatever_comes_back_is_read_as_something_by_every_api(
    body: object, status: int, wait: str
) -> None:
    for api in APIS:
        found = read(api, body, status=status, retry_after=wait, retry_after_ms=wait)
        assert isinstance(found, Answered | Refused | Failed)
        if status >= 300:
            assert not isinstance(found, Answered)


@settings(deadline=None, max_examples=100)
@given(body=values, keys=st.lists(words, min_size=1, max_size=3))
def test_no_shape_within_an_answer_makes_reading_fail(body: object, keys: list[str]) -> None:
    for api, whole in zip(APIS, (chat(), response(), message(), generated()), strict=True):
        changed = whole | dict.fromkeys(keys, body)
        assert isinstance(read(api, changed), Answered | Refused | Failed)
