"""Starts the demo's provider as a process of its own, and ends it whatever happens."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from eval_pipeline.errors import ProviderUnreachableError

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 5.0
_ADMIN_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
PROVIDER: Final = "demo"


class ProviderProcess:
    """A context manager: the provider runs inside it and is gone after it.

    The process ends by itself if this one is killed. `base_url` ends in /v1.
    """

    def __init__(
        self,
        *,
        models: str = "pharmacy",
        latency_median_seconds: float = 0.008,
        arguments: Sequence[str] = (),
    ) -> None:
        """`arguments` are further ones for `eval_pipeline.demo.server`."""
        self._options = [
            "--models",
            models,
            "--latency-median-seconds",
            str(latency_median_seconds),
            *arguments,
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = ""

    @property
    def pid(self) -> int | None:
        """The provider's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def __enter__(self) -> Self:
        """Starts the provider; returns once it listens."""
        with tempfile.TemporaryDirectory(prefix="demo-provider-") as folder:
            announce = Path(folder) / "announce.json"
            log = Path(folder) / "stderr.txt"
            try:
                with log.open("wb") as errors:
                    self._process = self._start(announce, errors=errors)
                self.base_url = str(self._await(announce, log=log)["base_url"])
            except BaseException:
                self._stop()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the provider."""
        self._stop()

    def set_epoch(self, epoch: str) -> None:
        """Moves the provider's idea of now; models may change silently with it."""
        self._admin("POST", "epoch", {"epoch": epoch})

    def stats(self) -> dict[str, Any]:
        """The provider's epoch and its requests by model and status."""
        return self._admin("GET", "stats", None)

    def _start(self, announce: Path, *, errors: Any) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "eval_pipeline.demo.server",
            "--port",
            "0",
            "--announce",
            str(announce),
            "--parent",
            str(os.getpid()),
            *self._options,
        ]
        return subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )

    def _await(self, announce: Path, *, log: Path) -> dict[str, Any]:
        deadline = time.monotonic() + _START_SECONDS
        while not announce.exists():
            if self._process is None or self._process.poll() is not None:
                self._give_up("it ended at once: " + _last_line(log))
            if time.monotonic() > deadline:
                self._give_up(f"it did not listen within {_START_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
        announced: dict[str, Any] = json.loads(announce.read_text(encoding="utf-8"))
        return announced

    def _give_up(self, problem: str) -> None:
        raise ProviderUnreachableError(PROVIDER, "127.0.0.1", problem)

    def _admin(self, method: str, what: str, body: dict[str, str] | None) -> dict[str, Any]:
        url = self.base_url.removesuffix("/v1") + f"/admin/{what}"
        try:
            response = httpx.request(
                method, url, json=body, timeout=_ADMIN_SECONDS, trust_env=False
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise ProviderUnreachableError(PROVIDER, url, str(error)) from None
        answered: dict[str, Any] = response.json()
        return answered

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
