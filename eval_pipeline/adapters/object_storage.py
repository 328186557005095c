"""The lake in an object store, and the one door to either kind of place."""

import contextlib
import datetime as dt
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from eval_pipeline.adapters.local_folder import LocalFolder
from eval_pipeline.adapters.network.endpoints import refuse_endpoints
from eval_pipeline.adapters.object_faults import NO_BUCKET, is_passing, refusal
from eval_pipeline.adapters.storage import Storage, checked_path
from eval_pipeline.errors import LakeError
from eval_pipeline.settings import USUAL_NETWORK

OBJECT_SCHEMES = ("s3", "gs", "az", "memory")
TRIES = 4
"""How often what obstore does not try again itself is tried: listings that were cut, and
conditional puts without an answer."""

FIRST_PAUSE_SECONDS = 0.2

Result = TypeVar("Result")


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
        if not url.startswith("memory:"):
            refuse_endpoints(USUAL_NETWORK)
        self.url = url
        self._obstore: Any = obstore
        retries: Any = {"max_retries": 6, "retry_timeout": dt.timedelta(seconds=60)}
        with self._explained("", act="opened"):
            self._store: Any = (
                from_url("memory:///")
                if url.startswith("memory:")
                else from_url(url, retry_config=retries)
            )

    def read(self, path: str) -> bytes:
        """The bytes at `path`; raises `FileNotFoundError`."""
        with self._explained(path, act="read"):
            return bytes(self._obstore.get(self._store, checked_path(path)).bytes())

    def write(self, path: str, data: bytes) -> None:
        """One whole put."""
        with self._explained(path, act="written", missing_is_fault=True):
            self._obstore.put(self._store, checked_path(path), data, use_multipart=False)

    def create(self, path: str, data: bytes) -> bool:
        """One conditional put, marked with its writer in the object's metadata.

        A put that is tried again after its answer got lost is refused because its own first try
        arrived: the mark tells that from somebody else's object.
        """
        mark = {"writer": uuid.uuid4().hex}

        def put() -> bool | None:
            try:
                self._obstore.put(
                    self._store,
                    checked_path(path),
                    data,
                    mode="create",
                    use_multipart=False,
                    attributes=mark,
                )
            except self._obstore.exceptions.AlreadyExistsError:
                return self._is_marked(path, mark)
            return True

        with self._explained(path, act="written", missing_is_fault=True):
            return bool(self._tried(put))

    def delete(self, path: str) -> None:
        """Removes `path`, if it is there; removing twice is no more than once."""
        checked = checked_path(path)

        def removed() -> bool:
            self._obstore.delete(self._store, checked)
            return True

        with self._explained(path, act="removed"), contextlib.suppress(FileNotFoundError):
            self._tried(removed)

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Removes every other object of `folder`; a put that was killed left nothing."""
        for path in self.sizes(folder):
            name = path.removeprefix(f"{folder}/")
            if "/" not in name and name not in names:
                self.delete(path)

    def exists(self, path: str) -> bool:
        """Whether an object is at `path`."""
        try:
            with self._explained(path, act="looked for"):
                self._obstore.head(self._store, checked_path(path))
        except FileNotFoundError:
            return False
        return True

    def sizes(self, prefix: str) -> dict[str, int]:
        """Path to size of every object under the folder `prefix`."""
        return {path: int(entry["size"]) for path, entry in self._known(prefix)}

    def marks(self, prefix: str) -> dict[str, str]:
        """Path to tag, time and size of every object under the folder `prefix`."""
        return {
            path: f"{entry.get('e_tag')}-{entry['last_modified'].isoformat()}-{entry['size']}"
            for path, entry in self._known(prefix)
        }

    def _known(self, prefix: str) -> list[tuple[str, Any]]:
        folder = checked_path(prefix) if prefix else None

        def listed() -> list[tuple[str, Any]]:
            return [
                (str(PurePosixPath(entry["path"])), entry)
                for batch in self._obstore.list(self._store, folder)
                for entry in batch
            ]

        with self._explained(prefix, act="listed"):
            return sorted(self._tried(listed) or [], key=lambda one: one[0])

    def _is_marked(self, path: str, mark: dict[str, str]) -> bool | None:
        """Whether the object is ours; None if there is none: a conflict of puts, without a winner.

        S3 answers so while another conditional put of the same name is under way.
        """
        try:
            standing = self._obstore.get(self._store, path, options={"head": True})
        except FileNotFoundError:
            return None
        return bool(standing.attributes.get("writer") == mark["writer"])

    def _tried(self, request: Callable[[], Result | None]) -> Result | None:
        """The request's result; it is sent again where the network failed or it gave None."""
        pause = FIRST_PAUSE_SECONDS
        for _ in range(TRIES - 1):
            try:
                result = request()
            except self._obstore.exceptions.BaseError as error:
                if not is_passing(error):
                    raise
            else:
                if result is not None:
                    return result
            time.sleep(pause)
            pause *= 2
        return request()

    @contextlib.contextmanager
    def _explained(self, path: str, *, act: str, missing_is_fault: bool = False) -> Iterator[None]:
        """Raises `LakeError` for every failure but a missing object: that is for the caller.

        A missing bucket is no missing object, though obstore says both by the same class.
        """
        place = f"object {self.url.rstrip('/')}/{path}" if path else f"place {self.url}"
        try:
            yield
        except FileNotFoundError as error:
            if not missing_is_fault and not any(sign in str(error) for sign in NO_BUCKET):
                raise
            raise refusal(error, place, act=act) from None
        except (self._obstore.exceptions.BaseError, PermissionError) as error:
            raise refusal(error, place, act=act) from None


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
