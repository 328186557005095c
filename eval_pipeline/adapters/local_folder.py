"""A folder of this machine as the place of the lake: every file whole or not at all."""

import contextlib
import fcntl
import itertools
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from eval_pipeline.adapters.storage import checked_path
from eval_pipeline.errors import LakeError

TEMPORARY_PREFIX = ".writing-"

_serial = itertools.count()


class LocalFolder:
    """A folder of this machine. Writers of one folder take turns; readers never wait.

    The turn is a lock on the folder itself, which the system releases when its holder is killed:
    whatever temporary file a writer finds in its turn is a dead writer's.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        """The bytes at `path`; raises `FileNotFoundError`."""
        return (self.root / checked_path(path)).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        """Temporary name, fsync, rename, fsync of the folder."""
        target = self._target(path)
        with _turn(target.parent), _temporary(target, data) as temporary:
            temporary.replace(target)
            _sync_folder(target.parent)

    def create(self, path: str, data: bytes) -> bool:
        """A hard link to a finished temporary: the name appears with all its bytes or not."""
        target = self._target(path)
        with _turn(target.parent), _temporary(target, data) as temporary:
            try:
                target.hardlink_to(temporary)
            except FileExistsError:
                return False
            _sync_folder(target.parent)
        return True

    def delete(self, path: str) -> None:
        """Removes `path`, if it is there; it stays removed when the power fails."""
        target = self.root / checked_path(path)
        with contextlib.suppress(FileNotFoundError):
            target.unlink()
            _sync_folder(target.parent)

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Removes every other file of `folder`; taking the turn removes dead temporaries."""
        swept = self.root / checked_path(folder)
        if not swept.is_dir():
            return
        with _turn(swept):
            for file in swept.iterdir():
                if file.is_file() and not file.name.startswith(".") and file.name not in names:
                    file.unlink(missing_ok=True)
            _sync_folder(swept)

    def exists(self, path: str) -> bool:
        """Whether a file is at `path`."""
        return (self.root / checked_path(path)).is_file()

    def sizes(self, prefix: str) -> dict[str, int]:
        """Path to size of every finished file under `prefix`."""
        return {path: known.st_size for path, known in self._known(prefix)}

    def marks(self, prefix: str) -> dict[str, str]:
        """Path to number, time and size of every finished file: a rename brings a new number."""
        return {
            path: f"{known.st_ino}-{known.st_mtime_ns}-{known.st_size}"
            for path, known in self._known(prefix)
        }

    def _known(self, prefix: str) -> list[tuple[str, os.stat_result]]:
        folder = self.root / checked_path(prefix) if prefix else self.root
        found = []
        for parent, _, names in os.walk(folder):
            for name in names:
                if not name.startswith("."):
                    file = Path(parent, name)
                    with contextlib.suppress(FileNotFoundError):
                        found.append((file.relative_to(self.root).as_posix(), file.stat()))
        return sorted(found, key=lambda one: one[0])

    def _target(self, path: str) -> Path:
        target = self.root / checked_path(path)
        missing = [
            folder for folder in (target.parent, *target.parent.parents) if not folder.exists()
        ]
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LakeError(
                f"The lake's folder {target.parent} cannot be made: {error.strerror}. "
                "Nothing was written. Check `storage.lake` and the folder's permissions."
            ) from None
        for folder in missing:
            _sync_folder(folder.parent)
        return target


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems cannot lock a folder: writes stay atomic there, but a dead
        # writer's temporary cannot be told from a live one's and is left alone.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for leftover in folder.glob(f"{TEMPORARY_PREFIX}*"):
                leftover.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _temporary(target: Path, data: bytes) -> Iterator[Path]:
    # No suffix of a table's file: a reader's `*.parquet` matches hidden files too.
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{next(_serial)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
