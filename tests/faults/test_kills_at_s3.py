"""`kill -9` at every request to an object store: unsent, half sent, or done and never answered."""

import signal
from collections.abc import Iterator

import pytest

from tests.fault_ledger import SEED, FaultLedger
from tests.fork_server import Ended, ForkServer, Job, fork_server
from tests.interrupting_proxy import Interrupter, interrupting_proxy
from tests.kills import AFTER, BEFORE, TORN, Fate
from tests.publishing import WEEKS, drafted, forget, publish
from tests.servers import CREDENTIALS, s3_server, use_s3
from tests.stages import Bucket, Erasure, fates

pytestmark = pytest.mark.slow

POINTS = 20
"""Per scenario, of about eighty."""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ForkServer]:
    with fork_server(tmp_path_factory.mktemp("publishers")) as running:
        yield running


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, str, Interrupter]]:
    """The store's own endpoint, for readers; the proxy's, for publishers; the proxy's control."""
    with s3_server("bucket") as direct, interrupting_proxy(direct) as (proxied, interrupter):
        yield direct, proxied, interrupter


class Desk:
    """Runs publishers against the store, interrupted or not."""

    def __init__(
        self, server: ForkServer, store: tuple[str, str, Interrupter], ledger: FaultLedger
    ) -> None:
        self._server, (_, self._endpoint, self._interrupter) = server, store
        self.ledger = ledger

    def run(self, stage: Bucket, draft: str | None, fate: Fate | None, *, kill: bool) -> Ended:
        """One publisher, or eraser without a draft."""
        environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": self._endpoint}
        task = "forget" if draft is None else "publish"
        job = Job(stage.lake.url, task, draft, environment=environment)
        [process] = self._server.start(job)
        self._interrupter.arm(fate, victim=process if kill else None)
        [ended] = self._server.finish()
        return ended

    def requests(self, stage: Bucket, draft: str | None) -> list[tuple[str, bool]]:
        """What a publisher asks of the store when nothing happens to it."""
        ended = self.run(stage, draft, None, kill=False)
        assert ended.signal == 0, ended.said
        return list(self._interrupter.requests)

    def killed(self, stage: Bucket, draft: str | None, *, seed: str) -> Iterator[str]:
        """The stage after each kill, one after the other; says which."""
        requests = self.requests(stage, draft)
        chosen = fates(requests, points=POINTS, seed=f"{seed} {SEED}")
        assert len(chosen) >= POINTS
        for fate in chosen:
            stage.reset()
            ended = self.run(stage, draft, fate, kill=True)
            assert ended.signal == signal.SIGKILL, ended.said
            where = f"{fate.moment} {requests[fate.boundary][0]} ({fate.boundary})"
            self.ledger.injected("kill", f"at an object store, {seed}: {where}")
            yield where


@pytest.fixture
def desk(server, store, fault_ledger, monkeypatch) -> Desk:
    use_s3(monkeypatch, store[0])
    return Desk(server, store, fault_ledger)


def test_readers_of_a_killed_publishers_bucket_see_the_old_version_or_the_new(
    desk, tmp_path
) -> None:
    stage = Bucket("s3://bucket/publishing", versions=2, seed="bucket")
    draft = drafted(stage.golden, week=WEEKS[2], seed="bucket")
    publish(stage.lake, draft)
    stage.ended()
    for where in desk.killed(stage, draft.saved_to(tmp_path / "draft"), seed="bucket"):
        stage.assert_old_or_new(where)
        assert publish(stage.lake, draft) in {"created", "standing"}, where
        stage.assert_done(where)


def test_an_erasure_that_was_killed_at_a_request_is_finished_by_running_it_again(desk) -> None:
    stage = Bucket("s3://bucket/erasing", versions=3, seed="bucket erasure")
    erasure = Erasure(stage)
    for where in desk.killed(stage, None, seed="bucket erasure"):
        erasure.assert_whole(where)
        forget(stage.lake)
        stage.assert_done(where)


@pytest.mark.parametrize("moment", [BEFORE, TORN, AFTER])
def test_a_put_whose_answer_got_lost_is_tried_again_and_publishes_once(
    desk, tmp_path, moment
) -> None:
    stage = Bucket(f"s3://bucket/lost-{moment}", versions=1, seed="lost")
    draft = drafted(stage.golden, week=WEEKS[1], seed="lost")
    file = draft.saved_to(tmp_path / "draft")
    requests = desk.requests(stage, file)
    stage.ended()
    puts = [number for number, (_, has_body) in enumerate(requests) if has_body]
    assert len(puts) == 2  # the items and the manifest
    for number in puts:
        stage.reset()
        ended = desk.run(stage, file, Fate(number, moment), kill=False)
        desk.ledger.injected("lost answer", f"{moment} put {number}")
        assert ended.said == "created", ended
        stage.assert_done(requests[number][0])
