"""What the lake asks of the place where its bytes lie."""

from collections.abc import Collection
from typing import Protocol

from eval_pipeline.errors import LakeError


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

    def keep_only(self, folder: str, names: Collection[str]) -> None:
        """Removes whatever else lies in `folder`, dead writers' temporaries too."""
        ...

    def exists(self, path: str) -> bool:
        """Whether something whole is at `path`."""
        ...

    def marks(self, prefix: str) -> dict[str, str]:
        """Path to a mark of everything under the folder `prefix`: another writing, another mark."""
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
