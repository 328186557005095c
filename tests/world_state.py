"""What a world holds, so that two of them can be compared: lake, store, and what is torn.

Most of a lake is the same bytes whenever it is made. What is measured with a clock is not, and is
left out here by name: how long calls took, and what is worked out from that.
"""

import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import polars as pl

from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.tables import ALL_TABLES
from tests.scenario import World

TIMED_COLUMNS: Final = {"latency_seconds", "first_byte_seconds", "recorded_at"}
TIMED_METRIC: Final = re.compile("latency|requests_at_once")
MEASURED: Final = ("value", "lower", "upper")
INSTANTS: Final = re.compile("(^|_)at$")
OWN_NAMES: Final = {"entry", "record_id", "detail_json"}
"""Drawn at random or counted on, and what quotes such names: rows are compared without them."""

KEPT: Final = (
    "adjudications",
    "annotators",
    "audit_trail",
    "call_attempts",
    "golden_withdrawals",
    "label_withdrawals",
    "labels",
    "policy_records",
    "provider_sightings",
    "review_tasks",
)
"""What is appended and never lost; the other tables hold claims, leases and people's sessions."""

Rows = Counter[str]


@dataclass(frozen=True)
class WorldState:
    """Fingerprints of what lies at each path, and the rows of each table of the store."""

    lake: Mapping[str, str]
    store: Mapping[str, Rows]


def state_of(world: World) -> WorldState:
    """All that a reader finds now; raises where a file cannot be read whole."""
    return WorldState(
        {path: _content(world.lake / path) for path in visible(world) if path != CATALOGUE},
        dict(store_rows(world)),
    )


def visible(world: World) -> list[str]:
    """Every finished file of the lake."""
    return sorted(
        path.relative_to(world.lake).as_posix()
        for path in world.lake.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )


def store_rows(world: World) -> Iterator[tuple[str, Rows]]:
    """By table what its rows say, without instants; claims and leases come and go."""
    with contextlib.closing(sqlite3.connect(world.store, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        for name in names:
            rows = connection.execute(f"SELECT * FROM {name}").fetchall()
            yield name, Counter(_row(dict(row)) for row in rows)


def differing(one: WorldState, other: WorldState) -> list[str]:
    """The paths at which two lakes are not the same."""
    paths = one.lake.keys() | other.lake.keys()
    return sorted(path for path in paths if one.lake.get(path) != other.lake.get(path))


def difference(rows: Rows, wanted: Rows) -> str:
    """What one table has that the other has not."""
    return f"too many: {rows - wanted}, too few: {wanted - rows}"


def problems(world: World) -> list[str]:
    """What readers would stumble over: tables, golden versions, the catalogue."""
    with world.pipeline() as pipeline:
        for table in ALL_TABLES:
            for partition in pipeline.lake.partitions(table):
                pipeline.lake.read(table, partition=partition)
    return version_problems(world)


def version_problems(world: World) -> list[str]:
    """The same where each file by itself is known to be whole: do they belong together?"""
    golden = GoldenVersions(Lake(str(world.lake)))
    found = [problem for number in golden.numbers() for problem in golden.verify(number)]
    return [*found, *_catalogue_problems(world)]


def _catalogue_problems(world: World) -> Iterator[str]:
    file = world.lake / CATALOGUE
    if not file.exists():
        return
    with TemporaryDirectory() as folder:
        copy = shutil.copyfile(file, Path(folder, CATALOGUE))
        with duckdb.connect(copy, read_only=True) as connection:
            for (view,) in connection.execute(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall():
                try:
                    connection.execute(f'SELECT count(*) FROM "{view}"').fetchall()
                except duckdb.Error as error:
                    yield f"{view}: {error}"


def _content(file: Path) -> str:
    data = file.read_bytes()
    if file.suffix == ".parquet":
        frame = pl.read_parquet(BytesIO(data), hive_partitioning=False)
        steady = _steady(frame)
        if steady is not frame:
            return "rows " + hashlib.sha256(steady.write_json().encode()).hexdigest()
    elif file.name == "decision.html":
        # It shows latencies; a whole page is all that can be asked.
        return "whole" if data.rstrip().endswith(b"</html>") else "torn"
    elif file.name == "record.json":
        tree = json.loads(data)
        tree["frames"] = sorted(tree["frames"])  # the hash of measured frames differs
        return "record " + json.dumps(tree, sort_keys=True)
    elif file.name == "manifest.json":
        tree = json.loads(data)
        del tree["provenance"]["run_id"], tree["seal"]  # whose run it was, and a hash with it
        return "manifest " + json.dumps(tree, sort_keys=True)
    elif file.suffix == ".json":
        json.loads(data)
    return hashlib.sha256(data).hexdigest()


def _steady(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without what a clock measured; the frame itself where nothing was."""
    if {"offered_per_second", "phase"} <= set(frame.columns):  # under load all is measured
        return frame.drop(MEASURED)
    if {"metric", *MEASURED} <= set(frame.columns):
        timed = pl.col("metric").str.contains(TIMED_METRIC.pattern)
        if frame.filter(timed).height:
            return frame.with_columns(
                pl.when(timed).then(None).otherwise(pl.col(column)).alias(column)
                for column in MEASURED
            )
    left_out = TIMED_COLUMNS & set(frame.columns)
    left_out |= {"figures"} & set(frame.columns)  # of a shadow report: by metric, latency too
    return frame.drop(left_out) if left_out else frame


def _row(row: dict[str, Any]) -> str:
    kept = {
        name: value
        for name, value in row.items()
        if name not in TIMED_COLUMNS | OWN_NAMES and not INSTANTS.search(name)
    }
    return json.dumps(kept, sort_keys=True, default=str)
