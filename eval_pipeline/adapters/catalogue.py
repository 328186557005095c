"""The catalogue for people: one DuckDB file of views over the lake, rebuilt whole and swapped in.

It is never the only copy of anything. In a folder its views read the Parquet files where they
lie; in an object store it holds small tables, and the texts of the week stay in the lake.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake, parse_parquet, partition_path
from eval_pipeline.fingerprint import content_hash, fingerprint
from eval_pipeline.tables import (
    ALL_TABLES,
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    GATE_DECISION,
    GOLDEN_SET,
    REGRESSION_TRIALS,
    Table,
)

CATALOGUE = "catalog.duckdb"
LAYOUT = 1
"""Counts up with every change of what the catalogue is made of."""

_TRIAL_COLUMNS = (
    "system_id, item_id, trial, route, subsets, scorer, response, score, score_error, status, "
    "error_code, served_model, input_tokens, output_tokens, cost_usd, latency_seconds, attempts"
)

_FOR_PEOPLE = f"""
CREATE VIEW decisions AS
SELECT * FROM {GATE_DECISION.name} ORDER BY candidate, decision_id;

CREATE VIEW trials AS
SELECT 'regression' AS purpose, candidate AS scope, arm, {_TRIAL_COLUMNS}
FROM {REGRESSION_TRIALS.name}
UNION ALL
SELECT 'drift' AS purpose, week AS scope, stream AS arm, {_TRIAL_COLUMNS}
FROM {DRIFT_TRIALS.name};

CREATE MACRO golden_items(version) AS TABLE
SELECT * EXCLUDE (golden_version) FROM golden_history WHERE golden_version = version;
"""  # noqa: S608 - constants of this program only


@dataclass(frozen=True)
class Covered:
    """One relation of the catalogue: files of a table, each under its label in a first column."""

    name: str
    table: Table
    label_column: str
    label_type: str
    paths: tuple[tuple[str, str], ...]


def rebuild(lake: Lake, golden: GoldenVersions) -> bool:
    """Builds `catalog.duckdb` at the lake's root; False if it covers the present files already.

    Readers in other processes keep the file they have open. A lake that moved is another lake.
    Raises `CorruptFileError` and leaves the catalogue as it was.
    """
    covered = [*_tables(lake), _golden(golden)]
    present = _fingerprint(lake, covered)
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-") as folder:
        if _recorded_fingerprint(lake, Path(folder, "old.duckdb")) == present:
            return False
        file = Path(folder, "new.duckdb")
        with duckdb.connect(file) as connection:
            for relation in covered:
                try:
                    _create(connection, lake, relation)
                except (duckdb.Error, pl.exceptions.PolarsError):
                    _name_the_corrupt_file(lake, relation)
                    raise
            _create_versions(connection, golden)
            connection.execute(_FOR_PEOPLE)
            connection.execute("CREATE TABLE catalogue_contents (fingerprint VARCHAR)")
            connection.execute("INSERT INTO catalogue_contents VALUES (?)", [present])
        lake.write_bytes(CATALOGUE, file.read_bytes())
    return True


def _tables(lake: Lake) -> list[Covered]:
    """Every table that has partitions, and those that people's views rest on even without."""
    always = {DRIFT_TRIALS.name, REGRESSION_TRIALS.name, GATE_DECISION.name}
    remote = lake.local_path(CATALOGUE) is None
    covered = []
    for table in ALL_TABLES:
        if table is GOLDEN_SET or (remote and table is ANONYMISED_INTERACTIONS):
            continue
        names = lake.partitions(table)
        if names or table.name in always:
            paths = tuple((name, partition_path(table, name)) for name in names)
            covered.append(Covered(table.name, table, table.partitioned_by, "VARCHAR", paths))
    return covered


def _golden(golden: GoldenVersions) -> Covered:
    paths = tuple((str(number), golden.items_path(number)) for number in golden.numbers())
    return Covered("golden_history", GOLDEN_SET, "golden_version", "BIGINT", paths)


def _fingerprint(lake: Lake, covered: Sequence[Covered]) -> str:
    hashes = {
        path: content_hash(lake.read_bytes(path))
        for relation in covered
        for _, path in relation.paths
    }
    return fingerprint([LAYOUT, lake.url, hashes])


def _recorded_fingerprint(lake: Lake, copy: Path) -> str | None:
    """What the standing catalogue covers; None if there is none or it cannot be read.

    A copy is read: a process that holds the file open would be shown its own, older one.
    """
    try:
        copy.write_bytes(lake.read_bytes(CATALOGUE))
        with duckdb.connect(copy, read_only=True) as connection:
            row = connection.execute("SELECT fingerprint FROM catalogue_contents").fetchone()
    except (FileNotFoundError, duckdb.Error):
        return None
    return None if row is None else str(row[0])


def _create(connection: duckdb.DuckDBPyConnection, lake: Lake, relation: Covered) -> None:
    files = [(label, lake.local_path(path)) for label, path in relation.paths]
    local = {label: file for label, file in files if file is not None}
    if local:
        connection.execute(_view_of_files(relation, local))
        return
    frames = [relation.table.empty()]
    frames += [pl.read_parquet(lake.read_bytes(path)) for _, path in relation.paths]
    labels = [
        label
        for frame, (label, _) in zip(frames[1:], relation.paths, strict=True)
        for _ in range(frame.height)
    ]
    rows = pl.concat(frames).insert_column(0, pl.Series(relation.label_column, labels, pl.String))
    connection.register("rows_of_relation", rows.to_arrow())
    connection.execute(
        f"CREATE TABLE {relation.name} AS SELECT * REPLACE "  # noqa: S608 - names are declared
        f"({relation.label_column}::{relation.label_type} AS {relation.label_column}) "
        "FROM rows_of_relation"
    )
    connection.unregister("rows_of_relation")


def _name_the_corrupt_file(lake: Lake, relation: Covered) -> None:
    """Raises `CorruptFileError` for the first of the relation's files that cannot be read."""
    for label, path in relation.paths:
        parse_parquet(
            lake.read_bytes(path),
            table=relation.table,
            path=lake.describe(path),
            remedy=f"Materialise '{relation.table.name}' for {label} again.",
        )


def _view_of_files(relation: Covered, files: Mapping[str, Path]) -> str:
    """A view's definition takes no parameters, so paths and labels stand in it as literals."""
    selects = "\nUNION ALL BY NAME\n".join(
        f"SELECT {_literal(label)}::{relation.label_type} AS {relation.label_column}, * "  # noqa: S608 - quoted
        f"FROM read_parquet({_literal(_no_glob(str(file)))}, hive_partitioning = false)"
        for label, file in files.items()
    )
    return f"CREATE VIEW {relation.name} AS\n{selects}"


def _create_versions(connection: duckdb.DuckDBPyConnection, golden: GoldenVersions) -> None:
    connection.execute(
        "CREATE TABLE golden_versions (golden_version BIGINT, parent BIGINT, week VARCHAR, "
        "items BIGINT, admitted BIGINT, retired BIGINT, revised BIGINT, "
        "content_fingerprint VARCHAR)"
    )
    for number in golden.numbers():
        manifest = golden.manifest(number)
        connection.execute(
            "INSERT INTO golden_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                number,
                manifest.parent,
                manifest.week,
                manifest.counts.items,
                len(manifest.admitted),
                len(manifest.retired),
                len(manifest.revised),
                manifest.content_fingerprint,
            ],
        )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _no_glob(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)
