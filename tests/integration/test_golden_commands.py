"""`eval-pipeline golden` and `catalogue` on versions that real jobs published."""

import json
import shutil

import duckdb
import polars as pl
import pytest

from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.tables import ADJUDICATIONS, ANONYMISED_INTERACTIONS, STRATIFIED_INTERACTIONS
from tests.scenario import WEEKS, World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(finished_world: World, tmp_path_factory: pytest.TempPathFactory, provider_process):
    """A copy of the finished world for commands that only read."""
    folder = tmp_path_factory.mktemp("golden") / "world"
    return finished_world.copied_to(folder, provider_url=provider_process.base_url)


def items_file(world: World, version: int):
    (file,) = (world.lake / "golden" / f"{version:06d}").glob("*.parquet")
    return file


def flip_a_byte(file) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_list_and_show_tell_the_versions(seen):
    listed = json.loads(seen.run("golden", "list", "--json").out)
    assert [(one["version"], one["week"]) for one in listed] == list(enumerate(WEEKS, 1))
    assert listed[1]["parent"] == 1
    table = seen.run("golden", "list").out
    assert all(week in table for week in WEEKS)
    assert json.loads(seen.run("golden", "show", "2", "--json").out) == listed[1]
    shown = seen.run("golden", "show", "2").out
    assert listed[1]["canary"] in shown
    assert listed[1]["provenance"]["policy"]["fingerprint"] in shown
    unknown = seen.run("golden", "show", "9")
    assert unknown.code == 1
    assert "There is no golden version 9; published: 1, 2." in unknown.err


def test_list_says_what_to_do_before_the_first_version(fresh_world):
    ended = fresh_world.run("golden", "list")
    assert ended.code == 0
    assert "eval-pipeline refresh" in ended.out
    for command in ("verify", "rebuild"):
        ended = fresh_world.run("golden", command)
        assert (ended.code, "No version is published yet" in ended.err) == (0, True)


def test_diff_and_history_tell_what_changed_and_why(seen):
    admitted = json.loads(seen.run("golden", "show", "2", "--json").out)["admitted"]
    difference = json.loads(seen.run("golden", "diff", "1", "2", "--json").out)
    assert difference["added"] == [{**one, "golden_version": 2} for one in admitted]
    told = seen.run("golden", "diff", "1", "2").out
    assert admitted[0]["reason"] in told
    assert f"version 2: {difference['items_after']} items" in told
    item = admitted[0]["item_id"]
    (event,) = json.loads(seen.run("golden", "history", item, "--json").out)
    assert (event["golden_version"], event["change"], event["week"]) == (2, "admitted", WEEKS[1])
    assert admitted[0]["reason"] in seen.run("golden", "history", item).out
    unknown = seen.run("golden", "history", "item-of-nobody")
    assert (unknown.code, "ever held an item 'item-of-nobody'" in unknown.err) == (1, True)


def test_verify_notices_one_flipped_byte(world):
    sound = world.run("golden", "verify")
    assert sound.code == 0
    assert sound.out.splitlines() == ["version 1: sound", "version 2: sound"]
    flip_a_byte(items_file(world, 1))
    broken = world.run("golden", "verify", "--json")
    assert broken.code == 1
    first, second = json.loads(broken.out)
    assert "its hash is not the manifest's" in first["problems"][0]
    assert "its parent cannot be compared with" in second["problems"][0]
    assert world.run("golden", "verify", "1").code == 1


def test_rebuild_makes_every_version_again_and_restores_lost_items(world):
    identical = world.run("golden", "rebuild")
    assert (identical.code, identical.out.splitlines()) == (
        0,
        ["version 1: identical", "version 2: identical"],
    )
    before = world.files()
    flip_a_byte(items_file(world, 1))
    items_file(world, 2).unlink()
    told = world.run("golden", "rebuild", "--json")
    assert told.code == 1
    assert [one["outcome"] for one in json.loads(told.out)] == ["identical", "identical"]
    assert world.run("golden", "verify").code == 1
    restored = json.loads(world.run("golden", "rebuild", "--restore", "--json").out)
    assert [one["restored"] for one in restored] == [True, True]
    assert world.files() == before
    assert world.run("golden", "verify").code == 0


def test_rebuild_names_items_that_differ_and_partitions_that_are_missing(world):
    with world.pipeline() as pipeline:
        labels = pipeline.lake.read(ADJUDICATIONS, partition=WEEKS[0])
        swapped = pl.col("label").replace({"pass": "fail", "fail": "pass"})
        pipeline.lake.replace(ADJUDICATIONS, labels.with_columns(swapped), partition=WEEKS[0])
    differs = world.run("golden", "rebuild", "1", "--json")
    assert differs.code == 1
    (told,) = json.loads(differs.out)
    assert told["outcome"] == "differs"
    assert all("reference_label" in one["columns"] for one in told["differing"])
    assert "the weekly tables no longer say" in world.run("golden", "rebuild", "1").out
    shutil.rmtree(world.lake / STRATIFIED_INTERACTIONS.name / f"week={WEEKS[1]}")
    first, second = json.loads(world.run("golden", "rebuild", "--json").out)
    assert (first["outcome"], second["outcome"]) == ("differs", "impossible")
    assert f"'stratified_interactions' has no data for {WEEKS[1]}" in second["explanation"]
    assert world.run("golden", "rebuild", "9").code == 1


def test_after_an_erasure_versions_are_sound_and_rebuilt_from_what_the_weeks_still_hold(world):
    with world.pipeline() as pipeline:
        lake, golden = pipeline.lake, pipeline.golden
        person = golden.items(1)["user_key"].drop_nulls()[0]
        for week in WEEKS:
            anonymised = lake.read(ANONYMISED_INTERACTIONS, partition=week)
            kept = anonymised.filter(pl.col("user_key").ne_missing(person))
            lake.replace(ANONYMISED_INTERACTIONS, kept, partition=week)
        before = {number: golden.items(number).height for number in golden.numbers()}
        done = golden.forget(user_key=person, reason="asked", erasure_id="e-1")
        assert [one.version for one in done] == [1, 2]
        assert all(
            golden.items(one.version).height == before[one.version] - len(one.erased)
            for one in done
        )
    assert world.run("golden", "verify").code == 0
    assert world.run("golden", "rebuild").out.splitlines() == [
        "version 1: identical",
        "version 2: identical",
    ]
    shown = world.run("golden", "show", "1").out
    assert "e-1" in shown
    item = done[0].erased[0]
    assert "erased" in world.run("golden", "history", item).out


def test_the_catalogue_command_writes_the_lakes_or_a_file_of_ones_own(world, tmp_path):
    (world.lake / CATALOGUE).unlink()
    assert world.run("catalogue").code == 0
    own = tmp_path / "mine.duckdb"
    ended = world.run("catalogue", "--out", str(own))
    assert str(own) in ended.err.replace("\n", "")
    for file in (world.lake / CATALOGUE, own):
        with duckdb.connect(file, read_only=True) as connection:
            found = connection.execute("SELECT golden_version FROM golden_versions").fetchall()
            assert found == [(1,), (2,)]
