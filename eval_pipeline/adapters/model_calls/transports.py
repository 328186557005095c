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

LARGEST_REPLY_BYTES = 8 * 2**20
CONNECT_SECONDS = 10.0
GZIP = 16 + zlib.MAX_WBITS
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

    `connected`: a connection stood, so somebody is there.
    """

    error_code: Literal["timeout", "connection", "bad_response"]
    problem: str
    latency_seconds: float
    connected: bool = True


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
            finally:
                await response.aclose()
    except TimeoutError:
        return NoReply("timeout", f"no answer in {timeout_seconds:g} s", perf_counter() - started)
    except zlib.error:
        return NoReply("bad_response", "undecodable content", perf_counter() - started)
    except NO_REPLY as error:
        connected = not isinstance(error, NOT_CONNECTED)
        # What could not even be sent may quote a header, and with it a key.
        unsent = isinstance(error, httpcore.LocalProtocolError)
        problem = ("" if unsent else str(error)) or type(error).__name__
        return NoReply("connection", problem, perf_counter() - started, connected)
    latency = perf_counter() - started
    if content is None:
        return NoReply("bad_response", f"more than {largest_reply_bytes} bytes", latency)
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
) -> bytes | None:
    """The decoded body, or None if it is longer than `largest`: no more is ever held."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise zlib.error("an encoding that was not asked for")
    decoder = zlib.decompressobj(GZIP) if encoding == "gzip" else None
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk if decoder is None else decoder.decompress(chunk, largest + 1)
        if len(content) > largest:
            return None
    if decoder is not None and content and not decoder.eof:
        raise zlib.error("the compressed content breaks off")
    return bytes(content)


def raw_url(url: httpx.URL) -> httpcore.URL:
    """The address in the form that httpcore takes."""
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


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
