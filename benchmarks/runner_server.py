"""A model provider on loopback that answers, throttles, fails and hangs as it is told.

    python benchmarks/runner_server.py [--port 0] [--latency-ms 50 | --lognormal-median-ms 400]
        [--share-429 0.3] [--share-500 0.1] [--share-hang 0.02] [--share-reset 0.01]
        [--retry-after SECONDS] [--capacity N] [--seed 1]

Prints `port N` and serves until it is terminated. Every POST is a chat completion; the last number
of its body that follows the word `request` is its id. What becomes of the nth asking of an id is
fixed by the seed, the id and n, so that every client meets the same faults. `GET /counts` tells how
often each id was asked and how often it was answered 200, that is paid; `POST /reset` forgets both.
The server costs a few microseconds of processor time a call, so that it measures the client.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import math
import re
import socket
import statistics
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

REQUEST_ID = re.compile(rb"request (\d+)")
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
REASONS = {200: "OK", 429: "Too Many Requests", 500: "Internal Server Error"}
COMPLETION = (
    b'{"id": "x", "object": "chat.completion", "created": 1, "model": "bench-2026-11-01", '
    b'"system_fingerprint": "fp_1", "choices": [{"index": 0, "message": {"role": "assistant", '
    b'"content": "Yes. This is a short answer to the question."}, "finish_reason": "stop"}], '
    b'"usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}}'
)
FAILURE = b'{"error": {"message": "later", "type": "busy", "code": "busy"}}'
NORMAL = statistics.NormalDist()


@dataclass
class Behaviour:
    """What the command line asks for; shares of all requests, times in seconds."""

    latency: float
    median: float | None
    sigma: float
    shares: dict[str, float]
    retry_after: float | None
    capacity: int | None
    seed: int

    def draw(self, request: str, nth: int) -> tuple[str, float]:
        """The fate of the nth asking of a request, and how long it takes to come."""
        digest = hashlib.blake2b(f"{self.seed}:{request}:{nth}".encode(), digest_size=16).digest()
        point, level = ((n + 0.5) / 2**64 for n in struct.unpack("<QQ", digest))
        latency = self.latency
        if self.median is not None:
            latency = self.median * math.exp(self.sigma * NORMAL.inv_cdf(level))
        for fate, share in self.shares.items():
            if point < share:
                return fate, latency
            point -= share
        return "200", latency


@dataclass
class Ledger:
    """How often each id was asked and answered, and how many requests were open at once."""

    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def to_json(self) -> bytes:
        """The counts, and what they add up to."""
        return json.dumps(
            {
                "requests": self.asked.total(),
                "paid": self.answered.total(),
                "ids": len(self.asked),
                "paid_twice": sum(count - 1 for count in self.answered.values() if count > 1),
                "never_paid": sum(not self.answered[request] for request in self.asked),
                "most_at_once": self.most_at_once,
                "connections": self.connections,
                "fates": dict(sorted(self.fates.items())),
                "asked": dict(self.asked),
                "answered": dict(self.answered),
            }
        ).encode()


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive; requests come one after another."""

    def __init__(self, behaviour: Behaviour, ledger: Ledger) -> None:
        self._behaviour = behaviour
        self._ledger = ledger
        self._received = b""
        self._pending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._ledger.connections += 1

    def connection_lost(self, _error: Exception | None) -> None:
        """What was on its way is not answered any more."""
        if self._pending is not None:
            self._pending.cancel()
            self._finished()

    def data_received(self, data: bytes) -> None:
        """Takes a request as soon as it is whole."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = CONTENT_LENGTH.search(self._received, 0, end + 2)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < whole:
            return
        request, self._received = self._received[:whole], self._received[whole:]
        if request.startswith(b"GET /counts"):
            self._send(200, self._ledger.to_json())
        elif request.startswith(b"POST /reset"):
            self._ledger.__init__()  # type: ignore[misc]
            self._send(200, b"{}")
        else:
            self._take(request)

    def _take(self, request: bytes) -> None:
        ledger = self._ledger
        found = REQUEST_ID.findall(request)
        name = found[-1].decode() if found else "?"
        ledger.asked[name] += 1
        ledger.at_once += 1
        ledger.most_at_once = max(ledger.most_at_once, ledger.at_once)
        fate, latency = self._behaviour.draw(name, ledger.asked[name])
        capacity = self._behaviour.capacity
        if capacity is not None and ledger.at_once > capacity:
            fate = "429"
        ledger.fates[fate] += 1
        if fate in {"429", "500"}:
            latency = min(latency, 0.005)
        self._pending = asyncio.get_running_loop().call_later(
            3600 if fate == "hang" else latency, self._reply, name, fate
        )

    def _reply(self, name: str, fate: str) -> None:
        self._finished()
        if fate == "reset":
            # Closing with a zero linger time sends RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        elif fate == "200":
            self._ledger.answered[name] += 1
            self._send(200, COMPLETION)
        else:
            self._send(int(fate), FAILURE)

    def _finished(self) -> None:
        self._pending = None
        self._ledger.at_once -= 1

    def _send(self, status: int, body: bytes) -> None:
        wait = self._behaviour.retry_after
        asked = f"retry-after: {wait:g}\r\n" if status == 429 and wait is not None else ""
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: application/json\r\n{asked}"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)


async def serve(behaviour: Behaviour, *, port: int) -> None:
    """Serves until cancelled."""
    ledger = Ledger()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(behaviour, ledger), "127.0.0.1", port, backlog=4096
    )
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--lognormal-median-ms", type=float)
    parser.add_argument("--lognormal-sigma", type=float, default=0.5)
    for fate in ("429", "500", "hang", "reset"):
        parser.add_argument(f"--share-{fate}", type=float, default=0.0)
    parser.add_argument("--retry-after", type=float, help="seconds, with every 429")
    parser.add_argument("--capacity", type=int, help="more at once than this get a 429")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    median = asked.lognormal_median_ms
    behaviour = Behaviour(
        latency=asked.latency_ms / 1000,
        median=None if median is None else median / 1000,
        sigma=asked.lognormal_sigma,
        shares={fate: getattr(asked, f"share_{fate}") for fate in ("429", "500", "hang", "reset")},
        retry_after=asked.retry_after,
        capacity=asked.capacity,
        seed=asked.seed,
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(behaviour, port=asked.port))


if __name__ == "__main__":
    main()
