"""Commands of the product as forked processes that die where they are told to.

A forked process runs the command line as a shell would start it, or one of the named steps below,
in the folder of a world, with its output in files. It can die at a boundary of `tests.kills`, and
its clock can be wrong. The server itself runs nothing, so that no library has started threads.
"""

import datetime as dt
import importlib
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.fork_server import ForkServer, fork_server, serve
from tests.kills import Boundaries, Death
from tests.scenario import World

PRELOADED: Final = (
    "dagster",
    "duckdb",
    "polars",
    "scipy.stats",
    "great_expectations",
    "matplotlib.pyplot",
    "sklearn.cluster",
    "alembic.command",
    "eval_pipeline.cli.app",
    "eval_pipeline.cli.story",
    "assets.launch",
)
OUT, ERR = "said.out", "said.err"


@dataclass(frozen=True)
class Errand:
    """What one process does in a world.

    `words` are a command's, or `step NAME ARGUMENTS`. `wrong_by` are seconds by which every clock
    it reads is off, the database's too, after `wrong_after` boundaries. Its output goes to files
    of `folder`, `said.out` and `said.err` after `name`.
    """

    folder: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    death: Death | None = None
    wrong_by: float = 0.0
    wrong_after: int = 0
    name: str = ""


def errand(world: World, *words: str, **parts: Any) -> Errand:
    """The command or step in this world."""
    return Errand(str(world.folder), words, world.environment(), **parts)


@contextmanager
def command_server(folder: Path, world: World) -> Iterator[ForkServer]:
    """A server of commands; any world that has this one's configuration will do."""
    settings = {"EVAL_PIPELINE_CONFIG": str(world.config), "GX_ANALYTICS_ENABLED": "false"}
    with fork_server(folder, module="tests.command_server", variables=settings) as server:
        yield server


def _done(job: Mapping[str, Any]) -> dict[str, Any]:
    os.environ.clear()
    os.environ.update(job["environment"])
    folder = Path(job["folder"])
    os.chdir(folder)
    _speak_into(folder / f"{job['name']}{OUT}", folder / f"{job['name']}{ERR}")
    boundaries = Boundaries(None if job["death"] is None else Death(**job["death"]))
    boundaries.install()
    if job["wrong_by"]:
        _mislead(boundaries, by=job["wrong_by"], after=job["wrong_after"])
    code = _ended(job["words"])
    boundaries.watching = False
    sys.stdout.flush()
    sys.stderr.flush()
    return {"said": str(code), "boundaries": boundaries.passed}


def _ended(words: list[str]) -> int:
    code: Any = 0
    try:
        if words[0] == "step":
            from tests import command_steps

            getattr(command_steps, words[1])(*words[2:])
        else:
            from eval_pipeline.cli.app import app

            sys.argv = ["eval-pipeline", *words]
            app(words)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - as a shell would show it
        traceback.print_exc()
        code = 1
    return int(code or 0)


def _mislead(boundaries: Boundaries, *, by: float, after: int) -> None:
    from eval_pipeline.adapters.model_calls.claims import CallClaims
    from eval_pipeline.flows.wiring import Pipeline

    right, database = time.time, CallClaims._now

    def error() -> float:
        return by if len(boundaries.passed) >= after else 0.0

    def clock() -> dt.datetime:
        return dt.datetime.fromtimestamp(right() + error(), tz=dt.UTC)

    time.time = lambda: right() + error()
    Pipeline.__init__.__kwdefaults__["clock"] = clock
    CallClaims._now = lambda claims, connection: (
        database(claims, connection) + dt.timedelta(seconds=error())
    )


def _speak_into(out: Path, err: Path) -> None:
    for stream, file in ((1, out), (2, err)):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, stream)
        os.close(descriptor)
    # The server's own line of answers goes elsewhere: what it would still write is not the child's.
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


if __name__ == "__main__":
    for module in PRELOADED:
        importlib.import_module(module)
    serve(_done)
