"""What a lake of many weeks costs in files read; counted, never timed."""

import datetime as dt
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from benchmarks.counted_folder import counted
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.flows.drift import answers_since
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import DRIFT_TRIALS
from tests import publishing

YEAR = [(dt.date(2025, 1, 6) + dt.timedelta(weeks=n)).isoformat() for n in range(52)]
LIFE = 6
"""Weeks that an item stays, in `living`."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """Twelve versions, one a week."""
    lake = Lake(str(tmp_path_factory.mktemp("versions")))
    golden = GoldenVersions(lake)
    for week in YEAR[:12]:
        draft = publishing.drafted(golden, week=week, seed=week)
        golden.publish(draft.composition, draft.provenance)
    return lake


def test_the_newest_versions_are_found_without_reading_older_manifests(lake):
    reads = counted(lake).reads
    assert GoldenVersions(lake).newest_until(YEAR[11], count=3) == [10, 11, 12]
    assert reads["files"] == 3
    assert GoldenVersions(lake).newest_before(YEAR[11]) == 11
    assert reads["files"] == 3 + 2


def test_versions_of_an_old_week_leave_out_what_came_later(lake):
    golden = GoldenVersions(lake)
    assert golden.newest_until(YEAR[4], count=3) == [3, 4, 5]
    assert golden.newest_until(YEAR[0], count=3) == [1]
    assert golden.newest_until("2024-12-30", count=3) == []
    assert golden.newest_before(YEAR[0]) is None
    assert golden.earliest_week(since=9) == YEAR[8]
    assert golden.earliest_week(since=13) is None


def test_asking_for_every_week_reads_each_manifest_once(lake):
    # Of 12 weeks, each found by walking back from the newest: 12 reads, not 1 + 2 + ... + 12 = 78.
    reads = counted(lake).reads
    golden = GoldenVersions(lake)
    assert [golden.for_week(week) for week in YEAR[:12]] == list(range(1, 13))
    assert reads["files"] == 12


def test_a_version_of_an_old_week_on_top_is_its_newest(tmp_path):
    lake = Lake(str(tmp_path))
    golden = GoldenVersions(lake)
    for week, label in ((YEAR[0], "pass"), (YEAR[1], "pass"), (YEAR[0], "fail")):
        draft = publishing.drafted(golden, week=week, seed=f"{week} {label}", label=label)
        golden.publish(draft.composition, draft.provenance)
    assert golden.for_week(YEAR[0]) == 3
    assert golden.for_week(YEAR[1]) == 2
    assert golden.newest_until(YEAR[1], count=2) == [2, 3]
    assert golden.newest_until(YEAR[0], count=2) == [1, 3]
    assert golden.earliest_week(since=2) == YEAR[0]


def living(weeks: int) -> SimpleNamespace:
    """Versions of one week each; an item comes in each and stays for `LIFE`."""

    def items(version: int) -> pl.DataFrame:
        born = range(max(1, version - LIFE + 1), version + 1)
        rows = [{"item_id": f"item-{n}", "week": YEAR[n - 1], "admitted_in": n} for n in born]
        return pl.DataFrame(rows)

    def earliest_week(*, since: int) -> str:
        return YEAR[since - 1]

    return SimpleNamespace(items=items, earliest_week=earliest_week, numbers=range(1, weeks + 1))


def asked(lake: Lake, golden: SimpleNamespace) -> None:
    """A week's re-run of its version's items; what each answers says in which week."""
    for version in golden.numbers:
        rows: list[dict[str, Any]] = [
            {
                "system_id": "assistant",
                "item_id": item_id,
                "item_revision": 1,
                "stream": "rerun",
                "trial": 1,
                "golden_versions": [version],
                "scorer": "panel",
                "status": "answered",
                "attempts": 1,
                "conversation_key": item_id,
                "response": f"in {YEAR[version - 1]}",
            }
            for item_id in golden.items(version)["item_id"]
        ]
        frame = pl.DataFrame(rows, schema=DRIFT_TRIALS.schema)
        lake.replace(DRIFT_TRIALS, frame, partition=YEAR[version - 1])


def test_first_answers_are_sought_as_far_back_as_items_live_not_as_the_pin_is_old(tmp_path):
    lake, golden = Lake(str(tmp_path)), living(30)
    asked(lake, golden)
    pipeline = cast("Pipeline", SimpleNamespace(lake=lake, golden=golden))

    def first_answers(number: int, versions: set[int]) -> tuple[dict[str, str], int]:
        folder = counted(lake)
        found = answers_since(
            pipeline,
            system_id="assistant",
            pinned=YEAR[0],
            week=YEAR[number - 1],
            versions=versions,
        )
        held = pl.concat([golden.items(version) for version in versions])["item_id"]
        own = found.filter(pl.col("item_id").is_in(held.implode()))
        return dict(own.select("item_id", "response").iter_rows()), folder.reads["files"]

    # Week 30 asks the items of versions 29 and 30: those that came in versions 24 to 30.
    answers, read = first_answers(30, {29, 30})
    assert answers == {f"item-{n}": f"in {YEAR[n - 1]}" for n in range(24, 30)}
    assert read == LIFE
    assert first_answers(20, {19, 20})[1] == LIFE
    # Unknown versions: everything since the pin, as the answers may be anywhere.
    folder = counted(lake)
    found = answers_since(
        pipeline, system_id="assistant", pinned=YEAR[0], week=YEAR[29], versions=set()
    )
    assert found["item_id"].n_unique() == 29
    assert folder.reads["files"] == 29


def test_a_pin_younger_than_the_items_bounds_what_is_read(tmp_path):
    lake, golden = Lake(str(tmp_path)), living(12)
    asked(lake, golden)
    folder = counted(lake)
    found = answers_since(
        cast("Pipeline", SimpleNamespace(lake=lake, golden=golden)),
        system_id="assistant",
        pinned=YEAR[10],
        week=YEAR[11],
        versions={11, 12},
    )
    assert set(found["week"]) == {YEAR[10]}
    assert folder.reads["files"] == 1


def test_some_columns_of_all_partitions_are_read_as_of_one(tmp_path):
    lake, golden = Lake(str(tmp_path)), living(3)
    asked(lake, golden)
    frame = lake.read_all(DRIFT_TRIALS, columns=["item_id", "trial"], partition_column="week")
    assert frame.columns == ["item_id", "trial", "week"]
    assert frame.height == 1 + 2 + 3
    none = lake.read_all(DRIFT_TRIALS, partitions=[], columns=["item_id"])
    assert none.schema == {"item_id": pl.String}
