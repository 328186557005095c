"""What a provider sends without end, or unfolds to gigabytes, is never held.

A child process asks, so that its memory can be told; the parent is the provider.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile_server import HostileServer, Talk, chat_answer, gzip_bomb
from tests.sizes import sized

GIGABYTE = 2**30
MOST_GROWTH_MEGABYTES = 64.0
PIECE = bytes(2**20)

CHILD = """
import datetime as dt, json, sys
from pathlib import Path
from tests.loopback import Desk, call
from tests.hostile_server import peak_megabytes

folder, port, names = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
desk = Desk(folder)
runner = desk.runner(
    port, maximum_attempts=1, attempt_timeout_seconds=60.0, concurrency=1, first_concurrency=1
)
first = runner.run([call("an honest call")], purpose="a beginning")[0].status
before, told = peak_megabytes(), {}
for name in names:
    outcome = runner.run([call(name)], purpose=name)[0]
    told[name] = [outcome.status, outcome.error_code, peak_megabytes() - before]
print(json.dumps({"first": first, "told": told}))
"""


def endless_chunks(talk: Talk) -> None:
    talk.send_head("transfer-encoding: chunked")
    while True:
        talk.send(b"100000\r\n" + PIECE + b"\r\n")


def a_gigabyte(talk: Talk) -> None:
    talk.send_head(f"content-length: {GIGABYTE}")
    for _ in range(GIGABYTE // len(PIECE)):
        talk.send(PIECE)


def more_than_said(talk: Talk) -> None:
    """A small whole reply, and a gigabyte that follows it."""
    body = chat_answer()
    talk.send_head(f"content-length: {len(body)}")
    talk.send(body)
    for _ in range(GIGABYTE // len(PIECE)):
        talk.send(PIECE)


def until_closed(talk: Talk) -> None:
    talk.send_head()
    while True:
        talk.send(PIECE)


def bomb(encoding: str):
    def act(talk: Talk) -> None:
        talk.send_head(f"content-encoding: {encoding}")
        for piece in gzip_bomb(megabytes=sized(1000, full=10_000)):
            talk.send(piece)

    return act


def bomb_in_one_piece(talk: Talk) -> None:
    """Ten megabytes that would be ten thousand, in one write: the reader gets large chunks."""
    packed = b"".join(gzip_bomb(megabytes=256))
    talk.send_head(f"content-length: {len(packed)}", "content-encoding: gzip")
    talk.send(packed)


def after_the_gzip(talk: Talk) -> None:
    """A whole gzip and then zeros without end: a decoder may keep what it does not use."""
    talk.send_head("content-encoding: gzip")
    for piece in gzip_bomb(megabytes=0):
        talk.send(piece)
    while True:
        talk.send(PIECE)


def empty_gzip_blocks(talk: Talk) -> None:
    """Stored blocks of no length: much comes, and nothing unfolds."""
    talk.send_head("content-encoding: gzip")
    talk.send(bytes.fromhex("1f8b0800000000000003"))
    while True:
        talk.send(bytes.fromhex("000000ffff") * 10_000)


def body_of(content: bytes):
    return lambda talk: talk.answer(content)


def large(opening: bytes, piece: bytes, closing: bytes) -> bytes:
    count = (8 * 2**20 - 100) // len(piece)
    return opening + piece * count + closing


HEAVY = {
    "endless chunks": endless_chunks,
    "a gigabyte as it says": a_gigabyte,
    "a gigabyte more than it says": more_than_said,
    "a body until it closes": until_closed,
    "a gzip bomb": bomb("gzip"),
    "an x-gzip bomb": bomb("x-gzip"),
    "a bomb called deflate": bomb("deflate"),
    "a bomb called br": bomb("br"),
    "a bomb called zstd": bomb("zstd"),
    "a gzip bomb in one piece": bomb_in_one_piece,
    "zeros after a gzip": after_the_gzip,
    "empty gzip blocks": empty_gzip_blocks,
    "eight megabytes of empty lists": body_of(large(b'{"choices":[', b"[],", b"[]]}")),
    "eight megabytes of empty objects": body_of(large(b'{"choices":[', b"{},", b"{}]}")),
    "eight megabytes of numbers": body_of(large(b'{"choices":[', b"1.5,", b"1]}")),
    "eight megabytes of brackets": body_of(b"[" * (8 * 2**20)),
    "eight megabytes of keys": body_of(large(b"{", b'"k1":1,', b'"k":1}')),
}  # fmt: skip
ANSWERED_WHOLE = "a gigabyte more than it says"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    def act(talk: Talk) -> None:
        prompt = talk.json["messages"][-1]["content"]
        HEAVY.get(prompt, body_of(chat_answer()))(talk)

    folder: Path = tmp_path_factory.mktemp("memory")
    with HostileServer(act) as server:
        ended = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder), str(server.port), json.dumps([*HEAVY])],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))},
            capture_output=True,
            check=False,
            timeout=500,
        )
    assert ended.returncode == 0, ended.stderr.decode()
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["first"] == "answered"
    return found["told"]


@pytest.mark.parametrize("name", HEAVY)
def test_what_would_fill_the_memory_is_refused_and_not_held(
    told: dict[str, Any], name: str, fault_ledger
) -> None:
    fault_ledger.injected("memory", "provider")
    status, code, growth = told[name]
    assert (status, code) == ("failed", "bad_response")
    # Growth up to here, that of every fault before it included.
    assert growth < MOST_GROWTH_MEGABYTES
