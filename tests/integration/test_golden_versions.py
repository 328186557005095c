import datetime as dt
import json
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.errors import (
    CompositionError,
    CorruptFileError,
    PublishConflictError,
    UnknownVersionError,
)
from eval_pipeline.settings import GoldenSettings, SubsetSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import compose
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import Provenance

WEEKS = ("2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23")
POLICY = GoldenSettings(
    minimum_items=1, maximum_items=50, minimum_per_subset=0, minimum_fresh_share=0.1
)
SUBSETS = {"refunds": SubsetSettings(predicate="route = 'refunds'")}
PROVENANCE = Provenance(
    salt="weekly",
    anonymiser_fingerprint="abc",
    judges={"kind": ("model-b-7",), "strict": ("model-a-2026",)},
    agreement={"alpha": 0.8, "lower": 0.7, "upper": 0.9},
    code_version="0.1.0",
    run_id="run",
)


def candidates(*names: str, week: str, **changes) -> pl.DataFrame:
    rows = [
        {
            "interaction_id": name,
            "week": week,
            "route": "orders",
            "stratum": "orders",
            "kind": "typical",
            "subsets": ["refunds"],
            "messages": [{"role": "user", "content": f"Question {name}"}],
            "expected_behaviour": "answer",
            "logged_response": "Yes.",
            "reference_response": "Yes.",
            "reference_label": "pass",
            "label_source": "agreement",
            "annotator_kind": "person",
            "selection": "sample",
            "inclusion_probability": 0.5,
            "design_weight": 2.0,
            "conversation_key": f"c-{name}",
            "user_key": f"u-{name[0]}",
            "labelled_on": dt.date.fromisoformat(week),
            **changes,
        }
        for name in names
    ]
    schema = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    return pl.DataFrame(rows, schema=schema)


def draft(golden: GoldenVersions, labelled: pl.DataFrame, *, week: str, version=None):
    latest = golden.latest()
    return compose(
        previous=None if latest is None else golden.items(latest),
        candidates=labelled,
        policy=POLICY,
        subsets=SUBSETS,
        week=week,
        as_of=dt.date.fromisoformat(week) + dt.timedelta(days=7),
        version=version or (latest or 0) + 1,
    )


def publish(golden: GoldenVersions, *names: str, week: str, run_id: str = "run", **changes):
    composition = draft(golden, candidates(*names, week=week, **changes), week=week)
    return golden.publish(composition, PROVENANCE.model_copy(update={"run_id": run_id}))


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def golden(lake):
    return GoldenVersions(lake)


@pytest.fixture
def three(golden):
    publish(golden, "a1", "b1", week=WEEKS[0])
    publish(golden, "a2", "b2", week=WEEKS[1])
    publish(golden, "b3", week=WEEKS[2])
    return golden


def test_before_the_first_version_there_is_nothing(golden):
    assert (golden.numbers(), golden.latest(), golden.for_week(WEEKS[0])) == ([], None, None)
    with pytest.raises(UnknownVersionError, match="published: none yet"):
        golden.items(1)


def test_versions_are_numbered_from_one_and_found_by_week(three):
    assert three.numbers() == [1, 2, 3]
    assert [three.for_week(week) for week in WEEKS] == [1, 2, 3, None]
    assert [three.items(number).height for number in three.numbers()] == [2, 4, 5]
    assert three.items(3).schema == GOLDEN_SET.schema
    with pytest.raises(UnknownVersionError, match="no golden version 9; published: 1, 2, 3"):
        three.manifest(9)


def test_the_manifest_tells_where_the_version_came_from(three):
    manifest = three.manifest(2)
    assert (manifest.version, manifest.parent, manifest.week) == (2, 1, WEEKS[1])
    assert manifest.counts.per_subset == {"refunds": 4}
    assert len(manifest.admitted) == 2
    assert manifest.provenance.judges == {"kind": ("model-b-7",), "strict": ("model-a-2026",)}
    assert [three.verify(number) for number in three.numbers()] == [[], [], []]


