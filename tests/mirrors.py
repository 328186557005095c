"""The mirror as a process of its own, and requests to it."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.scenario import World

STARTS_WITHIN = 60.0
PATH = "/v1/chat/completions"


@dataclass
class RunningMirror:
    """A mirror that accepts requests; what it printed is in `log` once it has ended."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    answers: list[httpx.Response] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, body: Any, **headers: str) -> httpx.Response:
        return httpx.post(f"{self.url}{PATH}", json=body, headers=headers, timeout=30)

    def fates(self) -> dict[str, int]:
        told: dict[str, int] = httpx.get(f"{self.url}/ready", timeout=10).json()["fates"]
        return told

    def settled(self, fate: str, requests: int, *, within: float = 30.0) -> dict[str, int]:
        """The fates once so many requests have this one."""
        until = time.monotonic() + within
        while (fates := self.fates()).get(fate, 0) < requests:
            assert time.monotonic() < until, fates
            time.sleep(0.05)
        return fates

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@contextlib.contextmanager
def serving(world: World, log: Path, *options: str, candidate: str) -> Iterator[RunningMirror]:
    """`shadow serve` on a free port."""
    command = [
        sys.executable, "-m", "eval_pipeline", "shadow", "serve",
        "--candidate", candidate, "--port", "0", *options,
    ]  # fmt: skip
    with log.open("wb") as told:
        process = subprocess.Popen(
            command,
            env=world.environment(PYTHONUNBUFFERED="1", PYTHONPATH=os.environ.get("PYTHONPATH")),
            cwd=world.folder,
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    try:
        yield RunningMirror(process, _port(process, log), log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"Mirror: http://127\.0\.0\.1:(\d+)/v1", log.read_text())
        if found:
            return int(found.group(1))
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def ask_at_once(
    url: str, bodies: Sequence[Any], *, at_once: int, headers: dict[str, str] | None = None
) -> list[tuple[int, bytes, float]]:
    """Status, body and seconds of every request, in their order."""

    async def every() -> list[tuple[int, bytes, float]]:
        slots = asyncio.Semaphore(at_once)
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:

            async def one(body: Any) -> tuple[int, bytes, float]:
                async with slots:
                    started = time.perf_counter()
                    reply = await client.post(url, json=body, headers=headers)
                    return reply.status_code, reply.content, time.perf_counter() - started

            return await asyncio.gather(*map(one, bodies))

    return asyncio.run(every())
