"""Connections to servers on loopback: encrypted, over HTTP/2, dead while idle."""

import asyncio
import contextlib
import importlib.util
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from eval_pipeline.adapters.model_calls.pools import open_shards
from eval_pipeline.adapters.model_calls.transports import HttpReply, NoReply, post
from tests.certificates import self_signed

WITHOUT_HTTP2 = importlib.util.find_spec("h2") is None
needs_http2 = pytest.mark.skipif(WITHOUT_HTTP2, reason="the package h2 is not installed")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself, in one file."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@contextlib.asynccontextmanager
async def served(
    handler: Handler, *, certificate: Path | None = None, protocol: str = "http/1.1"
) -> AsyncIterator[httpx.URL]:
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols([protocol])
    handling: set[asyncio.Task[Any] | None] = set()

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            await handler(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    server = await asyncio.start_server(handled, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield httpx.URL(f"{'https' if context else 'http'}://127.0.0.1:{port}/v1/chat")
    finally:
        server.close()
        await asyncio.gather(*(task for task in handling if task is not None))


async def ask_together(
    url: httpx.URL, count: int, *, trust: Path | None = None, http2: bool = False
) -> list[HttpReply | NoReply]:
    context = ssl.create_default_context(cafile=trust)
    async with open_shards(url, concurrency=count, context=context, http2=http2) as pools:
        return await asyncio.gather(
            *(
                post(
                    pool,
                    url,
                    body=f"request {number}".encode(),
                    headers={"content-type": "text/plain"},
                    timeout_seconds=10,
                )
                for number, pool in enumerate(pools)
            )
        )


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends every body back, request after request."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length + body)


def bodies(replies: list[HttpReply | NoReply]) -> list[str]:
    assert all(isinstance(reply, HttpReply) for reply in replies), replies
    return [reply.body.decode() for reply in replies if isinstance(reply, HttpReply)]


def test_a_trusted_server_is_spoken_to_over_tls(certificate: Path) -> None:
    async def asked() -> list[HttpReply | NoReply]:
        async with served(echo, certificate=certificate) as url:
            return await ask_together(url, 5, trust=certificate)

    assert bodies(asyncio.run(asked())) == [f"request {number}" for number in range(5)]


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(certificate: Path) -> None:
    async def asked() -> list[HttpReply | NoReply]:
        async with served(echo, certificate=certificate) as url:
            return await ask_together(url, 1)

    (reply,) = asyncio.run(asked())
    assert isinstance(reply, NoReply)
    assert (reply.error_code, reply.connected) == ("connection", False)
    assert "CERTIFICATE_VERIFY_FAILED" in reply.problem


def test_a_connection_that_died_while_idle_costs_no_attempt() -> None:
    connections = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async def asked() -> list[HttpReply | NoReply]:
        replies = []
        async with (
            served(once) as url,
            open_shards(url, concurrency=1, context=ssl.create_default_context()) as (pool,),
        ):
            for _ in range(3):
                replies.append(await post(pool, url, body=b"", headers={}, timeout_seconds=10))
                # The server's goodbye comes meanwhile.
                await asyncio.sleep(0.2)
        return replies

    assert bodies(asyncio.run(asked())) == ["ok"] * 3
    assert len(connections) == 3


def test_a_slow_reader_is_sent_a_large_request_whole() -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.2)
        length = len(await reader.readexactly(20_000_000))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n%d" % length)

    async def asked() -> HttpReply | NoReply:
        async with (
            served(count) as url,
            open_shards(url, concurrency=1, context=ssl.create_default_context()) as (pool,),
        ):
            return await post(pool, url, body=b"x" * 20_000_000, headers={}, timeout_seconds=30)

    assert bodies([asyncio.run(asked())]) == ["20000000"]


@pytest.mark.parametrize("value", ["bad\nvalue-of-a-secret", "bad\x00value-of-a-secret"])
def test_a_header_that_cannot_be_sent_is_not_quoted(value: str) -> None:
    async def asked() -> HttpReply | NoReply:
        async with (
            served(echo) as url,
            open_shards(url, concurrency=1, context=ssl.create_default_context()) as (pool,),
        ):
            return await post(
                pool, url, body=b"", headers={"authorization": value}, timeout_seconds=5
            )

    reply = asyncio.run(asked())
    assert isinstance(reply, NoReply)
    assert "secret" not in reply.problem


async def many_streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP/2 server: waits until twenty requests are there, then sends every body back."""
    import h2.config
    import h2.connection
    import h2.events

    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    received: dict[int, bytes] = {}
    whole: list[int] = []
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                received[event.stream_id] = received.get(event.stream_id, b"") + event.data
            elif isinstance(event, h2.events.StreamEnded):
                whole.append(event.stream_id)
        if len(whole) == 20:
            for stream in whole:
                connection.send_headers(stream, [(":status", "200"), ("x-version", "2")])
                connection.send_data(stream, received[stream], end_stream=True)
        writer.write(connection.data_to_send())


@needs_http2
def test_over_http2_twenty_requests_share_one_connection(certificate: Path) -> None:
    async def asked() -> list[HttpReply | NoReply]:
        async with served(many_streams, certificate=certificate, protocol="h2") as url:
            return await ask_together(url, 20, trust=certificate, http2=True)

    # It answers only once all twenty are on one connection.
    replies = asyncio.run(asked())
    assert bodies(replies) == [f"request {number}" for number in range(20)]
    assert {reply.headers["x-version"] for reply in replies if isinstance(reply, HttpReply)} == {
        "2"
    }


@needs_http2
def test_a_server_without_http2_is_asked_over_one_connection_each(certificate: Path) -> None:
    async def asked() -> list[HttpReply | NoReply]:
        async with served(echo, certificate=certificate) as url:
            return await ask_together(url, 40, trust=certificate, http2=True)

    assert bodies(asyncio.run(asked())) == [f"request {number}" for number in range(40)]


def test_an_address_outside_is_reached_through_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked_for = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked_for.append(head.split(b"\r\n")[0].decode())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async def asked() -> list[HttpReply | NoReply]:
        async with served(proxy) as address:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{address.port}")
            monkeypatch.setenv("no_proxy", "")
            return await ask_together(httpx.URL("http://provider.test/v1/chat"), 1)

    assert bodies(asyncio.run(asked())) == ["ok"]
    assert asked_for == ["POST http://provider.test/v1/chat HTTP/1.1"]
