"""One simulated week in a process of its own, as runs have one; prints its measures as JSON.

Each job is measured in wall and processor seconds, of this process and the children it waited
for; importing the program is not in them. The pipeline's clock stands in the simulated week.
"""

import argparse
import contextlib
import datetime as dt
import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import sqlalchemy as sa

from assets.launch import DagsterLauncher
from benchmarks.counted_folder import counted
from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.adapters.catalogue import refresh as refresh_catalogue
from eval_pipeline.cli.story import DESK
from eval_pipeline.flows.wiring import Pipeline, utc_now
from eval_pipeline.settings_file import load_project

QUESTIONS: Final = {
    "decisions": "SELECT candidate, verdict FROM decisions",
    "golden_versions": "SELECT count(*) FROM golden_versions",
    "golden_changes": "SELECT change, count(*) FROM golden_changes GROUP BY ALL",
    "golden_as_of": "SELECT count(*) FROM golden_as_of(DATE '2030-01-01')",
    "trials": "SELECT count(*), avg(score) FROM trials",
}
"""What people ask of the catalogue; a question it cannot answer stops the soak."""


YARDSTICK_TURNS: Final = 2_500


class Stopwatch:
    """By name of what was done: wall and processor seconds, files read, statements asked."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.wall: dict[str, float] = {}
        self.processor: dict[str, float] = {}
        self.files: dict[str, int] = {}
        self.statements: dict[str, int] = {}
        self.folder = counted(pipeline.lake)
        self._asked = 0
        sa.event.listen(pipeline.store.engine, "before_cursor_execute", self._count)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Adds what the block takes, this process and the children it waited for."""
        read, asked = self.folder.reads["files"], self._asked
        began, used = time.perf_counter(), _processor_seconds()
        yield
        for kept, amount in (
            (self.wall, time.perf_counter() - began),
            (self.processor, _processor_seconds() - used),
            (self.files, self.folder.reads["files"] - read),
            (self.statements, self._asked - asked),
        ):
            kept[name] = kept.get(name, 0) + amount

    def _count(self, *_: object) -> None:
        self._asked += 1


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def yardstick() -> float:
    """Processor seconds of a piece of work that is always the same: how fast the machine is now.

    What else the machine does costs caches and clock; weeks can be told apart from that by this.
    """
    used = _processor_seconds()
    for turn in range(YARDSTICK_TURNS):
        text = ("a week's work " * 200 + str(turn)).encode()
        json.loads(json.dumps([hashlib.sha256(text).hexdigest()] * 200))
        sorted(range(5_000), key=lambda n: -n % 977)
    return _processor_seconds() - used


def live(pipeline: Pipeline, launcher: DagsterLauncher, watch: Stopwatch, *, week: str) -> str:
    """What production does in a week; returns what the sensor of candidates said."""

    def job(name: str, **given: Any) -> None:
        with watch.timed(name):
            launcher.launch(name, partition=week, **given)

    first = not pipeline.golden.for_week(week) and pipeline.golden.latest() is None
    job("refresh")
    with watch.timed("labels"):
        if first:
            DESK.staff(pipeline)
        DESK.work(pipeline, week=week)
    job("publish")
    job("judge_checks")
    job("drift")
    if first:
        job("drift_pin", config={"drift_reference": {"pin": True}})
    job("aa")
    with watch.timed("watch"):
        launcher.tick("provider_change_sensor")
    with watch.timed("ready"):
        launcher.tick("adjudications_complete_sensor")
    with watch.timed("gate"):
        told = launcher.tick("candidate_file_sensor")
    job("report")
    job("digest")
    with watch.timed("alerts"):
        launcher.tick("alerts")
    return told


def ask_catalogue(pipeline: Pipeline, watch: Stopwatch) -> None:
    """Brings the catalogue in line and asks what people ask."""
    with watch.timed("catalogue"):
        refresh_catalogue(pipeline.lake)
    file = pipeline.lake.local_path(CATALOGUE)
    for name, question in QUESTIONS.items():
        with watch.timed(f"catalogue: {name}"), duckdb.connect(str(file), read_only=True) as asked:
            asked.sql(question).fetchall()


def clock_in(week: str) -> Callable[[], dt.datetime]:
    """A clock that says the Tuesday noon after the week, and goes on from there."""
    noon = dt.datetime.combine(
        dt.date.fromisoformat(week) + dt.timedelta(days=8), dt.time(12), tzinfo=dt.UTC
    )
    shift = noon - utc_now()
    return lambda: utc_now() + shift


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the week of the project that EVAL_PIPELINE_CONFIG names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--week", required=True)
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--profile", type=Path)
    asked = parser.parse_args(arguments)
    started = _processor_seconds()
    project = load_project()
    pipeline = Pipeline(project, clock=clock_in(asked.week))
    watch = Stopwatch(pipeline)
    with contextlib.closing(pipeline), _profiled(asked.profile):
        with watch.timed("definitions"):
            launcher = DagsterLauncher(project, pipeline)
        told = live(pipeline, launcher, watch, week=asked.week)
        ask_catalogue(pipeline, watch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    measured = {
        "wall": watch.wall,
        "processor": watch.processor,
        "yardstick": yardstick(),
        "files_read": watch.files,
        "statements": watch.statements,
        "reads": dict(watch.folder.reads),
        "import_processor": started,
        "peak_memory": peak,
        "candidates": told,
    }
    asked.result.write_text(json.dumps(measured), encoding="utf-8")
    return 0


@contextlib.contextmanager
def _profiled(file: Path | None) -> Iterator[None]:
    if file is None:
        yield
        return
    import cProfile  # noqa: PLC0415 - only where asked for

    with cProfile.Profile() as profile:
        yield
    profile.dump_stats(file)


if __name__ == "__main__":
    sys.exit(main())
