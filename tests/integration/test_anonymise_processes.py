"""`eval-pipeline anonymise` over several processes: the same bytes; killed, nothing is left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval_pipeline.adapters.text_files.failures import WorkerLostError
from eval_pipeline.adapters.text_files.records import Batch
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.flows.anonymise_files import SMALL_BYTES, AnonymiseRequest, anonymise_file
from eval_pipeline.flows.masked_batches import FailedBatch, MaskedBatch, Masker, MaskingPlan
from eval_pipeline.flows.worker_pool import masked_batches
from eval_pipeline.settings import AnonymisationSettings

pytestmark = pytest.mark.slow

MAILS = AnonymisationSettings(recognisers=("email",))
PLAN = MaskingPlan(MAILS, b"key", "jsonl")
RECORDS = 3_000


def record(number: int) -> dict[str, object]:
    return {
        "chat": number // 7,
        "text": f"{'x' * (number % 400)} from user{number}@north.example and "
        f"user{number - 1}@north.example",
        "inner": json.dumps({"email": f"user{number}@north.example", "n": number}),
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    records = [record(number) for number in range(RECORDS)]
    lines = "".join(f"{json.dumps(each)}\n" for each in records)
    (folder / "in.jsonl").write_text(lines, encoding="utf-8")
    (folder / "in.txt").write_text(lines.replace("\n", "\n\n"), encoding="utf-8")
    noise = [os.urandom(200).hex() for _ in records]
    table = pa.Table.from_pylist(records).append_column("noise", pa.array(noise))
    pq.write_table(table, folder / "in.parquet", row_group_size=500)
    assert all(file.stat().st_size > SMALL_BYTES for file in folder.iterdir())
    return folder


@pytest.mark.parametrize(
    ("ending", "conversation"),
    [("jsonl", None), ("jsonl", "chat"), ("parquet", None), ("parquet", "chat"), ("txt", None)],
)
def test_one_process_and_two_write_the_same_bytes(files, tmp_path, ending, conversation):
    written, tallies = [], []
    for processes in (1, 2):
        target = tmp_path / f"{processes}.{ending}"
        done = anonymise_file(
            AnonymiseRequest(
                str(files / f"in.{ending}"), str(target), MAILS, b"key",
                conversation_field=conversation, processes=processes,
            ),
            progress=lambda _done, _total, _records: None,
        )  # fmt: skip
        written.append(target.read_bytes())
        tallies.append(done.tally)
    assert written[0] == written[1]
    assert tallies[0] == tallies[1]
    assert b"@north.example" not in written[0]
    assert tallies[0].masked["email"] == RECORDS * 3


class Broken(Anonymiser):
    """Fails on one text, with words that quote it."""

    def mask_conversations(self, conversations, *, explain=False):
        if any("Zebedee" in each.text for passages in conversations for each in passages):
            raise LookupError("Zebedee cannot be masked")
        return super().mask_conversations(conversations, explain=explain)


def test_a_failure_is_told_by_its_class_and_record_alone():
    lines = [(4, b'{"a": "x"}'), (5, b'{"a": "Zebedee"}'), (6, b'{"a": "y"}')]
    failed = Masker(PLAN, Broken(MAILS, key=b"key")).mask(Batch(4, lines))
    assert failed == FailedBatch("LookupError", 5)


def test_results_come_in_order_with_few_batches_read_ahead():
    taken = 0

    def batches() -> Iterator[Batch]:
        nonlocal taken
        for number in range(1, 61):
            taken += 1
            size = 20_000 if number == 1 else 1
            yield Batch(number, [(number, json.dumps({"n": number, "t": "x " * size}).encode())])

    anonymiser = Anonymiser(MAILS, key=b"key")
    seen = []
    for result in masked_batches(batches(), PLAN, processes=2, anonymiser=anonymiser):
        assert isinstance(result, MaskedBatch)
        seen.append(json.loads(result.payload)["n"])
        # Three for each worker wait or run, and one more is at hand.
        assert taken - len(seen) <= 2 * 3 + 1
    assert seen == list(range(1, 61))


def test_a_worker_that_dies_is_told_and_nothing_is_left(files, tmp_path):
    def kill_one(_done: int, _total: int | None, _records: int) -> None:
        for child in children(os.getpid()):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(child, signal.SIGKILL)

    request = AnonymiseRequest(
        str(files / "in.jsonl"), str(tmp_path / "out.jsonl"), MAILS, b"key", processes=2
    )
    with pytest.raises(WorkerLostError):
        anonymise_file(request, progress=kill_one)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_killed_in_the_middle_it_leaves_no_output_and_no_worker(tmp_path, number):
    line = json.dumps({"text": "Please ask Mary Fisher of Acme in Paris about it. " * 20})
    (tmp_path / "in.jsonl").write_text(f"{line}\n" * 20_000, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "eval_pipeline", "anonymise", "in.jsonl", "out.jsonl",
         "--processes", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    unfinished = until(
        lambda: [file for file in tmp_path.iterdir() if file.suffix == ".unfinished"]
    )
    until(lambda: unfinished[0].stat().st_size)
    assert unfinished[0].stat().st_mode & 0o077 == 0
    workers = children(process.pid)
    assert len(workers) >= 2
    process.send_signal(number)
    told = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert b"Mary" not in told
    left = {file.name for file in tmp_path.iterdir()}
    assert "out.jsonl" not in left
    if number != signal.SIGKILL:
        assert left == {"in.jsonl"}
        assert b"Traceback" not in told
    until(lambda: not any(running(worker) for worker in workers))


def until(condition, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def running(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
