import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.lake import Lake, parquet_bytes, partition_path
from eval_pipeline.errors import (
    CorruptFileError,
    LakeError,
    MissingPartitionError,
    PartitionNameError,
    TableError,
)
from eval_pipeline.tables import ALL_TABLES, DISPUTES, GATE_DECISION, PRODUCTION_MONITOR

WEEK = "2026-11-16"


def monitor(rows: int, *, value: float = 0.5) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "route": f"route-{row:05d}",
                "metric": "outcome",
                "value": value,
                "measured": row,
                "interactions": row,
                "finding": "usual",
            }
            for row in range(rows)
        ],
        schema=PRODUCTION_MONITOR.schema,
    )


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"))


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_every_table_comes_back_as_it_was_declared(lake, table):
    assert lake.replace(table, table.empty(), partition=WEEK) == 0
    assert lake.read(table, partition=WEEK).equals(table.empty())
    assert lake.read(table, partition=WEEK).schema == table.schema


def test_a_partition_lies_where_people_and_engines_look_for_it(lake):
    lake.replace(DISPUTES, DISPUTES.empty(), partition=WEEK)
    lake.replace(GATE_DECISION, GATE_DECISION.empty(), partition="steady")
    assert lake.list() == [
        "disputes/week=2026-11-16/part-0.parquet",
        "gate_decision/candidate=steady/part-0.parquet",
    ]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(40)), cut=st.integers(0, 40))
def test_equal_rows_give_equal_bytes_in_any_order_and_chunking(order, cut):
    frame = monitor(40)
    shuffled = frame[order]
    chunked = pl.concat([shuffled[:cut], shuffled[cut:]], rechunk=False)
    expected = parquet_bytes(PRODUCTION_MONITOR.conform(frame))
    assert parquet_bytes(PRODUCTION_MONITOR.conform(chunked)) == expected


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=8),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
        ),
        max_size=12,
        unique_by=lambda row: row[0],
    )
)
def test_what_is_written_is_what_is_read(rows):
    frame = pl.DataFrame(
        [
            {
                "route": route,
                "metric": "m",
                "value": value,
                "measured": 1,
                "interactions": 1,
                "finding": "usual",
            }
            for route, value in rows
        ],
        schema=PRODUCTION_MONITOR.schema,
    )
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        assert lake.replace(PRODUCTION_MONITOR, frame, partition=WEEK) == len(rows)
        assert lake.read(PRODUCTION_MONITOR, partition=WEEK).equals(
            PRODUCTION_MONITOR.conform(frame)
        )


def test_writing_the_same_again_leaves_the_file_untouched(lake):
    lake.replace(PRODUCTION_MONITOR, monitor(3), partition=WEEK)
    file = lake.local_path(partition_path(PRODUCTION_MONITOR, WEEK))
    before = file.stat()
    lake.replace(PRODUCTION_MONITOR, monitor(3).reverse(), partition=WEEK)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_refused_frame_leaves_the_partition_as_it_was(lake):
    lake.replace(PRODUCTION_MONITOR, monitor(3), partition=WEEK)
    with pytest.raises(TableError, match="Nothing was written"):
        lake.replace(PRODUCTION_MONITOR, pl.DataFrame({"route": ["a"]}), partition=WEEK)
    assert lake.read(PRODUCTION_MONITOR, partition=WEEK).height == 3


def test_partitions_are_listed_sorted_and_read_in_that_order(lake):
    for rows, week in ((2, "2026-11-16"), (1, "2026-11-09"), (3, "2026-11-23")):
        lake.replace(PRODUCTION_MONITOR, monitor(rows), partition=week)
    assert lake.partitions(PRODUCTION_MONITOR) == ["2026-11-09", "2026-11-16", "2026-11-23"]
    every = lake.read_all(PRODUCTION_MONITOR, partition_column="week")
    assert every["week"].to_list() == ["2026-11-09"] + ["2026-11-16"] * 2 + ["2026-11-23"] * 3
    some = lake.read_all(PRODUCTION_MONITOR, partitions=["2026-11-23", "2026-11-09"])
    assert some["interactions"].to_list() == [0, 0, 1, 2]
    assert some.schema == PRODUCTION_MONITOR.schema


