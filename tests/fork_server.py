"""Publishers as real processes, forked in milliseconds from one that has only imported them.

Whoever has other work for such processes names a module that calls `serve` with it. The server
never calls Polars, DuckDB or obstore, so none of their thread pools exists when it forks: each
child starts its own. All children of one line start at once.
"""

import json
import os
import pickle
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from tests import publishing
from tests.kills import Boundaries, Fate

CHECKOUT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Job:
    """What one process does to the lake, and how it ends if not well.

    `draft` and `overtaken_by` are files of drafts: the second is published by somebody else
    between this publisher's items and its manifest.
    """

    lake: str
    task: str
    draft: str | None = None
    overtaken_by: str | None = None
    fate: Fate | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a process ended: by which signal, or saying what, past which boundaries."""

    signal: int
    said: str = ""
    boundaries: tuple[tuple[str, bool], ...] = ()


class ForkServer:
    """The test's side: asks the server to fork, and hears how its children ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, *jobs: Any) -> list[int]:
        """Forks a process per job; they wait for `finish`. Returns their ids."""
        return list(self._ask([asdict(job) for job in jobs]))

    def finish(self) -> list[Ended]:
        """Lets the processes go, all at once, and waits until the last has ended."""
        return [
            Ended(one["signal"], one["said"], tuple(tuple(pair) for pair in one["boundaries"]))
            for one in self._ask("go")
        ]

    def run(self, *jobs: Any) -> list[Ended]:
        """Starts and finishes."""
        self.start(*jobs)
        return self.finish()

    def _ask(self, question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the server of publishers has ended"
        return json.loads(answer)


@contextmanager
def fork_server(
    folder: Path,
    *,
    module: str = "tests.fork_server",
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[ForkServer]:
    """A server whose children leave their temporary files in `folder`.

    `module` is run as the server; its jobs are dataclasses that JSON can hold.
    """
    folder.mkdir(exist_ok=True)
    # Coverage would slow each child down, and those that are killed could not tell it anything.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment = {**plain, "PYTHONPATH": str(CHECKOUT), "TMPDIR": str(folder)}
    command = [sys.executable, "-m", module]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={**environment, "POLARS_MAX_THREADS": "1", **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield ForkServer(process)
        assert process.stdin is not None
        process.stdin.close()


def serve(done: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Answers each line of jobs with process ids, and the line after it with their ends."""
    # Python warns of the threads that libraries start for themselves when they are imported:
    # allocators and arithmetic, which prepare for a fork.
    warnings.simplefilter("ignore", DeprecationWarning)
    for line in sys.stdin:
        starting_shot, gun = os.pipe()
        children = [_forked(job, starting_shot, gun, done=done) for job in json.loads(line)]
        os.close(starting_shot)
        sys.stdout.write(json.dumps([process for process, _ in children]) + "\n")
        sys.stdout.flush()
        assert sys.stdin.readline()
        os.close(gun)
        sys.stdout.write(json.dumps([_end_of(*child) for child in children]) + "\n")
        sys.stdout.flush()


def _forked(
    job: Mapping[str, Any],
    starting_shot: int,
    gun: int,
    *,
    done: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> tuple[int, int]:
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    os.close(gun)
    os.read(starting_shot, 1)
    try:
        said = done(job)
    except BaseException:  # noqa: BLE001 - whatever it is, the test has to hear of it
        said = {"said": traceback.format_exc(), "boundaries": []}
    with os.fdopen(writer, "w") as pipe:
        json.dump(said, pipe)
    os._exit(0)


def _end_of(process: int, reader: int) -> dict[str, Any]:
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(process, 0)
    said = json.loads(text) if text else {"said": "", "boundaries": []}
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, **said}


def _done(job: Mapping[str, Any]) -> dict[str, Any]:
    os.environ.update(job["environment"])
    lake = Lake(job["lake"])
    draft = None if job["draft"] is None else pickle.loads(Path(job["draft"]).read_bytes())
    boundaries = Boundaries(None if job["fate"] is None else Fate(**job["fate"]))
    if job["overtaken_by"] is not None:
        _overtake(lake, pickle.loads(Path(job["overtaken_by"]).read_bytes()), boundaries)
    boundaries.install()
    said = publishing.forget(lake) if draft is None else publishing.publish(lake, draft)
    boundaries.watching = False
    return {"said": said, "boundaries": boundaries.passed}


def _overtake(lake: Lake, winner: publishing.Draft, boundaries: Boundaries) -> None:
    """Lets somebody else publish just before this lake creates its next manifest."""
    create = lake.create_bytes

    def create_too_late(path: str, data: bytes) -> bool:
        boundaries.watching = False
        GoldenVersions(Lake(lake.url)).publish(winner.composition, winner.provenance)
        boundaries.watching = True
        return create(path, data)

    lake.create_bytes = create_too_late


if __name__ == "__main__":
    serve(_done)
