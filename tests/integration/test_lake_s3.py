"""The lake and its golden versions on an object store, spoken to over loopback."""

import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import polars as pl
import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.errors import CorruptFileError, LakeError, MissingPartitionError
from eval_pipeline.tables import ALL_TABLES, OPERATIONS_REPORT
from tests.servers import s3_server, use_s3

WEEK = "2026-11-16"
VERSIONED = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


@pytest.fixture(scope="module")
def endpoint():
    with s3_server("bucket") as url:
        httpx.put(f"{url}/bucket?versioning", content=VERSIONED).raise_for_status()
        yield url


@pytest.fixture
def lake(endpoint, monkeypatch, request):
    use_s3(monkeypatch, endpoint)
    return Lake(f"s3://bucket/lakes/{request.node.name}")


def report(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"arm": "baseline", "subset": "all", "metric": f"m{row:03d}", "system_id": "steady",
             "calls": row, "missing": 0, "finding": "reported"}
            for row in range(rows)
        ],
        schema=OPERATIONS_REPORT.schema,
    )  # fmt: skip


def test_every_table_comes_back_from_s3_as_it_was_declared(lake):
    for table in ALL_TABLES:
        lake.replace(table, table.empty(), partition=WEEK)
        assert lake.read(table, partition=WEEK).equals(table.empty())


def test_partitions_are_found_replaced_and_missed_as_in_a_folder(lake):
    assert lake.partitions(OPERATIONS_REPORT) == []
    assert not lake.has(OPERATIONS_REPORT, partition="steady")
    for name, rows in (("steady", 2), ("a.candidate@2", 3), ("steady", 5)):
        assert lake.replace(OPERATIONS_REPORT, report(rows), partition=name) == rows
    assert lake.partitions(OPERATIONS_REPORT) == ["a.candidate@2", "steady"]
    assert lake.has(OPERATIONS_REPORT, partition="steady")
    every = lake.read_all(OPERATIONS_REPORT, partition_column="candidate")
    assert every["candidate"].to_list() == ["a.candidate@2"] * 3 + ["steady"] * 5
    with pytest.raises(MissingPartitionError):
        lake.read(OPERATIONS_REPORT, partition="nowhere")
    assert lake.local_path("anything") is None


def test_writing_the_same_again_puts_nothing(lake, endpoint):
    def versions() -> int:
        folder = lake.url.removeprefix("s3://bucket/")
        listed = httpx.get(
            f"{endpoint}/bucket",
            params={"versions": "", "prefix": f"{folder}/{OPERATIONS_REPORT.name}/"},
        )
        return listed.raise_for_status().text.count("<Version>")

    lake.replace(OPERATIONS_REPORT, report(3), partition="steady")
    assert versions() == 1
    lake.replace(OPERATIONS_REPORT, report(3).reverse(), partition="steady")
    assert versions() == 1
    lake.replace(OPERATIONS_REPORT, report(4), partition="steady")
    assert versions() == 2


def test_a_torn_object_is_named(lake):
    lake.replace(OPERATIONS_REPORT, report(3), partition="steady")
    [path] = lake.list()
    lake.write_bytes(path, lake.read_bytes(path)[:100])
    with pytest.raises(CorruptFileError, match="s3://bucket"):
        lake.read(OPERATIONS_REPORT, partition="steady")


def test_of_eight_creators_of_one_object_exactly_one_creates(lake):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: lake.create_bytes("m", f"{number}".encode()), range(8)))
    assert sum(made) == 1
    assert lake.read_bytes("m") == f"{made.index(True)}".encode()
    lake.delete("m")
    lake.delete("m")
    assert not lake.exists("m")
    with pytest.raises(FileNotFoundError):
        lake.read_bytes("m")


def test_of_creators_of_the_same_bytes_one_is_told_that_it_created_them(lake):
    assert lake.create_bytes("m", b"same")
    assert not lake.create_bytes("m", b"same")


@pytest.mark.parametrize(
    "use",
    [
        lambda lake: lake.write_bytes("a", b"x"),
        lambda lake: lake.create_bytes("a", b"x"),
        lambda lake: lake.read_bytes("a"),
        lambda lake: lake.read(OPERATIONS_REPORT, partition="steady"),
        lambda lake: lake.partitions(OPERATIONS_REPORT),
    ],
    ids=["write", "create", "read_bytes", "read", "partitions"],
)
def test_a_bucket_that_is_not_there_is_named_with_the_remedy(lake, use):
    elsewhere = Lake("s3://no-such-bucket/lake")
    with pytest.raises(LakeError, match=r"s3://no-such-bucket/lake.*AWS_ENDPOINT_URL") as caught:
        use(elsewhere)
    assert "\n" not in str(caught.value)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    # None in sys.modules is how Python itself marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(LakeError, match=r'pip install "eval-pipeline\[s3\]"'):
        Lake("s3://bucket/lake")
