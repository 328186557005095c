"""What the mirror adds to a customer's wait: the same requests with it and without it.

    python benchmarks/shadow.py [--requests 2000] [--at-once 1 16 64] [--rounds 5] [--json]

A provider on loopback answers every request after 50 ms (`--provider-seconds`), and not at all on
CPU worth the name. Asked are: it directly; through the mirror with a share so small that nothing is
drawn, which is what forwarding costs; through the mirror with every request mirrored to a candidate
that answers as fast; and the same with a candidate that never answers. Rounds take turns, so that
what else the machine does falls on all alike; told are the medians over rounds of p50, p95 and p99,
and what each lies above direct calls, with the least and the most of the rounds.

Client, provider, mirror and the process that masks share this machine's cores. The load average
stands beside the figures: on a busy machine they say as much of it as of the mirror. What hardly
depends on it is the CPU that a request takes of the mirror and of the process that masks.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import httpx
import numpy as np
from ruamel.yaml import YAML

ROOT: Final = Path(__file__).parents[1]
PATH: Final = "/v1/chat/completions"
WAYS: Final = ("direct", "forwarded", "mirrored", "candidate hangs")
QUESTION: Final = (
    "I am Anna Weber, anna@weber.example. Can I take ibuprofen with warfarin, case {}?"
)


@dataclass(frozen=True)
class Row:
    """One way at one load, over its rounds; times in milliseconds."""

    way: str
    at_once: int
    p50: float
    p95: float
    p99: float
    above_p50: float
    above_p95: float
    least_above_p95: float
    most_above_p95: float
    per_second: float
    mirror_cpu: float | None
    masking_cpu: float | None
    fates: dict[str, int]


async def _provide(port: "multiprocessing.Queue[int]", seconds: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
                asked = await reader.readexactly(length)
                await asyncio.sleep(3600 if b'"model": "never"' in asked else seconds)
                body = _completion()
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    port.put(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _completion() -> bytes:
    message = {"role": "assistant", "content": "They should not be taken together."}
    return json.dumps(
        {
            "model": "large-1",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 30, "completion_tokens": 8},
        }
    ).encode()


def _run_provider(port: "multiprocessing.Queue[int]", seconds: float) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_provide(port, seconds))


@contextlib.contextmanager
def provider(seconds: float) -> Iterator[int]:
    """A provider in a process of its own; its port."""
    context = multiprocessing.get_context("spawn")
    port: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=_run_provider, args=(port, seconds), daemon=True)
    process.start()
    try:
        yield port.get(timeout=30)
    finally:
        process.terminate()
        process.join(5)


@contextlib.contextmanager
def mirror(
    folder: Path, *, port: int, model: str, share: float
) -> Iterator[tuple[str, Callable[[], tuple[float, float]]]]:
    """`shadow serve` over a project with nothing in it: its address, and its CPU so far.

    The CPU in seconds: of the process that serves, and of its children, one of which masks.
    """
    config = folder / "eval_pipeline.yaml"
    yaml = YAML(typ="safe", pure=True)
    tree = yaml.load((ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8"))
    tree["providers"]["pharmacy-cloud"]["base_url"] = f"http://127.0.0.1:{port}/v1"
    tree["shadow"] = {"maximum_in_flight": 16, "flush_seconds": 1}
    with config.open("w", encoding="utf-8") as file:
        yaml.dump(tree, file)
    (folder / "candidates").mkdir(exist_ok=True)
    candidate = folder / "candidates" / "other.yaml"
    candidate.write_text(f"provider: pharmacy-cloud\nmodel: {model}\n", encoding="utf-8")
    command = [sys.executable, "-m", "eval_pipeline", "shadow", "serve", "--candidate", "other"]
    log = folder / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*command, "--port", "0", "--share", str(share)],
            cwd=folder,
            env={**os.environ, "EVAL_PIPELINE_CONFIG": str(config), "EVAL_PIPELINE_KEY": "b" * 32,
                 "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
            stdout=told,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield _address(process, log), lambda: _cpu(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _cpu(pid: int) -> tuple[float, float]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return _cpu_of(pid), sum(_cpu_of(int(child)) for child in children)


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"Mirror: (http://127\.0\.0\.1:\d+)/v1", log.read_text())
        if found:
            return found.group(1)
        time.sleep(0.1)
    raise SystemExit(f"The mirror did not start:\n{log.read_text()}")


async def _ask(url: str, *, requests: int, at_once: int) -> tuple[np.ndarray, float]:
    left = iter(range(requests))
    took: list[float] = []
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def work() -> None:
            for number in left:
                body = {
                    "model": "pharma-large",
                    "messages": [{"role": "user", "content": QUESTION.format(number)}],
                }
                started = time.perf_counter()
                reply = await client.post(url, json=body)
                took.append(time.perf_counter() - started)
                if reply.content != _completion():
                    raise SystemExit(f"another answer came back: {reply.status_code}")

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(at_once)))
        whole = time.perf_counter() - started
    return 1000 * np.array(took), requests / whole


def measure(
    urls: dict[str, str],
    cpus: dict[str, Callable[[], tuple[float, float]]],
    *,
    requests: int,
    at_once: int,
    rounds: int,
) -> list[Row]:
    """Every way in turn, `rounds` times."""
    seen: dict[str, list[tuple[np.ndarray, float]]] = {way: [] for way in urls}
    spent = {way: np.zeros(2) for way in urls}
    for turn in range(-1, rounds):  # the first opens connections and is not counted
        for way, url in urls.items():
            before = np.array(cpus[way]()) if way in cpus else np.zeros(2)
            told = asyncio.run(_ask(f"{url}{PATH}", requests=requests, at_once=at_once))
            if turn >= 0:
                seen[way].append(told)
                spent[way] += (np.array(cpus[way]()) if way in cpus else np.zeros(2)) - before
    quantiles = {
        way: np.array([np.percentile(times, (50, 95, 99)) for times, _ in told])
        for way, told in seen.items()
    }
    rows = []
    for way, found in quantiles.items():
        above = found - quantiles["direct"]
        p50, p95, p99 = np.median(found, axis=0)
        served, masked = 1000 * spent[way] / (requests * rounds)
        rows.append(
            Row(
                way=way,
                at_once=at_once,
                p50=float(p50),
                p95=float(p95),
                p99=float(p99),
                above_p50=float(np.median(above[:, 0])),
                above_p95=float(np.median(above[:, 1])),
                least_above_p95=float(above[:, 1].min()),
                most_above_p95=float(above[:, 1].max()),
                per_second=float(np.median([rate for _, rate in seen[way]])),
                mirror_cpu=float(served) if way in cpus else None,
                masking_cpu=float(masked) if way in cpus else None,
                fates=_fates(urls[way]) if way != "direct" else {},
            )
        )
    return rows


def _fates(url: str) -> dict[str, int]:
    told: dict[str, int] = httpx.get(f"{url}/ready", timeout=10, trust_env=False).json()["fates"]
    return told


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--provider-seconds", type=float, default=0.05)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-shadow-"))
    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port = stack.enter_context(provider(options.provider_seconds))
        cpus: dict[str, Callable[[], tuple[float, float]]] = {}
        urls = {"direct": f"http://127.0.0.1:{port}"}
        for way, model, share in (
            ("forwarded", "as-fast", 1e-9),
            ("mirrored", "as-fast", 1.0),
            ("candidate hangs", "never", 1.0),
        ):
            place = folder / way.replace(" ", "-")
            place.mkdir()
            urls[way], cpus[way] = stack.enter_context(
                mirror(place, port=port, model=model, share=share)
            )
        for at_once in options.at_once:
            requests = min(options.requests, 100 * at_once)
            rows += measure(urls, cpus, requests=requests, at_once=at_once, rounds=options.rounds)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
          f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'at once':>7}  {'way':<16} {'p50':>7} {'p95':>7} {'p99':>7}  {'+p50':>6} {'+p95':>6} "
          f"{'(least to most)':>18} {'per second':>10} {'CPU':>5} {'masking':>8}")  # fmt: skip
    for row in rows:
        spread = f"({row.least_above_p95:+.1f} to {row.most_above_p95:+.1f})"
        print(f"{row.at_once:>7}  {row.way:<16} {row.p50:>7.1f} {row.p95:>7.1f} {row.p99:>7.1f}  "
              f"{row.above_p50:>+6.1f} {row.above_p95:>+6.1f} {spread:>18} "
              f"{row.per_second:>10.0f} {_told(row.mirror_cpu):>5} "
              f"{_told(row.masking_cpu):>8}")  # fmt: skip
    for row in rows:
        if row.fates:
            print(f"{row.at_once:>7}  {row.way:<16} so far: "
                  + ", ".join(f"{name} {count}" for name, count in row.fates.items()))  # fmt: skip


if __name__ == "__main__":
    main()
