"""The lake's format: one small file at its root that says how what lies there is to be read.

The number grows when a program of before would misread what a later one writes: other names of
folders, columns with another meaning. A column that only comes later is no new format.
"""

import json
from typing import Any, Final

from eval_pipeline.adapters.storage import Storage
from eval_pipeline.errors import LakeError

FORMAT: Final = 1
MARKER: Final = ".lake.json"
"""Hidden, and in no listing: it is of the lake and no table's."""


def claim(storage: Storage, *, url: str) -> None:
    """Marks a lake without a format as this program's.

    Raises `LakeError` where a newer program wrote it, or where it is being restored.
    """
    found = format_of(storage, url=url)
    if found is None and not storage.create(MARKER, marker_bytes()):
        found = format_of(storage, url=url)
    refuse_newer(found, url=url)


def format_of(storage: Storage, *, url: str) -> dict[str, Any] | None:
    """What the marker says; None where there is none, as in lakes of the first versions."""
    try:
        found = json.loads(storage.read(MARKER))
        if isinstance(found, dict) and isinstance(found["format"], int):
            return found
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError):
        pass
    raise LakeError(
        f"{url.rstrip('/')}/{MARKER} is not the marker of a lake's format. Nothing was written. "
        "Restore it from a backup; if the lake was made by this version of eval-pipeline, "
        f'write {{"format": {FORMAT}}} into it.'
    )


def refuse_newer(found: dict[str, Any] | None, *, url: str) -> None:
    """Raises `LakeError` for a format of later programs, and for a lake half restored."""
    if found is None:
        return
    if found["format"] > FORMAT:
        raise LakeError(
            f"The lake at {url} has format {found['format']}, and this program writes {FORMAT}: a "
            "newer eval-pipeline wrote it. Nothing was written. Install that version or a later "
            "one, or name another `storage.lake`."
        )
    if found.get("restoring"):
        raise LakeError(
            f"The lake at {url} is being restored from the backup '{found['restoring']}', and was "
            "not finished. Nothing was written. Run the same `eval-pipeline restore` again."
        )


def marker_bytes(*, restoring: str | None = None) -> bytes:
    """The marker's content."""
    told = {"format": FORMAT} | ({} if restoring is None else {"restoring": restoring})
    return (json.dumps(told) + "\n").encode()
