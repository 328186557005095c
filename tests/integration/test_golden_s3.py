"""Golden versions and their catalogue on an object store, spoken to over loopback."""

import datetime as dt

import duckdb
import polars as pl
import pytest

from eval_pipeline.adapters.catalogue import CATALOGUE, build, refresh
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.settings import GoldenSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import compose
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import Provenance
from tests.servers import s3_server, use_s3

pytestmark = pytest.mark.slow

POLICY = GoldenSettings(minimum_items=1, minimum_per_subset=0, minimum_fresh_share=0)
PROVENANCE = Provenance(
    salt="s", anonymiser_fingerprint="f", judges={}, agreement={}, code_version="1", run_id=None
)


def publish(golden: GoldenVersions, *names: str, week: str) -> None:
    rows = [
        {
            "interaction_id": name,
            "week": week,
            "route": "orders",
            "kind": "edge",
            "subsets": ["refunds"],
            "messages": [{"role": "user", "content": f"Question {name}"}],
            "reference_label": "pass",
            "label_source": "recorded",
            "selection": "sample",
            "expected_behaviour": "answer",
            "conversation_key": f"c-{name}",
            "user_key": f"u-{name[0]}",
            "labelled_on": dt.date.fromisoformat(week),
        }
        for name in names
    ]
    schema = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    latest = golden.latest()
    composition = compose(
        previous=None if latest is None else golden.items(latest),
        candidates=pl.DataFrame(rows, schema=schema),
        policy=POLICY,
        subsets={},
        week=week,
        as_of=dt.date.fromisoformat(week) + dt.timedelta(days=7),
        version=(latest or 0) + 1,
    )
    golden.publish(composition, PROVENANCE)


def test_versions_are_published_forgotten_from_verified_and_read_on_s3(monkeypatch, tmp_path):
    with s3_server("bucket") as url:
        use_s3(monkeypatch, url)
        lake = Lake("s3://bucket/lakes/golden")
        golden = GoldenVersions(lake)
        publish(golden, "a1", "b1", week="2026-11-09")
        publish(golden, "a2", "b2", week="2026-11-16")
        assert not refresh(lake)
        done = golden.forget(user_key="u-a", reason="asked", erasure_id="e-1")
        assert [len(one.erased) for one in done] == [1, 2]
        assert [golden.verify(number) for number in golden.numbers()] == [[], []]
        paths = lake.list()
        assert len(paths) == 4
        assert not any(b"Question a" in lake.read_bytes(path) for path in paths)
        file = tmp_path / CATALOGUE
        build(lake, file)
        assert lake.list() == paths
    with duckdb.connect(file, read_only=True) as connection:
        found = connection.execute("SELECT user_key FROM golden_items(version => 2)").fetchall()
        assert found == [("u-b",), ("u-b",)]


def test_a_version_may_lose_all_its_items_and_stays_sound():
    golden = GoldenVersions(Lake("memory://"))
    publish(golden, "a1", "b1", week="2026-11-09")
    (done,) = golden.forget(conversation_keys=["c-a1", "c-b1"], reason="asked", erasure_id="e-1")
    assert len(done.erased) == 2
    assert golden.items(1).is_empty()
    assert golden.verify(1) == []
    publish(golden, "c2", week="2026-11-16")
    assert golden.verify(2) == []
    assert golden.diff(1, 2).items_before == 0
