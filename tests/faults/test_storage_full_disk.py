"""A disk that is full, may only be read or fails, at every write: old or new, then finished."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from eval_pipeline.adapters.lake import Lake, partition_path
from eval_pipeline.adapters.lake_format import MARKER
from eval_pipeline.errors import EvalPipelineError, LakeError
from eval_pipeline.tables import ALL_TABLES, VERDICTS
from tests.damage import rows_of
from tests.publishing import WEEKS, drafted, forget, publish
from tests.refusals import ERRORS, refusing
from tests.sizes import FULL
from tests.stages import Erasure, Folder, fates

POINTS = 10
"""Per scenario, of about a hundred boundaries."""

WEEK = "2026-11-16"


def struck(
    stage: Folder, act: Callable[[], str], *, seed: str, ledger
) -> Iterator[tuple[str, str | None]]:
    """The stage after each refusal, one after the other: where, and what was said (None: done)."""
    with refusing(None) as unharmed:
        act()
    chosen = fates(unharmed.passed, points=POINTS, seed=seed)
    assert len(chosen) >= POINTS
    random = Random(seed)
    for fate in chosen:
        stage.reset()
        error, lasting = random.choice(ERRORS), bool(random.getrandbits(1))
        name = unharmed.passed[fate.boundary][0]
        where = f"{errno.errorcode[error]} at {name} ({fate.boundary}), lasting: {lasting}"
        said = None
        with refusing(fate, error=error, lasting=lasting) as refusals:
            try:
                act()
            except EvalPipelineError as refused:
                said = str(refused)
        assert refusals.struck, where
        ledger.injected(f"disk: {errno.errorcode[error]}", f"{seed}: {name}")
        yield where, said


def assert_clear(said: str, where: str) -> None:
    assert "run the same command again" in said, f"{where}: {said}"
    assert "\n" not in said, where
    assert "Traceback" not in said, where


@pytest.mark.parametrize(
    ("scenario", "versions", "week", "label", "outcome"),
    [
        ("the first version", 0, WEEKS[0], "pass", "created"),
        ("a later version", 2, WEEKS[2], "pass", "created"),
        ("the same week with other labels", 2, WEEKS[1], "fail", "created"),
    ],
)
def test_a_publisher_whose_disk_refuses_leaves_the_old_versions_or_the_new(
    tmp_path, scenario, versions, week, label, outcome, fault_ledger
) -> None:
    stage = Folder(tmp_path / "lake", versions=versions, seed=scenario)
    draft = drafted(stage.golden, week=week, seed=f"{scenario} {week}", label=label)
    assert publish(stage.lake, draft) == outcome
    stage.ended()
    told = 0

    def act() -> str:
        return publish(stage.lake, draft)

    for where, said in struck(stage, act, seed=scenario, ledger=fault_ledger):
        if said is not None:
            assert_clear(said, where)
            told += 1
        stage.assert_old_or_new(where)
        assert publish(stage.lake, draft) in {outcome, "standing"}, where
        stage.assert_done(where)
    assert told > 0


def test_an_erasure_whose_disk_refuses_is_finished_by_running_it_again(
    tmp_path, fault_ledger
) -> None:
    stage = Folder(tmp_path / "lake", versions=3, seed="erasure")
    erasure = Erasure(stage)
    for where, said in struck(
        stage, lambda: forget(stage.lake), seed="erasure", ledger=fault_ledger
    ):
        if said is not None:
            assert_clear(said, where)
        erasure.assert_whole(where)
        forget(stage.lake)
        stage.assert_done(where)


@pytest.mark.parametrize(
    "table", ALL_TABLES if FULL else ALL_TABLES[::7], ids=lambda table: table.name
)
def test_a_table_whose_disk_refuses_keeps_its_rows(tmp_path, table, fault_ledger) -> None:
    lake = Lake(str(tmp_path / "lake"))
    old, new = (table.conform(rows_of(table, seed=seed)) for seed in ("old", "new"))
    lake.replace(table, old, partition=WEEK)
    with refusing(None) as unharmed:
        lake.replace(table, new, partition=WEEK)
    for fate in fates(unharmed.passed, points=100, seed=table.name):
        for error in ERRORS:
            lake.replace(table, old, partition=WEEK)
            where = f"{unharmed.passed[fate.boundary][0]} {errno.errorcode[error]}"
            said = ""
            with refusing(fate, error=error) as refusals:
                try:
                    lake.replace(table, new, partition=WEEK)
                except LakeError as refused:
                    said = str(refused)
            if said:
                assert_clear(said, where)
                assert partition_path(table, WEEK) in said
            assert refusals.struck
            fault_ledger.injected(f"disk: {errno.errorcode[error]}", f"{table.name}: {where}")
            found = lake.read(table, partition=WEEK)
            assert found.equals(old) or found.equals(new), where
            assert lake.list() == [partition_path(table, WEEK)], where
            lake.replace(table, new, partition=WEEK)
            assert lake.read(table, partition=WEEK).equals(new)
            assert files_in(lake) == ["part-0.parquet"], where


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """The system's own limit, which Python hears of as an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1, 4096, 30_000])
def test_a_limit_of_a_files_size_is_named_and_nothing_is_half_written(
    tmp_path, size, fault_ledger
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    old, new = (rows_of(VERDICTS, seed=seed, rows=400) for seed in ("old", "new"))
    lake.replace(VERDICTS, old, partition=WEEK)
    assert lake.sizes()[partition_path(VERDICTS, WEEK)] > 30_000
    with no_file_longer_than(size), pytest.raises(LakeError, match="ulimit -f") as caught:
        lake.replace(VERDICTS, new, partition=WEEK)
    fault_ledger.injected("disk: EFBIG", f"a limit of {size} bytes")
    assert os.strerror(errno.EFBIG) in str(caught.value)
    assert lake.read(VERDICTS, partition=WEEK).equals(VERDICTS.conform(old))
    lake.replace(VERDICTS, new, partition=WEEK)
    assert files_in(lake) == ["part-0.parquet"]


def files_in(lake: Lake) -> list[str]:
    """Every file, hidden and temporary ones too, but for the lake's marker."""
    files = (path.name for path in Path(lake.url).rglob("*") if path.is_file())
    return [name for name in files if name != MARKER]