def test_publishing_the_same_week_again_finds_the_version_that_stands(three, lake):
    before = {path: lake.read_bytes(path) for path in lake.list()}
    again = publish(three, "b3", week=WEEKS[2], run_id="another run")
    assert (again.version, again.created) == (3, False)
    assert again.manifest.provenance.run_id == "run"
    assert {path: lake.read_bytes(path) for path in lake.list()} == before


def test_composing_the_version_that_stands_from_its_parent_finds_it_too(three):
    week = WEEKS[2]
    same = compose(
        previous=three.items(2),
        candidates=candidates("b3", week=week),
        policy=POLICY,
        subsets=SUBSETS,
        week=week,
        as_of=dt.date(2026, 11, 23),
        version=3,
    )
    assert same.items.equals(three.items(3))
    assert not three.publish(same, PROVENANCE).created


def test_a_label_corrected_after_publication_makes_the_weeks_next_version(three):
    after = publish(three, "b3", week=WEEKS[2], reference_label="fail")
    assert (after.version, after.created, three.for_week(WEEKS[2])) == (4, True, 4)
    assert [change.reason for change in after.manifest.revised] == ["label"]
    assert three.items(3)["reference_label"].to_list() == ["pass"] * 5
    assert three.diff(3, 4).revised == tuple(change.item_id for change in after.manifest.revised)
    assert three.verify(4) == []


def test_the_same_history_gives_the_same_bytes_elsewhere(three, lake, tmp_path):
    elsewhere = Lake(str(tmp_path / "elsewhere"))
    golden = GoldenVersions(elsewhere)
    for week, names in zip(WEEKS, (("b1", "a1"), ("b2", "a2"), ("b3",)), strict=False):
        publish(golden, *names, week=week)
    assert elsewhere.list() == lake.list()
    assert all(elsewhere.read_bytes(path) == lake.read_bytes(path) for path in lake.list())


def test_an_old_week_composed_again_from_the_same_labels_is_found_standing(three):
    week = WEEKS[1]
    again = compose(
        previous=three.items(1),
        candidates=candidates("b2", "a2", week=week),
        policy=POLICY,
        subsets=SUBSETS,
        week=week,
        as_of=dt.date.fromisoformat(week) + dt.timedelta(days=7),
        version=2,
    )
    found = three.standing(again, PROVENANCE)
    assert found is not None
    assert (found.version, found.created) == (2, False)
    assert three.publish(again, PROVENANCE).version == 2
    assert three.numbers() == [1, 2, 3]


def test_a_composition_that_skips_a_number_or_a_parent_is_refused(three):
    week = WEEKS[3]
    skipping = draft(three, candidates("c4", week=week), week=week, version=5)
    with pytest.raises(CompositionError, match="the next version is 4"):
        three.publish(skipping, PROVENANCE)
    orphan = compose(
        previous=three.items(1),
        candidates=candidates("c4", week=week),
        policy=POLICY,
        subsets=SUBSETS,
        week=week,
        as_of=dt.date(2026, 11, 30),
        version=4,
    )
    with pytest.raises(CompositionError, match="not composed on top of version 3"):
        three.publish(orphan, PROVENANCE)
    assert three.numbers() == [1, 2, 3]


@pytest.mark.parametrize("where", ["folder", "memory"])
def test_of_eight_publishers_at_once_exactly_one_wins(where, tmp_path):
    golden = GoldenVersions(Lake("memory://" if where == "memory" else str(tmp_path)))
    publish(golden, "a1", week=WEEKS[0])
    drafts = [
        draft(golden, candidates(f"p{number}", week=WEEKS[1]), week=WEEKS[1]) for number in range(8)
    ]

    def race(composition):
        try:
            result = golden.publish(composition, PROVENANCE)
        except PublishConflictError:
            return None
        return composition if result.created else None

    with ThreadPoolExecutor(8) as pool:
        winners = [won for won in pool.map(race, drafts) if won is not None]
    assert len(winners) == 1
    assert golden.numbers() == [1, 2]
    assert golden.items(2).equals(winners[0].items)
    assert golden.verify(2) == []


