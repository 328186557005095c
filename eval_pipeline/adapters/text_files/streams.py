"""Opens what is read and what is written: by ending, by `-`, and whole or not at all."""

import gzip
import io
import os
import shutil
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

import pyarrow as pa

from eval_pipeline.adapters.text_files.failures import (
    AnonymiseRequestError,
    UnreadableFileError,
    UnwritableFileError,
)

FileFormat = Literal["jsonl", "parquet", "text"]
STANDARD: Final = "-"
"""Names standard input or output."""

COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
_FORMATS: Final[dict[str, FileFormat]] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
    ".txt": "text", ".text": "text", ".md": "text", ".log": "text",
}  # fmt: skip
_READING_FAILED: Final = (OSError, EOFError, zlib.error, pa.ArrowException)


def format_of(name: str) -> FileFormat | None:
    """The format that the file's ending tells, whatever compresses it; None if it tells none."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return _FORMATS.get(suffixes[-1]) if suffixes else None


class Input:
    """An open input: its plain bytes, and how far into the stored file reading has come."""

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == STANDARD else name
        self._stored: Any = sys.stdin.buffer if name == STANDARD else _opened(name)
        self.size = _size(self._stored) if name != STANDARD else None
        """Bytes of the stored file; None where it has no end yet."""
        compression = COMPRESSIONS.get(Path(name).suffix.lower())
        self.stream = cast("BinaryIO", _plain(self._stored, compression))

        self.told: int | None = None
        """How far a reader that opens the file by itself says it has come, in bytes."""

    def position(self) -> int:
        """Bytes of the stored file read so far; 0 where that cannot be told."""
        if self.told is not None:
            return self.told
        if self.size is None or self._stored.closed:
            return 0
        return int(self._stored.tell())

    def close(self) -> None:
        """Closes the file; standard input stays open."""
        if self._stored is not sys.stdin.buffer:
            self._stored.close()


@contextmanager
def opened_input(name: str) -> Iterator[Input]:
    """The input, closed at the end; readers say by `reading` that what fails is the input."""
    opened = Input(name)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns what libraries say of a broken file into an error that cannot quote it."""
    try:
        yield
    except _READING_FAILED as error:
        raise UnreadableFileError(
            name, f"it is damaged or cut off ({type(error).__name__})"
        ) from None


class _KeptOpen:
    """A file that Arrow's streams write to and do not close: it has yet to be synced."""

    def __init__(self, stored: Any) -> None:
        self._stored = stored
        self.closed = False

    def write(self, data: bytes) -> int:
        return int(self._stored.write(data))

    def flush(self) -> None:
        self._stored.flush()

    def tell(self) -> int:
        return int(self._stored.tell())

    def close(self) -> None:
        self.closed = True


class Output:
    """A file beside its final name, or unnamed for standard output, until it is `kept`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._temporary: Path | None = None
        self._stored: Any = self._opened()
        self._compressed = _compressed(self._stored, Path(name).suffix.lower())
        self.stream: BinaryIO = self._compressed or self._stored

    def _opened(self) -> Any:
        if self._name == STANDARD:
            return tempfile.TemporaryFile("w+b")
        target = Path(self._name)
        try:
            # mkstemp gives mode 0600; the name ends in nothing that a reader of folders looks for.
            descriptor, temporary = tempfile.mkstemp(
                prefix=f".{target.name}.", suffix=".unfinished", dir=target.parent
            )
        except OSError as error:
            raise UnwritableFileError(self._name, error.strerror or "no access") from None
        self._temporary = Path(temporary)
        return os.fdopen(descriptor, "wb")

    def keep(self) -> None:
        """Makes all that was written durable and gives it its name, or sends it out."""
        if self._compressed is not None:
            self._compressed.close()
        self._stored.flush()
        if self._temporary is None:
            self._stored.seek(0)
            shutil.copyfileobj(self._stored, sys.stdout.buffer, 2**20)
            sys.stdout.buffer.flush()
            self._stored.close()
            return
        os.fsync(self._stored.fileno())
        self._stored.close()
        self._temporary.replace(self._name)
        self._temporary = None
        _sync_folder(Path(self._name).parent)

    def discard(self) -> None:
        """Leaves nothing of what was written; does nothing after `keep`."""
        self._stored.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


@contextmanager
def opened_output(name: str) -> Iterator[Output]:
    """The output; unless the block calls `keep`, nothing is left of it."""
    output = Output(name)
    try:
        yield output
    except OSError as error:
        raise UnwritableFileError(name, error.strerror or type(error).__name__) from None
    finally:
        output.discard()


def check_output(source: str, target: str, *, overwrite: bool) -> None:
    """Refuses to write over the input, or over a file unless `overwrite`."""
    if target == STANDARD:
        return
    place = Path(target)
    if source != STANDARD and Path(source).exists() and place.exists() and place.samefile(source):
        raise AnonymiseRequestError(f"{target} is the input itself. Nothing was read or written.")
    if place.exists() and not place.is_file():
        raise AnonymiseRequestError(f"{target} is no file that can be replaced. Nothing was read.")
    if place.exists() and not overwrite:
        raise AnonymiseRequestError(
            f"{target} exists already and was left as it is. Name another, or add --overwrite."
        )


def _size(stored: Any) -> int | None:
    status = os.fstat(stored.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _opened(name: str) -> Any:
    try:
        if not Path(name).is_file() and not Path(name).is_fifo():
            raise UnreadableFileError(name, "there is no such file")
        return Path(name).open("rb")
    except OSError as error:
        raise UnreadableFileError(name, error.strerror or "no access") from None


def _plain(stored: Any, compression: str | None) -> Any:
    match compression:
        case "gzip":
            return gzip.GzipFile(fileobj=stored, mode="rb")
        case "zstd":
            return io.BufferedReader(pa.CompressedInputStream(stored, "zstd"))
        case _:
            return stored


def _compressed(stored: Any, suffix: str) -> Any:
    match COMPRESSIONS.get(suffix):
        case "gzip":
            # Without a time or a name the same lines give the same bytes.
            return gzip.GzipFile(filename="", fileobj=stored, mode="wb", mtime=0)
        case "zstd":
            return pa.CompressedOutputStream(pa.PythonFile(_KeptOpen(stored), mode="w"), "zstd")
        case _:
            return None


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
