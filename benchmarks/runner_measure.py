"""Starts the loopback provider and one client at a time, and says what the client cost."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

HERE = Path(__file__).parent
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """One client's run as a whole process, interpreter start included.

    `counts` is what the provider saw; `finished` is false where the time limit ended the run.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    counts: Mapping[str, Any]
    finished: bool


@contextlib.contextmanager
def provider(options: Sequence[str]) -> Iterator[int]:
    """A fresh provider with these options; the port it listens on."""
    command = [sys.executable, str(HERE / "runner_server.py"), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline().split()[1])
        finally:
            server.terminate()


def counts(port: int) -> dict[str, Any]:
    """What the provider has been asked and has answered so far."""
    with urlopen(f"http://127.0.0.1:{port}/counts") as reply:
        seen: dict[str, Any] = json.load(reply)
    return seen


def run(
    command: Sequence[str],
    *,
    port: int,
    folder: Path,
    variables: Mapping[str, str],
    limit_seconds: float,
    kill_when_paid: int | None = None,
) -> Cost:
    """Runs one client to its end, to the limit, or to SIGKILL once so many calls are paid."""
    with (folder / "client.log").open("ab") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        finished = True
        while True:
            pid, _, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            late = time.perf_counter() - started > limit_seconds
            enough = kill_when_paid is not None and counts(port)["paid"] >= kill_when_paid
            if finished and (late or enough):
                finished = False
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        process.returncode = 0
        seconds = time.perf_counter() - started
    return Cost(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
        counts=counts(port),
        finished=finished,
    )
