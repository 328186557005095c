"""Logs in an object store as files: listed by prefix, read by exact ranges, kept nowhere."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import fsspec
import obstore
from obstore.store import from_url

from eval_pipeline.adapters.network.endpoints import refuse_endpoints
from eval_pipeline.adapters.object_faults import NO_BUCKET
from eval_pipeline.errors import EvalPipelineError, LogsNotFoundError, SettingsError
from eval_pipeline.settings import USUAL_NETWORK

_RETRIES: Any = {"max_retries": 6, "retry_timeout": timedelta(seconds=60)}

_REFUSED: Final = "the credentials are refused"
_REFUSALS: Final = ("401 Unauthorized", "403 Forbidden")


class Bucket:
    """One bucket or container; raises `SettingsError` for whatever keeps it from being read.

    Credentials, region and endpoint come from the cloud's usual environment variables.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        refuse_endpoints(USUAL_NETWORK)
        with explained(address):
            self._store: Any = from_url(address, retry_config=_RETRIES)

    def keys(self, folder: str) -> Iterator[str]:
        """Every key below `folder`, as the store lists them."""
        with explained(self.address):
            for batch in obstore.list(self._store, folder or None):
                yield from (entry["path"] for entry in batch)

    def head(self, key: str) -> tuple[int, datetime]:
        """Size in bytes and last change of an object; raises `FileNotFoundError`."""
        with explained(self.address):
            entry = obstore.head(self._store, key)
        return entry["size"], entry["last_modified"]

    def read(self, key: str, *, start: int, end: int) -> bytes:
        """The bytes from `start` until `end`."""
        with explained(self.address):
            return bytes(obstore.get_range(self._store, key, start=start, end=end))


class ObjectFiles(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """All buckets of one scheme, as DuckDB asks an fsspec file system for them.

    What a file is, is asked for once; its bytes are asked for each time and never kept. DuckDB
    turns an exception from here into words of its own: `failure` is what was raised first.
    """

    cachable = False

    def __init__(self, scheme: str) -> None:
        super().__init__()
        self.protocol = scheme
        self.failure: EvalPipelineError | None = None
        self._buckets: dict[str, Bucket] = {}
        self._heads: dict[str, tuple[int, datetime]] = {}

    def glob(self, path: str, **_: Any) -> list[str]:
        """The path itself: `list_files` has listed already, and a key may hold a bracket."""
        return [path]

    def exists(self, path: str, **_: Any) -> bool:
        """Whether an object is there."""
        try:
            self._head(path)
        except FileNotFoundError:
            return False
        return True

    def size(self, path: str) -> int:
        """In bytes."""
        return self._head(path)[0]

    def modified(self, path: str) -> datetime:
        """The last change."""
        return self._head(path)[1]

    def open(self, path: str, mode: str = "rb", **_: Any) -> "ObjectFile":
        """The object, for reading; raises `LogsNotFoundError`."""
        if mode != "rb":
            raise PermissionError(f"{path} is a log and is only read")
        with self._remembered(path):
            return ObjectFile(*self._place(path), size=self.size(path), watched=self._remembered)

    @contextmanager
    def _remembered(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            self.failure = self.failure or LogsNotFoundError(path)
            raise self.failure from None
        except EvalPipelineError as error:
            self.failure = self.failure or error
            raise

    def _place(self, path: str) -> tuple[Bucket, str]:
        address, key = split_address(path)
        if address not in self._buckets:
            self._buckets[address] = Bucket(address)
        return self._buckets[address], key

    def _head(self, path: str) -> tuple[int, datetime]:
        if path not in self._heads:
            bucket, key = self._place(path)
            self._heads[path] = bucket.head(key)
        return self._heads[path]


class ObjectFile:
    """A reader of one object. DuckDB's threads share it, each seeking before it reads."""

    def __init__(
        self,
        bucket: Bucket,
        key: str,
        *,
        size: int,
        watched: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._size = size
        self._watched = watched
        self._position = 0
        self._sought = threading.local()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Where this thread reads next."""
        start = (0, self._position, self._size)[whence]
        self._position = self._sought.position = start + offset
        return self._position

    def tell(self) -> int:
        """Where the last read ended."""
        return self._position

    def read(self, length: int = -1) -> bytes:
        """Up to `length` bytes, in one request."""
        start = self._sought.__dict__.pop("position", self._position)
        end = self._size if length < 0 else min(start + length, self._size)
        if end <= start:
            return b""
        with self._watched(f"{self._bucket.address}/{self._key}"):
            found = self._bucket.read(self._key, start=start, end=end)
        self._position = start + len(found)
        return found

    def close(self) -> None:
        """Holds nothing."""


def split_address(url: str) -> tuple[str, str]:
    """The bucket's address and the key in it: `s3://bucket` and `folder/file`."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", key


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Raises `SettingsError` for every failure but a missing object.

    The store's own words are withheld: they can hold a key's id, a signature or a whole answer.
    """
    try:
        yield
    except FileNotFoundError as error:
        if not any(sign in str(error) for sign in NO_BUCKET):
            raise
        raise _failure(address, "there is no such bucket") from None
    except (
        PermissionError,
        obstore.exceptions.PermissionDeniedError,
        obstore.exceptions.UnauthenticatedError,
    ):
        raise _failure(address, _REFUSED) from None
    except obstore.exceptions.BaseError as error:
        refused = any(status in str(error).partition("\n")[0] for status in _REFUSALS)
        problem = _REFUSED if refused else "it does not answer as an object store does"
        raise _failure(address, problem) from None


def _failure(address: str, problem: str) -> SettingsError:
    return SettingsError(
        f"The logs at {address} cannot be read: {problem}. Nothing was written. "
        "Check `logs.path`, and the credentials and the endpoint in the environment "
        "(AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP and their like)."
    )
