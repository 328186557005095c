"""Worlds on the way through a third week, each ready for commands that have not run yet in it.

`begun` has two finished weeks and an undecided candidate; `refreshed` the third week's queue;
`reviewed` its labels; `published` its golden version. The provider never fails: what goes wrong in
these worlds is what a test makes go wrong.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.demo.pharmacy_models import FIRST_WEEK
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.flows.truth import refresh_catalogue
from tests.alert_world import Receiver
from tests.command_server import ERR, OUT, errand
from tests.fork_server import Ended, ForkServer
from tests.scenario import CANDIDATE, NEXT_WEEK, World
from tests.sharing import alone

CALM: Final = ("--rate-limited-share", "0", "--failed-share", "0")
CONCURRENCY: Final = 4
UNDECIDED: Final = "undecided"
"""A candidate that the gate could not decide."""
LATE: Final = "late"
"""A candidate that nobody evaluated yet."""
CHANNEL_VARIABLE: Final = "TEAM_CHANNEL_URL"


@contextmanager
def calm_provider() -> Iterator[ProviderProcess]:
    """A provider that answers every request, at once."""
    with ProviderProcess(latency_median_seconds=0.0, arguments=CALM) as process:
        process.set_epoch(FIRST_WEEK.isoformat())
        yield process


@dataclass
class Course:
    """The stages, made when they are asked for, and who runs commands in copies of them."""

    finished: World
    shared: Path
    """Where the stages are kept, for all workers of a test run."""
    folder: Path
    """Where copies are played with, always the same place."""
    server: ForkServer
    provider: ProviderProcess
    receiver: Receiver

    def beginning(self, stage: str) -> World:
        """A new copy of the stage."""
        made = self._made(stage)
        self.provider.set_epoch(FIRST_WEEK.isoformat())
        shutil.rmtree(self.folder, ignore_errors=True)
        world = World(made.folder, {CHANNEL_VARIABLE: self.receiver.url})
        copy = world.copied_to(self.folder, provider_url=self.provider.base_url)
        self._write_catalogue(stage, copy)
        return copy

    def _write_catalogue(self, stage: str, world: World) -> None:
        """The stage's catalogue as of this folder: its views name their files by whole paths."""
        kept = self.folder.with_name(f"catalogue-of-{stage}")
        if not kept.exists():
            with world.pipeline() as pipeline:
                refresh_catalogue(pipeline)
            shutil.copyfile(world.lake / CATALOGUE, kept)
        shutil.copyfile(kept, world.lake / CATALOGUE)

    def run(self, world: World, *words: str, **parts: Any) -> Ended:
        """The command or step as a process of its own, to its end."""
        [ended] = self.server.run(errand(world, *words, **parts))
        return ended

    def _made(self, stage: str) -> World:
        folder = self.shared / f"stage-{stage}"
        with alone(folder.with_suffix(".lock")):
            if not folder.exists():
                making = folder.with_suffix(".making")
                shutil.rmtree(making, ignore_errors=True)
                self._make(stage, making)
                making.rename(folder)
        return World(folder)

    def _make(self, stage: str, folder: Path) -> None:
        number = STAGES.index(stage)
        past = self._made(STAGES[number - 1]) if number else self.finished
        self.provider.set_epoch(FIRST_WEEK.isoformat())
        world = past.copied_to(folder, provider_url=self.provider.base_url)
        if stage == "begun":
            world.configure(_prepare)
            shipped = world.folder / "candidates" / f"{CANDIDATE}.yaml"
            for name in (UNDECIDED, LATE):
                shutil.copyfile(shipped, shipped.with_stem(name))
        ended = self.run(world, *STEPS[stage])
        assert (ended.signal, ended.said) == (0, CODES.get(stage, "0")), words_of(world)


STEPS: Final = {
    "begun": ("gate", "--candidate", UNDECIDED),
    "refreshed": ("refresh", "--week", NEXT_WEEK),
    "reviewed": ("step", "review", NEXT_WEEK),
    "published": ("publish", "--week", NEXT_WEEK),
}
STAGES: Final = tuple(STEPS)
CODES: Final = {"begun": "2"}
"""By which code the step ends: inconclusive is what this one is to be."""


def said(world: World, name: str = "") -> list[Path]:
    """What a command said last in this world."""
    return [world.folder / f"{name}{OUT}", world.folder / f"{name}{ERR}"]


def words_of(world: World) -> str:
    """The end of it."""
    return "".join(file.read_text(encoding="utf-8")[-1500:] for file in said(world))


def _prepare(tree: Any) -> None:
    tree["providers"]["pharmacy-cloud"].update(concurrency=CONCURRENCY)
    tree["gate"].update(
        may_waive=["ada"],
        continuation={"share": 0.3, "weekly_items": 20},
        # Eight points on so few items: hardly anybody could decide that.
        tolerances={"default": 0.08},
        looks=[20],
    )
    tree["alerts"] = {
        "channels": {"team": {"kind": "webhook", "url_variable": CHANNEL_VARIABLE}},
    }
