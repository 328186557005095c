"""An operator's sandbox asked what it makes of a response: one JSON object in, one out.

Nothing of a response is run here. A sandbox is a program, started without a shell, with an empty
environment and in an empty folder, or an HTTP address. What it prints beside its score is dropped:
it may quote the response.
"""

import json
import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from eval_pipeline.adapters.network.clients import open_client
from eval_pipeline.adapters.network.destinations import checked_url
from eval_pipeline.errors import RefusedDestinationError
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import USUAL_NETWORK, CodeScoring, NetworkSettings

FAILED: Final = "sandbox_failed"
TIMED_OUT: Final = "sandbox_timeout"
TOO_LONG: Final = "sandbox_output_too_long"
UNREADABLE: Final = "sandbox_output_unreadable"
UNREACHABLE: Final = "sandbox_unreachable"

_CODE: Final = re.compile(r"[a-z0-9_]{1,40}")
_CHUNK: Final = 65536
_OK: Final = 200

Reply = bytes | str
"""What the sandbox printed, or the code of why there is nothing to read."""


class Sandbox:
    """A configured sandbox; `program` is the absolute path of its command's first word."""

    def __init__(
        self,
        settings: CodeScoring,
        *,
        program: str | None,
        network: NetworkSettings = USUAL_NETWORK,
    ) -> None:
        self._settings = settings
        self._network = network
        self._ask: Callable[[bytes], Reply] = self._post if program is None else self._run
        self._arguments = () if program is None else (program, *settings.command[1:])

    def scores(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """One score per request, in order; null with a code where the sandbox gave none."""
        with ThreadPoolExecutor(max_workers=self._settings.concurrency) as pool:
            return list(pool.map(self._score, requests))

    def _score(self, request: ScoreRequest) -> Score:
        reply = self._ask(_document(request))
        if isinstance(reply, str):
            return Score(None, reply, self._settings.scorer)
        return _read(reply, scorer=self._settings.scorer)

    def _run(self, document: bytes) -> Reply:
        with (
            tempfile.TemporaryDirectory(prefix="sandbox-") as folder,
            tempfile.TemporaryFile() as given,
        ):
            given.write(document)
            given.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - the operator's own program, no shell
                    self._arguments,
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=folder,
                    env={},
                    start_new_session=True,
                )
            except OSError:
                return UNREACHABLE
            return _output(process, settings=self._settings)

    def _post(self, document: bytes) -> Reply:
        deadline = time.monotonic() + self._settings.timeout_seconds
        received = bytearray()
        try:
            url = checked_url(
                "scoring.url", self._settings.url or "", network=self._network, carries_secret=False
            )
            with (
                open_client(
                    url,
                    network=self._network,
                    seconds=self._settings.timeout_seconds,
                    by_proxy=False,
                ) as client,
                client.stream(
                    "POST",
                    url,
                    content=document,
                    headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
                ) as response,
            ):
                if response.status_code != _OK:
                    return FAILED
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > self._settings.maximum_output_bytes:
                        return TOO_LONG
                    if time.monotonic() > deadline:
                        return TIMED_OUT
        except httpx.TimeoutException:
            return TIMED_OUT
        except (httpx.HTTPError, RefusedDestinationError):
            return UNREACHABLE
        return bytes(received)


def _output(process: subprocess.Popen[bytes], *, settings: CodeScoring) -> Reply:
    """What the process prints until it ends; whatever happens, its whole group is gone after."""
    deadline = time.monotonic() + settings.timeout_seconds
    try:
        with process, _watched(process) as selector:
            try:
                return _until_the_end(process, selector, deadline=deadline, settings=settings)
            finally:
                _end(process)
    except subprocess.TimeoutExpired:
        return TIMED_OUT


def _watched(process: subprocess.Popen[bytes]) -> selectors.BaseSelector:
    selector = selectors.DefaultSelector()
    if process.stdout is not None:
        selector.register(process.stdout, selectors.EVENT_READ)
    return selector


def _until_the_end(
    process: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    *,
    deadline: float,
    settings: CodeScoring,
) -> Reply:
    """Reads without waiting beyond the deadline, whoever still holds the pipe open."""
    received = bytearray()
    while True:
        ready = selector.select(max(0.0, deadline - time.monotonic()))
        if not ready:
            return TIMED_OUT
        chunk = os.read(ready[0][0].fd, _CHUNK)
        if not chunk:
            break
        received += chunk
        if len(received) > settings.maximum_output_bytes:
            return TOO_LONG
    code = process.wait(max(0.0, deadline - time.monotonic()))
    return bytes(received) if code == 0 else FAILED


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process with all that it started in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _document(request: ScoreRequest) -> bytes:
    return json.dumps(
        {
            "response": request.response,
            "reference": request.reference_response,
            "item": {
                "item_id": request.item_id,
                "route": request.route,
                "trial": request.trial,
                "messages": [
                    {"role": message.role, "content": message.content}
                    for message in request.messages
                ],
            },
        }
    ).encode("ascii")


def _read(printed: bytes, *, scorer: str) -> Score:
    """The score, or its error's code; anything else is unreadable, and none of it is repeated."""
    try:
        value: Any = json.loads(printed)
    except (ValueError, RecursionError):
        return Score(None, UNREADABLE, scorer)
    if not isinstance(value, dict) or not ({"score", "error"} & set(value)):
        return Score(None, UNREADABLE, scorer)
    error = value.get("error")
    if error is not None:
        known = isinstance(error, str) and _CODE.fullmatch(error)
        return Score(None, f"sandbox:{error}" if known else FAILED, scorer)
    number = value.get("score")
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
        return Score(None, UNREADABLE, scorer)
    return Score(float(number), None, scorer)
