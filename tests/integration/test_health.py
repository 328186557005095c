"""`eval-pipeline health` and `store`: what probes are told, on a project that is and is not fit."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from contextlib import closing

import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.lake_format import FORMAT, MARKER
from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.store import Store
from eval_pipeline.errors import LakeError, NewerDecisionError
from eval_pipeline.evaluation.decision import read_decision
from tests.backed_up import Backed, backed_project
from tests.scenario import ROOT
from tests.store_versions import store_of


@pytest.fixture
def project(tmp_path) -> Backed:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    return backed_project(tmp_path / "project", store_url=url, versions=1)


def health(project: Backed, *options: str) -> tuple[int, dict[str, bool]]:
    ended = project.world.run("health", "--json", *options)
    told = json.loads(ended.out)
    assert (told["status"] == "ok") == (ended.code == 0)
    return ended.code, {part["name"]: part["ok"] for part in told["parts"]}


def test_a_fit_project_is_fit_at_every_depth_and_left_as_it_was(project):
    files = project.files()
    assert health(project, "--live") == (0, {"configuration": True})
    whole = {"configuration": True, "store": True, "lake": True}
    assert health(project, "--ready") == health(project) == (0, whole)
    assert project.files() == files
    assert [file.name for file in project.world.lake.iterdir() if file.name[0] == "."] == [MARKER]


def test_a_store_that_is_empty_or_older_is_told_and_not_migrated(project, tmp_path):
    old = f"sqlite:///{tmp_path / 'old.sqlite'}"
    project.world.configure(lambda tree: tree["storage"].update(store=old))
    assert health(project, "--ready")[1]["store"] is False
    store_of(old, "0004")
    ended = project.world.run("health", "--ready")
    assert (ended.code, "Run: eval-pipeline store upgrade" in ended.out) == (1, True)
    status = project.world.run("store", "status", "--json")
    assert (status.code, json.loads(status.out)["schema"]) == (1, "0004")
    upgraded = project.world.run("store", "upgrade")
    assert (upgraded.code, f"from schema 0004 to {HEAD}" in upgraded.out) == (0, True)
    assert project.world.run("store", "status").code == 0
    assert f"at schema {HEAD}" in project.world.run("store", "upgrade").out
    assert health(project, "--ready")[0] == 0


def test_by_command_nothing_else_migrates(project, tmp_path):
    old = f"sqlite:///{tmp_path / 'old.sqlite'}"
    store_of(old, "0005")
    project.world.configure(lambda tree: tree["storage"].update(store=old, upgrades="by_command"))
    refused = project.world.run("review", "add-reviewer", "zoe")
    assert (refused.code, "eval-pipeline store upgrade" in refused.err) == (1, True)
    with closing(Store.connect(old)) as store:
        assert store.schema() == "0005"
    assert project.world.run("store", "upgrade").code == 0


def test_a_newer_store_and_a_newer_lake_are_told(project):
    with closing(Store.connect(project.store_url)) as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    (project.world.lake / MARKER).write_text(json.dumps({"format": FORMAT + 1}))
    assert health(project) == (1, {"configuration": True, "store": False, "lake": False})


def test_neither_flag_goes_with_the_other(project):
    assert project.world.run("health", "--live", "--ready").code == 1


def test_a_lake_of_a_newer_program_is_read_and_not_written(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    lake.write_bytes("a", b"1")
    assert json.loads((tmp_path / "lake" / MARKER).read_bytes()) == {"format": FORMAT}
    assert lake.list() == ["a"]
    (tmp_path / "lake" / MARKER).write_text(json.dumps({"format": FORMAT + 1}))
    newer = Lake(str(tmp_path / "lake"))
    assert newer.read_bytes("a") == b"1"
    for write in (
        lambda: newer.write_bytes("a", b"2"),
        lambda: newer.create_bytes("b", b"2"),
        lambda: newer.delete("a"),
        lambda: newer.keep_only("x", ()),
    ):
        with pytest.raises(LakeError, match="a newer eval-pipeline wrote it"):
            write()
    assert newer.read_bytes("a") == b"1"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": "one"}', b"{}"])
def test_a_marker_that_says_nothing_stops_every_write(tmp_path, content):
    (tmp_path / MARKER).write_bytes(content)
    with pytest.raises(LakeError, match="is not the marker of a lake's format"):
        Lake(str(tmp_path)).write_bytes("a", b"1")


def test_two_that_mark_a_lake_at_once_agree():
    lakes = [Lake("memory://"), Lake("memory://")]
    lakes[1]._storage = lakes[0]._storage
    for lake in lakes:
        lake.write_bytes("a", b"1")
    assert lakes[0].list() == ["a"]


def test_a_decision_of_a_newer_program_is_told():
    with pytest.raises(NewerDecisionError, match=r"schema version 2, and this program knows 1"):
        read_decision('{"schema_version": 2, "verdict": "maybe"}')


def test_metrics_end_by_the_signal_that_containers_send(project):
    process = subprocess.Popen(
        [sys.executable, "-m", "eval_pipeline", "metrics", "serve", "--port", "0"],
        env={**project.world.environment(), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        cwd=project.world.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = line.partition(" at ")[2].partition(";")[0]
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.status == 200
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert "Stopped." in process.stdout.read()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
