"""Sending bytes to a provider: one request, its bounded reply, an event loop to do it in."""

import asyncio
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import httpcore
import httpx

from eval_pipeline.adapters.network.bodies import BodyDecoder, TooLongError
from eval_pipeline.adapters.network.clients import raw_url
from eval_pipeline.adapters.network.destinations import RefusedAddressError
from eval_pipeline.adapters.network.leftovers import spoil

LARGEST_REPLY_BYTES = 8 * 2**20
CONNECT_SECONDS = 10.0
USUAL_HEADERS = (
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip"),
    (b"user-agent", b"eval-pipeline"),
)


@dataclass(frozen=True)
class HttpReply:
    """A whole HTTP reply; `headers` by lower-case names, `first_byte_seconds` to its head."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    latency_seconds: float
    first_byte_seconds: float

    @property
    def retry_after(self) -> str | None:
        """What the Retry-After header says, if there is one."""
        return self.headers.get("retry-after")


@dataclass(frozen=True)
class NoReply:
    """Nothing usable came back; `problem` is the transport's own words, free of any content.

    `connected`: a connection stood, so somebody is there. `refused`: by us, and asking again
    changes nothing.
    """

    error_code: Literal["timeout", "connection", "bad_response"]
    problem: str
    latency_seconds: float
    connected: bool = True
    refused: bool = False


async def post(
    pool: httpcore.AsyncConnectionPool,
    url: httpx.URL,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout_seconds: float,
    largest_reply_bytes: int = LARGEST_REPLY_BYTES,
) -> HttpReply | NoReply:
    """One request; `timeout_seconds` bounds it as a whole. Never raises for what the peer does."""
    started = perf_counter()
    request = _request(url, body, headers, connect=min(CONNECT_SECONDS, 0.9 * timeout_seconds))
    try:
        async with asyncio.timeout(timeout_seconds):
            response = await pool.handle_async_request(request)
            first_byte = perf_counter() - started
            received = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            try:
                content = await _content(response, received, largest=largest_reply_bytes)
                spoilt = spoil(response)
            finally:
                await response.aclose()
    except TimeoutError:
        return NoReply("timeout", f"no answer in {timeout_seconds:g} s", perf_counter() - started)
    except zlib.error:
        return NoReply("bad_response", "undecodable content", perf_counter() - started)
    except TooLongError:
        told = f"more than {largest_reply_bytes} bytes"
        return NoReply("bad_response", told, perf_counter() - started)
    except NO_REPLY as error:
        connected = not isinstance(error, NOT_CONNECTED)
        # What could not even be sent may quote a header, and with it a key.
        unsent = isinstance(error, httpcore.LocalProtocolError)
        problem = ("" if unsent else str(error)) or type(error).__name__
        refused = isinstance(error, RefusedAddressError)
        return NoReply("connection", problem, perf_counter() - started, connected, refused)
    latency = perf_counter() - started
    if spoilt:
        return NoReply("bad_response", "more bytes than the reply said it had", latency)
    return HttpReply(response.status, content, received, latency, first_byte)


NOT_CONNECTED = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ProxyError)
NO_REPLY = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    # A TLS stream that breaks off midway.
    ssl.SSLError,
)


def _request(
    url: httpx.URL, body: bytes, headers: Mapping[str, str], *, connect: float
) -> httpcore.Request:
    own = [(name.lower().encode("ascii"), value.encode("utf-8")) for name, value in headers.items()]
    named = {name for name, _ in own}
    return httpcore.Request(
        "POST",
        raw_url(url),
        headers=[
            (b"host", url.netloc),
            *(usual for usual in USUAL_HEADERS if usual[0] not in named),
            *own,
            (b"content-length", str(len(body)).encode("ascii")),
        ],
        content=body,
        extensions={"timeout": {"connect": connect}},
    )


async def _content(
    response: httpcore.Response, headers: Mapping[str, str], *, largest: int
) -> bytes:
    """The decoded body; raises `TooLongError` beyond `largest`: no more is ever held."""
    decoder = BodyDecoder(headers.get("content-encoding", ""), largest=largest)
    content = bytearray()
    async for chunk in response.aiter_stream():
        for piece in decoder.pieces(chunk):
            content += piece
    decoder.finish()
    return bytes(content)


def run_to_end(work: Callable[[], Awaitable[None]]) -> None:
    """Runs `work` in a loop of its own, in another thread if this one has a loop already."""

    async def whole() -> None:
        await work()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(whole())
        return
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()

    def apart() -> None:
        with runner:
            runner.run(whole())

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="model-calls") as thread:
        running = thread.submit(apart)
        try:
            running.result()
        except BaseException:
            if not running.done():
                loop.call_soon_threadsafe(_cancel_all, loop)
            raise


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def first_failure(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first failure that is no group itself."""
    first = failures.exceptions[0]
    return first_failure(first) if isinstance(first, BaseExceptionGroup) else first
