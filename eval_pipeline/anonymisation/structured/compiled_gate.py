"""Hyperscan's compiled patterns, kept in the user's cache folder between processes.

The one place of the anonymiser that reads the environment (`XDG_CACHE_HOME`) and a file; the file
holds patterns, never text. A cache that cannot be read or written costs time, not correctness.
"""

import hashlib
import importlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


def compiled(expressions: Sequence[tuple[bytes, int]], *, folder: Path | None = None) -> Any:
    """The Hyperscan database of these patterns and flags, numbered by their order.

    Taken from `folder` (by default the user's cache) if the same patterns were compiled there by
    the same version of Hyperscan for a processor like this one; compiled and kept there otherwise.
    """
    hyperscan = importlib.import_module("hyperscan")
    file = (folder or _cache_folder()) / f"gate-{_name(expressions)}.hs"
    with suppress(OSError, hyperscan.error):
        return hyperscan.loadb(file.read_bytes(), hyperscan.HS_MODE_BLOCK)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression for expression, _ in expressions],
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[flags for _, flags in expressions],
    )
    with suppress(OSError):
        _keep(hyperscan.dumpb(database), file=file)
    return database


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "eval-pipeline"


def _name(expressions: Sequence[tuple[bytes, int]]) -> str:
    hyperscan = importlib.import_module("hyperscan")
    digest = hashlib.blake2b(hyperscan.__version__.encode(), digest_size=16)
    for expression, flags in expressions:
        digest.update(b"\0%d\0%b" % (flags, expression))
    return digest.hexdigest()


def _keep(content: bytes, *, file: Path) -> None:
    """Written whole or not at all, and readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
