"""Reading a request and writing a reply by ASGI's own messages."""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from eval_pipeline.mirror.problems import Problem

_JSON: Final = b"application/json"


def headers_of(scope: Scope) -> dict[str, str]:
    """By lower-case names; of several of one name the last, which none of ours may be."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def whole_body(receive: Receive, *, limit: int) -> bytes | None:
    """The whole body, or None if it is longer; no more than that is held."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            return None
    return bytes(body)


async def customer_left(receive: Receive) -> None:
    """Returns once the customer is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def refuse(send: Send, problem: Problem) -> None:
    """Answers with the refusal."""
    extra = [(b"www-authenticate", b"Bearer")] if problem.status == 401 else []  # noqa: PLR2004
    await _send(send, problem.status, problem.body, extra)


async def send_json(send: Send, status: int, facts: Mapping[str, Any]) -> None:
    """Answers with facts."""
    await _send(send, status, json.dumps(facts).encode("ascii"), [])


async def _send(send: Send, status: int, body: bytes, extra: list[tuple[bytes, bytes]]) -> None:
    start: Message = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", _JSON),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"cache-control", b"no-store"),
            *extra,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})
