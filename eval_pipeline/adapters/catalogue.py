"""The catalogue for people: one DuckDB file of views over the lake, swapped in whole.

It is never the only copy of anything. Over a folder its views look for files when they are asked,
so it is written again only when the set of its relations changes. Over an object store it is made
on demand, beside the caller, and holds what the lake held then.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from eval_pipeline.adapters.catalogue_relations import (
    MANIFEST_COLUMNS,
    VERSION_COLUMN,
    Relation,
    empty_golden_statement,
    empty_statement,
    golden_statements,
    table_statement,
)
from eval_pipeline.adapters.golden_files import FOLDER, MANIFEST, GoldenFiles, path_of
from eval_pipeline.adapters.lake import PART, Lake, partition_path
from eval_pipeline.adapters.queries import load_sql
from eval_pipeline.errors import LakeError
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.tables import (
    ALL_TABLES,
    ANONYMISED_INTERACTIONS,
    DRIFT_TRIALS,
    ERASURES,
    GATE_DECISION,
    GOLDEN_SET,
    REGRESSION_TRIALS,
    Table,
)

CATALOGUE: Final = "catalog.duckdb"
COVERED: Final = (*ALL_TABLES, ERASURES)
FOR_PEOPLE: Final = (
    "decisions",
    "trials",
    "golden_versions",
    "golden_tombstones",
    "golden_changes",
    "golden_items",
    "golden_as_of",
    "golden_history",
)
"""Statements of `sql/catalogue`, in the order in which each finds what it rests on."""

ALWAYS: Final = frozenset({DRIFT_TRIALS.name, REGRESSION_TRIALS.name, GATE_DECISION.name})
"""Tables that people's views rest on: without a file they are empty, not absent."""


@dataclass(frozen=True)
class Contents:
    """What a catalogue is made of: the tables with files, and whether a version is published."""

    tables: tuple[Table, ...]
    golden: bool

    def fingerprint(self, lake: Lake) -> str:
        """Changes when the relations, their definitions or the lake's place change."""
        statements = [load_sql(f"catalogue/{name}") for name in FOR_PEOPLE]
        schemas = {table.name: str(table.schema) for table in (*COVERED, GOLDEN_SET)}
        tables = [table.name for table in self.tables]
        return fingerprint(
            [lake.url, tables, self.golden, schemas, statements, MANIFEST_COLUMNS, VERSION_COLUMN]
        )


def refresh(lake: Lake) -> bool:
    """Brings the folder's `catalog.duckdb` in line; False if it was, or in an object store.

    It costs the same however many weeks and versions there are. Readers keep the file they have
    open. A lake that moved is another lake. Raises `CorruptFileError` or `LakeError` and leaves the
    catalogue.
    """
    root = lake.local_path("")
    if root is None:
        return False
    contents = _contents(lake)
    with _explained(lake, contents), _private_folder() as folder:
        if _recorded(lake, Path(folder, "old.duckdb")) == contents.fingerprint(lake):
            return False
        file = Path(folder, "new.duckdb")
        _fill(file, lake, contents, root=root, relation="VIEW")
        lake.write_bytes(CATALOGUE, file.read_bytes())
    return True


def build(lake: Lake, file: Path) -> None:
    """Writes a catalogue of the lake to a file of this machine, whatever was there.

    Over a folder it has views; over an object store it holds the tables themselves, without the
    week's texts. Every file that it covers is read and checked first, which the views never do.
    Raises `CorruptFileError` or `LakeError` and leaves the file as it was.
    """
    root = lake.local_path("")
    contents = _contents(lake)
    _name_the_corrupt_file(lake, contents)
    with _explained(lake, contents), _private_folder() as folder:
        made = Path(folder, "new.duckdb")
        if root is None:
            root = Path(folder, "copy")
            _copy(lake, contents, root=root)
            _fill(made, lake, contents, root=root, relation="TABLE")
        else:
            _fill(made, lake, contents, root=root, relation="VIEW")
        Lake(str(file.absolute().parent)).write_bytes(file.name, made.read_bytes())


