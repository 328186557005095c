"""The glossary and the tables use the same words."""

import re
from pathlib import Path

from eval_pipeline.adapters.schema import metadata
from eval_pipeline.tables import ALL_TABLES

GLOSSARY = Path(__file__).parents[2] / "GLOSSARY.md"


def section(title: str) -> list[list[str]]:
    text = GLOSSARY.read_text(encoding="utf-8")
    body = re.split(r"^## ", text.split(f"## {title}\n", 1)[1], flags=re.MULTILINE)[0]
    lines = [line for line in body.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_every_table_is_an_entry_and_every_entry_a_table():
    named = [row[0].strip("| `") for row in section("Tables")]
    assert named == [table.name for table in ALL_TABLES]


def test_every_entry_states_the_grain_and_partition_that_the_table_declares():
    stated = {row[0].strip("| `"): (row[1], row[2].strip("| ")) for row in section("Tables")}
    assert stated == {table.name: (table.grain, table.partitioned_by) for table in ALL_TABLES}


def test_no_term_is_explained_twice():
    terms = [row[0].strip("| ") for row in section("Words")]
    assert len(terms) == len(set(terms)) > 40


def test_every_name_that_the_glossary_gives_stands_in_the_lake_or_the_store():
    lake = {column for table in ALL_TABLES for column in table.schema}
    store = {column.name for table in metadata.tables.values() for column in table.columns}
    tables = {table.name for table in ALL_TABLES} | set(metadata.tables)
    named = {name for row in section("Words") for name in re.findall(r"`([a-z_]+)`", row[2])}
    assert named - lake - store - tables == set()
    assert len(named) > 30
