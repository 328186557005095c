"""Where one person could still stand: every file of the lake, store, Dagster and the project."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.logs.files import list_files
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.adapters.store import Store
from eval_pipeline.adapters.traces import UNREADABLE, Traces, is_sqlite, sqlite_rows
from eval_pipeline.ports import ProgressReport
from eval_pipeline.settings_file import Project

_NOT_OURS = frozenset({".git", "node_modules", "__pycache__"})
_ENVIRONMENT = "pyvenv.cfg"
_ROWS = 5_000


@dataclass(frozen=True)
class Looked:
    """One place: how many files and bytes were read, what was found by file, what no one can read.

    Of a store that is a server, its tables count as files and their texts as bytes.
    """

    place: str
    address: str
    files: int
    bytes: int
    hits: dict[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing was found and everything was read."""
        return not self.hits and not self.unread


def look_in_lake(
    lake: Lake, traces: Traces, *, chosen: Callable[[str], bool], report: ProgressReport | None
) -> Looked:
    """Every chosen file, decoded and as bytes; on this machine a dead writer's leftovers too."""
    root = lake.local_path("")
    if root is not None:
        files = [file for file in _walk(root) if chosen(file.relative_to(root).as_posix())]
        return look_in_files("lake", root, files, traces, report=report)
    sizes = {path: size for path, size in lake.sizes().items() if chosen(path)}
    hits: dict[str, int] = {}
    unread: list[str] = []
    for done, path in enumerate(sizes):
        _tell(report, done, len(sizes), "looking in the lake")
        try:
            found = traces.in_file(path, lake.read_bytes(path))
        except UNREADABLE:
            unread.append(path)
            continue
        if found:
            hits[path] = found
    return Looked("lake", lake.url, len(sizes), sum(sizes.values()), hits, tuple(unread))


def look_in_store(store: Store, traces: Traces, *, file: Path | None) -> Looked:
    """Every row of every table; of SQLite also every byte of its files."""
    hits: dict[str, int] = {}
    size = 0
    for table in metadata.sorted_tables:
        for values in _texts(store, table):
            size += int(values.str.len_bytes().sum())
            if found := traces.in_strings(values):
                hits[table.name] = hits.get(table.name, 0) + found
    if file is None:
        return Looked("store", store.address, len(metadata.tables), size, hits)
    files = sorted(file.parent.glob(f"{file.name}*"))
    for one in files:
        if found := traces.in_bytes(one.read_bytes()):
            hits[one.name] = found
    size = sum(one.stat().st_size for one in files)
    return Looked("store", store.address, len(files), size, hits)


def look_in_files(
    place: str,
    root: Path,
    files: list[Path],
    traces: Traces,
    *,
    report: ProgressReport | None,
) -> Looked:
    """Files of this machine, decoded where they are Parquet or a database, and as bytes."""
    hits: dict[str, int] = {}
    unread: list[str] = []
    size = 0
    for done, file in enumerate(files):
        _tell(report, done, len(files), f"looking in {place}")
        name = file.relative_to(root).as_posix()
        try:
            found, length = _look(file, traces)
        except FileNotFoundError:
            continue
        except UNREADABLE:
            unread.append(name)
            continue
        size += length
        if found:
            hits[name] = found
    return Looked(place, str(root), len(files), size, hits, tuple(unread))


def files_of(root: Path, *, without: Callable[[Path], bool]) -> list[Path]:
    """Every file below a folder that is not left out, environments and repositories aside."""
    return [file for file in _walk(root) if not without(file)]


def is_log_source(project: Project) -> Callable[[Path], bool]:
    """Whether a file is one of the logs that the configuration names: these are the operator's."""
    location = project.locate(project.settings.logs.path)
    if "://" in location:
        return lambda _: False
    pattern = location.replace("{week}", "*")
    fixed = re.split(r"[*?\[]", pattern)[0]
    folder = Path(fixed) if fixed.endswith("/") or Path(fixed).is_dir() else Path(fixed).parent
    inside = folder.resolve() != project.folder.resolve() and folder.resolve() not in (
        project.folder.resolve().parents
    )
    if inside:
        return lambda file: file.resolve().is_relative_to(folder.resolve())
    named = {Path(file).resolve() for file in list_files(pattern)}
    return lambda file: file.resolve() in named


def _walk(root: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NOT_OURS and not Path(parent, name, _ENVIRONMENT).exists()
        )
        yield from (file for name in sorted(names) if (file := Path(parent, name)).is_file())


def _look(file: Path, traces: Traces) -> tuple[int, int]:
    data = file.read_bytes()
    if not is_sqlite(file):
        return traces.in_file(file.name, data), len(data)
    return traces.in_bytes(data) + sum(map(traces.in_strings, sqlite_rows(file))), len(data)


def _texts(store: Store, table: sa.Table) -> Iterator[pl.Series]:
    columns = [column for column in table.columns if isinstance(column.type, sa.String)]
    with store.reading() as connection:
        rows = connection.execution_options(yield_per=_ROWS).execute(sa.select(*columns))
        for part in rows.partitions():
            for values in zip(*part, strict=True):
                yield pl.Series(list(values), dtype=pl.String).drop_nulls()


def _tell(report: ProgressReport | None, done: int, total: int, what: str) -> None:
    if report is not None:
        report(done, total, what)
