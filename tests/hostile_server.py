"""A server on loopback that speaks HTTP by hand, so that it can break every rule of it.

What it does with a request is a function that is given the connection; nothing of it is checked or
completed, and it ends with the test, however long it would go on.
"""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

Act = Callable[["Talk"], None]
"""What becomes of one request. A connection is kept for the next only if `Talk.keep` is set."""

SLOW_SECONDS = 0.02


class Stopped(Exception):  # noqa: N818 - no error: the test is over
    """The server ends while it still talks."""


@dataclass
class Talk:
    """One request and the connection that it came over."""

    connection: socket.socket
    head: str
    body: bytes
    stopped: threading.Event
    keep: bool = False

    @property
    def path(self) -> str:
        return self.head.split(" ", 2)[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def send(self, data: bytes) -> None:
        if self.stopped.is_set():
            raise Stopped
        self.connection.sendall(data)

    def send_head(self, *headers: str, status: str = "200 OK") -> None:
        self.send("\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1"))

    def hang(self) -> None:
        self.stopped.wait(60)
        raise Stopped

    def pause(self, seconds: float = SLOW_SECONDS) -> None:
        if self.stopped.wait(seconds):
            raise Stopped

    def reset(self) -> None:
        """Ends with RST instead of FIN: a zero linger time says so."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """A whole reply, after which the connection may be used again."""
        self.send_head(f"content-length: {len(body)}", *headers, status=status)
        self.send(body)
        self.keep = True


@dataclass
class HostileServer:
    """Listens on a free port while it is entered; `act` may be exchanged at any time."""

    act: Act
    context: ssl.SSLContext | None = None
    heads: list[str] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self._stopped = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._listening.settimeout(0.1)
        self.port = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)
        self._listening.close()

    @property
    def url(self) -> str:
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            connection.settimeout(20)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, Stopped, ValueError), connection:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            while (request := self._request(connection)) is not None:
                head, body = request
                self.heads.append(head)
                talk = Talk(connection, head, body, self._stopped)
                self.act(talk)
                if not talk.keep:
                    return

    def _request(self, connection: socket.socket) -> tuple[str, bytes] | None:
        connection.settimeout(0.1)
        received = b""
        while b"\r\n\r\n" not in received:
            try:
                data = connection.recv(65536)
            except TimeoutError:
                if self._stopped.is_set():
                    return None
                continue
            if not data:
                return None
            received += data
        connection.settimeout(20)
        head, _, body = received.partition(b"\r\n\r\n")
        fields = dict(
            line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:]
        )
        length = int(fields.get("content-length", "0"))
        while len(body) < length:
            data = connection.recv(65536)
            if not data:
                return None
            body += data
        return head.decode("latin-1"), body


def gzip_bomb(*, megabytes: int) -> Iterator[bytes]:
    """Zeros, a thousandfold compressed; made as they are sent, so that nobody has to hold them."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(2**20)
    for _ in range(megabytes):
        if packed := packing.compress(zeros):
            yield packed
    yield packing.flush()


def peak_megabytes() -> float:
    """The most memory that this process ever held, by the kernel's count for this program alone.

    `getrusage` would count what the process was before it was this program: its parent's copy.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def chat_answer(text: str = "Yes.", **changes: Any) -> bytes:
    """A whole and honest reply of an OpenAI-style API."""
    usual = {
        "model": "chat-served",
        "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }
    return json.dumps(usual | changes).encode()


class Asked(Counter[str]):
    """How often each prompt was asked; counted by the server's threads."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def count(self, prompt: str) -> int:
        with self._lock:
            self[prompt] += 1
            return self[prompt]


def until(condition: Callable[[], bool], *, within: float = 20) -> bool:
    """Whether the condition comes to hold; a bound against a hang and no measurement."""
    ends = time.monotonic() + within
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.01)
    return True
