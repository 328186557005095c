"""Which files a pattern names, on this machine or in an object store, and DuckDB's way to them."""

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import duckdb

from eval_pipeline.errors import SettingsError

SCHEMES: Final = ("s3", "gs", "az")
_MAGIC: Final = frozenset("*?[")


def list_files(pattern: str) -> tuple[str, ...]:
    """The files that `pattern` names, sorted: `*` within a folder, `**` over folders, `?`, `[]`.

    As in a shell, a star stands for no name that begins with a dot. A pattern is a path or a URL
    (s3://, gs://, az://); files come back as such. Raises `SettingsError` if a store cannot be
    listed.
    """
    if "://" in pattern:
        return tuple(sorted(_objects(pattern)))
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - the pattern may be absolute
    # `file/**` is found as `file/`, which only a path's tidying makes a file.
    return tuple(
        sorted({file for file in found if not file.endswith("/") and Path(file).is_file()})
    )


@contextmanager
def readable(engine: duckdb.DuckDBPyConnection, files: Sequence[str]) -> Iterator[None]:
    """Lets `engine` read those `files` that are URLs, by ranges and without its own extension.

    Inside the block, what keeps a store from being read is raised as `SettingsError` or
    `LogsNotFoundError` in place of DuckDB's failure.
    """
    schemes = sorted({scheme for scheme in map(_scheme, files) if scheme is not None})
    stores = [_stores(scheme).ObjectFiles(scheme) for scheme in schemes]
    for store in stores:
        engine.register_filesystem(store)
    if stores:
        # A request for each page would be slow.
        engine.execute("SET disable_parquet_prefetching = false")
        # Its cache keeps every byte read in memory, for a second reading that never comes.
        engine.execute("SET enable_external_file_cache = false")
    try:
        yield
    except duckdb.Error:
        for store in stores:
            if store.failure is not None:
                raise store.failure from None
        raise


def _objects(pattern: str) -> Iterator[str]:
    stores = _stores(_scheme(pattern) or "")
    address, key = stores.split_address(pattern)
    bucket = stores.Bucket(address)
    segments = key.split("/")
    depth = next((i for i, segment in enumerate(segments) if _MAGIC & set(segment)), None)
    if depth is None:
        try:
            bucket.head(key)
        except FileNotFoundError:
            return
        yield pattern
        return
    for found in bucket.keys("/".join(segments[:depth])):
        if named(found.split("/"), pattern=segments):
            yield f"{address}/{found}"


def named(segments: Sequence[str], *, pattern: Sequence[str]) -> bool:
    """Whether a pattern's segments name a file's; `**` stands for any number of folders."""
    if not pattern or not segments:
        return not segments and not pattern
    if pattern[0] == "**":
        if len(pattern) == 1:
            return not any(segment.startswith(".") for segment in segments)
        below = not segments[0].startswith(".") and named(segments[1:], pattern=pattern)
        return below or named(segments, pattern=pattern[1:])
    hidden = segments[0].startswith(".") and not pattern[0].startswith(".")
    fits = not hidden and fnmatchcase(segments[0], pattern[0])
    return fits and named(segments[1:], pattern=pattern[1:])


def _scheme(file: str) -> str | None:
    scheme, separator, _ = file.partition("://")
    return scheme if separator else None


def _stores(scheme: str) -> Any:
    """The module that speaks to object stores, whose package is an extra."""
    if scheme not in SCHEMES:
        raise SettingsError(
            f"`logs.path` has the scheme '{scheme}://', which is not served. Nothing was read. "
            f"Use a path, or one of: {', '.join(f'{known}://' for known in SCHEMES)}."
        )
    try:
        from eval_pipeline.adapters.logs import object_files  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise SettingsError(
            "Logs in an object store need the package 'obstore', which is not installed. "
            'Nothing was read. Run: pip install "eval-pipeline[s3]".'
        ) from None
    return object_files
