"""What an error reply means, by the names that all APIs give and then by its status.

Messages are only searched, where an API tells two errors apart by nothing else, and never quoted.
"""

import datetime as dt
import email.utils
import re
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from eval_pipeline.adapters.providers.replies import (
    ErrorCode,
    Failed,
    Refused,
    Reply,
    ReplyFacts,
    mapping_of,
    mappings_of,
    word_of,
)

SUCCESSES: Final = range(200, 300)
ERRORS: Final = range(400, 600)
ACCESS: Final = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_error", "account_deactivated"}
    | {"invalid_api_key", "api_key_invalid", "authentication_error", "unauthenticated"}
    | {"permission_error", "permission_denied"}
)
ACCESS_MESSAGE: Final = "credit balance is too low"
FILTERED: Final = frozenset({"content_filter", "invalid_prompt"})
FILTERED_ENDINGS: Final = ("_policy", "policy_violation", "policyviolation", "policyviolationerror")
FILTERED_MESSAGE: Final = re.compile(
    r"content (filtering|management) policy|contentpolicyviolation"
)
TOO_LONG: Final = frozenset({"context_length_exceeded", "request_too_large"})
TOO_LONG_MESSAGE: Final = re.compile(
    r"maximum context l(ength|imit)|(prompt|input) is too long|exceed context limit"
    r"|exceeds? the maximum number of tokens|input tokens exceed|context ?(window|size)"
)
LIMITED: Final = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "resource_exhausted", "too_many_requests"}
)
OVERLOADED: Final = frozenset(
    {"server_error", "api_error", "overloaded_error", "timeout_error", "internal", "unavailable"}
    | {"internal_server_error", "deadline_exceeded"}
)


def read_failure(
    body: Mapping[str, Any],
    *,
    status: int,
    facts: ReplyFacts,
    headers: Mapping[str, str],
    now: dt.datetime,
) -> Reply:
    """A reply that is no success; `now` turns a Retry-After date into seconds."""
    error = mapping_of(body.get("error")) or {"message": body.get("error"), **body}
    code = error.get("code")
    if status in SUCCESSES and isinstance(code, int) and code in ERRORS:
        # Gateways put an upstream's failure into a success of their own.
        status = code
    names, message = _names(error), word_of(error.get("message")).lower()
    if status < HTTPStatus.INTERNAL_SERVER_ERROR and _is_filtered(error, names, message):
        return Refused(replace(facts, finish_reason="content_filter"))
    error_code, retryable = _meaning(status, names, message)
    told = headers.get("x-should-retry")
    if told in {"true", "false"} and error_code != "authentication":
        retryable = told == "true"
    wait = _wait(error, headers, now=now) if retryable else None
    return Failed(error_code, retryable, retry_after_seconds=wait, facts=facts)


def _meaning(status: int, names: set[str], message: str) -> tuple[ErrorCode, bool]:
    """The error's code and whether the same request may do better; the first that holds."""
    spent = any(name.endswith("spend_limit_reached") for name in names)
    no_access = names & ACCESS or spent or ACCESS_MESSAGE in message
    too_long = names & TOO_LONG or TOO_LONG_MESSAGE.search(message)
    meanings: tuple[tuple[object, ErrorCode, bool], ...] = (
        (status in {401, 402, 403} or no_access, "authentication", False),
        (status == HTTPStatus.REQUEST_TIMEOUT, "timeout", True),
        # Before the limits: what is larger than a whole minute's limit never fits.
        (status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_long", False),
        (status == HTTPStatus.TOO_MANY_REQUESTS or names & LIMITED, "rate_limited", True),
        (status >= HTTPStatus.INTERNAL_SERVER_ERROR or names & OVERLOADED, "server_error", True),
        (too_long, "too_long", False),
        (status in SUCCESSES, "bad_response", True),
        # A redirect is no answer: the address in the configuration is not the API's.
        (status < HTTPStatus.BAD_REQUEST, "bad_response", False),
        (status == HTTPStatus.CONFLICT, "client_error_4xx", True),
    )
    held = ((code, retryable) for holds, code, retryable in meanings if holds)
    return next(held, ("client_error_4xx", False))


def _names(error: Mapping[str, Any]) -> set[str]:
    """The words of an error's code, type, status and reasons, in lower case."""
    details = error.get("details")
    inner = [mapping_of(error.get("innererror")), mapping_of(details), *mappings_of(details)]
    values = [error.get(key) for key in ("code", "type", "status")]
    values += [part.get(key) for part in inner for key in ("code", "error_code", "reason")]
    return {word_of(value).lower() for value in values} - {""}


def _is_filtered(error: Mapping[str, Any], names: set[str], message: str) -> bool:
    flagged = "flagged_input" in mapping_of(error.get("metadata"))
    named = names & FILTERED or any(name.endswith(FILTERED_ENDINGS) for name in names)
    return bool(flagged or named or FILTERED_MESSAGE.search(message))


def _wait(
    error: Mapping[str, Any], headers: Mapping[str, str], *, now: dt.datetime
) -> float | None:
    """Seconds to wait, by headers, or by the body as Gemini does; null where none is asked."""
    found = [_seconds(headers.get("retry-after-ms"), scale=1000)]
    found.append(_seconds(headers.get("retry-after"), scale=1))
    if found == [None, None]:
        found = [_until(headers.get("retry-after"), now=now)]
    for part in mappings_of(error.get("details")):
        found.append(_seconds(word_of(part.get("retryDelay")).removesuffix("s"), scale=1))
    # NaN is not above zero either; an endless wait is cut by the policy's cap.
    return next((seconds for seconds in found if seconds is not None and seconds > 0), None)


def _seconds(value: str | None, *, scale: int) -> float | None:
    try:
        return float(value) / scale if value else None
    except ValueError:
        return None


def _until(value: str | None, *, now: dt.datetime) -> float | None:
    if value is None:
        return None
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return (until - now).total_seconds()
