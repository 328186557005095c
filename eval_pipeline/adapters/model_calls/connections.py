"""TCP and TLS connections for httpcore, straight on asyncio.

httpcore's own backend goes through anyio, whose cancel scopes and socket queries cost more than
the HTTP: half a millisecond of processor time a call. Here a connection is one asyncio protocol,
and whether an idle one has died is known from what the event loop told, without asking the kernel.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Any, Self, cast

import httpcore

from eval_pipeline.adapters.network.destinations import Resolved, checked_addresses
from eval_pipeline.settings import NetworkSettings

PAUSE_AT_BYTES = 256 * 1024
HAPPY_EYEBALLS_SECONDS = 0.25
PROBE_SECONDS = 60
PROBES = 5


class Connections(httpcore.AsyncNetworkBackend):
    """Opens connections in the running event loop, to addresses that `network` allows."""

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Tries the host's addresses a quarter of a second apart; the first to stand wins.

        Raises `RefusedAddressError` before anything is sent where none may be connected to.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                allowed = checked_addresses(host, found, network=self._network)
                raw = await _first_to_stand(allowed, local_address=local_address)
                transport, stream = await loop.create_connection(Connection, sock=raw)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        # A name that no resolver can take is no text of an address either.
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        _keep_alive(transport.get_extra_info("socket"), socket_options or ())
        return stream

    async def sleep(self, seconds: float) -> None:
        """Waits in the running event loop."""
        await asyncio.sleep(seconds)


async def _first_to_stand(
    addresses: Sequence[Resolved], *, local_address: str | None
) -> socket.socket:
    """A socket connected to one of the addresses; raises the first one's `OSError` if none is."""
    trying: list[asyncio.Task[socket.socket]] = []
    waiting = list(addresses)
    failure: OSError | None = None
    try:
        while waiting or trying:
            if waiting:
                trying.append(asyncio.create_task(_connected(waiting.pop(0), local_address)))
            done, _ = await asyncio.wait(
                trying,
                timeout=HAPPY_EYEBALLS_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                trying.remove(task)
                try:
                    return task.result()
                except OSError as error:
                    failure = failure or error
    finally:
        await _abandon(trying)
    raise failure or OSError("no address")


async def _connected(entry: Resolved, local_address: str | None) -> socket.socket:
    family, kind, protocol, _, address = entry
    raw = socket.socket(family, kind, protocol)
    try:
        raw.setblocking(False)  # noqa: FBT003 - the socket module's signature
        if local_address is not None:
            raw.bind((local_address, 0))
        await asyncio.get_running_loop().sock_connect(raw, address)
    except BaseException:
        raw.close()
        raise
    return raw


async def _abandon(trying: Sequence["asyncio.Task[socket.socket]"]) -> None:
    """Cancels what is still connecting, and closes what stood at the same moment."""
    for task in trying:
        task.cancel()
    for late in await asyncio.gather(*trying, return_exceptions=True):
        if isinstance(late, socket.socket):
            late.close()


def _keep_alive(raw: Any, options: Iterable[httpcore.SOCKET_OPTION]) -> None:
    """Has the kernel probe a silent connection: a long answer outlives the patience of a NAT."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", PROBE_SECONDS),
        ("TCP_KEEPINTVL", PROBE_SECONDS),
        ("TCP_KEEPCNT", PROBES),
    ):
        if hasattr(socket, name):
            raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    for option in options:
        raw.setsockopt(*option)


class Connection(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection: what came and was not read yet, whether it ended, and who waits for it."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._outgoing: list[bytes] = []
        self._paused = False
        self._ended = False
        self._failure: Exception | None = None
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keeps what came; a peer that sends faster than it is read is held."""
        self._received += data
        if len(self._received) > PAUSE_AT_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._reading)

    def eof_received(self) -> bool:
        """The peer sends no more: nothing can be asked here any more either."""
        self._ended = True
        _wake(self._reading)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._ended = True
        self._failure = error
        _wake(self._reading)
        _wake(self._writing)

    def pause_writing(self) -> None:
        """The peer takes less than is sent."""
        self._writing = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """The peer caught up."""
        _wake(self._writing)
        self._writing = None

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> bytes:
        """What came, as soon as anything did; empty at the end."""
        if not self._received and not self._ended:
            self._reading = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._reading
            except TimeoutError as error:
                raise httpcore.ReadTimeout(str(error)) from error
            finally:
                self._reading = None
        if not self._received and self._failure is not None:
            raise httpcore.ReadError(str(self._failure)) from self._failure
        taken = bytes(self._received[:max_bytes])
        del self._received[:max_bytes]
        if self._paused and not self._ended and len(self._received) <= PAUSE_AT_BYTES:
            self._paused = False
            self._transport.resume_reading()
        return taken

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        """Sends with all that is written in this step of the loop: a head and its body are one.

        Waits while the peer takes nothing of what was sent before.
        """
        if self._ended:
            raise httpcore.WriteError("the peer closed the connection")
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._send)
        self._outgoing.append(buffer)
        if self._writing is not None:
            try:
                async with asyncio.timeout(timeout):
                    await self._writing
            except TimeoutError as error:
                raise httpcore.WriteTimeout(str(error)) from error

    def _send(self) -> None:
        if self._outgoing and not self._transport.is_closing():
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    async def aclose(self) -> None:
        """Says goodbye, then lets go without waiting for an answer."""
        self._send()
        self._transport.close()
        await asyncio.sleep(0)
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Self:
        """The same connection, encrypted."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except (OSError, EOFError) as error:
            raise httpcore.ConnectError(str(error)) from error
        if transport is None:
            raise httpcore.ConnectError("the peer closed the connection during the TLS handshake")
        self._transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`: on an idle connection, that the peer has ended it."""
        if info == "is_readable":
            return self._ended or bool(self._received)
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


def _wake(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
