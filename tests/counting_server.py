"""A chat server on loopback that counts what it is asked; nothing of it is repeated or lost."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

Treatment = Callable[[str, int], tuple[float, int, str]]
"""For a prompt's nth request: seconds to wait, HTTP status, text of the answer."""


def prompt_after(seconds: float) -> Treatment:
    """Gives the prompt back as the answer."""
    return lambda prompt, nth: (seconds, 200, prompt)


@dataclass
class CountingServer:
    """HTTP/1.1 in a thread; `asked` counts requests by prompt, `answered` whole replies."""

    treat: Treatment = field(default_factory=lambda: prompt_after(0.0))
    asked: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        """Serves from now on."""
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,))
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Closes every connection."""
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
            while True:
                await self._request(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        request = json.loads(await reader.readexactly(int(fields["content-length"])))
        prompt = request["messages"][-1]["content"]
        self.asked[prompt] += 1
        seconds, status, text = self.treat(prompt, self.asked[prompt])
        await asyncio.sleep(seconds)
        body = json.dumps(
            {
                "model": "chat-served",
                "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 2},
            }
        ).encode()
        lines = (
            f"HTTP/1.1 {status} Whatever",
            "content-type: application/json",
            "x-model-version: 7",
            f"content-length: {len(body)}",
        )
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        self.answered += 1
