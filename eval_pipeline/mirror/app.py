"""The endpoint as one ASGI application: checks, forwards, and offers what passed to the mirror."""

import asyncio
import contextlib
import datetime as dt
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from eval_pipeline.adapters.mirroring.forwarding import Forwarder, ForwardError, PassedReply
from eval_pipeline.mirror import problems
from eval_pipeline.mirror.messages import (
    customer_left,
    headers_of,
    refuse,
    send_json,
    whole_body,
)
from eval_pipeline.mirror.mirroring import Mirror
from eval_pipeline.mirror.passing import Passed, Passing, is_drawn, read_passing
from eval_pipeline.mirror.problems import Problem
from eval_pipeline.settings import ShadowSettings

CHAT: Final = "/v1/chat/completions"
HEALTH: Final = "/health"
READY: Final = "/ready"
_MANY_DIGITS: Final = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Door:
    """What the endpoint is told once: whom it serves, which model, and what to mirror."""

    candidate_id: str
    model: str
    settings: ShadowSettings
    key: bytes = field(repr=False)
    token: str | None = field(repr=False, default=None)
    largest_reply_bytes: int = 8 * 2**20


class MirrorApp:
    """Customers' requests go to the baseline's provider; what is beside that never stops them."""

    def __init__(
        self,
        door: Door,
        *,
        forwarder: Forwarder,
        open_mirror: Callable[[], Mirror],
        clock: Callable[[], dt.datetime],
    ) -> None:
        """`open_mirror` is called in the serving loop."""
        self._door = door
        self._forwarder = forwarder
        self._open = open_mirror
        self._clock = clock
        self._mirror: Mirror | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's beginning and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer_or_fail(scope, receive, send)

    @property
    def mirror(self) -> Mirror:
        """The mirror; there from the server's beginning on."""
        if self._mirror is None:
            raise RuntimeError("the mirror has not been started")
        return self._mirror

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._mirror = self._open()
                await self._mirror.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.mirror.stop()
                await self._forwarder.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer_or_fail(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is a defect of ours ends in one line of log, without the request's words."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._answer(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - its words may quote the request
            _log.error("A request failed (%s).", type(error).__name__)
            self.mirror.counted("mirror_failed")
            if not begun:
                await refuse(send, problems.FAILED)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in {HEALTH, READY}:
            await send_json(send, 200, self._state() if path == READY else {"status": "ok"})
            return
        if path != CHAT:
            await refuse(send, problems.NOT_FOUND)
            return
        if scope["method"] != "POST":
            await refuse(send, problems.WRONG_METHOD)
            return
        self.mirror.counted("received")
        headers = headers_of(scope)
        problem = self._refusal(headers)
        limit = self._door.settings.maximum_body_bytes
        body = b"" if problem else await whole_body(receive, limit=limit)
        if body is None:
            problem = problems.too_large(limit)
        request: Mapping[str, Any] = {}
        if problem is None:
            request, problem = self._read(body or b"")
        if problem is not None:
            self.mirror.counted("refused")
            await refuse(send, problem)
            return
        await self._pass(headers, request, body or b"", receive, send)

    def _refusal(self, headers: Mapping[str, str]) -> Problem | None:
        """Why nothing of the body is read."""
        if self._door.token is not None:
            given = headers.get("authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, f"Bearer {self._door.token}".encode()):
                return problems.UNAUTHORISED
        elif "origin" in headers:
            return problems.FROM_A_PAGE
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return problems.NOT_TYPED
        length = headers.get("content-length", "0")
        limit = self._door.settings.maximum_body_bytes
        if not length.isdecimal() or len(length) > _MANY_DIGITS or int(length) > limit:
            return problems.too_large(limit)
        return None

    def _read(self, body: bytes) -> tuple[Mapping[str, Any], Problem | None]:
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            return {}, problems.NOT_JSON
        if not isinstance(request, dict):
            return {}, problems.NOT_JSON
        if not isinstance(request.get("model"), str):
            return {}, problems.NO_MODEL
        if request["model"] != self._door.model:
            return {}, problems.unknown_model(self._door.model)
        return request, None

    async def _pass(
        self,
        headers: Mapping[str, str],
        request: Mapping[str, Any],
        body: bytes,
        receive: Receive,
        send: Send,
    ) -> None:
        """Forwards the bytes as they came and the reply as it comes; then offers both."""
        drawn = self._drawn(headers, request)
        occurred_at, started = self._clock(), time.perf_counter()
        kept = bytearray()
        try:
            async with self._forwarder.passed(body, accept=headers.get("accept", "*/*")) as reply:
                first_byte = time.perf_counter() - started
                fate = await self._relay(
                    reply, receive, send, kept=kept if isinstance(drawn, Passing) else None
                )
        except ForwardError as error:
            self.mirror.counted("forward_failed")
            timed_out = error.timed_out
            problem = problems.NO_ANSWER_IN_TIME if timed_out else problems.NO_ANSWER
            await refuse(send, problem)
            return
        latency = time.perf_counter() - started
        if fate is not None or isinstance(drawn, str):
            self.mirror.counted(fate or str(drawn))
        else:
            self.mirror.offer(
                Passed(
                    passing=drawn,
                    request=request,
                    body=bytes(kept),
                    status=reply.status,
                    content_type=reply.header(b"content-type"),
                    encoding=reply.header(b"content-encoding").strip().lower(),
                    occurred_at=occurred_at,
                    latency_seconds=latency,
                    first_byte_seconds=first_byte,
                )
            )

    def _drawn(self, headers: Mapping[str, str], request: Mapping[str, Any]) -> Passing | str:
        """Whose request it is where the candidate is asked it too, else its fate.

        Whatever goes wrong here is the mirror's and no customer's.
        """
        settings = self._door.settings
        try:
            passing = read_passing(headers, request, settings=settings, key=self._door.key)
            drawn = is_drawn(passing, candidate_id=self._door.candidate_id, share=settings.share)
            erased = drawn and self.mirror.refuses(passing)
        except Exception as error:  # noqa: BLE001 - its words may quote the request
            _log.warning("A request could not be drawn (%s).", type(error).__name__)
            return "not_mirrorable"
        if erased:
            return "suppressed"
        return passing if drawn else "not_drawn"

    async def _relay(
        self, reply: PassedReply, receive: Receive, send: Send, *, kept: bytearray | None
    ) -> str | None:
        """Sends what comes in as it comes in; the fate of what did not come whole, else None.

        A body that breaks off breaks off for the customer too: it is never made to look whole.
        """
        left = asyncio.ensure_future(customer_left(receive))
        try:
            head = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
            await send(head)
            try:
                async for chunk in reply.chunks:
                    if left.done():
                        return "client_left"
                    if kept is not None and len(kept) <= self._door.largest_reply_bytes:
                        kept += chunk
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except ForwardError:
                return "forward_failed"
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            left.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await left
        if kept is not None and len(kept) > self._door.largest_reply_bytes:
            return "unreadable"
        return None

    def _state(self) -> dict[str, Any]:
        return {
            "status": "ready",
            "candidate": self._door.candidate_id,
            "waiting": self.mirror.waiting,
            "fates": dict(sorted(self.mirror.fates.items())),
        }
