"""Files that leave the project: written whole or not at all, never over another by accident."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from eval_pipeline.errors import EvalPipelineError


class ExportFileError(EvalPipelineError):
    """The export cannot be written where it was asked to be; nothing was written."""


def export_path(out: Path, part: str) -> Path:
    """The name of one file of an export: `part` goes before the ending."""
    return out.with_name(f"{out.stem}{part}{out.suffix}")


def write_exports(out: Path, files: Mapping[str, bytes], *, force: bool) -> list[Path]:
    """Writes every file of an export beside `out`; returns their paths, in order.

    Without `force` it refuses if any of them is there already. A file appears whole, under its
    name, or not at all. Raises `ExportFileError`.
    """
    paths = {part: export_path(out, part) for part in files}
    if not out.parent.is_dir():
        raise ExportFileError(
            f"The folder {out.parent} is not there, so nothing was written. Make it first."
        )
    standing = [path for path in paths.values() if path.exists()]
    if standing and not force:
        raise ExportFileError(
            f"{standing[0]} is there already and was left alone; nothing was written. "
            "Name another file, or replace it with --force."
        )
    try:
        for part, path in paths.items():
            _write(path, files[part], force=force)
    except OSError as error:
        raise ExportFileError(
            f"{out} could not be written ({error.strerror or type(error).__name__}). "
            "What stood there before stands still."
        ) from None
    return list(paths.values())


def _write(path: Path, data: bytes, *, force: bool) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if force:
            unfinished.replace(path)
        else:
            path.hardlink_to(unfinished)  # refuses where somebody was faster
    finally:
        unfinished.unlink(missing_ok=True)
