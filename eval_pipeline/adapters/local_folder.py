"""A folder of this machine as the place of the lake: every file whole or not at all."""

import contextlib
import errno
import fcntl
import itertools
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from eval_pipeline.adapters.disk_faults import lake_file, refusal
from eval_pipeline.adapters.private_files import make_folder, opened_privately
from eval_pipeline.adapters.storage import checked_path

TEMPORARY_PREFIX = ".writing-"
TABLE_SUFFIX = ".parquet"

_serial = itertools.count()


class LocalFolder:
    """A folder of this machine. Writers of one folder take turns; readers never wait.

    The turn is a lock on the folder itself, which the system releases when its holder is killed:
    whatever temporary file a writer finds in its turn is a dead writer's. Whatever the system
    refuses is a `LakeError`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        """The bytes at `path`; raises `FileNotFoundError`."""
        file = self.root / checked_path(path)
        with lake_file(file, act="read", missing_is_fault=False):
            return file.read_bytes()

    def write(self, path: str, data: bytes) -> None:
        """Temporary name, fsync, rename, fsync of the folder."""
        target = self.root / checked_path(path)
        with lake_file(target, act="written", missing_is_fault=True):
            self._make_folder(target.parent)
            with _turn(target.parent), _temporary(target, data) as temporary:
                temporary.replace(target)
                _sync_folder(target.parent)

    def create(self, path: str, data: bytes) -> bool:
        """A hard link to a finished temporary: the name appears with all its bytes or not."""
        target = self.root / checked_path(path)
        with lake_file(target, act="written", missing_is_fault=True):
            self._make_folder(target.parent)
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
        with (
            lake_file(target, act="removed", missing_is_fault=True),
            contextlib.suppress(FileNotFoundError),
        ):
            target.unlink()
            _sync_folder(target.parent)

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Removes every other file of `folder`; taking the turn removes dead temporaries."""
        swept = self.root / checked_path(folder)
        if not swept.is_dir():
            return
        with lake_file(swept, act="cleaned", missing_is_fault=True), _turn(swept):
            others = [
                file
                for file in swept.iterdir()
                if file.is_file() and not file.name.startswith(".") and file.name not in names
            ]
            for file in others:
                file.unlink(missing_ok=True)
            _sync_folder(swept)

    def exists(self, path: str) -> bool:
        """Whether anything is at `path`: what is no file is found out by reading it."""
        return (self.root / checked_path(path)).exists()

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
        for parent, folders, names in os.walk(folder, onerror=_unreadable):
            for name in folders:
                if name.endswith(TABLE_SUFFIX):
                    error = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                    raise refusal(error, Path(parent, name), act="read")
            for name in names:
                if not name.startswith("."):
                    file = Path(parent, name)
                    with contextlib.suppress(FileNotFoundError):
                        found.append((file.relative_to(self.root).as_posix(), file.stat()))
        return sorted(found, key=lambda one: one[0])

    def _make_folder(self, folder: Path) -> None:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        try:
            make_folder(folder)
        except OSError as error:
            raise refusal(error, folder, act="made", kind="folder") from None
        for one in missing:
            _sync_folder(one.parent)


def _unreadable(error: OSError) -> None:
    """A folder that may not be listed is no empty one; one that is not there is."""
    if not isinstance(error, FileNotFoundError):
        raise refusal(error, Path(error.filename), act="listed", kind="folder")


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
        with open(temporary, "xb", opener=opened_privately) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        # What cannot be removed now is removed by the next writer of this folder in its turn.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
