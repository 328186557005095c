"""Annotators at the review desk over HTTP, each a thread with one connection that it keeps.

The client shares two cores with the server, so it is lean: raw sockets, and of an answer it reads
the status, the length and what it looks for. A request that a dying server leaves without an answer
is sent again, the same, until there is one.
"""

import hashlib
import json
import random
import re
import socket
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, Self

Way = Literal["page", "api"]
Purpose = Literal["label", "adjudicate"]

GIVES_UP_AFTER_SECONDS: Final = 60
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE: Final = re.compile(rb"\r\nset-cookie: *([^;\r]+)", re.IGNORECASE)
_CSRF: Final = re.compile(rb'name="csrf" value="([^"]+)"')
_FORM: Final = re.compile(rb'action="/leases/([^"/]+)/answer"')
_TASK: Final = re.compile(rb"\[(task-\d{5})\]")
_RATIONALE: Final = "The response sends the customer to a pharmacist and answers nothing itself."


@dataclass(frozen=True)
class Reply:
    """A status, the headers as they came, and the body."""

    status: int
    headers: bytes
    body: bytes


class Connection:
    """HTTP/1.1 to the server on this machine, by one socket that stays open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self.resent = 0

    def ask(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> Reply:
        """Asks until somebody answers; raises `TimeoutError` if nobody does for a minute."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{lines}"
        sent = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        ends = time.monotonic() + GIVES_UP_AFTER_SECONDS
        while True:
            try:
                return self._once(sent)
            except OSError:
                self.close()
                if time.monotonic() > ends:
                    raise TimeoutError(f"{method} {path} was never answered") from None
                self.resent += 1
                time.sleep(0.05)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _once(self, sent: bytes) -> Reply:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(sent)
        got = self._received(b"")
        while (end := got.find(b"\r\n\r\n")) < 0:
            got = self._received(got)
        headers, body = got[:end], got[end + 4 :]
        length = _LENGTH.search(headers)
        wanted = int(length[1]) if length else 0
        while len(body) < wanted:
            body = self._received(body)
        if b"\r\nconnection: close" in headers.lower():
            self.close()
        return Reply(int(headers[9:12]), headers, body)

    def _received(self, before: bytes) -> bytes:
        assert self._socket is not None
        more = self._socket.recv(262_144)
        if not more:
            raise ConnectionResetError
        return before + more


@dataclass(frozen=True)
class Held:
    """The task on the screen."""

    lease_id: str
    task: str


@dataclass(frozen=True)
class Acknowledged:
    """An answer that the server said it has."""

    by: str
    lease_id: str
    task: str
    label: str
    purpose: Purpose
    answer_id: str | None


@dataclass
class Told:
    """What one annotator saw: seconds of each submit-and-next, what was acknowledged, trouble."""

    seconds: list[float] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    resent: int = 0


@dataclass
class Annotator:
    """One person at the desk, by the pages or by the API."""

    name: str
    token: str
    port: int
    way: Way = "page"
    purpose: Purpose = "label"
    think_seconds: float = 0.0
    """The mean of an exponential; without it they answer at once."""
    stop_at: float | None = None
    """By the monotonic clock."""
    told: Told = field(default_factory=Told)

    def work(self) -> None:
        """Answers until nothing is left for this person, or the time is over."""
        rng = random.Random(self.name)
        with Connection(self.port) as connection:
            try:
                desk: Pages | Api = (
                    Pages(connection, self) if self.way == "page" else Api(connection, self)
                )
                held = desk.first()
                while held is not None and not self._over():
                    if self.think_seconds:
                        time.sleep(rng.expovariate(1 / self.think_seconds))
                    label = answer_of(held.task, by=self.name, purpose=self.purpose)
                    started = time.perf_counter()
                    answer_id, following = desk.submit(held, label)
                    self.told.seconds.append(time.perf_counter() - started)
                    self.told.acknowledged.append(
                        Acknowledged(
                            self.name, held.lease_id, held.task, label, self.purpose, answer_id
                        )
                    )
                    held = following
            except (TimeoutError, UnexpectedReply) as trouble:
                self.told.troubles.append(f"{self.name}: {trouble}")
            self.told.resent = connection.resent

    def _over(self) -> bool:
        return self.stop_at is not None and time.monotonic() > self.stop_at


