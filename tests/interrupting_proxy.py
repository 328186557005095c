"""A proxy before an object store, at whose n-th request the client dies or the network fails."""

import http.client
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.kills import AFTER, BEFORE, TORN, Fate


class Interrupter:
    """Counts requests, lets one at a time through, and interrupts the fated one.

    One at a time because moto looks and then stores: a store's conditional put is one step.
    Interrupted `before`, the store hears nothing; `torn`, half the body; `after`, everything, but
    the answer gets lost. With a victim the client is killed at that moment, without one the
    connection breaks and the client may try again.
    """

    def __init__(self, store: str) -> None:
        self._store = urlsplit(store).netloc
        self._lock = threading.Lock()
        self._victim: int | None = None
        self._fate: Fate | None = None
        self.requests: list[tuple[str, bool]] = []

    def arm(self, fate: Fate | None, *, victim: int | None = None) -> None:
        """Counts from zero again, with this request as the fated one."""
        with self._lock:
            self._fate, self._victim, self.requests = fate, victim, []

    def exchange(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """The store's answer, or None where the client is not to hear one."""
        with self._lock:
            number = len(self.requests)
            self.requests.append((f"{method} {path}", bool(body)))
            moment = self._fate.moment if self._fate and self._fate.boundary == number else None
            if moment == BEFORE:
                return self._interrupt()
            if moment == TORN:
                self._send(method, path, headers, body[: len(body) // 2]).close()
                return self._interrupt()
            connection = self._send(method, path, headers, body)
            answer = connection.getresponse()
            said = answer.status, answer.getheaders(), answer.read()
            connection.close()
            return self._interrupt() if moment == AFTER else said

    def _interrupt(self) -> None:
        if self._victim is not None:
            os.kill(self._victim, signal.SIGKILL)

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self._store)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if name.lower() != "connection":
                connection.putheader(name, value)
        connection.endheaders(body)
        return connection


@contextmanager
def interrupting_proxy(store: str) -> Iterator[tuple[str, Interrupter]]:
    """The proxy's endpoint, and what controls it."""
    interrupter = Interrupter(store)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = interrupter.exchange(self.command, self.path, dict(self.headers), body)
            if said is None:
                self.close_connection = True
                return
            status, headers, content = said
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                    self.send_header(name, value)
            length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

        def log_message(self, *what: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, *who: object) -> None:
            """A client that was killed has closed its end."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", interrupter
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
