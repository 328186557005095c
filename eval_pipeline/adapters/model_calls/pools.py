"""Connection pools to a provider: one connection a worker, or many streams over one.

httpx scans its whole pool for every request and merges headers anew; httpcore beneath it, with a
pool of one connection for each worker, costs a third of that. Over HTTP/2 workers share a pool.
"""

import importlib.util
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpcore
import httpx

from eval_pipeline.adapters.model_calls.connections import Connections
from eval_pipeline.adapters.network.clients import proxy_of
from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import USUAL_NETWORK, NetworkSettings

STREAMS_PER_CONNECTION = 32
IDLE_SECONDS = 5.0


def require_http2(provider: str) -> None:
    """Raises `SettingsError` where HTTP/2 needs a package that is missing."""
    if importlib.util.find_spec("h2") is None:
        raise SettingsError(
            f"`providers.{provider}.http2` needs the package h2, which is not installed. Nothing "
            "was asked. Install it (pip install 'eval-pipeline[http2]') or set `http2: false`."
        )


@asynccontextmanager
async def open_shards(
    url: httpx.URL,
    *,
    concurrency: int,
    context: ssl.SSLContext,
    http2: bool = False,
    network: NetworkSettings = USUAL_NETWORK,
) -> AsyncIterator[list[httpcore.AsyncConnectionPool]]:
    """As many pools as requests at once; worker w takes pool w, and never two requests of it.

    With `http2`, which needs the package h2, up to 32 workers share a pool, and one connection if
    the server agrees to it.
    """
    workers = min(concurrency, STREAMS_PER_CONNECTION) if http2 else 1
    async with AsyncExitStack() as stack:
        pools = [
            await stack.enter_async_context(
                open_pool(url, connections=workers, context=context, http2=http2, network=network)
            )
            for _ in range(-(-concurrency // workers))
        ]
        yield [pools[worker // workers] for worker in range(concurrency)]


def open_pool(
    url: httpx.URL,
    *,
    connections: int,
    context: ssl.SSLContext,
    network: NetworkSettings,
    http2: bool = False,
    idle_connections: int | None = None,
) -> httpcore.AsyncConnectionPool:
    """A pool for one address, over connections that `network` allows."""
    proxy = proxy_of(url)
    return httpcore.AsyncConnectionPool(
        ssl_context=context,
        proxy=proxy,
        max_connections=connections,
        max_keepalive_connections=idle_connections or connections,
        keepalive_expiry=IDLE_SECONDS,
        http2=http2,
        network_backend=Connections(network if proxy is None else USUAL_NETWORK),
    )
