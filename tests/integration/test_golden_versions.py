import datetime as dt
import json
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake, parquet_bytes
from eval_pipeline.errors import (
    BrokenChainError,
    CompositionError,
    CorruptFileError,
    ErasedMeanwhileError,
    PublishConflictError,
    UnknownItemError,
    UnknownVersionError,
)
from eval_pipeline.fingerprint import canonical_json
from eval_pipeline.settings import GoldenSettings, SubsetSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import compose
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import Provenance
from eval_pipeline.truth.manifest_file import manifest_bytes

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
    (revised,) = three.diff(3, 4).revised
    assert (revised.item_id, revised.reason) == (after.manifest.revised[0].item_id, "label")
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

    def tampered(**changes):
        forged = three.manifest(2).model_copy(update=changes) if changes else three.manifest(2)
        lake.write_bytes("golden/000002/manifest.json", manifest_bytes(forged))

    counts = three.manifest(2).counts
    tampered(counts=counts.model_copy(update={"fresh": 3}))
    assert "the manifest of version 2 is not the one it was built on" in three.verify(3)
    tampered(counts=counts.model_copy(update={"items": 7}))
    assert "counts per subset" in three.verify(2)[0]
    tampered(version=9)
    assert "says that it is version 9" in three.verify(2)[-1]
    for broken in (b"{", manifest.replace(b'"fresh": 2', b'"fresh": 3')):
        assert broken != manifest
        lake.write_bytes("golden/000002/manifest.json", broken)
        assert "cannot be read" in three.verify(2)[0]
    lake.delete("golden/000002/manifest.json")
    assert "no golden version 2" in three.verify(3)[0]
    lake.write_bytes("golden/000002/manifest.json", manifest)
    lake.write_bytes("golden/000002/notes.txt", b"mine")
    assert three.verify(2) == ["its folder holds files that it does not name: ['notes.txt']"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    lake = Lake(str(tmp_path_factory.mktemp("published")))
    golden = GoldenVersions(lake)
    for week in WEEKS[:3]:
        publish(golden, f"a{week}", week=week)
    return lake, golden, {path: lake.read_bytes(path) for path in lake.list()}


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_of_any_file_is_found(published, data):
    lake, golden, files = published
    path = data.draw(st.sampled_from(sorted(files)))
    whole = files[path]
    place = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place // 8] ^= 1 << place % 8
    file = lake.local_path(path)
    file.write_bytes(bytes(flipped))
    try:
        assert golden.verify(int(path.split("/")[1]))
    finally:
        file.write_bytes(whole)


def forget_a(golden: GoldenVersions, erasure_id: str = "e-1"):
    return golden.forget(user_key="u-a", reason="a person asked for it", erasure_id=erasure_id)


def rows_of(golden: GoldenVersions) -> dict[tuple[int, str], str]:
    return {
        (number, row["item_id"]): canonical_json({name: str(row[name]) for name in row})
        for number in golden.numbers()
        for row in golden.items(number).to_dicts()
    }


def test_forgetting_a_person_takes_their_items_out_of_every_version(three, lake):
    before = rows_of(three)
    hashes = [three.manifest_hash(number) for number in three.numbers()]
    done = forget_a(three)
    assert [(one.version, len(one.erased)) for one in done] == [(1, 1), (2, 2), (3, 2)]
    assert [one.superseded for one in done] == hashes
    assert [one.manifest_hash for one in done] == [three.manifest_hash(n) for n in (1, 2, 3)]
    after = rows_of(three)
    erased = {(one.version, item_id) for one in done for item_id in one.erased}
    assert before.keys() - after.keys() == erased
    assert after == {key: before[key] for key in after}
    assert [three.verify(number) for number in three.numbers()] == [[], [], []]
    assert not any(b"Question a" in lake.read_bytes(path) for path in lake.list())


def test_what_stays_of_an_erased_item_is_a_tombstone_and_a_chain_of_hashes(three):
    old = three.manifest(3)
    old_hash = three.manifest_hash(3)
    forget_a(three)
    manifest = three.manifest(3)
    stone = manifest.tombstones[0]
    assert set(type(stone).model_fields) == {
        "item_id", "item_revision", "route", "kind", "subsets", "reference_label",
        "label_source", "erasure_id",
    }  # fmt: skip
    assert (stone.reference_label, stone.erasure_id) == ("pass", "e-1")
    assert [(one.reason, one.supersedes) for one in manifest.reissues] == [
        ("a person asked for it", old_hash)
    ]
    assert (manifest.canary, manifest.admitted) == (old.canary, old.admitted)
    assert manifest.counts.items == old.counts.items - len(manifest.tombstones)


def test_forgetting_twice_changes_nothing_and_publishing_goes_on(three, lake):
    forget_a(three)
    after = {path: lake.read_bytes(path) for path in lake.list()}
    assert forget_a(three, "e-2") == []
    assert {path: lake.read_bytes(path) for path in lake.list()} == after
    assert publish(three, "c4", week=WEEKS[3]).version == 4
    assert three.verify(4) == []
    second = three.forget(user_key="u-b", reason="another", erasure_id="e-3")
    assert [one.version for one in second] == [1, 2, 3, 4]
    assert [three.verify(number) for number in three.numbers()] == [[]] * 4
    assert [len(three.manifest(number).reissues) for number in three.numbers()] == [2, 2, 2, 1]


def test_what_was_made_from_a_forgotten_conversation_goes_with_it(golden):
    source = publish(golden, "a1", "b1", week=WEEKS[0]).manifest.admitted[0].item_id
    key = golden.items(1).filter(pl.col("item_id") == source)["conversation_key"][0]
    publish(golden, "s1", week=WEEKS[1], selection="synthetic", derived_from=source, user_key=None)
    done = golden.forget(conversation_keys=[key], reason="r", erasure_id="e-1")
    assert [len(one.erased) for one in done] == [1, 2]
    assert golden.items(2)["item_id"].to_list() == golden.items(1)["item_id"].to_list()
    assert [golden.verify(number) for number in golden.numbers()] == [[], []]


def test_nobody_is_forgotten_for_want_of_a_key(three):
    publish(three, "c4", week=WEEKS[3], user_key=None)
    assert three.forget(reason="r", erasure_id="e-1") == []
    assert three.forget(user_key="u-nobody", reason="r", erasure_id="e-1") == []


def test_a_version_published_while_a_person_is_forgotten_is_included(tmp_path):
    class Meanwhile(Lake):
        other = None

        def write_bytes(self, path, data):
            super().write_bytes(path, data)
            if path == "golden/000002/manifest.json" and self.other:
                publish_other, self.other = self.other, None
                publish_other()

    lake = Meanwhile(str(tmp_path))
    golden = GoldenVersions(lake)
    publish(golden, "a1", "b1", week=WEEKS[0])
    publish(golden, "a2", "b2", week=WEEKS[1])
    lake.other = lambda: publish(golden, "a3", "b3", week=WEEKS[2])
    assert [len(one.erased) for one in forget_a(golden)] == [1, 2, 1]
    assert [golden.verify(number) for number in golden.numbers()] == [[], [], []]
    assert "u-a" not in golden.items(3)["user_key"].to_list()


def test_a_reader_whom_an_erasure_overtakes_gets_the_items_from_after_it(tmp_path):
    class Meanwhile(Lake):
        other = None

        def read_bytes(self, path):
            data = super().read_bytes(path)
            if path == "golden/000001/manifest.json" and self.other:
                forget_now, self.other = self.other, None
                forget_now()
            return data

    lake = Meanwhile(str(tmp_path))
    golden = GoldenVersions(lake)
    publish(golden, "a1", "b1", week=WEEKS[0])
    lake.other = lambda: forget_a(golden)
    assert golden.items(1)["user_key"].to_list() == ["u-b"]


def test_a_publisher_that_an_erasure_overtook_says_so_and_the_next_run_heals_it(tmp_path):
    class Meanwhile(Lake):
        other = None

        def create_bytes(self, path, data):
            if self.other:
                forget_now, self.other = self.other, None
                forget_now()
            return super().create_bytes(path, data)

    lake = Meanwhile(str(tmp_path))
    golden = GoldenVersions(lake)
    publish(golden, "a1", "b1", week=WEEKS[0])
    lake.other = lambda: forget_a(golden)
    with pytest.raises(ErasedMeanwhileError, match="Run the same erasure again"):
        publish(golden, "a2", "b2", week=WEEKS[1])
    assert golden.verify(2)
    assert [(one.version, len(one.erased)) for one in forget_a(golden)] == [(2, 2)]
    assert [golden.verify(number) for number in golden.numbers()] == [[], []]


def test_what_a_dead_publisher_left_of_a_person_goes_too(three, lake):
    theirs = draft(three, candidates("a9", week=WEEKS[3]), week=WEEKS[3]).items
    others = theirs.filter(pl.col("user_key") != "u-a")
    for name, items in (("items-1", theirs), ("items-2", others)):
        lake.write_bytes(f"golden/000004/{name}.parquet", parquet_bytes(items))
    forget_a(three)
    assert lake.list("golden/000004") == ["golden/000004/items-2.parquet"]


def test_a_chain_that_was_broken_before_is_not_issued_again(three, lake):
    forged = three.manifest(2).model_copy(update={"left_out": {"no_room": 99}})
    lake.write_bytes("golden/000002/manifest.json", manifest_bytes(forged))
    standing = lake.read_bytes("golden/000003/manifest.json")
    with pytest.raises(BrokenChainError, match="version 3"):
        forget_a(three)
    assert lake.read_bytes("golden/000003/manifest.json") == standing


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

    GoldenVersions(Mortal({root!r})).forget(user_key="u-a", reason="r", erasure_id="e-1")
"""


@pytest.mark.parametrize("fatal", [1, 2, 3, 4, 6])
def test_forgetting_that_was_killed_is_finished_by_running_it_again(three, lake, fatal):
    code = textwrap.dedent(KILLED_FORGETTER).format(
        checkout=str(Path(__file__).parents[2]), root=lake.url, fatal=fatal
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -9
    forget_a(three)
    assert [three.verify(number) for number in three.numbers()] == [[], [], []]
    assert sum(three.items(number)["user_key"].to_list().count("u-a") for number in (1, 2, 3)) == 0
    named = {three.items_path(number) for number in three.numbers()}
    assert {path for path in lake.list() if path.endswith(".parquet")} == named


def test_an_items_history_tells_all_that_happened_to_it(three):
    item = three.manifest(3).admitted[0].item_id
    publish(three, "b3", week=WEEKS[2], reference_label="fail")
    long_ago = candidates("b1", week=WEEKS[3], labelled_on=dt.date(2026, 1, 1))
    labelled = pl.concat([long_ago, candidates("c4", week=WEEKS[3])])
    old = three.publish(draft(three, labelled, week=WEEKS[3]), PROVENANCE)
    assert [change.reason for change in old.manifest.retired] == ["stale"]
    assert [tuple(event.as_dict().values()) for event in three.history(item)] == [
        (3, WEEKS[2], "admitted", "settled_label", None, 1, "pass"),
        (4, WEEKS[2], "revised", "label", None, 2, "fail"),
    ]
    gone = old.manifest.retired[0].item_id
    three.forget(user_key="u-b", reason="asked", erasure_id="e-7")
    assert [tuple(event.as_dict().values()) for event in three.history(gone)] == [
        (1, WEEKS[0], "admitted", "settled_label", None, 1, "pass"),
        (5, WEEKS[3], "retired", "stale", None, 1, "pass"),
        (1, WEEKS[0], "erased", "asked", "e-7", 1, "pass"),
    ]
    with pytest.raises(UnknownItemError, match="item-nobody"):
        three.history("item-nobody")


def test_a_difference_tells_why_items_came_and_went(three):
    publish(three, "c4", week=WEEKS[3])
    difference = three.diff(1, 4)
    assert (difference.items_before, difference.items_after, difference.kept) == (2, 6, 2)
    assert {(one.golden_version, one.reason) for one in difference.added} == {
        (2, "settled_label"), (3, "settled_label"), (4, "settled_label"),
    }  # fmt: skip
    assert not difference.retired
    (subset, kind) = difference.shifts
    assert (subset.name, subset.items_before, subset.items_after) == ("refunds", 2, 6)
    assert (kind.share_before, kind.share_after) == (1.0, 1.0)
    back = three.diff(4, 1)
    assert [one.reason for one in back.retired] == [None] * 4


class Dying(BaseException):
    """Stands for a kill: nothing of ours catches it."""


class MortalLake(Lake):
    """Dies before or after its n-th change."""

    left = 10**6
    after = False

    def _counted(self, change):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Dying
        result = change()
        if self.left == 0:
            raise Dying
        return result

    def write_bytes(self, path, data):
        return self._counted(lambda: Lake.write_bytes(self, path, data))

    def create_bytes(self, path, data):
        return self._counted(lambda: Lake.create_bytes(self, path, data))

    def delete(self, path):
        return self._counted(lambda: Lake.delete(self, path))


def told(lake: Lake) -> dict[str, bytes]:
    return {path: lake.read_bytes(path) for path in lake.list()}


def a_year_so_far(lake: Lake) -> GoldenVersions:
    golden = GoldenVersions(lake)
    publish(golden, "a1", "b1", week=WEEKS[0])
    publish(golden, "a2", "b2", week=WEEKS[1])
    return golden


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("act", [forget_a, lambda golden: publish(golden, "a3", week=WEEKS[2])])
def test_whatever_change_it_dies_at_the_next_run_ends_as_one_that_did_not_die(act, after):
    unharmed = Lake("memory://")
    act(a_year_so_far(unharmed))
    wanted = told(unharmed)
    deaths = 0
    for fatal in range(1, 30):
        lake = MortalLake("memory://")
        golden = a_year_so_far(lake)
        before = {number: golden.items(number) for number in golden.numbers()}
        lake.left, lake.after = fatal, after
        try:
            act(golden)
        except Dying:
            deaths += 1
        else:
            break
        lake.left = 10**6
        # Whoever reads now sees each version as it was before or as it will be.
        for number, items in before.items():
            assert golden.items(number).height in {items.height, _height(wanted, number)}
        act(golden)
        assert told(lake) == wanted
        assert not any(golden.verify(number) for number in golden.numbers())
    assert deaths >= 2


def _height(files: dict[str, bytes], number: int) -> int:
    return json.loads(files[f"golden/{number:06d}/manifest.json"])["counts"]["items"]


def test_the_cost_of_publishing_does_not_grow_with_the_versions_before():
    class Counting(Lake):
        reads = 0

        def read_bytes(self, path):
            self.reads += 1
            return super().read_bytes(path)

    lake = Counting("memory://")
    golden = GoldenVersions(lake)
    reads = []
    for number in range(8):
        week = dt.date(2026, 11, 2) + dt.timedelta(days=7 * number)
        composition = draft(golden, candidates("ab"[number % 2], week=str(week)), week=str(week))
        lake.reads = 0
        golden.publish(composition, PROVENANCE)
        reads.append(lake.reads)
    assert set(reads[1:]) == {reads[1]}
