"""`eval-pipeline` in milliseconds: a process that has imported it, and forks for each command.

The client sends its arguments, folder, environment and its three streams over a socket; the
forked child runs the command line on them and its exit code goes back. The server itself runs
nothing, so that no library has started threads when it forks.
"""

import array
import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.doc_pages import ROOT

CLIENT: Final = """\
import array, json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
streams = array.array("i", [0, 1, 2])
line.sendmsg([len(said).to_bytes(4)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
line.sendall(said)
code = line.recv(1)
sys.exit(code[0] if code else 70)
"""
PRELOADED: Final = (
    "dagster",
    "duckdb",
    "polars",
    "scipy.stats",
    "great_expectations",
    "matplotlib.pyplot",
    "sklearn.cluster",
    "alembic",
    "eval_pipeline.cli.app",
)
"""What takes long to import. None of them starts a thread that a fork would miss."""
_STARTS_WITHIN_SECONDS: Final = 120.0
_ENDS_WITHIN_SECONDS: Final = 10.0


@contextmanager
def command_server(folder: Path) -> Iterator[Path]:
    """A folder with the program `eval-pipeline` in it, which works until the block ends."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    address = folder / "socket"
    client = programs / "client.py"
    client.write_text(CLIENT.format(address=str(address)), encoding="utf-8")
    program = programs / "eval-pipeline"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -ISE {client} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.doc_server", str(address)],
        cwd=ROOT,
        env={**plain, "PYTHONPATH": str(ROOT), "GX_ANALYTICS_ENABLED": "false"},
        stdin=subprocess.PIPE,
    ) as process:
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while not address.exists():
            assert process.poll() is None, "the server of commands has ended"
            assert time.monotonic() < deadline, "the server of commands does not listen"
            time.sleep(0.05)
        yield programs
        assert process.stdin is not None
        process.stdin.close()


def serve(address: str) -> None:
    """Forks for each client until standard input ends."""
    warnings.simplefilter("ignore", DeprecationWarning)
    for name in PRELOADED:
        importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen()
    Path(f"{address}.new").rename(address)
    while True:
        if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:
            return  # nothing is ever written to it: the test has ended
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(line)
        line.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(line: socket.socket) -> None:
    said, streams = _heard(line)
    child = os.fork()
    if child == 0:
        line.close()
        _run(*said, streams=streams)
    ended = os.pidfd_open(child)
    if line in select.select([line, ended], [], [])[0]:
        os.kill(child, signal.SIGINT)  # the client has gone
        if not select.select([ended], [], [], _ENDS_WITHIN_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        line.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _heard(line: socket.socket) -> tuple[Any, list[int]]:
    streams = array.array("i")
    space = socket.CMSG_SPACE(3 * streams.itemsize)
    head, ancillary, _, _ = line.recvmsg(4, space)
    for _, _, data in ancillary:
        streams.frombytes(data[: len(data) - len(data) % streams.itemsize])
    body = b""
    while len(body) < int.from_bytes(head):
        body += line.recv(1 << 20)
    return json.loads(body), list(streams)


def _run(
    arguments: list[str], folder: str, environment: dict[str, str], *, streams: list[int]
) -> None:
    # Whoever was started in the background inherits that interrupts are ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["eval-pipeline", *arguments]
    code: Any = 0
    try:
        from eval_pipeline.cli.app import app

        app(arguments)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - whatever it is, the reader of the page would see it
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code or 0))


if __name__ == "__main__":
    serve(sys.argv[1])
