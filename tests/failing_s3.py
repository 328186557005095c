"""A proxy before an object store that throttles, refuses, hangs, cuts and lags as it is told."""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["status", "reset", "hang", "slow", "cut", "short", "stale"]


@dataclass(frozen=True)
class Trouble:
    """What becomes of one request.

    `status` answers with this code and never asks the store; `unheard` does the store's work first
    and loses the answer. `reset` closes the connection at once, `hang` after `seconds` without a
    byte. `slow` pauses for `seconds` within the body, `cut` ends the connection in its middle,
    `short` sends half of it as if it were all. `stale` gives the answer that was given before.
    """

    kind: Kind
    status: int = 503
    code: str = "SlowDown"
    seconds: float = 0.0
    unheard: bool = False


@dataclass
class FailingStore:
    """Asks `trouble(number, method, path)` at every request; numbers count from 0."""

    store: str
    trouble: Callable[[int, str, str], Trouble | None] = lambda number, method, path: None
    requests: list[str] = field(default_factory=list)
    said: dict[str, tuple[int, list[tuple[str, str]], bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, trouble: Callable[[int, str, str], Trouble | None]) -> None:
        """Counts from zero again."""
        with self._lock:
            self.trouble, self.requests = trouble, []

    def next_trouble(self, method: str, path: str) -> Trouble | None:
        """What becomes of this request, which is counted."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(f"{method} {path}")
            return self.trouble(number, method, path)

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """The store's own answer. One at a time: moto looks and then stores."""
        with self._lock:
            connection = http.client.HTTPConnection(urlsplit(self.store).netloc)
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders(body)
            reply = connection.getresponse()
            said = reply.status, reply.getheaders(), reply.read()
            connection.close()
            return said


def always(trouble: Trouble, *, method: str = "", within: str = "") -> Callable[..., Trouble]:
    """The same trouble for all requests of a method whose path holds a word."""

    def told(number: int, asked: str, path: str) -> Trouble | None:
        return trouble if asked.startswith(method) and within in path else None

    return told


def first(
    times: int, trouble: Trouble, *, method: str = "", within: str = ""
) -> Callable[..., Trouble]:
    """The same trouble for so many of them, and none afterwards."""
    left = [times]

    def told(number: int, asked: str, path: str) -> Trouble | None:
        if left[0] and asked.startswith(method) and within in path:
            left[0] -= 1
            return trouble
        return None

    return told


class _Handler(BaseHTTPRequestHandler):
    failing: FailingStore
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        trouble = self.failing.next_trouble(self.command, self.path)
        if trouble is not None and trouble.unheard:
            self.failing.answer(self.command, self.path, dict(self.headers), body)
        kind = None if trouble is None else trouble.kind
        if trouble is not None and kind == "status":
            self._send(trouble.status, [("Content-Type", "application/xml")], refusal(trouble))
        elif trouble is not None and kind in ("reset", "hang"):
            time.sleep(trouble.seconds)
            self._reset()
        elif kind == "stale" and self.path in self.failing.said:
            self._send(*self.failing.said[self.path])
        else:
            said = self.failing.answer(self.command, self.path, dict(self.headers), body)
            self.failing.said[self.path] = said
            self._send(*said, trouble=trouble)

    def _send(
        self,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes,
        trouble: Trouble | None = None,
    ) -> None:
        kind = None if trouble is None else trouble.kind
        if kind == "short":
            content = content[: len(content) // 2]
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                self.send_header(name, value)
        length = dict(headers).get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        half = len(content) // 2
        if trouble is not None and kind in ("slow", "cut"):
            self.wfile.write(content[:half])
            self.wfile.flush()
            time.sleep(trouble.seconds)
            if kind == "cut":
                self._reset()
                return
            content = content[half:]
        self.wfile.write(content)

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

    def log_message(self, *what: object) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *who: object) -> None:
        """A client that has had enough closes its end."""


@contextmanager
def failing_s3(store: str) -> Iterator[tuple[str, FailingStore]]:
    """The proxy's endpoint, and what controls it."""
    failing = FailingStore(store)
    handler = type("Handler", (_Handler,), {"failing": failing})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", failing
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusal(trouble: Trouble) -> bytes:
    """As S3 says it; it repeats the id of the key, as the real one does."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{trouble.code}</Code><Message>told by the test</Message>"
        "<AWSAccessKeyId>AKIDPLANTED</AWSAccessKeyId></Error>"
    ).encode()
