"""What the mirror reads of requests and replies, and what it asks the candidate."""

import gzip
import json

import pytest

from eval_pipeline.mirror.budget import Budget
from eval_pipeline.mirror.passing import is_drawn, read_passing
from eval_pipeline.mirror.wire import (
    called_text,
    completion_of,
    exchanged,
    openai_request,
    other_call,
    stored_messages,
)
from eval_pipeline.ports import Message, ModelSpec
from eval_pipeline.settings import ShadowSettings

SPEC = ModelSpec("acme", "candidate", (("temperature", 0),), 1.0, 2.0)
TOOLS = [{"type": "function", "function": {"name": "look_up"}}]
REQUEST = {
    "model": "large",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    "temperature": 0.7,
    "tools": TOOLS,
    "response_format": {"type": "json_object"},
    "something_new": {"deep": [1, None]},
    "stream": True,
    "stream_options": {"include_usage": True},
}


def candidate_body(request: dict[str, object], *, prompt: str) -> dict[str, object]:
    messages = stored_messages(request["messages"])
    assert messages is not None
    change = exchanged(messages, known="Be brief.", prompt=prompt)
    sent = openai_request(request, change, parameters={"temperature": 0}, model="candidate")
    told: dict[str, object] = json.loads(sent)
    return told


def test_every_field_that_is_not_the_candidate_s_own_stays():
    told = candidate_body(REQUEST, prompt="Be kind.")
    assert told == {
        "model": "candidate",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        "temperature": 0,
        "tools": TOOLS,
        "response_format": {"type": "json_object"},
        "something_new": {"deep": [1, None]},
    }


def test_a_system_message_of_another_kind_stays_and_the_candidate_s_prompt_does_not_go_before_it():
    other = [{"role": "system", "content": "Today is Monday."}, {"role": "user", "content": "Hi"}]
    assert candidate_body({**REQUEST, "messages": other}, prompt="Be kind.")["messages"] == other


def test_another_api_is_asked_what_its_words_can_hold_and_nothing_else():
    messages = [Message("user", "Hi")]
    change = exchanged(messages, known="", prompt="Be kind.")
    simple = {"model": "large", "messages": [], "max_completion_tokens": 9, "user": "u", "n": 1}
    call = other_call(simple, messages, change, spec=SPEC)
    assert call is not None
    assert call.messages == (Message("system", "Be kind."), Message("user", "Hi"))
    assert dict(call.spec.parameters) == {"max_tokens": 9, "temperature": 0}
    for further in ({"tools": TOOLS}, {"n": 2}, {"logprobs": True}):
        assert other_call({**simple, **further}, messages, change, spec=SPEC) is None
    tool = [Message("tool", "42")]
    assert other_call(simple, tool, change, spec=SPEC) is None


@pytest.mark.parametrize(
    "messages",
    [
        None, [], "Hi", [1], [{"role": "jane@example.org", "content": "Hi"}],
        [{"role": "user", "content": 7}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
    ],
)  # fmt: skip
def test_a_conversation_that_is_not_all_text_is_not_stored(messages):
    assert stored_messages(messages) is None


def test_parts_are_joined_and_calls_are_kept_as_text_so_that_they_are_masked():
    told = stored_messages(
        [
            {"role": "user", "content": [{"type": "text", "text": "Hi "}, {"text": "Jane"}]},
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]},
        ]
    )
    assert told == [
        Message("user", "Hi Jane"),
        Message("assistant", '{"tool_calls":[{"function":{"name":"f"}}]}'),
    ]


