"""Serves the desk until it is told to stop; what is at work then is finished first."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS: Final = 10
"""For requests at work when the server is told to stop."""
MOST_CONNECTIONS: Final = 1_000
"""More at once are answered with 503."""
_IDLE_SECONDS: Final = 75
"""Longer than the minute that proxies keep a connection, so that none is cut as it is used."""


class DeskServer(uvicorn.Server):
    """A server that tells its port once it accepts connections."""

    def __init__(self, config: uvicorn.Config, *, started: Callable[[int], None]) -> None:
        super().__init__(config)
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells after the socket accepts, never before."""
        await super().startup(sockets=sockets)
        if self.started:
            self._tell(self.servers[0].sockets[0].getsockname()[1])


def serve(app: ASGIApp, *, host: str, port: int, started: Callable[[int], None]) -> bool:
    """Serves until SIGTERM or SIGINT; False if it never came up, as where the port is taken.

    The proxies' headers are read by the desk itself, which trusts only those it was told of.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = DeskServer(config, started=started)
    with (
        _signals_end_it_well(),
        contextlib.suppress(SystemExit),  # the library's way to say that it cannot listen
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        runner.run(server.serve())
    return server.started


@contextlib.contextmanager
def _signals_end_it_well() -> Iterator[None]:
    """The library raises the signal again once it has stopped; to be told to stop is no failure."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {which: signal.signal(which, lambda *_: None) for which in signals}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches a server at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
