"""`kill -9` at every boundary of publishing and erasing in a folder: old or new, never between."""

import dataclasses
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.fault_ledger import SEED, FaultLedger
from tests.fork_server import ForkServer, Job, fork_server
from tests.publishing import WEEKS, drafted, forget, publish
from tests.sizes import EVERY_POINT
from tests.stages import Erasure, Folder, fates

pytestmark = pytest.mark.slow

POINTS, LEAST = 29, 25
"""Per scenario, of about a hundred; a week that is published again has few. With the points at
an object store these are more than two hundred."""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ForkServer]:
    with fork_server(tmp_path_factory.mktemp("publishers")) as running:
        yield running


Killing = Callable[..., Iterator[str]]


@pytest.fixture
def killed(server: ForkServer, fault_ledger: FaultLedger) -> Killing:
    """The stage after each kill, one after the other; says which."""

    def each(stage: Folder, job: Job, *, seed: str) -> Iterator[str]:
        for where in _killed(server, stage, job, seed=f"{seed} {SEED}"):
            fault_ledger.injected("kill", f"{job.task} in a folder, {seed}: {where}")
            yield where

    return each


def _killed(server: ForkServer, stage: Folder, job: Job, *, seed: str) -> Iterator[str]:
    [unharmed] = server.run(job)
    assert unharmed.signal == 0, unharmed.said
    chosen = fates(unharmed.boundaries, points=POINTS, seed=seed)
    assert len(chosen) >= LEAST
    assert not EVERY_POINT or len(chosen) > 2 * len(unharmed.boundaries)
    for fate in chosen:
        stage.reset()
        [ended] = server.run(dataclasses.replace(job, fate=fate))
        assert ended.signal == signal.SIGKILL, ended.said
        yield f"{fate.moment} {unharmed.boundaries[fate.boundary][0]} ({fate.boundary})"


@pytest.mark.parametrize(
    ("scenario", "versions", "week", "label", "outcome"),
    [
        ("the first version", 0, WEEKS[0], "pass", "created"),
        ("a later version", 2, WEEKS[2], "pass", "created"),
        ("the same week again", 2, WEEKS[1], "pass", "standing"),
        ("the same week with other labels", 2, WEEKS[1], "fail", "created"),
    ],
)
def test_readers_of_a_killed_publishers_folder_see_the_old_version_or_the_new(
    killed, tmp_path, scenario, versions, week, label, outcome
) -> None:
    stage = Folder(tmp_path / "lake", versions=versions, seed=scenario)
    draft = drafted(stage.golden, week=week, seed=f"{scenario} {week}", label=label)
    job = Job(stage.lake.url, "publish", draft.saved_to(tmp_path / "draft"))
    assert publish(stage.lake, draft) == outcome
    stage.ended()
    for where in killed(stage, job, seed=scenario):
        stage.assert_old_or_new(where)
        assert publish(stage.lake, draft) in {outcome, "standing"}, where
        stage.assert_done(where)


def test_readers_of_a_killed_losers_folder_see_the_winners_version_and_nothing_of_the_losers(
    killed, tmp_path
) -> None:
    stage = Folder(tmp_path / "lake", versions=2, seed="loser")
    ours, theirs = (drafted(stage.golden, week=WEEKS[2], seed=seed) for seed in ("us", "them"))
    job = Job(
        stage.lake.url,
        "publish",
        ours.saved_to(tmp_path / "ours"),
        overtaken_by=theirs.saved_to(tmp_path / "theirs"),
    )
    stage.golden.publish(theirs.composition, theirs.provenance)
    stage.ended()
    for where in killed(stage, job, seed="loser"):
        stage.assert_old_or_new(where)
        stage.golden.publish(theirs.composition, theirs.provenance)
        assert publish(stage.lake, ours) == "conflict", where
        stage.assert_done(where)


def test_an_erasure_that_was_killed_leaves_whole_versions_and_is_finished_by_running_it_again(
    killed, tmp_path
) -> None:
    stage = Folder(tmp_path / "lake", versions=3, seed="erasure")
    erasure = Erasure(stage)
    for where in killed(stage, Job(stage.lake.url, "forget"), seed="erasure"):
        erasure.assert_whole(where)
        forget(stage.lake)
        stage.assert_old_or_new(where)
        stage.assert_done(where)
