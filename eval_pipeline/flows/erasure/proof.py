"""The proof of an erasure: a scan of every place where the person could still stand."""

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.adapters.traces import Traces, cover_in_sqlite, is_sqlite
from eval_pipeline.flows.erasure.places import (
    Looked,
    files_of,
    is_log_source,
    look_in_files,
    look_in_lake,
    look_in_store,
)
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables.personal import MAPPINGS

_TEXTS = frozenset({".out", ".err", ".log", ".txt"})


def prove(pipeline: Pipeline, traces: Traces, *, dagster_home: Path | None) -> tuple[Looked, ...]:
    """Looks everywhere but in the masked interactions and pairs, which are removed last."""
    report = pipeline.report
    looked = [
        look_in_lake(
            pipeline.lake, traces, chosen=lambda path: not _is_mapping(path), report=report
        ),
        look_in_store(pipeline.store, traces, file=_store_file(pipeline)),
    ]
    if dagster_home is not None and dagster_home.exists():
        files = files_of(dagster_home, without=lambda _: False)
        looked.append(look_in_files("Dagster's home", dagster_home, files, traces, report=report))
    looked.append(_look_in_project(pipeline, traces, dagster_home=dagster_home))
    return tuple(looked)


def prove_mapping(
    pipeline: Pipeline, traces: Traces, *, before: tuple[Looked, ...]
) -> tuple[Looked, ...]:
    """Looks in what was written since `prove` too, and adds it to what that found of the lake."""
    lake, *others = before
    late = look_in_lake(pipeline.lake, traces, chosen=_is_mapping, report=pipeline.report)
    again = look_in_lake(
        pipeline.lake, traces, chosen=lambda path: path == CATALOGUE, report=pipeline.report
    )
    read = replace(
        lake,
        files=lake.files + late.files,
        bytes=lake.bytes + late.bytes,
        hits=lake.hits | late.hits | again.hits,
        unread=lake.unread + late.unread + again.unread,
    )
    return (read, *others)


def cover_history(dagster_home: Path | None, traces: Traces) -> int:
    """Covers what Dagster's own history quotes of the person; returns how many values it was."""
    covered = 0
    if dagster_home is None or not dagster_home.exists():
        return covered
    for file in files_of(dagster_home, without=lambda _: False):
        if is_sqlite(file):
            covered += cover_in_sqlite(file, traces)
        elif file.suffix in _TEXTS:
            text = file.read_text(encoding="utf-8", errors="surrogateescape")
            if traces.in_text(text):
                file.write_text(traces.masked(text), encoding="utf-8", errors="surrogateescape")
                covered += 1
    return covered


def _look_in_project(pipeline: Pipeline, traces: Traces, *, dagster_home: Path | None) -> Looked:
    """The configuration's folder, but for what was looked in already and the logs themselves."""
    elsewhere = [pipeline.lake.local_path(""), dagster_home]
    roots = [root.resolve() for root in elsewhere if root is not None]
    store = _store_file(pipeline)
    is_log = is_log_source(pipeline.project)

    def known(file: Path) -> bool:
        inside = any(file.resolve().is_relative_to(root) for root in roots)
        of_store = store is not None and file.resolve().as_posix().startswith(str(store.resolve()))
        return inside or of_store or is_log(file)

    folder = pipeline.project.folder
    files = files_of(folder, without=known)
    return look_in_files("the project's folder", folder, files, traces, report=pipeline.report)


def _is_mapping(path: str) -> bool:
    return path.startswith(tuple(f"{table.name}/" for table in MAPPINGS))


def _store_file(pipeline: Pipeline) -> Path | None:
    url: sa.URL = pipeline.store.engine.url
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
