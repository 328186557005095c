"""Sending bytes to a provider: an event loop, connections in shards, bounded replies.

httpx scans its whole pool for every request, so one client with many waiting requests is slow:
each client here has four connections and is never handed more than four requests at once.
"""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from time import perf_counter
from typing import Literal

import httpx

CONNECTIONS_PER_CLIENT = 4
LARGEST_REPLY_BYTES = 8 * 2**20
CONNECT_SECONDS = 10.0


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


@asynccontextmanager
async def open_shards(
    url: httpx.URL, *, concurrency: int, context: ssl.SSLContext
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients enough for `concurrency` requests at once; worker w takes client w // 4."""
    limits = httpx.Limits(
        max_connections=CONNECTIONS_PER_CLIENT, max_keepalive_connections=CONNECTIONS_PER_CLIENT
    )
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                # A proxy of the environment is for the outside, never for this machine.
                httpx.AsyncClient(limits=limits, verify=context, trust_env=not _on_loopback(url))
            )
            for _ in range(math.ceil(concurrency / CONNECTIONS_PER_CLIENT))
        ]


async def post(
    client: httpx.AsyncClient,
    url: httpx.URL,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout_seconds: float,
) -> HttpReply | NoReply:
    """One request; `timeout_seconds` bounds it as a whole. Never raises for what the peer does."""
    started = perf_counter()
    timeout = httpx.Timeout(None, connect=min(CONNECT_SECONDS, 0.9 * timeout_seconds))
    request = client.build_request("POST", url, content=body, headers=headers, timeout=timeout)
    try:
        async with asyncio.timeout(timeout_seconds):
            response = await client.send(request, stream=True)
            first_byte = perf_counter() - started
            try:
                content = await _bounded(response)
            finally:
                await response.aclose()
    except TimeoutError:
        return NoReply("timeout", f"no answer in {timeout_seconds:g} s", perf_counter() - started)
    except httpx.DecodingError:
        return NoReply("bad_response", "undecodable content", perf_counter() - started)
    except httpx.RequestError as error:
        connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        problem = str(error) or type(error).__name__
        return NoReply("connection", problem, perf_counter() - started, connected)
    latency = perf_counter() - started
    if content is None:
        return NoReply("bad_response", f"more than {LARGEST_REPLY_BYTES} bytes", latency)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpReply(response.status_code, content, headers, latency, first_byte)


async def _bounded(response: httpx.Response) -> bytes | None:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > LARGEST_REPLY_BYTES:
            return None
    return bytes(content)


def _on_loopback(url: httpx.URL) -> bool:
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


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
