"""The statements that make a catalogue's relations over the files of a lake's folder."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import polars as pl

from eval_pipeline.adapters.golden_files import FOLDER, MANIFEST
from eval_pipeline.adapters.lake import PART
from eval_pipeline.tables import GOLDEN_SET, Table

Relation = Literal["VIEW", "TABLE"]

_CHANGES = "STRUCT(item_id VARCHAR, reason VARCHAR, detail VARCHAR)[]"
MANIFEST_COLUMNS: Final = {
    "parent": "BIGINT",
    "parent_manifest_hash": "VARCHAR",
    "week": "VARCHAR",
    "weeks": "VARCHAR[]",
    "newest_week": "VARCHAR",
    "as_of": "DATE",
    "canary": "VARCHAR",
    "files": 'MAP(VARCHAR, STRUCT(sha256 VARCHAR, bytes BIGINT, "rows" BIGINT))',
    "counts": "STRUCT(items BIGINT, fresh BIGINT)",
    "admitted": _CHANGES,
    "retired": _CHANGES,
    "revised": _CHANGES,
    "content_fingerprint": "VARCHAR",
    "tombstones": (
        "STRUCT(item_id VARCHAR, item_revision BIGINT, reference_label VARCHAR, "
        "erasure_id VARCHAR)[]"
    ),
    "reissues": "STRUCT(reason VARCHAR, erasure_id VARCHAR, supersedes VARCHAR)[]",
}
"""No `version`: DuckDB would take it for the parameter of `golden_items`."""

_LATER_TYPES: Final = {pl.String(): "VARCHAR", pl.Float64(): "DOUBLE", pl.Int64(): "BIGINT"}
"""What a column that came later may be."""

VERSION_COLUMN: Final = r"regexp_extract(filename, '/([0-9]+)/[^/]+$', 1)::BIGINT AS golden_version"


def table_statement(table: Table, *, root: Path, relation: Relation) -> str:
    """All partitions of a table, each row under its partition's name in a first column.

    The name is read from the file's own path: a folder above the lake may be called `week=1` or
    `route=eu`, which DuckDB's hive partitioning would take for columns. Filters on it skip files.
    """
    column = table.partitioned_by
    pattern = _literal(f"/{column}=([^/]+)/{re.escape(PART)}$")
    files = _files(root, f"{table.name}/{column}=*/{PART}")
    return (
        f"CREATE {relation} {table.name} AS "  # noqa: S608 - quoted, or declared here
        f"SELECT regexp_extract(filename, {pattern}, 1) AS {column}, {_quoted(list(table.schema))} "
        f"FROM {_rows(table, files)}"
    )


def _rows(table: Table, files: str) -> str:
    """All files' rows; columns that came later are null where a file lacks them."""
    if not table.later:
        return f"read_parquet({files}, filename = true, hive_partitioning = false)"
    later = ", ".join(
        f"NULL::{_LATER_TYPES[table.schema[name]]} AS {_quoted([name])}"
        for name in sorted(table.later)
    )
    return (
        f"(SELECT * FROM read_parquet({files}, filename = true, "  # noqa: S608 - declared here
        "hive_partitioning = false, union_by_name = true) "
        f"UNION ALL BY NAME (SELECT {later} LIMIT 0))"
    )


def golden_statements(*, root: Path, relation: Relation) -> tuple[str, str]:
    """The manifests, then their items, found by the file's name in the manifest.

    What a dead publisher left is never shown, and asking for one version reads one items file.
    """
    kinds = ", ".join(f"{name}: '{kind}'" for name, kind in MANIFEST_COLUMNS.items())
    manifests = (
        f"CREATE {relation} golden_manifests AS "  # noqa: S608 - quoted, or declared here
        f"SELECT {VERSION_COLUMN}, {_quoted(list(MANIFEST_COLUMNS))}, "
        f"replace(filename, '{MANIFEST}', map_keys(files)[1]) AS items_path "
        f"FROM read_json({_files(root, f'{FOLDER}/*/{MANIFEST}')}, columns = {{{kinds}}}, "
        "filename = true, format = 'unstructured')"
    )
    items = (
        f"CREATE {relation} {GOLDEN_SET.name} AS "  # noqa: S608 - quoted, or declared here
        f"SELECT m.golden_version, {_quoted(list(GOLDEN_SET.schema), of='i')} "
        f"FROM read_parquet({_files(root, f'{FOLDER}/*/*.parquet')}, "
        "filename = true, hive_partitioning = false) AS i "
        "INNER JOIN (SELECT golden_version, items_path FROM golden_manifests) AS m "
        "ON i.filename = m.items_path"
    )
    return manifests, items


def empty_golden_statement() -> str:
    """The manifests before the first version."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in MANIFEST_COLUMNS.items())
    return f"CREATE TABLE golden_manifests (golden_version BIGINT, {columns}, items_path VARCHAR)"


def empty_statement(table: Table, *, column: str, kind: str, rows: str) -> str:
    """A table without files, from an empty frame that is registered as `rows`."""
    return f"CREATE TABLE {table.name} AS SELECT NULL::{kind} AS {column}, * FROM {rows}"  # noqa: S608 - declared here


def _files(root: Path, pattern: str) -> str:
    """A view's definition takes no parameters, so its paths stand in it as literals."""
    escaped = re.sub(r"([*?\[])", r"[\1]", str(root))
    return _literal(f"{escaped.rstrip('/')}/{pattern}")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(columns: Sequence[str], *, of: str = "") -> str:
    start = f"{of}." if of else ""
    return ", ".join(f'{start}"{column}"' for column in columns)
