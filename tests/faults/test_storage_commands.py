"""The command line on real disks that are full or read-only, and over damaged files."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.damage import flipped, footer_of
from tests.scenario import CANDIDATE, NEXT_WEEK, WEEKS, requests_seen
from tests.sizes import FULL

pytestmark = pytest.mark.slow

READING = (
    ("golden", "list"),
    ("golden", "show"),
    ("golden", "diff", "1", "2"),
    ("golden", "verify"),
    ("candidates",),
    ("explain", CANDIDATE),
    ("review", "status", "--week", WEEKS[1]),
    ("gate", "--candidate", CANDIDATE, "--replay"),
)
WRITING = (
    ("publish", "--week", WEEKS[1]),
    ("report", "--week", WEEKS[1]),
    ("catalogue",),
)
FREE_KIBIBYTES = (0, 150, 600, 1000, 1500, 2500) if FULL else (1000,)


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A mount of its own, where the system lets us."""
    folder.mkdir(exist_ok=True)
    asked = ["mount", *options, str(folder)]
    try:
        done = subprocess.run(asked, check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if done.returncode:
        pytest.skip("only a user who may mount can make a disk full")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def assert_told(err: str) -> None:
    told = err.strip().splitlines()[-1]
    assert told.startswith("Error: ") or "rror:" in told, err
    assert "Traceback (most recent call last)" not in err


@pytest.mark.parametrize("free", FREE_KIBIBYTES)
def test_a_week_on_a_full_disk_ends_with_a_sentence_and_goes_on_when_there_is_space(
    finished_world, provider, tmp_path, free, fault_ledger
) -> None:
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=96m", "none") as disk:
        world = finished_world.copied_to(disk / "world", provider_url=provider.base_url)
        before = world.files()
        space = os.statvfs(disk)
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * max(0, space.f_bavail * space.f_frsize - free * 1024))
        asked = requests_seen(provider)
        ended = world.run("refresh", "--week", NEXT_WEEK, TMPDIR=str(disk))
        fault_ledger.injected("full disk", f"refresh with {free} KiB")
        if ended.code != 0:
            assert ended.code == 1
            assert_told(ended.err)
        assert {path: world.files()[path] for path in before if path != "catalog.duckdb"} == {
            path: digest for path, digest in before.items() if path != "catalog.duckdb"
        }
        ballast.unlink()
        again = world.run("refresh", "--week", NEXT_WEEK)
        assert again.code == 0, again.err
        assert requests_seen(provider) > asked
        attempts = world.count("call_attempts", "status = 'answered'")
        calls = "SELECT DISTINCT scope, system_id, item_id, trial, request_fingerprint"
        assert attempts == world.count(f"({calls} FROM call_attempts WHERE status = 'answered')")
        assert world.run("golden", "verify").code == 0


def test_a_lake_that_may_only_be_read_is_read_and_named_by_what_would_write(
    world, fault_ledger
) -> None:
    expected = {command: world.run(*command) for command in READING}
    before = world.files()
    with mounted(world.lake, "--bind", str(world.lake)) as lake:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(lake)], check=True)
        for command in READING:
            fault_ledger.injected("read-only lake", " ".join(command))
            assert world.run(*command).out == expected[command].out, command
        for command in WRITING:
            ended = world.run(*command)
            fault_ledger.injected("read-only lake", " ".join(command))
            assert ended.code in (0, 1), command
            if ended.code:
                assert_told(ended.err)
                assert "Read-only file system" in ended.err, ended.err
        examined = world.run("doctor")
        assert "Read-only file system" in " ".join((examined.out + examined.err).split())
        assert world.files() == before
    assert world.run(*WRITING[0]).code == 0


def test_commands_over_damaged_tables_say_what_they_said_or_name_a_damaged_file(
    world, fault_ledger
) -> None:
    expected = {command: world.run(*command) for command in READING}
    random = Random("commands")
    for file in sorted(world.lake.rglob("*.parquet")):
        data = file.read_bytes()
        file.write_bytes(flipped(data, random, start=4, end=max(5, footer_of(data))))
    refused = 0
    for command in READING:
        ended = world.run(*command)
        fault_ledger.injected("every Parquet file damaged", " ".join(command))
        if (ended.code, ended.out) != (expected[command].code, expected[command].out):
            refused += 1
            assert ended.code != 0, command
            assert ".parquet" in "".join((ended.out + ended.err).split()), (command, ended)
            assert "Traceback (most recent call last)" not in ended.err, command
    assert refused >= 4
    examined = world.run("doctor")
    assert examined.code == 1
    said = "".join((examined.out + examined.err).split())
    for table in ("panel_verdicts", "regression_trials", "golden", "decision_records"):
        assert f"lake/{table}/" in said, table
    for command in WRITING:
        ended = world.run(*command)
        fault_ledger.injected("every Parquet file damaged", " ".join(command))
        assert ended.code == 1, command
        assert ".parquet" in ended.err, ended.err
        assert_told(ended.err)
