"""A blocking HTTP client: checked addresses, a deadline for the whole request, no redirects."""

import ssl
import time
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpcore
import httpx

from eval_pipeline.adapters.network.destinations import on_this_machine, resolved
from eval_pipeline.adapters.network.leftovers import spoil
from eval_pipeline.settings import USUAL_NETWORK, NetworkSettings

TOTAL_SECONDS: Final = "total_seconds"
"""The request extension that bounds a request from its beginning to the end of its reply."""


def open_client(
    url: httpx.URL, *, network: NetworkSettings, seconds: float, by_proxy: bool = True
) -> httpx.Client:
    """A client for one host; a request may take `seconds`, from its beginning to its reply's end.

    `by_proxy`: over the environment's proxy, where it names one for the host.
    """
    return httpx.Client(
        transport=CheckedTransport(url, network=network, seconds=seconds, by_proxy=by_proxy),
        timeout=httpx.Timeout(seconds),
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
    )


class CheckedTransport(httpx.BaseTransport):
    """Connects to addresses that were checked; for one request at a time."""

    def __init__(
        self, url: httpx.URL, *, network: NetworkSettings, seconds: float, by_proxy: bool = True
    ) -> None:
        self._seconds = seconds
        proxy = proxy_of(url) if by_proxy else None
        self._backend = _Backend(network if proxy is None else USUAL_NETWORK)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            proxy=proxy,
            max_connections=1,
            network_backend=self._backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; its reply is read within the same deadline."""
        seconds = request.extensions.get(TOTAL_SECONDS, self._seconds)
        self._backend.ends_at = time.monotonic() + seconds
        try:
            response = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    raw_url(request.url),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except _FAILURES as error:
            raise _mapped(error) from error
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Reply(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Closes the connection."""
        self._pool.close()


class _Reply(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_stream()
            spoil(self._response)
        except _FAILURES as error:
            raise _mapped(error) from error

    def close(self) -> None:
        self._response.close()


class _Backend(httpcore.NetworkBackend):
    """Opens connections; what is read and written on them ends at `ends_at`."""

    def __init__(self, network: NetworkSettings) -> None:
        self._network = network
        self._sockets = httpcore.SyncBackend()
        self.ends_at = 0.0

    def left(self, timeout: float | None, error: type[Exception]) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise error("no whole answer in time")
        return left if timeout is None else min(timeout, left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for entry in resolved(host, port, network=self._network):
            try:
                stream = self._sockets.connect_tcp(
                    str(entry[4][0]),
                    port,
                    timeout=self.left(timeout, httpcore.ConnectTimeout),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _Stream(stream, self)
        raise failure or httpcore.ConnectError("no address")


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, backend: _Backend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._backend.left(timeout, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _Stream(stream, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def raw_url(url: httpx.URL) -> httpcore.URL:
    """The address in the form that httpcore takes."""
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def proxy_of(url: httpx.URL) -> httpcore.Proxy | None:
    """The environment's proxy for an address; it is for the outside, never for this machine."""
    if on_this_machine(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address:
        return None
    proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    return httpcore.Proxy(raw_url(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


_FAILURES: Final = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    ssl.SSLError,
)


def _mapped(error: Exception) -> httpx.TransportError:
    """The same failure by httpx's name; both libraries share their names."""
    for kind in type(error).__mro__:
        known = getattr(httpx, kind.__name__, None)
        if isinstance(known, type) and issubclass(known, httpx.TransportError):
            return known(str(error))
    return httpx.NetworkError(type(error).__name__)
