"""One command's view of a project: its pipeline, its job launcher, and how it speaks."""

import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.segment import Segment

from eval_pipeline.adapters.model_calls.runner import CALLS_LOGGER
from eval_pipeline.adapters.private_files import make_folder
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.inert_text import for_terminal
from eval_pipeline.ports import JobLauncher
from eval_pipeline.settings_file import CONFIG_VARIABLE, Project, load_project

DAGSTER_HOME = "DAGSTER_HOME"
LAUNCHERS = "eval_pipeline.launcher"

PLAIN_WIDTH = 110
"""Columns where the output goes to a file or a log, which has no width of its own."""


class InertConsole(Console):
    """A console whose texts cannot drive the terminal or command a CI's runner."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments, their texts inert; the console's own control codes stay."""
        for segment in super().render(renderable, options):
            if segment.control or not segment.text:
                yield segment
            else:
                yield Segment(for_terminal(segment.text), segment.style)


out = InertConsole(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
err = InertConsole(stderr=True, highlight=False)


class Session:
    """A loaded project; adapters and the launcher are opened on first use."""

    def __init__(self, config: Path | None) -> None:
        self.project: Project = load_project(config)
        self.progress = CallProgress()

    @cached_property
    def pipeline(self) -> Pipeline:
        """The project's adapters."""
        return Pipeline(self.project, report=self.progress)

    @cached_property
    def launcher(self) -> JobLauncher:
        """The orchestrator, found by its entry point so that nothing here imports it."""
        os.environ[CONFIG_VARIABLE] = str(self.project.file)
        prepare_dagster_home(self.project.folder)
        found = list(entry_points(group=LAUNCHERS))
        if not found:
            raise EvalPipelineError(
                f"No job launcher is installed (entry point '{LAUNCHERS}'). "
                "Install the project: pip install -e . (or run `make setup`)."
            )
        launcher: JobLauncher = found[0].load()(self.project, self.pipeline)
        return launcher


class CallProgress:
    """Shows long model work as one line that moves; silent where no person watches."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Implements `ports.ProgressReport`."""
        if self._progress is None:
            return
        self._progress.update(self._task, completed=done, total=total, description=what)

    @contextmanager
    def shown(self, what: str, *, plans: bool = False) -> Iterator[None]:
        """Shows progress under `what` until the block ends.

        `plans`: what each run of calls is expected to take, and what it took, stays as a line.
        """
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        watched = err.is_terminal
        with (
            _told_plans() if plans else nullcontext(),
            Progress(*columns, console=err, transient=True, disable=not watched) as progress,
        ):
            self._task = progress.add_task(what, total=None)
            self._progress = progress
            try:
                yield
            finally:
                self._progress = None


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        err.print(record.getMessage(), style="dim", markup=False)


@contextmanager
def _told_plans() -> Iterator[None]:
    logger, lines = logging.getLogger(CALLS_LOGGER), _Lines(logging.INFO)
    level = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(lines)


def prepare_dagster_home(folder: Path) -> Path:
    """DAGSTER_HOME as set, or a folder beside the configuration, with the shipped settings."""
    home = Path(os.environ.get(DAGSTER_HOME) or folder / "dagster").absolute()
    make_folder(home)
    settings = home / "dagster.yaml"
    if not settings.exists():
        with shipped_file("dagster.yaml") as shipped:
            shutil.copyfile(shipped, settings)
    os.environ[DAGSTER_HOME] = str(home)
    return home


@contextmanager
def shipped_file(name: str) -> Iterator[Path]:
    """A file of the checkout's top level, or its copy inside the installed package."""
    checkout = Path(__file__).parents[2] / name
    if checkout.exists():
        yield checkout
        return
    with resources.as_file(resources.files("eval_pipeline") / "_project" / name) as shipped:
        yield shipped
