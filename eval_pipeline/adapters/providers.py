"""OpenAI-style chat completions: what is sent, and what an HTTP reply means.

Knows no sockets. Nothing of a prompt or an answer ever goes into an error.
"""

import datetime as dt
import email.utils
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import httpx

from eval_pipeline.adapters.transports import HttpReply, NoReply
from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.ports import ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings

ErrorCode = Literal[
    "rate_limited",
    "server_error",
    "timeout",
    "connection",
    "bad_response",
    "empty_answer",
    "client_error_4xx",
    "authentication",
]
LONGEST_NAME = 160
LONGEST_FINISH_REASON = 40
MOST_TOKENS = 2**31 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class ReplyFacts:
    """What a reply says beside its text; null where it says nothing usable."""

    served_model: str | None = None
    system_fingerprint: str | None = None
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


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
    """No usable answer. `retry_after_seconds` is what the provider asked to wait, if it did."""

    error_code: ErrorCode
    retryable: bool
    retry_after_seconds: float | None = None
    facts: ReplyFacts = field(default_factory=ReplyFacts)


Reply = Answered | Refused | Failed


def request_fingerprint(call: ModelCall) -> str:
    """The identity of what is asked: the provider's name counts, its address does not."""
    return fingerprint(
        {
            "provider": call.spec.provider,
            "model": call.spec.model,
            "messages": [[message.role, message.content] for message in call.messages],
            "parameters": dict(call.spec.parameters),
            "output_schema": call.output_schema,
        }
    )


def cost_usd(spec: ModelSpec, facts: ReplyFacts) -> float | None:
    """The price of one reply, or null where the provider counted no tokens."""
    if facts.input_tokens is None or facts.output_tokens is None:
        return None
    return (
        facts.input_tokens * spec.usd_per_million_input_tokens
        + facts.output_tokens * spec.usd_per_million_output_tokens
    ) / 1_000_000


class ChatProvider:
    """One provider: its address, its headers with the key, its dialect of requests and replies."""

    def __init__(
        self, name: str, settings: ProviderSettings, *, secret: Callable[[str], str]
    ) -> None:
        self.name = name
        self.settings = settings
        self.url = _completions_url(name, settings.base_url)
        self.headers = {"content-type": "application/json", **settings.headers}
        if settings.key_variable is not None:
            key = _api_key(name, settings.key_variable, secret)
            self.headers["authorization"] = f"Bearer {key}"

    @property
    def address(self) -> str:
        """Scheme, host and port: what an error may show of the address."""
        return f"{self.url.scheme}://{self.url.netloc.decode('ascii')}"

    @staticmethod
    def body(call: ModelCall) -> bytes:
        """The JSON of the request; a parameter cannot replace model or messages."""
        request: dict[str, Any] = dict(call.spec.parameters)
        request["model"] = call.spec.model
        request["messages"] = [
            {"role": message.role, "content": message.content} for message in call.messages
        ]
        if call.output_schema is not None:
            request["response_format"] = {"type": "json_object"}
        return json.dumps(request).encode("ascii")

    @staticmethod
    def read(reply: HttpReply | NoReply, *, now: dt.datetime) -> Reply:
        """What became of a request; `now` turns a Retry-After date into seconds."""
        if isinstance(reply, NoReply):
            return Failed(reply.error_code, retryable=True)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            return _read_completion(reply.body)
        return _read_error(reply, now=now)


def _completions_url(name: str, base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host:
        raise SettingsError(
            f"`providers.{name}.base_url` is not a usable address. Nothing was asked. "
            "Write it like https://api.example.com/v1."
        )
    return url.copy_with(path=url.path.rstrip("/") + "/chat/completions")


def _api_key(name: str, variable: str, secret: Callable[[str], str]) -> str:
    try:
        key = secret(variable).strip()
    except KeyError:
        key = ""
    if not key:
        raise MissingEnvironmentError(variable, f"the API key of provider '{name}'")
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(
            f"The environment variable {variable} holds characters that cannot stand in an HTTP "
            f"header. Nothing was asked. Set it to the bare API key of provider '{name}'."
        )
    return key


def _read_error(reply: HttpReply, *, now: dt.datetime) -> Reply:
    wait = _retry_after(reply.retry_after, now=now)
    code = _error_name(reply.body)
    if reply.status in {401, 402, 403} or code == "insufficient_quota":
        return Failed("authentication", retryable=False)
    if code in {"content_filter", "content_policy_violation"}:
        return Refused(ReplyFacts(finish_reason="content_filter"))
    if reply.status in {408, 429}:
        slow: ErrorCode = (
            "timeout" if reply.status == HTTPStatus.REQUEST_TIMEOUT else "rate_limited"
        )
        return Failed(slow, retryable=True, retry_after_seconds=wait)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Failed("server_error", retryable=True, retry_after_seconds=wait)
    # A redirect is no answer either: the address in the configuration is not the API's.
    redirected = reply.status < HTTPStatus.BAD_REQUEST
    return Failed("bad_response" if redirected else "client_error_4xx", retryable=False)


def _read_completion(body: bytes) -> Reply:
    completion = _json_object(body)
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Failed("bad_response", retryable=True)
    facts = _facts(completion, choice)
    if facts.finish_reason == "content_filter" or message.get("refusal"):
        return Refused(facts)
    text = _text(message.get("content"))
    if text is None:
        return Failed("bad_response", retryable=True, facts=facts)
    if not text.strip():
        # Paid for, and likely to come back the same: left to the next run.
        return Failed("empty_answer", retryable=False, facts=facts)
    return Answered(_UNSTORABLE.sub("\ufffd", text), facts)


def _facts(completion: dict[str, Any], choice: dict[str, Any]) -> ReplyFacts:
    usage = completion.get("usage")
    counted = usage if isinstance(usage, dict) else {}
    return ReplyFacts(
        served_model=_name(completion.get("model"), LONGEST_NAME),
        system_fingerprint=_name(completion.get("system_fingerprint"), LONGEST_NAME),
        finish_reason=_name(choice.get("finish_reason"), LONGEST_FINISH_REASON),
        input_tokens=_tokens(counted.get("prompt_tokens")),
        output_tokens=_tokens(counted.get("completion_tokens")),
    )


def _text(content: object) -> str | None:
    """The text of a message; some providers send a list of parts. Null where it is neither."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(part for part in parts if isinstance(part, str))


def _name(value: object, longest: int) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    return _UNSTORABLE.sub("\ufffd", value)[:longest]


def _tokens(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_TOKENS else None


def _json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object, or an empty one: the body decides, not its content type."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _error_name(body: bytes) -> str | None:
    error = _json_object(body).get("error")
    name = error.get("code") if isinstance(error, dict) else None
    return name if isinstance(name, str) else None


def _retry_after(value: str | None, *, now: dt.datetime) -> float | None:
    """Seconds from a Retry-After in seconds or as an HTTP date; null where it asks for none."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=dt.UTC)
        seconds = (until - now).total_seconds()
    # NaN is not above zero either; an endless wait is cut by the policy's cap.
    return seconds if seconds > 0 else None
