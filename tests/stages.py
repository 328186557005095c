"""Lakes on which one scenario is played again and again from its beginning."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from tests.kills import AFTER, BEFORE, TORN, Fate
from tests.publishing import forget, lake_with, problems, state_of
from tests.sizes import EVERY_POINT

UNFINISHED = (
    "is not the one it was built on",
    "its items are not its parent's",
    "its folder holds files that it does not name",
)
"""What `verify` may say while a version, or its parent alone, is being issued again."""


class Stage:
    """A lake in a folder or a bucket, which `reset` brings back to its beginning."""

    def __init__(self, url: str, *, versions: int, seed: str) -> None:
        self.lake = lake_with(url, versions=versions, seed=seed)
        self.golden = GoldenVersions(self.lake)
        self.before = self.after = state_of(self.lake)
        self._left = self.everything()

    def ended(self) -> None:
        """What is here now is what is to be here when all is done; then back to the beginning."""
        self.after, self._left = state_of(self.lake), self.everything()
        self.reset()

    def reset(self) -> None:
        """The lake as it was at the beginning, opened anew: nothing is known of what was there."""
        self._restore()
        self.lake = Lake(self.lake.url)
        self.golden = GoldenVersions(self.lake)

    def _restore(self) -> None:
        raise NotImplementedError

    def everything(self) -> set[str]:
        """Every path, hidden and temporary ones too."""
        raise NotImplementedError

    def assert_old_or_new(self, where: str) -> None:
        """Readers find whole versions: those of the beginning or those of the end."""
        found = state_of(self.lake)
        assert found.named in (self.before.named, self.after.named), where
        assert found.catalogue in (self.before.catalogue, self.after.catalogue), where
        assert found.torn == [], where
        assert problems(self.lake) == [], where

    def assert_done(self, where: str) -> None:
        """The lake of the end, to the last byte and with nothing besides."""
        assert state_of(self.lake) == self.after, where
        assert self.everything() == self._left, where


class Folder(Stage):
    """On the local disk."""

    def __init__(self, root: Path, *, versions: int, seed: str) -> None:
        self._root, self._saved = root, root.with_name(f"{root.name}-saved")
        root.mkdir()
        super().__init__(str(root), versions=versions, seed=seed)
        shutil.copytree(root, self._saved)

    def _restore(self) -> None:
        shutil.rmtree(self._root)
        shutil.copytree(self._saved, self._root)

    def everything(self) -> set[str]:
        return {path.relative_to(self._root).as_posix() for path in self._root.rglob("*")}


class Bucket(Stage):
    """In an object store."""

    def __init__(self, url: str, *, versions: int, seed: str) -> None:
        super().__init__(url, versions=versions, seed=seed)
        self._saved = {path: self.lake.read_bytes(path) for path in self.lake.list()}

    def _restore(self) -> None:
        for path, size in self.lake.sizes().items():
            # A catalogue's bytes are not those of another build, though its length may be.
            saved = self._saved.get(path)
            if saved is None:
                self.lake.delete(path)
            elif path == CATALOGUE or len(saved) != size or self.lake.read_bytes(path) != saved:
                self.lake.write_bytes(path, saved)
        for path in self._saved.keys() - set(self.lake.list()):
            self.lake.write_bytes(path, self._saved[path])

    def everything(self) -> set[str]:
        return set(self.lake.list())


class Erasure:
    """What holds of every version while a person is being erased from a stage's lake."""

    def __init__(self, stage: Stage) -> None:
        self._stage, golden = stage, stage.golden
        self._old = {number: golden.items(number) for number in golden.numbers()}
        forget(stage.lake)
        self._new = {number: golden.items(number) for number in golden.numbers()}
        stage.ended()

    def assert_whole(self, where: str) -> None:
        """Each version is whole, with the person or without."""
        golden = self._stage.golden
        assert golden.numbers() == list(self._old), where
        for number in self._old:
            items = golden.items(number)
            assert items.equals(self._old[number]) or items.equals(self._new[number]), where
        assert state_of(self._stage.lake).torn == [], where
        for problem in problems(self._stage.lake):
            assert any(said in problem for said in UNFINISHED), f"{where}: {problem}"


def fates(boundaries: Sequence[tuple[str, bool]], *, points: int, seed: str) -> list[Fate]:
    """Where to die: every torn write, and of the other points as many as there is time for.

    `EVAL_PIPELINE_FULL_TESTS` asks for all of them.
    """
    torn = [Fate(number, TORN) for number, (_, halves) in enumerate(boundaries) if halves]
    whole = [Fate(number, when) for number in range(len(boundaries)) for when in (BEFORE, AFTER)]
    if EVERY_POINT or len(torn) + len(whole) <= points:
        return torn + whole
    return torn + Random(seed).sample(whole, points - len(torn))