def test_reading_all_of_an_empty_table_keeps_its_columns(lake):
    assert lake.read_all(DISPUTES).schema == DISPUTES.schema
    labelled = lake.read_all(DISPUTES, partition_column="week")
    assert labelled.schema == {**DISPUTES.schema, "week": pl.String}
    with pytest.raises(TableError, match="already has a column 'reason'"):
        lake.read_all(DISPUTES, partition_column="reason")


def test_a_missing_partition_is_named_with_its_remedy(lake):
    assert not lake.has(DISPUTES, partition=WEEK)
    with pytest.raises(
        MissingPartitionError, match=r"Run .eval-pipeline refresh --week 2026-11-16. first"
    ):
        lake.read(DISPUTES, partition=WEEK)
    with pytest.raises(MissingPartitionError):
        lake.read_all(DISPUTES, partitions=[WEEK])


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "a\0", ".hidden", "x" * 161]
)
def test_a_partition_cannot_lead_out_of_its_table(lake, name):
    with pytest.raises(PartitionNameError):
        lake.replace(DISPUTES, DISPUTES.empty(), partition=name)


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../../b", "", "a//b", "./a", "a\\b"])
def test_a_raw_path_cannot_lead_out_of_the_lake(lake, path):
    with pytest.raises(LakeError, match="not a path inside the lake"):
        lake.write_bytes(path, b"x")


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_torn_file_is_named_and_never_read_as_data(lake, kept):
    lake.replace(PRODUCTION_MONITOR, monitor(50), partition=WEEK)
    file = lake.local_path(partition_path(PRODUCTION_MONITOR, WEEK))
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(CorruptFileError, match="Materialise 'production_monitor'") as caught:
        lake.read(PRODUCTION_MONITOR, partition=WEEK)
    assert str(file) in str(caught.value)


def test_a_file_of_another_program_version_is_refused_by_its_columns(lake):
    path = partition_path(PRODUCTION_MONITOR, WEEK)
    lake.write_bytes(path, parquet_bytes(monitor(2).with_columns(pl.col("value").cast(pl.Float32))))
    with pytest.raises(CorruptFileError, match=r"columns \['value'\].*another version"):
        lake.read(PRODUCTION_MONITOR, partition=WEEK)


def test_only_the_first_creator_creates(lake):
    assert lake.create_bytes("golden/000001/manifest.json", b"first")
    assert not lake.create_bytes("golden/000001/manifest.json", b"second")
    assert lake.read_bytes("golden/000001/manifest.json") == b"first"
    lake.delete("golden/000001/manifest.json")
    lake.delete("golden/000001/manifest.json")
    assert not lake.exists("golden/000001/manifest.json")


@pytest.mark.parametrize("where", ["folder", "memory"])
def test_a_folder_keeps_what_is_named_and_others_keep_all(where, tmp_path):
    lake = Lake("memory://" if where == "memory" else str(tmp_path / "lake"))
    lake.keep_only("golden/000001", {"a"})
    for name in ("a", "b", "c"):
        lake.write_bytes(f"golden/000001/{name}", b"x")
    elsewhere = ["golden/000001/deeper/b", "golden/000002/b"]
    for path in elsewhere:
        lake.write_bytes(path, b"x")
    lake.keep_only("golden/000001", {"a", "not there"})
    assert lake.list() == ["golden/000001/a", *elsewhere]
    lake.keep_only("golden/000001", set())
    assert lake.list() == elsewhere


def test_memory_is_a_lake_of_its_own():
    first, second = Lake("memory://"), Lake("memory://")
    first.replace(PRODUCTION_MONITOR, monitor(2), partition=WEEK)
    assert first.read(PRODUCTION_MONITOR, partition=WEEK).height == 2
    assert first.local_path("x") is None
    assert second.list() == []


def test_an_unserved_scheme_names_the_served_ones():
    with pytest.raises(LakeError, match="s3://"):
        Lake("ftp://host/lake")


