"""What a request that passes tells of itself, and whether the candidate is asked it too."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from eval_pipeline.fingerprint import keyed_pseudonym, unit_hash
from eval_pipeline.intake.suppression import suppression_key
from eval_pipeline.settings import ShadowSettings

UNNAMED_ROUTE: Final = "live"
_ROUTE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
_LONGEST_ID: Final = 512


@dataclass(frozen=True)
class Passing:
    """Who asks, in which conversation and on which route; the ids themselves stay in memory.

    `identity` is the conversation as its application calls it, or its key. `suppressed_as` is what
    stands for the user where erased people are listed; both null where no user is named.
    """

    route: str
    conversation_key: str
    identity: str = field(repr=False)
    user_key: str | None
    suppressed_as: str | None


@dataclass(frozen=True)
class Passed:
    """A request that was answered, and the answer; in memory only, and in no representation."""

    passing: Passing
    request: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    status: int
    content_type: str
    encoding: str
    occurred_at: dt.datetime
    latency_seconds: float
    first_byte_seconds: float


def read_passing(
    headers: Mapping[str, str], request: Mapping[str, Any], *, settings: ShadowSettings, key: bytes
) -> Passing:
    """From the headers that the settings name, else from the body.

    A conversation without an id is known by what its first user message says: all its turns begin
    with it. Two that begin alike count as one, which can only widen an interval.
    """
    route = headers.get(settings.route_header, "")
    conversation = headers.get(settings.conversation_header, "")[:_LONGEST_ID]
    user = (headers.get(settings.user_header) or _user(request))[:_LONGEST_ID]
    if conversation:
        conversation_key = keyed_pseudonym(key, "conversation", conversation)
    else:
        conversation_key = keyed_pseudonym(key, "opening", user, _opening(request))
    return Passing(
        route=route if _ROUTE.fullmatch(route) else UNNAMED_ROUTE,
        conversation_key=conversation_key,
        identity=conversation or conversation_key,
        user_key=keyed_pseudonym(key, "user", user) if user else None,
        suppressed_as=suppression_key(user, key=key) if user else None,
    )


def is_drawn(passing: Passing, *, candidate_id: str, share: float) -> bool:
    """Whether the conversation is in the candidate's share: the same one always is, or never."""
    return unit_hash(f"shadow|{candidate_id}", passing.conversation_key) < share


def _user(request: Mapping[str, Any]) -> str:
    user = request.get("user")
    return user if isinstance(user, str) else ""


def _opening(request: Mapping[str, Any]) -> str:
    messages = request.get("messages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and message.get("role") == "user":
            return str(message.get("content"))
    return ""
