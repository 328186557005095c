"""One shell for one page: commands run in it in order, servers are started and stopped."""

import contextlib
import os
import re
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LONGEST_SECONDS: Final = 240.0
_STARTS_WITHIN_SECONDS: Final = 120.0
_STOPS_WITHIN_SECONDS: Final = 20.0
_SERVER = re.compile(
    r"^(?:\w+=(?:\"[^\"]*\"|\S*) +)*"
    r"(?:\S*eval-pipeline (?:review serve|demo provider|demo desk)|make (?:.* )?(?:ui|desk)"
    r"|\S*dg dev)\b"
)
_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


class Shell:
    """A bash that keeps its folder and variables from one command to the next."""

    def __init__(self, folder: Path, *, scratch: Path, environment: Mapping[str, str]) -> None:
        self._scratch, self._count = scratch, 0
        scratch.mkdir(parents=True, exist_ok=True)
        self._reader, writer = os.pipe()
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", f"exec 9>&{writer} {writer}>&-; exec bash"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            pass_fds=[writer],
            start_new_session=True,
        )
        os.close(writer)
        self._servers: list[subprocess.Popen[bytes]] = []
        self.run("set -o pipefail")

    def run(self, command: str) -> Ended:
        """Runs one command; one that serves is started, and goes on until `close`."""
        if _SERVER.match(command.strip()):
            return self._serve(command)
        self._count += 1
        script, out, err = (self._scratch / f"{self._count}.{end}" for end in ("sh", "out", "err"))
        script.write_text(command, encoding="utf-8")
        code = self._told(f"source {script} >{out} 2>{err} </dev/null 9>&-; echo $? >&9\n")
        return Ended(code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))

    def close(self) -> None:
        """Ends the shell and what it serves, each by its own id."""
        for server in self._servers:
            _stop(server)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_STOPS_WITHIN_SECONDS)
        os.close(self._reader)

    def _told(self, line: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        readable, _, _ = select.select([self._reader], [], [], LONGEST_SECONDS)
        if not readable:
            os.killpg(self._process.pid, signal.SIGKILL)
            return 124
        said = os.read(self._reader, 16).strip()
        return int(said) if said else 137

    def _serve(self, command: str) -> Ended:
        """Starts it with the shell's folder and variables; it is up once its port answers."""
        self._count += 1
        log = self._scratch / f"{self._count}.log"
        here = self.run("pwd; env -0 >&2")
        variables = dict(one.split("=", 1) for one in here.err.split("\0") if "=" in one)
        # Not the quick `eval-pipeline`: its process has to end by its own id.
        variables["PATH"] = variables["PATH"].partition(os.pathsep)[2]
        with log.open("wb") as file:
            server = subprocess.Popen(
                ["bash", "-c", f"exec env {command.strip()}"],
                cwd=here.out.strip(),
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._servers.append(server)
        up = _answers(server, log)
        said = log.read_text("utf-8", "replace")
        problem = "" if up else f"\n(it did not answer; exit code {server.poll()})"
        return Ended(0 if up else 1, said, problem)


def commands_in(text: str, *, console: bool = False) -> list[tuple[int, str]]:
    """The commands of a block with their lines, from 0; a command may go over several lines.

    Of a console's text with prompts, what follows `$ ` is a command and the rest its output.
    """
    lines = text.splitlines()
    if console and any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") if line.startswith("$ ") else "" for line in lines]
    found, start, waiting = [], 0, ""
    for number, line in enumerate(lines):
        start = start if waiting else number
        waiting += f"{line}\n"
        if line.endswith("\\") or not _is_whole(waiting):
            continue
        if waiting.strip() and not waiting.lstrip().startswith("#"):
            found.append((start, waiting))
        waiting = ""
    return [*found, (start, waiting)] if waiting.strip() else found


def _is_whole(text: str) -> bool:
    if not re.search(r"""['"`({<]|\b(?:if|for|while|do)\b""", text):
        return True
    checked = subprocess.run(
        ["bash", "-n"], input=text, text=True, capture_output=True, check=False
    )
    return checked.returncode == 0 and "here-document" not in checked.stderr


def _answers(server: "subprocess.Popen[bytes]", log: Path) -> bool:
    """Whether the address that the server prints answers, in time."""
    deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if found := _ADDRESS.search(log.read_text("utf-8", "replace")):
            with contextlib.suppress(OSError):
                opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                try:
                    opener.open(found[0], timeout=5).close()
                except urllib.error.HTTPError as error:
                    error.close()
                return True
        time.sleep(0.2)
    return False


def _stop(server: "subprocess.Popen[bytes]") -> None:
    for number, patience in ((signal.SIGINT, _STOPS_WITHIN_SECONDS), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(patience)
            return
