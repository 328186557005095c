"""What became of a request, as types, and how the parts of a reply are read without trust."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ErrorCode = Literal[
    "rate_limited",
    "server_error",
    "timeout",
    "connection",
    "bad_response",
    "empty_answer",
    "too_long",
    "client_error_4xx",
    "authentication",
]
FinishReason = Literal["stop", "length", "content_filter", "refusal", "tool_calls", "other"]
"""Why an answer ended, in one vocabulary for all APIs; `length` is an answer cut off."""

LONGEST_NAME = 160
MOST_TOKENS = 10_000_000
"""No model reads or writes more for one request: a larger count is no count."""
LARGE_BODY_BYTES = 2**20
MOST_CONTAINERS = 250_000
MOST_VALUES = 1_500_000
"""In a large body: brackets and commas unfold to thirty times their bytes."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class ReplyFacts:
    """What a reply says beside its text; null where it says nothing usable.

    `input_tokens` counts all input, what came from a cache included; `cached_input_tokens` is that
    part. `output_tokens` includes what a model thought without showing it. `headers` holds the
    reply headers that name a version, by lower-case names, sorted.
    """

    served_model: str | None = None
    system_fingerprint: str | None = None
    finish_reason: FinishReason | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answered:
    """A text came back, whole or cut off (`finish_reason` length); it is not yet redacted."""

    text: str = field(repr=False)
    facts: ReplyFacts


@dataclass(frozen=True)
class Refused:
    """The provider's content filter or the model itself declined; asking again is no use."""

    facts: ReplyFacts


@dataclass(frozen=True)
class Failed:
    """No usable answer. `retry_after_seconds` is what the provider asked to wait, if it did.

    `retryable`: the same request may do better, and was not answered; an empty answer was.
    """

    error_code: ErrorCode
    retryable: bool
    retry_after_seconds: float | None = None
    facts: ReplyFacts = field(default_factory=ReplyFacts)


Reply = Answered | Refused | Failed


def settled(text: str | None, facts: ReplyFacts) -> Reply:
    """The reply that a text and its facts make; a null text is a body without an answer in it."""
    if facts.finish_reason in {"content_filter", "refusal"}:
        return Refused(facts)
    if text is None:
        return Failed("bad_response", retryable=True, facts=facts)
    if not text.strip():
        # Paid for, and likely to come back the same: left to the next run.
        return Failed("empty_answer", retryable=False, facts=facts)
    return Answered(storable(text), facts)


def storable(text: str) -> str:
    """The text with a sign in place of what no file or database can hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def name_of(value: object) -> str | None:
    """A name that the journal can hold; null where it is none."""
    if not isinstance(value, str) or not value:
        return None
    return storable(value)[:LONGEST_NAME]


def tokens_of(*counts: object) -> int | None:
    """The sum of token counts; null where the first is none, and later ones count if they are."""
    numbers = [_count(value) for value in counts]
    if not numbers or numbers[0] is None:
        return None
    total = sum(number for number in numbers if number is not None)
    return total if total <= MOST_TOKENS else None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_TOKENS else None


def word_of(value: object) -> str:
    """The string that a value is, or an empty one."""
    return value if isinstance(value, str) else ""


def mapping_of(value: object) -> Mapping[str, Any]:
    """The JSON object that a value is, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings_of(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; none where it is no list."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def joined_texts(parts: list[Mapping[str, Any]]) -> str:
    """The `text` of every part that has one, without a gap."""
    texts = [part.get("text") for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


def json_object(body: bytes) -> Mapping[str, Any]:
    """The body as a JSON object, or an empty one: the body decides, not its content type.

    A body of brackets and commas that would unfold in memory counts as none.
    """
    if len(body) > LARGE_BODY_BYTES and (
        body.count(b"[") + body.count(b"{") > MOST_CONTAINERS or body.count(b",") > MOST_VALUES
    ):
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return mapping_of(value)
