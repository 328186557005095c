"""Every table's file, damaged in every way: readers name the file, and never a wrong number."""

from random import Random

import pytest

from eval_pipeline.adapters.catalogue import build
from eval_pipeline.adapters.lake import Lake, parquet_bytes, partition_path
from eval_pipeline.adapters.seals import is_broken
from eval_pipeline.errors import CorruptFileError, EvalPipelineError, LakeError
from eval_pipeline.tables import ALL_TABLES, DISPUTES, ERASURES, SHADOW_COUNTS, SHADOW_PAIRS
from tests.damage import DAMAGES, flipped, rows_of
from tests.sizes import sized

TABLES = (*ALL_TABLES, ERASURES, SHADOW_PAIRS, SHADOW_COUNTS)
PARTITION = "2026-11-16"
FLIPS = sized(3, full=200)
"""Bits flipped anywhere in each table's file, besides those at chosen places."""


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def written(lake: Lake, table) -> str:
    lake.replace(table, rows_of(table, seed="sound"), partition=PARTITION)
    return partition_path(table, PARTITION)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_damaged_file_is_named_with_what_makes_it_again(lake, table, fault_ledger) -> None:
    path = written(lake, table)
    sound = lake.read_bytes(path)
    file = lake.local_path(path)
    for damage, made in DAMAGES.items():
        file.write_bytes(made(sound, Random(f"{table.name} {damage}")))
        fault_ledger.injected(f"file: {damage}", table.name)
        with pytest.raises(CorruptFileError) as caught:
            lake.read(table, partition=PARTITION)
        said = str(caught.value)
        assert said.startswith(f"The file {file} cannot be read: "), damage
        assert table.command_for(PARTITION) in said, damage
        assert "\n" not in said, damage
    file.write_bytes(sound)
    assert lake.read(table, partition=PARTITION).height == rows_of(table, seed="sound").height


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_whichever_bit_flips_it_is_noticed(lake, table, fault_ledger) -> None:
    path = written(lake, table)
    sound, random = lake.read_bytes(path), Random(f"flips {table.name}")
    for _ in range(FLIPS):
        lake.write_bytes(path, flipped(sound, random, start=0, end=len(sound)))
        fault_ledger.injected("file: a bit anywhere", table.name)
        with pytest.raises(CorruptFileError, match=path):
            lake.read(table, partition=PARTITION)


def test_every_single_bit_of_a_file_is_under_its_seal(lake) -> None:
    table = DISPUTES
    path = written(lake, table)
    sound = lake.read_bytes(path)
    for at in range(len(sound)):
        for bit in range(0, 8, sized(5, full=1)):
            flip = sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1 :]
            assert is_broken(flip, place=path), (at, bit)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_file_in_another_files_place_is_not_taken_for_it(lake, table, fault_ledger) -> None:
    path = written(lake, table)
    other = next(one for one in TABLES if one.schema != table.schema)
    lake.replace(other, rows_of(other, seed="sound"), partition=PARTITION)
    lake.replace(table, rows_of(table, seed="another week"), partition="2026-11-23")
    for stranger in (partition_path(other, PARTITION), partition_path(table, "2026-11-23")):
        lake.write_bytes(path, lake.read_bytes(stranger))
        fault_ledger.injected("file: another's in its place", table.name)
        with pytest.raises(CorruptFileError, match=path):
            lake.read(table, partition=PARTITION)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_folder_in_a_files_place_is_not_taken_for_nothing(lake, table, fault_ledger) -> None:
    path = written(lake, table)
    file = lake.local_path(path)
    file.unlink()
    file.mkdir()
    fault_ledger.injected("file: a folder in its place", table.name)
    for act in (
        lambda: lake.read(table, partition=PARTITION),
        lambda: lake.read_if_made(table, partition=PARTITION),
        lambda: lake.partitions(table),
        lambda: lake.replace(table, rows_of(table, seed="sound"), partition=PARTITION),
    ):
        with pytest.raises(LakeError, match="move it away") as caught:
            act()
        assert str(file) in str(caught.value)
    file.rmdir()
    written(lake, table)
    assert lake.partitions(table) == [PARTITION]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_files_from_before_there_were_seals_are_read(lake, table) -> None:
    rows = table.conform(rows_of(table, seed="old"))
    lake.write_bytes(partition_path(table, PARTITION), parquet_bytes(rows))
    assert lake.read(table, partition=PARTITION).equals(rows)


def test_a_seal_is_the_same_for_the_same_rows_and_changes_nothing_else(lake) -> None:
    table = ALL_TABLES[0]
    path = written(lake, table)
    once = lake.read_bytes(path)
    lake.replace(table, rows_of(table, seed="other"), partition=PARTITION)
    assert lake.read_bytes(path) != once
    lake.replace(table, rows_of(table, seed="sound").reverse(), partition=PARTITION)
    assert lake.read_bytes(path) == once


@pytest.mark.parametrize("number", range(0, len(ALL_TABLES), sized(12, full=1)))
def test_a_catalogue_is_not_built_over_a_damaged_file(lake, number, tmp_path, fault_ledger) -> None:
    table = ALL_TABLES[number]
    if table.name == "golden_set":
        pytest.skip("golden versions have files of their own")
    path, file = written(lake, table), tmp_path / "out" / "catalog.duckdb"
    build(lake, file)
    before = file.read_bytes()
    sound = lake.read_bytes(path)
    for damage in ("a bit of its data", "a bit of its footer", "emptied"):
        lake.write_bytes(path, DAMAGES[damage](sound, Random(damage)))
        fault_ledger.injected(f"catalogue: {damage}", table.name)
        with pytest.raises(EvalPipelineError, match=path):
            build(lake, file)
        assert file.read_bytes() == before
    lake.write_bytes(path, sound)
    build(lake, file)
