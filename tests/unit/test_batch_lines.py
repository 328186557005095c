"""What goes into a batch and what comes out of one, byte by byte."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.batches import anthropic, gemini, openai
from eval_pipeline.adapters.batches.lines import (
    ENVELOPE_BYTES,
    BatchLine,
    batch_tag,
    chunks,
    custom_id,
    objects,
    tag_of,
    whole_lines,
)
from eval_pipeline.adapters.model_calls.journal import CallKey

KEY = CallKey("drift:2026-11-16", "assistant", "item-1", 1, "f" * 64)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
NAMES = (
    "custom_id", "response", "status_code", "body", "error", "result", "type", "message", "id",
    "status", "request_counts", "total", "metadata", "created_at", "processing_status", "state",
    "batchStats", "key", "code", "createTime", "output", "inlinedResponses",
)  # fmt: skip
ALMOST = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=24,
)


def line(name: str, size: int) -> BatchLine:
    weight = size - len(name) - ENVELOPE_BYTES
    return BatchLine(name, "chat", b"x" * weight)


def test_a_custom_id_fits_every_api_and_tells_its_submission() -> None:
    tag = batch_tag(KEY.scope, [KEY], submitted_at="2026-11-22T02:00:00+00:00")
    name = custom_id(tag, KEY)
    assert tag_of(name) == tag
    assert len(name) == 49
    assert set(name) <= set("0123456789abcdef-")


def test_a_custom_id_says_nothing_of_the_call() -> None:
    secretive = CallKey("drift:2026-11-16", "assistant", "jane-doe", 1, "f" * 64)
    assert "jane" not in custom_id("0" * 16, secretive)


def test_calls_that_differ_in_anything_have_different_custom_ids() -> None:
    others = [
        CallKey("refresh:2026-11-16", "assistant", "item-1", 1, "f" * 64),
        CallKey(KEY.scope, "judge", "item-1", 1, "f" * 64),
        CallKey(KEY.scope, "assistant", "item-11", 1, "f" * 64),
        CallKey(KEY.scope, "assistant", "item-1", 11, "f" * 64),
        CallKey(KEY.scope, "assistant", "item-1", 1, "e" * 64),
    ]
    names = {custom_id("0" * 16, key) for key in [KEY, *others]}
    assert len(names) == 6


def test_the_same_calls_sent_again_later_have_another_tag() -> None:
    first = batch_tag(KEY.scope, [KEY], submitted_at="2026-11-22T02:00:00+00:00")
    again = batch_tag(KEY.scope, [KEY], submitted_at="2026-11-22T03:00:00+00:00")
    assert first != again
    assert first == batch_tag(KEY.scope, [KEY], submitted_at="2026-11-22T02:00:00+00:00")


def test_chunks_keep_both_limits_and_leave_out_what_fits_in_none() -> None:
    lines = [line("a", 400), line("b", 400), line("c", 2000), line("d", 400), line("e", 300)]
    by_count = [
        [each.custom_id for each in chunk] for chunk in chunks(lines, most_calls=2, most_bytes=1000)
    ]
    assert by_count == [["a", "b"], ["d", "e"]]
    # 400 + 400 > 799
    by_bytes = [
        [each.custom_id for each in chunk] for chunk in chunks(lines, most_calls=9, most_bytes=799)
    ]
    assert by_bytes == [["a"], ["b"], ["d", "e"]]


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 60))
def test_lines_do_not_depend_on_how_a_stream_is_cut(parts: list[bytes], longest: int) -> None:
    whole = b"".join(parts)
    expected = [each for each in whole.split(b"\n") if len(each) <= longest]
    if expected and not whole.endswith(b"\n") and expected[-1:] == [b""]:
        expected = expected[:-1]
    found = [each for each in whole_lines(parts, longest=longest) if each]
    assert found == [each for each in expected if each]


@given(st.lists(st.binary(), max_size=8))
def test_no_bytes_make_the_reading_of_lines_raise(parts: list[bytes]) -> None:
    for found in objects(whole_lines(parts, longest=1000)):
        assert isinstance(found, dict)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_an_openai_line_is_one_line_and_holds_the_body_as_it_is(body: dict[str, Any]) -> None:
    written = openai.request_line(
        BatchLine("c-1", "chat", json.dumps(body).encode()), url="/v1/chat/completions"
    )
    assert written.count(b"\n") == 1
    assert json.loads(written) == {
        "custom_id": "c-1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
    }


@settings(max_examples=40)
@given(st.lists(st.dictionaries(st.text(max_size=8), JSON, max_size=3), min_size=1, max_size=3))
def test_submissions_of_anthropic_and_gemini_hold_the_bodies(bodies: list[dict[str, Any]]) -> None:
    lines = [
        BatchLine(f"c-{number}", "chat", json.dumps(body).encode())
        for number, body in enumerate(bodies)
    ]
    requests = json.loads(anthropic.submission(lines))["requests"]
    assert [each["params"] for each in requests] == bodies
    assert [each["custom_id"] for each in requests] == [each.custom_id for each in lines]
    batch = json.loads(gemini.submission(lines, tag="t"))["batch"]
    inlined = batch["inputConfig"]["requests"]["requests"]
    assert batch["displayName"] == "t"
    assert [each["request"] for each in inlined] == bodies
    assert [each["metadata"]["key"] for each in inlined] == [each.custom_id for each in lines]


@given(ALMOST)
def test_nothing_that_a_provider_sends_makes_the_reading_raise(sent: object) -> None:
    found = sent if isinstance(sent, dict) else {"custom_id": "c", "response": sent}
    for module in (openai, anthropic, gemini):
        module.standing_of(found)
        result = module.result_of(found)
        assert result is None or isinstance(result.custom_id, str)


@pytest.mark.parametrize("status", ["validating", "in_progress", "finalizing", "cancelling", "new"])
def test_an_openai_batch_runs_until_its_last_state(status: str) -> None:
    assert not openai.standing_of({"id": "b", "status": status}).ended


def test_an_openai_batch_that_fails_as_a_whole_was_rejected() -> None:
    standing = openai.standing_of({"id": "b", "status": "failed"})
    assert standing.ended
    assert standing.rejected


def test_an_anthropic_error_reads_as_the_reply_to_the_request_alone() -> None:
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    result = anthropic.result_of({"custom_id": "c", "result": {"type": "errored", "error": told}})
    assert result is not None
    assert result.reply is not None
    assert result.reply.status == 529


def test_what_expired_has_no_reply() -> None:
    results = [
        openai.result_of({"custom_id": "c", "response": None, "error": {"code": "batch_expired"}}),
        anthropic.result_of({"custom_id": "c", "result": {"type": "expired"}}),
    ]
    assert [(each.reply, each.error_code) for each in results if each] == [
        (None, "batch_expired")
    ] * 2
