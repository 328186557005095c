"""Where the lake's bytes lie: a local folder or an object store, written whole or not at all."""

import contextlib
import datetime as dt
import fcntl
import itertools
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from eval_pipeline.errors import LakeError

OBJECT_SCHEMES = ("s3", "gs", "az", "memory")
NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "specified bucket does not exist")
TEMPORARY_PREFIX = ".writing-"

_serial = itertools.count()


class Storage(Protocol):
    """Named bytes. A reader sees the old bytes or the new ones, never half."""

    def read(self, path: str) -> bytes:
        """The bytes at `path`; raises `FileNotFoundError`."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Replaces what is at `path`, durable on return."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Writes only if nothing is at `path`; False if something is."""
        ...

    def delete(self, path: str) -> None:
        """Removes `path`, if it is there."""
        ...

    def exists(self, path: str) -> bool:
        """Whether something whole is at `path`."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Path to size in bytes of everything under the folder `prefix`, sorted by path."""
        ...


def checked_path(path: str) -> str:
    """`path` itself; raises `LakeError` unless it is relative, normal and inside the lake."""
    parts = path.split("/")
    if "\\" in path or "\0" in path or any(part in {"", ".", ".."} for part in parts):
        raise LakeError(
            f"'{path}' is not a path inside the lake. Nothing was read or written. "
            "Use a relative path with forward slashes and without '..'."
        )
    return path


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
        """Removes `path`, if it is there."""
        (self.root / checked_path(path)).unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        """Whether a file is at `path`."""
        return (self.root / checked_path(path)).is_file()

    def sizes(self, prefix: str) -> dict[str, int]:
        """Path to size of every finished file under `prefix`."""
        folder = self.root / checked_path(prefix) if prefix else self.root
        found = {}
        for parent, _, names in os.walk(folder):
            for name in names:
                if not name.startswith("."):
                    file = Path(parent, name)
                    with contextlib.suppress(FileNotFoundError):
                        found[file.relative_to(self.root).as_posix()] = file.stat().st_size
        return dict(sorted(found.items()))

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
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{next(_serial)}-{target.name}")
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


class ObjectStorage:
    """S3, Google Cloud Storage, Azure or memory, through `obstore`; every put is whole.

    Credentials, region and endpoint come from the cloud's usual environment variables.
    """

    def __init__(self, url: str) -> None:
        try:
            import obstore  # noqa: PLC0415 - an optional extra
            from obstore.store import from_url  # noqa: PLC0415
        except ImportError:
            raise LakeError(
                f"The lake at {url} needs the package 'obstore', which is not installed. "
                'Nothing was read or written. Run: pip install "eval-pipeline[s3]".'
            ) from None
        self.url = url
        self._obstore: Any = obstore
        retries: Any = {"max_retries": 6, "retry_timeout": dt.timedelta(seconds=60)}
        with self._explained():
            self._store: Any = (
                from_url("memory:///")
                if url.startswith("memory:")
                else from_url(url, retry_config=retries)
            )

    def read(self, path: str) -> bytes:
        """The bytes at `path`; raises `FileNotFoundError`."""
        with self._explained():
            return bytes(self._obstore.get(self._store, checked_path(path)).bytes())

    def write(self, path: str, data: bytes) -> None:
        """One whole put."""
        with self._explained(missing_is_fault=True):
            self._obstore.put(self._store, checked_path(path), data, use_multipart=False)

    def create(self, path: str, data: bytes) -> bool:
        """One conditional put.

        A put that is retried after its answer got lost finds its own bytes and says False: who
        must know compares what is there.
        """
        with self._explained(missing_is_fault=True):
            try:
                self._obstore.put(
                    self._store, checked_path(path), data, mode="create", use_multipart=False
                )
            except self._obstore.exceptions.AlreadyExistsError:
                return False
        return True

    def delete(self, path: str) -> None:
        """Removes `path`, if it is there."""
        with self._explained(), contextlib.suppress(FileNotFoundError):
            self._obstore.delete(self._store, checked_path(path))

    def exists(self, path: str) -> bool:
        """Whether an object is at `path`."""
        try:
            with self._explained():
                self._obstore.head(self._store, checked_path(path))
        except FileNotFoundError:
            return False
        return True

    def sizes(self, prefix: str) -> dict[str, int]:
        """Path to size of every object under the folder `prefix`."""
        folder = checked_path(prefix) if prefix else None
        with self._explained():
            found = {
                str(PurePosixPath(entry["path"])): int(entry["size"])
                for batch in self._obstore.list(self._store, folder)
                for entry in batch
            }
        return dict(sorted(found.items()))

    @contextlib.contextmanager
    def _explained(self, *, missing_is_fault: bool = False) -> Iterator[None]:
        """Raises `LakeError` for every failure but a missing object: that is for the caller.

        A missing bucket is no missing object, though obstore says both by the same class.
        """
        try:
            yield
        except FileNotFoundError as error:
            if not missing_is_fault and not any(sign in str(error) for sign in NO_BUCKET):
                raise
            raise self._failure(error) from None
        except (self._obstore.exceptions.BaseError, PermissionError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> LakeError:
        first_line = str(error).partition("\n")[0][:300]
        return LakeError(
            f"The lake at {self.url} cannot be used: {first_line}. Nothing was written. "
            "Check that the bucket is there, and the credentials and the endpoint in the "
            "environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP and their like)."
        )


def open_storage(url: str) -> Storage:
    """The storage behind a path or URL; raises `LakeError` for a scheme nobody serves."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return LocalFolder(Path(url).absolute())
    if scheme == "file":
        return LocalFolder(Path(rest))
    if scheme in OBJECT_SCHEMES:
        return ObjectStorage(url)
    raise LakeError(
        f"The lake's address '{url}' has a scheme that is not served. Nothing was read or "
        f"written. Use a folder, or one of: {', '.join(f'{name}://' for name in OBJECT_SCHEMES)}."
    )