def event(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def test_a_stream_is_put_together_as_the_completion_that_it_tells():
    body = b"".join(
        [
            event(model="large-2", choices=[{"index": 0, "delta": {"role": "assistant"}}]),
            b": keep-alive\n\n",
            event(choices=[{"index": 0, "delta": {"content": "Ye"}}]),
            event(choices=[{"index": 1, "delta": {"content": "other"}}]),
            event(choices=[{"index": 0, "delta": {"content": "s."}, "finish_reason": "stop"}]),
            event(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2}),
            b"data: [DONE]\n\n",
        ]
    )
    told = completion_of(body, content_type="text/event-stream; charset=utf-8", encoding="")
    assert told == {
        "model": "large-2",
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        "choices": [{"message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    }


def test_streamed_calls_are_told_with_their_arguments_and_without_their_ids():
    pieces = [
        {"index": 0, "id": "call-7", "function": {"name": "look_up", "arguments": '{"a"'}},
        {"index": 0, "function": {"arguments": ": 1}"}},
    ]
    body = b"".join(
        event(choices=[{"index": 0, "delta": {"tool_calls": [piece]}}]) for piece in pieces
    )
    told = completion_of(body, content_type="text/event-stream", encoding="")
    assert told is not None
    assert called_text(told) == '[{"arguments":"{\\"a\\": 1}","name":"look_up"}]'


def test_compressed_replies_are_read_and_what_is_no_answer_is_not_guessed():
    body = json.dumps({"choices": []}).encode()
    assert completion_of(gzip.compress(body), content_type="", encoding="gzip") == {"choices": []}
    assert completion_of(body, content_type="", encoding="br") is None
    assert completion_of(b"<html>", content_type="text/html", encoding="") is None
    assert completion_of(b"data: [DONE]\n", content_type="text/event-stream", encoding="") is None


def passing(headers: dict[str, str], request: dict[str, object]):
    return read_passing(headers, request, settings=ShadowSettings(), key=b"key")


def test_a_conversation_is_known_by_its_header_or_by_what_it_begins_with():
    first = {"messages": [{"role": "user", "content": "Hi, I am Jane"}]}
    second = {"messages": [*first["messages"], {"role": "user", "content": "And now?"}]}
    assert passing({}, first).conversation_key == passing({}, second).conversation_key
    named = passing({"x-conversation-id": "c-1"}, first)
    assert named.conversation_key != passing({}, first).conversation_key
    assert named.conversation_key == passing({"x-conversation-id": "c-1"}, {}).conversation_key
    assert "Jane" not in repr(passing({}, first))
    assert "c-1" not in repr(named)


def test_a_user_is_known_by_the_header_before_the_body_and_a_route_is_a_name_or_none():
    told = passing({"x-user-id": "u-1", "x-route": "jane@example.org"}, {"user": "u-2"})
    assert told.user_key == passing({}, {"user": "u-1"}).user_key
    assert told.route == "live"
    assert passing({"x-route": "store_hours"}, {}).route == "store_hours"
    assert passing({}, {}).user_key is None


def test_the_share_is_drawn_by_conversation_and_always_alike():
    asked = [passing({"x-conversation-id": str(number)}, {}) for number in range(4_000)]
    tenth = [one for one in asked if is_drawn(one, candidate_id="steady", share=0.1)]
    half = {
        one.conversation_key for one in asked if is_drawn(one, candidate_id="steady", share=0.5)
    }
    # Binomial(4000, 0.1): sd 19, so 400 +- 95 is five of them.
    assert 305 < len(tenth) < 495
    assert {one.conversation_key for one in tenth} <= half


def test_a_budget_holds_what_is_under_way_at_what_it_may_cost():
    budget = Budget(SPEC, limit=0.003, spent=0.0005)
    # 300 characters are 100 tokens at 1 USD a million, and 500 tokens out at 2: 0.0011 USD.
    expected = budget.expected({"max_tokens": 500}, characters=300)
    assert expected == pytest.approx(0.0011)
    assert budget.admits(expected)
    assert budget.admits(expected)  # 0.0005 + 0.0022
    assert not budget.admits(expected)
    budget.pay(expected, 0.0001)  # 0.0006 spent, 0.0011 under way
    assert budget.admits(expected)
    budget.pay(expected, None)  # nobody knows what it cost, so what was set aside
    assert budget.spent == pytest.approx(0.0017)