def _private_folder() -> "tempfile.TemporaryDirectory[str]":
    # A full or failing disk may not let it go; what was to be said is said before that.
    return tempfile.TemporaryDirectory(prefix="eval-pipeline-", ignore_cleanup_errors=True)


def _contents(lake: Lake) -> Contents:
    root = lake.local_path("")
    if root is None:
        wanted = [table for table in COVERED if table is not ANONYMISED_INTERACTIONS]
        present = [table for table in wanted if lake.partitions(table)]
        golden = bool(GoldenFiles(lake).numbers())
    else:
        present = [
            table
            for table in COVERED
            if any(True for _ in (root / table.name).glob(f"{table.partitioned_by}=*/{PART}"))
        ]
        golden = any(True for _ in (root / FOLDER).glob(f"*/{MANIFEST}"))
    return Contents(tuple(table for table in present if table is not GOLDEN_SET), golden)


def _recorded(lake: Lake, copy: Path) -> str | None:
    """The fingerprint of the standing catalogue; None if there is none or it cannot be read.

    A copy is read: a process that holds the file open would be shown its own, older one.
    """
    try:
        copy.write_bytes(lake.read_bytes(CATALOGUE))
        with duckdb.connect(copy, read_only=True) as connection:
            row = connection.execute("SELECT fingerprint FROM catalogue_contents").fetchone()
    except (FileNotFoundError, duckdb.Error):
        return None
    return None if row is None else str(row[0])


def _copy(lake: Lake, contents: Contents, *, root: Path) -> None:
    """The files that the catalogue covers, as a folder."""
    golden = GoldenFiles(lake)
    paths = [
        partition_path(table, name) for table in contents.tables for name in lake.partitions(table)
    ]
    for number in golden.numbers() if contents.golden else ():
        paths += [path_of(number, MANIFEST), path_of(number, golden.manifest(number).items_file)]
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(lake.read_bytes(path))


def _fill(file: Path, lake: Lake, contents: Contents, *, root: Path, relation: Relation) -> None:
    with duckdb.connect(file) as connection:
        for table in contents.tables:
            connection.execute(table_statement(table, root=root, relation=relation))
        for table in COVERED:
            if table.name in ALWAYS and table not in contents.tables:
                _create_empty(connection, table, column=table.partitioned_by, kind="VARCHAR")
        if contents.golden:
            for statement in golden_statements(root=root, relation=relation):
                connection.execute(statement)
        else:
            connection.execute(empty_golden_statement())
            _create_empty(connection, GOLDEN_SET, column="golden_version", kind="BIGINT")
        for name in FOR_PEOPLE:
            connection.execute(load_sql(f"catalogue/{name}"))
        connection.execute("CREATE TABLE catalogue_contents (fingerprint VARCHAR)")
        connection.execute(
            "INSERT INTO catalogue_contents VALUES (?)", [contents.fingerprint(lake)]
        )


def _create_empty(
    connection: duckdb.DuckDBPyConnection, table: Table, *, column: str, kind: str
) -> None:
    connection.register("no_rows", table.empty().to_arrow())
    connection.execute(empty_statement(table, column=column, kind=kind, rows="no_rows"))
    connection.unregister("no_rows")


def _name_the_corrupt_file(lake: Lake, contents: Contents) -> None:
    """Raises `CorruptFileError` for the first file that cannot be read as what it claims to be."""
    for table in contents.tables:
        for name in lake.partitions(table):
            lake.read(table, partition=name)
    golden = GoldenFiles(lake)
    for number in golden.numbers() if contents.golden else ():
        golden.items(golden.manifest(number))


@contextlib.contextmanager
def _explained(lake: Lake, contents: Contents) -> Iterator[None]:
    """A damaged file by its name; else what DuckDB or the temporary folder said, in a sentence."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        if isinstance(error, duckdb.Error):
            _name_the_corrupt_file(lake, contents)
        cause = getattr(error, "strerror", None) or type(error).__name__
        raise LakeError(
            f"The catalogue of the lake {lake.url} cannot be built: {cause}. The one that stands "
            "is as it was, and no result is affected. Check that the temporary folder "
            f"{tempfile.gettempdir()} can be written and has free space, then run the same command "
            "again."
        ) from None
