"""What is sent to a provider and what its replies mean, without a socket."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.model_calls.transports import HttpReply, NoReply
from eval_pipeline.adapters.providers import (
    Answered,
    ChatProvider,
    Failed,
    Refused,
    Reply,
    ReplyFacts,
    cost_usd,
    request_fingerprint,
)
from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings

NOON = dt.datetime(2026, 11, 16, 12, 0, tzinfo=dt.UTC)
SPEC = ModelSpec(
    provider="acme",
    model="chat",
    parameters=(("temperature", 0.2), ("max_tokens", 50)),
    usd_per_million_input_tokens=2.0,
    usd_per_million_output_tokens=8.0,
)
CALL = ModelCall(
    scope="2026-11-16",
    system_id="assistant",
    item_id="item-1",
    spec=SPEC,
    messages=(Message("system", "Be brief."), Message("user", "Grüße \ud83d")),
)


def provider(**settings: Any) -> ChatProvider:
    return ChatProvider(
        "acme",
        ProviderSettings(**({"base_url": "https://api.example.com/v1"} | settings)),
        secret={
            "ACME_KEY": " sk-secret\n",
            "EMPTY": "",
            "ODD": "sk-\u201csecret\u201d",
        }.__getitem__,
    )


def completion(**changes: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "Yes."}
    return {
        "model": "chat-2026-10",
        "system_fingerprint": "fp-7",
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    } | changes


def choice(finish_reason: str = "stop", **message: Any) -> list[dict[str, Any]]:
    return [{"message": message, "finish_reason": finish_reason}]


def read(
    body: object = None, *, status: int = 200, retry_after: str | None = None, raw: bytes = b""
) -> Reply:
    content = raw if body is None else json.dumps(body).encode()
    headers = {} if retry_after is None else {"retry-after": retry_after}
    return provider().read(HttpReply(status, content, headers, 0.1, 0.05), now=NOON)


def test_the_request_names_model_messages_and_parameters() -> None:
    sent = json.loads(provider().body(CALL))
    assert sent == {
        "model": "chat",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Grüße \ud83d"},
        ],
        "temperature": 0.2,
        "max_tokens": 50,
    }


def test_a_json_answer_is_asked_for_only_where_the_call_wants_one() -> None:
    sent = json.loads(
        provider(structured_output="json_object").body(replace(CALL, output_schema="{}"))
    )
    assert sent["response_format"] == {"type": "json_object"}
    assert "response_format" not in json.loads(provider().body(CALL))


def test_a_parameter_cannot_replace_the_model() -> None:
    spec = replace(SPEC, parameters=(("model", "dearer"),))
    assert json.loads(provider().body(replace(CALL, spec=spec)))["model"] == "chat"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1/chat/completions"),
        ("https://api.example.com/v1/", "https://api.example.com/v1/chat/completions"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123/chat/completions"),
        ("https://a.example/x?api-version=2", "https://a.example/x/chat/completions?api-version=2"),
    ],
)
def test_the_address_is_the_base_url_and_the_completions_path(base_url: str, expected: str) -> None:
    assert str(provider(base_url=base_url).url_of(CALL)) == expected


def test_an_address_without_a_host_is_refused_by_the_name_of_its_setting() -> None:
    with pytest.raises(SettingsError, match=r"providers\.acme\.base_url"):
        provider(base_url="https://")


def test_an_address_with_a_password_in_it_is_refused_without_quoting_it() -> None:
    with pytest.raises(SettingsError, match="holds a name or password") as failure:
        provider(base_url="https://user:pass@a.example:8443/v1")
    assert "pass@" not in str(failure.value)


def test_the_shown_address_hides_the_query() -> None:
    hidden = provider(base_url="https://a.example:8443/v1?token=abc")
    assert hidden.address == "https://a.example:8443"


def test_the_key_is_stripped_and_sent_as_a_bearer_token() -> None:
    assert provider(key_variable="ACME_KEY").headers["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize("variable", ["UNSET", "EMPTY"])
def test_a_missing_key_is_an_error_when_the_provider_is_made(variable: str) -> None:
    with pytest.raises(MissingEnvironmentError, match=f"{variable} is not set.*'acme'"):
        provider(key_variable=variable)


def test_a_key_that_fits_no_header_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="ODD") as caught:
        provider(key_variable="ODD")
    assert "sk-" not in str(caught.value)


def test_no_key_variable_sends_no_authorization() -> None:
    assert "authorization" not in provider().headers


def test_an_answer_carries_its_text_and_facts() -> None:
    assert read(completion()) == Answered(
        "Yes.", ReplyFacts("chat-2026-10", "fp-7", "stop", 100, 10)
    )


def test_a_cut_off_answer_is_an_answer_that_says_so() -> None:
    reply = read(completion(choices=choice("length", content="Ye")))
    assert isinstance(reply, Answered)
    assert reply.facts.finish_reason == "length"


def test_a_text_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "Ye"}, {"type": "text", "text": "s."}, {"type": "image"}]
    reply = read(completion(choices=choice(content=parts)))
    assert isinstance(reply, Answered)
    assert reply.text == "Yes."


def test_what_no_database_can_hold_is_replaced() -> None:
    reply = read(completion(choices=choice(content="a\x00b\ud800c"), model="m\x00"))
    assert isinstance(reply, Answered)
    assert (reply.text, reply.facts.served_model) == ("a\ufffdb\ufffdc", "m\ufffd")


@pytest.mark.parametrize(
    "choices",
    [choice("content_filter", content=""), choice("stop", content=None, refusal="I cannot.")],
)
def test_a_filter_or_a_refusal_field_is_a_refusal(choices: list[dict[str, Any]]) -> None:
    assert isinstance(read(completion(choices=choices)), Refused)


def test_a_filter_that_answers_400_is_a_refusal_too() -> None:
    assert isinstance(read({"error": {"code": "content_filter"}}, status=400), Refused)


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "client_error_4xx", False),
        (401, "authentication", False),
        (402, "authentication", False),
        (403, "authentication", False),
        (404, "client_error_4xx", False),
        (408, "timeout", True),
        (422, "client_error_4xx", False),
        (429, "rate_limited", True),
        (500, "server_error", True),
        (503, "server_error", True),
        (529, "server_error", True),
        (302, "bad_response", False),
    ],
)
def test_a_status_has_one_meaning(status: int, code: str, *, retryable: bool) -> None:
    reply = read(raw=b"<html>", status=status)
    assert isinstance(reply, Failed)
    assert (reply.error_code, reply.retryable) == (code, retryable)


def test_an_empty_account_is_no_rate_limit() -> None:
    reply = read({"error": {"code": "insufficient_quota"}}, status=429)
    assert reply == Failed("authentication", retryable=False)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>busy</html>",
        b'{"choices": [',
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": "text"}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"error": {"message": "upstream"}}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_completion_is_a_bad_response(raw: bytes) -> None:
    reply = read(raw=raw)
    assert isinstance(reply, Failed)
    assert (reply.error_code, reply.retryable) == ("bad_response", True)


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_an_empty_answer_is_a_failure_that_was_paid(content: str | None) -> None:
    reply = read(completion(choices=choice(content=content)))
    assert isinstance(reply, Failed)
    assert reply.error_code == "empty_answer"
    assert cost_usd(SPEC, reply.facts) is not None


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.25", 0.25),
        ("0", None),
        ("-3", None),
        ("nan", None),
        ("Mon, 16 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 16 Nov 2026 12:00:30 -0000", 30.0),
        ("Mon, 16 Nov 2026 11:59:00 GMT", None),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(retry_after: str | None, seconds: float | None) -> None:
    reply = read(raw=b"", status=429, retry_after=retry_after)
    assert isinstance(reply, Failed)
    assert reply.retry_after_seconds == seconds


@pytest.mark.parametrize("tokens", [True, -1, 2**31, 1.5, "9", None])
def test_a_token_count_that_makes_no_sense_is_unknown(tokens: object) -> None:
    usage = {"prompt_tokens": tokens, "completion_tokens": 3}
    reply = read(completion(usage=usage))
    assert isinstance(reply, Answered)
    assert reply.facts.input_tokens is None
    assert cost_usd(SPEC, reply.facts) is None


def test_the_cost_is_tokens_times_the_systems_prices() -> None:
    # 100 tokens at 2 and 10 at 8 dollars a million: (200 + 80) / 1e6
    facts = ReplyFacts(input_tokens=100, output_tokens=10)
    assert cost_usd(SPEC, facts) == pytest.approx(0.00028)


def test_names_longer_than_the_journal_holds_are_cut() -> None:
    reply = read(completion(model="m" * 500))
    assert isinstance(reply, Answered)
    assert len(reply.facts.served_model or "") == 160


def test_no_reply_keeps_the_transports_reason_and_may_be_tried_again() -> None:
    reply = provider().read(NoReply("timeout", "no answer in 1 s", 1.0), now=NOON)
    assert reply == Failed("timeout", retryable=True)


def test_a_text_never_shows_in_a_representation() -> None:
    assert "secret text" not in repr(Answered("secret text", ReplyFacts()))
    assert "secret text" not in repr(HttpReply(200, b"secret text", {}, 0.1, 0.05))


def test_the_request_fingerprint_ignores_what_is_not_asked() -> None:
    elsewhere = replace(
        CALL,
        scope="2026-11-23",
        item_id="item-2",
        trial=2,
        spec=replace(
            SPEC,
            parameters=tuple(reversed(SPEC.parameters)),
            usd_per_million_input_tokens=9.0,
        ),
    )
    assert request_fingerprint(elsewhere) == request_fingerprint(CALL)


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, output_schema="{}"),
        replace(CALL, messages=(*CALL.messages, Message("user", "?"))),
        replace(CALL, messages=(Message("user", "Be brief."), CALL.messages[1])),
        replace(CALL, spec=replace(SPEC, model="chat-2")),
        replace(CALL, spec=replace(SPEC, provider="other")),
        replace(CALL, spec=replace(SPEC, parameters=(("temperature", 0.3),))),
    ],
)
def test_whatever_changes_the_question_changes_the_fingerprint(other: ModelCall) -> None:
    assert request_fingerprint(other) != request_fingerprint(CALL)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "usage", "model", "refusal", "error"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(body=json_values, status=st.integers(100, 599))
def test_any_json_under_any_status_is_read_as_something(body: object, status: int) -> None:
    assert isinstance(read(body, status=status), Answered | Refused | Failed)
