"""A proxy before PostgreSQL that cuts connections: at a statement, before a commit, or after it."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

Moment = Literal["statement", "before the commit", "after the commit"]
COMMIT = b"COMMIT"


@dataclass
class Cutter:
    """Passes bytes between clients and the server.

    `arm` cuts the next so many connections at that moment: when their `statement`-th message is
    sent, when they ask to commit and the server does not hear it, or when it has committed and its
    answer gets lost. While `closed`, whoever connects is refused and all connections are cut.
    """

    server: sa.URL
    moment: Moment | None = None
    times: int = 0
    statement: int = 0
    cuts: int = 0
    port: int = 0
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket | None = None

    @property
    def url(self) -> str:
        """The address of the same database behind this proxy."""
        behind = self.server.set(host="127.0.0.1", port=self.port).set(query={})
        return behind.render_as_string(hide_password=False)

    def arm(self, moment: Moment, *, times: int = 1, statement: int = 0) -> None:
        """Counts the cuts from zero again."""
        with self._lock:
            self.moment, self.times, self.statement, self.cuts = moment, times, statement, 0

    def listen(self) -> None:
        """Takes connections, again at the same address."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """As a server that is stopped: nobody is let in, and everybody is cut off."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            standing = list(self._open)
        for one in standing:
            _reset(one)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = _connected(self.server)
                with self._lock:
                    self._open.add(client)
                lose_answer = threading.Event()
                for pass_on in (self._forth, self._back):
                    threading.Thread(
                        target=pass_on, args=(client, server, lose_answer), daemon=True
                    ).start()

    def _forth(
        self, client: socket.socket, server: socket.socket, lose_answer: threading.Event
    ) -> None:
        seen = -1  # the first message opens the connection
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                seen += 1
                moment = self._due(data, seen)
                if moment in ("statement", "before the commit"):
                    break
                if moment == "after the commit":
                    lose_answer.set()
                server.sendall(data)
        if not lose_answer.is_set():
            _reset(client)
            _reset(server)

    def _back(
        self, client: socket.socket, server: socket.socket, lose_answer: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if lose_answer.is_set():
                    break
                client.sendall(data)
        _reset(client)
        with self._lock:
            self._open.discard(client)
        _reset(server)

    def _due(self, data: bytes, seen: int) -> Moment | None:
        with self._lock:
            if self.cuts >= self.times or self.moment is None:
                return None
            due = seen == self.statement if self.moment == "statement" else COMMIT in data
            if not due:
                return None
            self.cuts += 1
            return self.moment


def _connected(url: sa.URL) -> socket.socket:
    host, port = str(url.query.get("host") or url.host), url.port or 5432
    if host.startswith("/"):
        made = socket.socket(socket.AF_UNIX)
        made.connect(f"{host}/.s.PGSQL.{port}")
        return made
    return socket.create_connection((host, port))


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        one.close()


@contextmanager
def cutting_proxy(url: str) -> Iterator[Cutter]:
    """A proxy before this database."""
    cutter = Cutter(sa.make_url(url))
    cutter.listen()
    try:
        yield cutter
    finally:
        cutter.close()