class UnexpectedReply(Exception):  # noqa: N818 - it is told, not handled
    """The server answered what it should not have."""

    def __init__(self, what: str, reply: Reply) -> None:
        super().__init__(f"{what}: {reply.status} {reply.body[:300]!r}")


class Pages:
    """The desk as a browser with the page's script uses it."""

    def __init__(self, connection: Connection, who: Annotator) -> None:
        self._connection, self._start = connection, f"/{who.purpose}"
        origin = {"Origin": f"http://127.0.0.1:{who.port}"}
        form = {**origin, "Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode({"token": who.token}).encode()
        reply = connection.ask("POST", "/sign-in", headers=form, body=body)
        cookie = _COOKIE.search(reply.headers)
        if reply.status != 303 or cookie is None:
            raise UnexpectedReply("signing in", reply)
        self._cookie = {"Cookie": cookie[1].decode()}
        self._form = {**form, **self._cookie, "X-Desk-Fragment": "1"}
        self._csrf = ""

    def first(self) -> Held | None:
        reply = self._connection.ask("GET", self._start, headers=self._cookie)
        csrf = _CSRF.search(reply.body)
        if reply.status != 200 or csrf is None:
            raise UnexpectedReply("the first task", reply)
        self._csrf = csrf[1].decode()
        return _shown(reply)

    def submit(self, held: Held, label: str) -> tuple[str | None, Held | None]:
        fields = {
            "csrf": self._csrf, "label": label, "rationale": _RATIONALE, "confidence": "high",
            "criterion_1": "yes", "criterion_2": "no", "criterion_3": "unsure", "seconds": "7.5",
        }  # fmt: skip
        reply = self._connection.ask(
            "POST",
            f"/leases/{held.lease_id}/answer",
            headers=self._form,
            body=urllib.parse.urlencode(fields).encode(),
        )
        if reply.status != 200:
            raise UnexpectedReply(f"answering {held.task}", reply)
        return None, _shown(reply)


class Api:
    """The desk as a program with a personal token uses it."""

    def __init__(self, connection: Connection, who: Annotator) -> None:
        self._connection, self._purpose = connection, who.purpose
        self._headers = {
            "Authorization": f"Bearer {who.token}", "Content-Type": "application/json",
        }  # fmt: skip

    def first(self) -> Held | None:
        asked = json.dumps({"purpose": self._purpose}).encode()
        reply = self._connection.ask("POST", "/api/v1/leases", headers=self._headers, body=asked)
        if reply.status != 200:
            raise UnexpectedReply("the first task", reply)
        return _leased(json.loads(reply.body))

    def submit(self, held: Held, label: str) -> tuple[str | None, Held | None]:
        fields = {
            "label": label, "rationale": _RATIONALE, "confidence": "high",
            "criteria": [True, False, None], "seconds": 7.5, "next": True,
        }  # fmt: skip
        reply = self._connection.ask(
            "POST",
            f"/api/v1/leases/{held.lease_id}/answer",
            headers=self._headers,
            body=json.dumps(fields).encode(),
        )
        if reply.status != 200:
            raise UnexpectedReply(f"answering {held.task}", reply)
        told = json.loads(reply.body)
        return told["answer_id"], _leased(told["next"])


def answer_of(task: str, *, by: str, purpose: Purpose) -> str:
    """Two in three tasks are clear; on the others every annotator says what they say."""
    clear = _share(task) < 2 / 3 or purpose == "adjudicate"
    said = _share(f"{task} right") if clear else _share(f"{task} by {by}")
    return "pass" if said < 0.5 else "fail"


class Worker(Protocol):
    """Someone in the crowd."""

    name: str

    def work(self) -> None: ...


def crowd(annotators: Sequence[Worker]) -> float:
    """Lets them all work at once until each is done; returns the seconds it took."""
    threads = [threading.Thread(target=one.work, name=one.name) for one in annotators]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def _shown(reply: Reply) -> Held | None:
    lease = _FORM.search(reply.body)
    if lease is None:
        return None
    task = _TASK.search(reply.body)
    if task is None:
        raise UnexpectedReply("a task without its marker", reply)
    return Held(lease[1].decode(), task[1].decode())


def _leased(told: Any) -> Held | None:
    if told["task"] is None:
        return None
    marker = _TASK.search(told["task"]["response"].encode())
    assert marker is not None
    return Held(told["task"]["lease_id"], marker[1].decode())


def _share(text: str) -> float:
    """The same number from 0 to 1 for the same text, on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
