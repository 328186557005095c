"""A finished world backed up, somebody forgotten, all destroyed, restored: nobody is back."""

import contextlib
import shutil

import polars as pl
import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.store import Store
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.flows.erasure.forgetting import forget
from eval_pipeline.flows.intake import erased_people
from eval_pipeline.tables import ADJUDICATIONS, ANONYMISED_INTERACTIONS, ERASURES, GATE_DECISION
from tests.scenario import CANDIDATE, KEY, WEEKS, World

pytestmark = pytest.mark.slow


def destroy(world: World) -> None:
    shutil.rmtree(world.lake)
    for file in world.folder.glob("store.sqlite*"):
        file.unlink()


def someone(world: World) -> str:
    """Somebody whose interactions became golden items."""
    with world.pipeline() as pipeline:
        golden = set(pipeline.golden.items(pipeline.golden.latest())["user_key"].drop_nulls())
    logged = pl.read_parquet(world.logs / "*" / "*.parquet", hive_partitioning=False)
    return next(
        user
        for user in logged["user_id"].drop_nulls().unique().sort()
        if keyed_pseudonym(KEY.encode(), "user", user) in golden
    )


def people_in(world: World) -> set[str]:
    return set(Lake(str(world.lake)).read_all(ANONYMISED_INTERACTIONS)["user_key"].drop_nulls())


def labels_of(world: World) -> pl.DataFrame:
    with world.pipeline() as pipeline:
        return pl.concat([pipeline.review.labels(week) for week in WEEKS])


def test_a_finished_world_comes_back_and_can_be_proven(world, tmp_path):
    backups = str(tmp_path / "backups")
    before, labels = world.files(), labels_of(world)
    assert world.run("backup", backups).code == 0
    destroy(world)
    restored = world.run("restore", backups, "--nobody-erased-since")
    assert restored.code == 0, restored.err
    after = world.files()
    ours = {name for name in before if name not in ("catalog.duckdb", ".lake.json")}
    assert {name: after[name] for name in ours} == {name: before[name] for name in ours}
    assert labels_of(world).equals(labels)
    verified = world.run("golden", "verify")
    assert verified.code == 0, verified.out
    replayed = world.run("gate", "--replay", CANDIDATE)
    assert replayed.code in (0, 1, 2), replayed.err
    assert replayed.out.startswith("Identical: ")
    doctor = world.run("doctor")
    assert doctor.code == 0, doctor.out
    assert world.run("health").code == 0


def test_who_was_forgotten_since_is_forgotten_again(world, tmp_path):
    backups, ledger = str(tmp_path / "backups"), tmp_path / "ledger"
    world.configure(lambda tree: tree.setdefault("storage", {}).update(erasure_ledger=str(ledger)))
    user = someone(world)
    assert world.run("backup", backups).code == 0
    said = ("forget", "--user", user, "--by", "dana", "--reason", "a letter")
    forgotten = world.run(*said)
    assert forgotten.code == 0, forgotten.out + forgotten.err
    left, erased = people_in(world), set(Lake(str(ledger)).partitions(ERASURES))
    assert len(erased) == 1
    destroy(world)
    restored = world.run("restore", backups)
    assert restored.code == 0, restored.out + restored.err
    assert "1 erasures made again" in restored.out
    assert people_in(world) == left
    with world.pipeline() as pipeline:
        assert erased_people(pipeline) == erased
        # A second look for the person finds nothing, and proves it.
        again = forget(pipeline, user, by="dana", reason="a letter")
    assert again.clean
    assert not any(again.found.values())
    verified = world.run("golden", "verify")
    assert verified.code == 0, verified.out
    assert Lake(str(world.lake)).has(GATE_DECISION, partition=CANDIDATE)
    assert Lake(str(world.lake)).has(ADJUDICATIONS, partition=WEEKS[0])


def test_an_erasure_that_says_nothing_of_whose_it_is_stops_the_restore(world, tmp_path):
    backups, ledger = str(tmp_path / "backups"), Lake(str(tmp_path / "ledger"))
    user = someone(world)
    assert world.run("backup", backups).code == 0
    world.configure(lambda tree: tree.setdefault("storage", {}).update(erasure_ledger=ledger.url))
    assert world.run("forget", "--user", user, "--by", "d", "--reason", "r").code == 0
    left = people_in(world)
    [erasure] = ledger.partitions(ERASURES)
    rows = ledger.read(ERASURES, partition=erasure)
    ledger.replace(
        ERASURES, rows.with_columns(person_link=pl.lit(None, pl.String)), partition=erasure
    )
    destroy(world)
    refused = world.run("restore", backups)
    assert refused.code == 1
    assert "do not say by themselves whose they are" in refused.err.replace("\n", " ")
    assert not world.lake.exists()
    strangers = world.run("restore", backups, "--erased-user", "nobody of ours")
    assert strangers.code == 1
    named = world.run("restore", backups, "--erased-user", user)
    assert named.code == 0, named.out + named.err
    assert people_in(world) == left


def test_another_projects_ledger_is_refused(world, tmp_path):
    backups = str(tmp_path / "backups")
    assert world.run("forget", "--user", someone(world), "--by", "d", "--reason", "r").code == 0
    assert world.run("backup", backups).code == 0
    destroy(world)
    refused = world.run("restore", backups, "--erasures", str(tmp_path / "nothing"))
    assert refused.code == 1
    assert "another project's" in refused.err
    with contextlib.closing(Store.connect(f"sqlite:///{world.store}")) as store:
        assert store.schema() is None
