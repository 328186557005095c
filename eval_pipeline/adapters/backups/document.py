"""`backup.json`: what a backup holds, with the hash of every file, written when all are there."""

import datetime as dt
import json
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eval_pipeline.errors import BackupError
from eval_pipeline.fingerprint import content_hash

FORMAT: Final = 1
DOCUMENT: Final = "backup.json"
SEAL: Final = "seal"

ColumnKind = Literal["text", "integer", "number", "boolean", "instant", "day"]


class Part(BaseModel):
    """A frozen part of the document that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(Part):
    """One file; `sha256` is of its bytes, `path` is relative to the backup's folder."""

    path: str
    sha256: str
    bytes: int


class TableEntry(Part):
    """One table of the store: its columns in order, its rows, and the files that hold them."""

    name: str
    columns: dict[str, ColumnKind]
    rows: int
    files: tuple[FileEntry, ...]


class Document(Part):
    """Everything about a backup but its files.

    `lake` is path in the lake to its file. `key_check` is a keyed hash of a constant: it says
    whether a key is the one the data was written with, and nothing else; null where no key was set.
    """

    format: Literal[1] = FORMAT
    name: str
    made_at: dt.datetime
    code_version: str
    lake_format: int
    store_schema: str
    store_kind: Literal["sqlite", "postgresql"]
    tables: tuple[TableEntry, ...]
    lake: dict[str, FileEntry]
    key_check: str | None

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Every file of the backup but this document."""
        return (*(file for table in self.tables for file in table.files), *self.lake.values())


def document_bytes(document: Document) -> bytes:
    """The document as it is stored, sealed."""
    tree = document.model_dump(mode="json")
    return _json({**tree, SEAL: content_hash(_json(tree))})


def parse_document(data: bytes, *, where: str) -> Document:
    """The document in `data`; raises `BackupError` where it is newer, damaged or none."""
    try:
        tree = json.loads(data)
        version = tree.get("format") if isinstance(tree, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise BackupError(
                f"The backup at {where} has format {version}, and this program reads {FORMAT}: a "
                "newer eval-pipeline made it. Nothing was restored. Install that version or a "
                "later one."
            )
        seal = tree.pop(SEAL, None)
        document = Document.model_validate_json(json.dumps(tree))
        sealed = seal == content_hash(_json(tree)) and data == document_bytes(document)
    except (ValueError, ValidationError, AttributeError):
        raise _damaged(where, "is not the document of a backup") from None
    if not sealed:
        raise _damaged(where, "was changed after the backup was made: its seal does not fit")
    return document


def _damaged(where: str, what: str) -> BackupError:
    return BackupError(
        f"{where}/{DOCUMENT} {what}. Nothing was restored. Take another backup of the same place: "
        "`eval-pipeline restore FROM --list` names them."
    )


def _json(tree: dict[str, Any]) -> bytes:
    return (json.dumps(tree, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
