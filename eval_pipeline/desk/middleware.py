"""What holds for every request: its host, its size, the reply's headers, one line of log."""

import time
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eval_pipeline.desk.access_log import begin_note, log_request
from eval_pipeline.desk.problems import ProblemError

LARGEST_BODY: Final = 256 * 1024
HEALTH: Final = "/healthz"
STATIC: Final = "/static"
_MANY_DIGITS: Final = "9" * 20
_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex",
}
_A_YEAR: Final = "max-age=31536000"
_A_DAY: Final = "public, max-age=86400"
_FOUND: Final = (200, 304)

Refusal = Callable[[Request, ProblemError], Response]


class Envelope:
    """Adds the headers of every reply, and has the request logged."""

    def __init__(self, app: ASGIApp, *, behind_tls: bool) -> None:
        self._app = app
        self._headers = _HEADERS | ({"Strict-Transport-Security": _A_YEAR} if behind_tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        note = begin_note(scope)
        static = scope["path"].startswith(f"{STATIC}/")
        if static:
            note["route"] = f"{STATIC}/…"

        async def enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                kept = static and status in _FOUND
                headers.setdefault("Cache-Control", _A_DAY if kept else "no-store")
            await send(message)

        try:
            await self._app(scope, receive, enveloped)
        finally:
            milliseconds = 1000 * (time.perf_counter() - started)
            log_request(scope, note, status=status, milliseconds=milliseconds)


class KnownHosts:
    """Refuses requests for another host: pages of other sites that a name server points here."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], refuse: Refusal) -> None:
        self._app, self._refuse = app, refuse
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on if its one Host header is known; health is asked by address."""
        if scope["type"] == "http" and scope["path"] != HEALTH:
            named = Headers(scope=scope).getlist("host")
            if len(named) != 1 or _host(named[0]) not in self._hosts:
                problem = ProblemError(400, code="unknown_host", message=UNKNOWN_HOST)
                await self._refuse(Request(scope), problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)


UNKNOWN_HOST: Final = "The desk is not known under this name. Add it under `desk.allowed_hosts`."


class BoundedBody:
    """Reads the whole body before it is passed on, and refuses one that is too large."""

    def __init__(self, app: ASGIApp, *, refuse: Refusal, largest: int = LARGEST_BODY) -> None:
        self._app, self._refuse, self._largest = app, refuse, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with its body in one piece."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        within = length.isdecimal() and len(length) < len(_MANY_DIGITS)
        body = b"" if within and int(length) <= self._largest else None
        more = body is not None
        while body is not None and more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._largest:
                body = None
        if body is None:
            await self._refuse(Request(scope), ProblemError(413))(scope, receive, send)
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, replay, send)


def _host(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None
