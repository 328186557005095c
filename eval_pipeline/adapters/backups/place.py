"""The place of backups: a folder or URL with one folder for each, complete or interrupted."""

from dataclasses import dataclass
from pathlib import Path

from eval_pipeline.adapters.backups.document import (
    DOCUMENT,
    Document,
    FileEntry,
    document_bytes,
    parse_document,
)
from eval_pipeline.adapters.object_storage import open_storage
from eval_pipeline.errors import BackupError
from eval_pipeline.fingerprint import content_hash


@dataclass(frozen=True)
class Listed:
    """One backup of a place; one that is not complete was interrupted and holds nothing to use."""

    name: str
    complete: bool


class BackupPlace:
    """Files are added and never removed: a credential that may only add is enough for it."""

    def __init__(self, url: str) -> None:
        self.url = url if "://" in url else str(Path(url).absolute())
        self._storage = open_storage(url)

    def listed(self) -> list[Listed]:
        """Every backup by name, which is its time."""
        files = self._storage.sizes("")
        names = sorted({path.partition("/")[0] for path in files if "/" in path})
        return [Listed(name, f"{name}/{DOCUMENT}" in files) for name in names]

    def put(self, name: str, path: str, data: bytes) -> FileEntry:
        """Writes a file of a backup that is being made."""
        self._storage.write(f"{name}/{path}", data)
        return FileEntry(path=path, sha256=content_hash(data), bytes=len(data))

    def finish(self, document: Document) -> None:
        """Writes the document: from now on the backup is complete. Raises `BackupError`."""
        path = f"{document.name}/{DOCUMENT}"
        if not self._storage.create(path, document_bytes(document)):
            raise BackupError(
                f"There is a complete backup '{document.name}' at {self.url} already. It was left "
                "as it is. Run the command again."
            )

    def document(self, name: str | None) -> Document:
        """The document of a backup, of the newest complete one if none is named.

        Raises `BackupError` where there is none, or the one that is named was interrupted.
        """
        known = self.listed()
        complete = [one.name for one in known if one.complete]
        if name is None and not complete:
            broken = f" ({len(known)} were interrupted)" if known else ""
            raise BackupError(
                f"There is no complete backup at {self.url}{broken}. Nothing was restored. Name "
                "the place that `eval-pipeline backup` was told."
            )
        chosen = complete[-1] if name is None else name
        if Listed(chosen, complete=False) in known:
            raise BackupError(
                f"The backup '{chosen}' at {self.url} was interrupted and is not complete. Nothing "
                f"was restored. Take another: {', '.join(complete) or 'there is none'}."
            )
        if chosen not in complete:
            raise BackupError(
                f"There is no backup '{chosen}' at {self.url}. Nothing was restored. There are: "
                f"{', '.join(complete) or 'none'}."
            )
        where = f"{self.url.rstrip('/')}/{chosen}"
        return parse_document(self._storage.read(f"{chosen}/{DOCUMENT}"), where=where)

    def get(self, name: str, entry: FileEntry) -> bytes:
        """A file, if it is what the document says; raises `BackupError`."""
        path = f"{name}/{entry.path}"
        try:
            data = self._storage.read(path)
        except FileNotFoundError:
            raise self._damaged(path, "is gone") from None
        if len(data) != entry.bytes or content_hash(data) != entry.sha256:
            raise self._damaged(path, "is not what was backed up: its hash differs")
        return data

    def verify(self, document: Document) -> int:
        """Reads every file of the backup; returns how many bytes. Raises `BackupError`."""
        return sum(len(self.get(document.name, entry)) for entry in document.files)

    def _damaged(self, path: str, what: str) -> BackupError:
        return BackupError(
            f"The backup is damaged: {self.url.rstrip('/')}/{path} {what}. Nothing was restored. "
            "Take another backup of the same place: `eval-pipeline restore FROM --list` names them."
        )