def test_a_lake_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LakeError, match=r"Not a directory.*storage\.lake"):
        Lake(str(tmp_path / "file" / "lake")).write_bytes("a", b"x")


# A writer that kills itself, as a power cut would, before the n-th call that touches the disk.
SUICIDAL_WRITER = """
    import os, signal, sys
    sys.path.insert(0, {checkout!r})
    from eval_pipeline.adapters.lake import Lake

    calls = 0

    def deadly(real):
        def call(*args, **kwargs):
            global calls
            calls += 1
            if calls == {fatal}:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        return call

    lake = Lake({root!r})
    for name in ("fsync", "replace", "link", "unlink"):
        setattr(os, name, deadly(getattr(os, name)))
    lake.{method}("golden/one.bin", {data!r})
    print("finished")
"""


def die_writing(root: Path, *, method: str, data: bytes, fatal: int) -> str:
    code = textwrap.dedent(SUICIDAL_WRITER).format(
        checkout=str(Path(__file__).parents[2]),
        root=str(root),
        method=method,
        data=data,
        fatal=fatal,
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return "finished" if done.returncode == 0 else "killed"


def leftovers(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob(".writing-*"))


@pytest.mark.parametrize("fatal", range(1, 6))
def test_a_writer_killed_at_any_call_leaves_the_old_bytes_or_the_new(tmp_path, fatal):
    lake = Lake(str(tmp_path))
    old, new = b"old" * 1000, b"new" * 2000
    lake.write_bytes("golden/one.bin", old)
    end = die_writing(tmp_path, method="write_bytes", data=new, fatal=fatal)
    assert lake.read_bytes("golden/one.bin") in ((new,) if end == "finished" else (old, new))
    assert lake.list() == ["golden/one.bin"]
    lake.write_bytes("golden/two.bin", b"next writer")
    assert leftovers(tmp_path) == []
    # Calls: fsync of the file, replace, fsync of the folder, unlink. The fifth never comes.
    assert end == ("finished" if fatal == 5 else "killed")


@pytest.mark.parametrize("fatal", range(1, 6))
def test_a_creator_killed_at_any_call_leaves_nothing_or_all(tmp_path, fatal):
    Lake(str(tmp_path)).write_bytes("golden/other.bin", b"x")
    data = b"whole" * 1000
    end = die_writing(tmp_path, method="create_bytes", data=data, fatal=fatal)
    lake = Lake(str(tmp_path))
    created = lake.exists("golden/one.bin")
    assert created == (not lake.create_bytes("golden/one.bin", data))
    assert lake.read_bytes("golden/one.bin") == data
    assert leftovers(tmp_path) == []
    # Calls: fsync of the file, link, fsync of the folder, unlink: from the third on it is there.
    assert created == (fatal >= 3)
    assert end == ("finished" if fatal == 5 else "killed")


BUSY_WRITER = """
    import sys
    sys.path.insert(0, {checkout!r})
    from eval_pipeline.adapters.lake import Lake
    lake = Lake({root!r})
    print("ready", flush=True)
    while True:
        for letter in (b"a", b"b"):
            lake.write_bytes("t/one.bin", letter * 200_000)
"""


@pytest.mark.slow
def test_readers_see_whole_files_while_writers_are_killed_at_random(tmp_path):
    # Seed 20261116: ten writers, each killed after 0 to 30 ms of writing.
    chance = random.Random(20261116)
    lake = Lake(str(tmp_path))
    lake.write_bytes("t/one.bin", b"a" * 200_000)
    code = textwrap.dedent(BUSY_WRITER).format(
        checkout=str(Path(__file__).parents[2]), root=str(tmp_path)
    )
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            for _ in range(chance.randrange(1, 40)):
                assert lake.read_bytes("t/one.bin") in (b"a" * 200_000, b"b" * 200_000)
            os.kill(writer.pid, signal.SIGKILL)
        assert lake.list() == ["t/one.bin"]
    lake.write_bytes("t/one.bin", b"end")
    assert leftovers(tmp_path) == []
