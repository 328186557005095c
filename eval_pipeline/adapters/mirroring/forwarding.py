"""One address to which requests are passed as they are, and replies as they come back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from eval_pipeline.adapters.model_calls.pools import open_pool
from eval_pipeline.adapters.model_calls.transports import (
    CONNECT_SECONDS,
    NO_REPLY,
    HttpReply,
    NoReply,
    post,
)
from eval_pipeline.adapters.network.clients import raw_url
from eval_pipeline.adapters.network.leftovers import spoil
from eval_pipeline.adapters.providers import ChatProvider

MOST_CONNECTIONS: Final = 1_000
IDLE_CONNECTIONS: Final = 64
_NOT_PASSED: Final = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer",
        b"transfer-encoding", b"upgrade", b"set-cookie", b"server", b"date", b"alt-svc",
    }
)  # fmt: skip
"""Headers of the connection, and what the provider's edge says to a browser: not the answer's."""


class ForwardError(Exception):
    """The provider gave no answer; the words of the transport are not told, they may quote."""

    def __init__(self, *, timed_out: bool) -> None:
        self.timed_out = timed_out
        super().__init__("no answer in time" if timed_out else "no answer")


@dataclass(frozen=True)
class PassedReply:
    """A reply's head, and its body as it comes in."""

    status: int
    headers: list[tuple[bytes, bytes]]
    chunks: AsyncIterator[bytes]

    def header(self, name: bytes) -> str:
        """A header's value, or an empty string."""
        return next(
            (value.decode("latin-1") for held, value in self.headers if held.lower() == name), ""
        )


class Forwarder:
    """Sends bytes to one fixed address with the provider's own headers, and nowhere else."""

    def __init__(self, provider: ChatProvider, url: httpx.URL, *, silence_seconds: float) -> None:
        self._url = url
        self._headers = [
            (b"host", url.netloc),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"eval-pipeline"),
            *((name.encode("ascii"), value.encode()) for name, value in provider.headers.items()),
        ]
        self._timeouts = {
            "connect": min(CONNECT_SECONDS, silence_seconds),
            "read": silence_seconds,
            "write": silence_seconds,
            "pool": silence_seconds,
        }
        self._pool = _pool(provider, url, connections=MOST_CONNECTIONS)

    async def close(self) -> None:
        """Lets go of every connection."""
        await self._pool.aclose()

    @asynccontextmanager
    async def passed(self, body: bytes, *, accept: str) -> AsyncIterator[PassedReply]:
        """The reply to these bytes; raises `ForwardError` where its head does not come.

        Its chunks raise the same where the body breaks off.
        """
        request = httpcore.Request(
            "POST",
            raw_url(self._url),
            headers=[
                *self._headers,
                (b"accept", accept.encode("latin-1", "replace")),
                (b"content-length", str(len(body)).encode("ascii")),
            ],
            content=body,
            extensions={"timeout": self._timeouts},
        )
        try:
            response = await self._pool.handle_async_request(request)
        except NO_REPLY as error:
            raise _told(error) from None
        try:
            headers = [pair for pair in response.headers if pair[0].lower() not in _NOT_PASSED]
            yield PassedReply(response.status, headers, _chunks(response))
        finally:
            await response.aclose()


class Asker:
    """Asks the candidate's provider; `at_once` requests at a time."""

    def __init__(self, provider: ChatProvider, *, at_once: int, timeout_seconds: float) -> None:
        self._provider = provider
        self._timeout_seconds = timeout_seconds
        self._pool = _pool(provider, provider.url, connections=at_once)

    async def close(self) -> None:
        """Lets go of every connection."""
        await self._pool.aclose()

    async def ask(self, url: httpx.URL, body: bytes) -> HttpReply | NoReply:
        """One attempt; never raises for what the peer does."""
        return await post(
            self._pool,
            url,
            body=body,
            headers=self._provider.headers,
            timeout_seconds=self._timeout_seconds,
            largest_reply_bytes=self._provider.settings.largest_reply_bytes,
        )


def _pool(
    provider: ChatProvider, url: httpx.URL, *, connections: int
) -> httpcore.AsyncConnectionPool:
    return open_pool(
        url,
        connections=connections,
        context=httpx.create_ssl_context(),
        network=provider.network,
        idle_connections=min(connections, IDLE_CONNECTIONS),
    )


async def _chunks(response: httpcore.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_stream():
            yield chunk
        spoil(response)
    except NO_REPLY as error:
        raise _told(error) from None


def _told(error: BaseException) -> ForwardError:
    return ForwardError(timed_out=isinstance(error, httpcore.TimeoutException))