def test_a_publisher_killed_before_the_manifest_leaves_no_version(three, lake):
    lake.write_bytes("golden/000004/items-0123456789abcdef.parquet", b"half of a version")
    assert three.numbers() == [1, 2, 3]
    assert publish(three, "c4", week=WEEKS[3]).version == 4
    assert three.verify(4) == []
    # What the dead publisher left is gone: nothing that no manifest names stays behind.
    assert [path.split("/")[-1] for path in lake.list("golden/000004")] == sorted(
        ["manifest.json", three.manifest(4).items_file]
    )


def test_every_kind_of_damage_is_found(three, lake):
    manifest = lake.read_bytes("golden/000002/manifest.json")
    items = three.items_path(2)
    whole = lake.read_bytes(items)

    lake.write_bytes(items, whole[:-1] + b"x")
    assert "its hash is not the manifest's" in three.verify(2)[0]
    with pytest.raises(CorruptFileError, match="hash"):
        three.items(2)
    lake.delete(items)
    assert "it is missing" in three.verify(2)[0]
    lake.write_bytes(items, whole)
    assert three.verify(2) == []

    tree = json.loads(manifest)
    tree["counts"]["fresh"] = 7
    lake.write_bytes("golden/000002/manifest.json", json.dumps(tree).encode())
    assert three.verify(3) == ["the manifest of version 2 is not the one it was built on"]
    tree["counts"]["items"] = 7
    lake.write_bytes("golden/000002/manifest.json", json.dumps(tree).encode())
    assert "counts per subset" in three.verify(2)[0]
    tree["version"] = 9
    lake.write_bytes("golden/000002/manifest.json", json.dumps(tree).encode())
    assert "says that it is version 9" in three.verify(2)[1]
    lake.write_bytes("golden/000002/manifest.json", b"{")
    assert "is not a manifest" in three.verify(2)[0]
    lake.delete("golden/000002/manifest.json")
    assert "no golden version 2" in three.verify(3)[0]


def test_forgetting_a_person_takes_their_items_out_of_every_version(three, lake):
    assert three.forget("u-a") == [1, 2, 3]
    assert [three.items(number)["user_key"].to_list() for number in three.numbers()] == [
        ["u-b"],
        ["u-b"] * 2,
        ["u-b"] * 3,
    ]
    assert [len(three.manifest(number).erased) for number in three.numbers()] == [1, 2, 2]
    assert [three.verify(number) for number in three.numbers()] == [[], [], []]
    assert not any(b"Question a" in lake.read_bytes(path) for path in lake.list())
    after = {path: lake.read_bytes(path) for path in lake.list()}
    assert three.forget("u-a") == []
    assert {path: lake.read_bytes(path) for path in lake.list()} == after
    assert publish(three, "c4", week=WEEKS[3]).version == 4
    assert three.verify(4) == []


KILLED_FORGETTER = """
    import os, signal, sys
    sys.path.insert(0, {checkout!r})
    from eval_pipeline.adapters.golden_versions import GoldenVersions
    from eval_pipeline.adapters.lake import Lake

    class Mortal(Lake):
        writes = 0

        def write_bytes(self, path, data):
            Mortal.writes += 1
            if Mortal.writes == {fatal}:
                os.kill(os.getpid(), signal.SIGKILL)
            super().write_bytes(path, data)

    GoldenVersions(Mortal({root!r})).forget("u-a")
"""


@pytest.mark.parametrize("fatal", [1, 2, 3, 4, 6])
def test_forgetting_that_was_killed_is_finished_by_running_it_again(three, lake, fatal):
    code = textwrap.dedent(KILLED_FORGETTER).format(
        checkout=str(Path(__file__).parents[2]), root=lake.url, fatal=fatal
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -9
    three.forget("u-a")
    assert [three.verify(number) for number in three.numbers()] == [[], [], []]
    assert sum(three.items(number)["user_key"].to_list().count("u-a") for number in (1, 2, 3)) == 0
    named = {three.items_path(number) for number in three.numbers()}
    assert {path for path in lake.list() if path.endswith(".parquet")} == named
