"""A model provider on loopback that misbehaves as it is told, and a runner's desk over it."""

import asyncio
import datetime as dt
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.schema import call_attempts, metadata
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings

SCOPE = "2026-11-16"


@dataclass(frozen=True)
class Step:
    """How the server treats one request."""

    status: int = 200
    text: str = "Yes."
    finish_reason: str = "stop"
    body: bytes | None = None
    content_type: str = "application/json"
    headers: tuple[str, ...] = ()
    delay: float = 0.0
    ending: str = "whole"  # whole | half | reset | hang


@dataclass
class Loopback:
    """An HTTP/1.1 server in a thread; `treat(prompt, nth)` says what the nth request of it gets."""

    treat: Callable[[str, int], Step] = lambda prompt, nth: Step()
    asked: Counter[str] = field(default_factory=Counter)
    asked_at: list[float] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    answered: int = 0
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,))
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self, ready: threading.Event) -> None:
        async def until_stopped() -> None:
            self._stop = asyncio.Event()
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()
            server.close()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(until_stopped())

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        request = json.loads(await reader.readexactly(int(fields["content-length"])))
        prompt = request["messages"][-1]["content"]
        self.asked[prompt] += 1
        self.asked_at.append(time.monotonic())
        self.authorizations.add(fields.get("authorization", ""))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._reply(writer, request, self.treat(prompt, self.asked[prompt]))
        finally:
            self.at_once -= 1

    async def _reply(self, writer: asyncio.StreamWriter, request: Any, step: Step) -> bool:
        await asyncio.sleep(step.delay)
        if step.ending == "hang":
            await asyncio.sleep(3600)
        if step.ending == "reset":
            # Closing with a zero linger time sends RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        body = step.body if step.body is not None else completion(request, step)
        lines = (
            f"HTTP/1.1 {step.status} Whatever",
            f"content-type: {step.content_type}",
            f"content-length: {len(body)}",
            *step.headers,
        )
        sent = body[: len(body) // 2] if step.ending == "half" else body
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)
        await writer.drain()
        self.answered += step.ending == "whole"
        return step.ending == "whole"


def completion(request: Any, step: Step) -> bytes:
    message = {"role": "assistant", "content": step.text}
    return json.dumps(
        {
            "model": request["model"] + "-served",
            "system_fingerprint": "fp-1",
            "choices": [{"message": message, "finish_reason": step.finish_reason}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 2},
        }
    ).encode()


@dataclass
class Desk:
    """A journal in a folder, and runners over it."""

    folder: Path

    def __post_init__(self) -> None:
        self.engine = sa.create_engine(f"sqlite:///{self.folder / 'store.sqlite'}")
        metadata.create_all(self.engine)
        self.journal = CallJournal(self.engine)

    def runner(self, server: Loopback | int, **settings: Any) -> HttpModelRunner:
        port = server if isinstance(server, int) else server.port
        return self.runner_over({"acme": provider(port, **settings)})

    def runner_over(self, providers: dict[str, ProviderSettings], **parts: Any) -> HttpModelRunner:
        defaults: dict[str, Any] = {
            "journal": self.journal,
            "redact": lambda texts: [text for text, _ in texts],
            "secret": {"ACME_KEY": "sk-secret"}.__getitem__,
            "clock": lambda: dt.datetime.now(dt.UTC),
        }
        return HttpModelRunner(providers, **(defaults | parts))

    def rows(self) -> list[sa.RowMapping]:
        with self.engine.connect() as connection:
            query = sa.select(call_attempts).order_by(*call_attempts.primary_key)
            return list(connection.execute(query).mappings())


def provider(port: int, **settings: Any) -> ProviderSettings:
    chosen = {"attempt_timeout_seconds": 5.0, "maximum_wait_seconds": 0.05} | settings
    return ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", **chosen)


def call(prompt: str, **changes: Any) -> ModelCall:
    fields = {"scope": SCOPE, "system_id": "assistant", "item_id": prompt} | changes
    spec = ModelSpec("acme", "chat", (("temperature", 0),), 1.0, 2.0)
    return ModelCall(**({"spec": spec, "messages": (Message("user", prompt),)} | fields))


def calls(count: int) -> list[ModelCall]:
    return [call(f"question {number:04d}") for number in range(count)]


def ask(desk: Desk, treat: Callable[[str, int], Step], **settings: Any) -> CallOutcome:
    with Loopback(treat) as server:
        return desk.runner(server, **settings).run([call("question")], purpose="a test")[0]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
