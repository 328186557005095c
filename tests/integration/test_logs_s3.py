"""Logs in an object store, spoken to over loopback: the same rows as from a folder."""

import datetime as dt
import gzip
from collections.abc import Iterator

import httpx
import obstore
import polars as pl
import pytest
from obstore.store import from_url

from eval_pipeline.adapters.logs import object_files
from eval_pipeline.adapters.logs.files import list_files, readable
from eval_pipeline.adapters.logs.formats import rows_with_ids
from eval_pipeline.adapters.queries import connection
from eval_pipeline.errors import EvalPipelineError, LogsNotFoundError, SettingsError
from tests.servers import s3_server, use_s3

ROWS = 20_000
COUNTED = "SELECT count(*), bit_xor(hash(json)) FROM read_ndjson_objects($files)"


@pytest.fixture(scope="module")
def endpoint():
    with s3_server("logs") as url:
        yield url


@pytest.fixture
def store(endpoint, monkeypatch):
    use_s3(monkeypatch, endpoint)
    return from_url("s3://logs")


@pytest.fixture
def reads(monkeypatch) -> Iterator[list[int]]:
    """How many bytes each request for a range asks for."""
    asked: list[int] = []
    read = object_files.Bucket.read

    def counted(bucket, key, *, start, end):
        asked.append(end - start)
        return read(bucket, key, start=start, end=end)

    monkeypatch.setattr(object_files.Bucket, "read", counted)
    return asked


def records(first: int = 0) -> pl.DataFrame:
    numbers = range(first, first + ROWS)
    return pl.DataFrame(
        {
            "id": [f"i{n}" for n in numbers],
            "at": dt.datetime(2026, 11, 17, tzinfo=dt.UTC),
            "messages": [[{"role": "user", "content": f"{n * 7919:x}" * 20}] for n in numbers],
        }
    )


def put(store, key: str, data: bytes) -> str:
    obstore.put(store, key, data)
    return f"s3://logs/{key}"


def parquet(tmp_path, first: int = 0) -> bytes:
    records(first).write_parquet(tmp_path / "a.parquet", row_group_size=5000)
    return (tmp_path / "a.parquet").read_bytes()


def test_patterns_name_the_keys_as_they_name_files(store):
    for key in ("w/week=2026-11-09/x-0.parquet", "w/week=2026-11-16/x-1.parquet", "w/x-2.parquet"):
        put(store, key, b"x")
    assert list_files("s3://logs/w/week=*/x-*.parquet") == (
        "s3://logs/w/week=2026-11-09/x-0.parquet",
        "s3://logs/w/week=2026-11-16/x-1.parquet",
    )
    assert len(list_files("s3://logs/w/**/*.parquet")) == 3
    assert list_files("s3://logs/w/x-2.parquet") == ("s3://logs/w/x-2.parquet",)
    assert list_files("s3://logs/w/x-3.parquet") == ()
    assert list_files("s3://logs/nowhere/*") == ()


def test_parquet_reads_the_same_and_only_the_columns_asked_for(store, tmp_path, reads):
    data = parquet(tmp_path)
    # Names that are no URLs and look like patterns are keys like any other.
    files = [put(store, f"p/{name}.parquet", data) for name in ("a", "b #?[1] %20", "ä=1")]
    with connection() as engine, readable(engine, files):
        found = engine.sql("SELECT count(*), max(id) FROM read_parquet($f)", params={"f": files})
        assert found.fetchall() == [(3 * ROWS, "i9999")]
        assert sum(reads) < len(data)
        whole = engine.sql("SELECT * FROM read_parquet($f) ORDER BY id", params={"f": files[:1]})
        assert whole.pl().equals(records().sort("id"))


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_lines_read_the_same_by_many_threads_at_once(store, tmp_path, ending, reads):
    lines = pl.concat([records(n * ROWS) for n in range(5)]).write_ndjson().encode()
    data = gzip.compress(lines, 1) if ending.endswith("gz") else lines
    (tmp_path / f"a.{ending}").write_bytes(data)
    files = [put(store, f"j/a.{ending}", data)]
    with connection() as engine, readable(engine, files):
        engine.execute("SET threads = 8")
        here = engine.sql(COUNTED, params={"files": [str(tmp_path / f"a.{ending}")]}).fetchall()
        for _ in range(3):
            assert engine.sql(COUNTED, params={"files": files}).fetchall() == here
    assert here[0][0] == 5 * ROWS
    # A header may be looked at twice; nothing else is.
    assert 3 * len(data) <= sum(reads) < 3.01 * len(data)


def test_texts_of_a_few_ids_are_those_of_a_folder(store, tmp_path):
    files = [put(store, f"t/week=2026-11-16/{n}.parquet", parquet(tmp_path, n)) for n in (0, ROWS)]
    with connection() as engine, readable(engine, files):
        asked = pl.DataFrame({"interaction_id": ["i7", f"i{ROWS + 3}", "none"]})
        engine.register("wanted", asked.to_arrow())
        found = rows_with_ids(engine, files=files, names={"interaction_id": "id"}).pl()
    wanted = pl.concat([records(0), records(ROWS)]).filter(
        pl.col("id").is_in(["i7", f"i{ROWS + 3}"])
    )
    there = found.drop("week").sort("id")
    assert there.equals(wanted.sort("id"))


def failure_of(file: str) -> EvalPipelineError:
    with (
        pytest.raises(EvalPipelineError) as caught,
        connection() as engine,
        readable(engine, [file]),
    ):
        engine.sql("SELECT count(*) FROM read_parquet($f)", params={"f": [file]}).fetchall()
    return caught.value


def test_what_keeps_a_store_from_being_read_is_said_with_the_remedy(store):
    gone = failure_of("s3://logs/gone.parquet")
    assert isinstance(gone, LogsNotFoundError)
    assert "s3://logs/gone.parquet" in str(gone)
    nowhere = failure_of("s3://no-such-bucket/a.parquet")
    with pytest.raises(SettingsError, match=r"no-such-bucket.*AWS_ENDPOINT_URL"):
        list_files("s3://no-such-bucket/*")
    for error in (gone, nowhere):
        assert "\n" not in str(error)


def test_a_refused_key_is_told_without_the_key(endpoint, store, monkeypatch):
    httpx.post(f"{endpoint}/moto-api/reset-auth", content="0").raise_for_status()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-id")
    try:
        with pytest.raises(SettingsError, match="credentials are refused") as caught:
            list_files("s3://logs/*")
    finally:
        httpx.post(f"{endpoint}/moto-api/reset-auth", content="inf")
    assert "canary" not in str(caught.value)
