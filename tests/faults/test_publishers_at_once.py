"""Many publishers of one version, as processes that start together: one version comes of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from eval_pipeline.adapters.catalogue import CATALOGUE
from eval_pipeline.adapters.lake_format import MARKER
from tests.fork_server import ForkServer, Job, fork_server
from tests.interrupting_proxy import interrupting_proxy
from tests.publishing import WEEKS, Draft, drafted, problems, state_of
from tests.servers import CREDENTIALS, s3_server, use_s3
from tests.sizes import sized
from tests.stages import Bucket, Folder, Stage

pytestmark = pytest.mark.slow

IN_A_FOLDER = 50
AT_A_STORE = sized(15, full=50)
"""Fewer on ordinary days: each is a dozen requests to a store that is one Python process."""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ForkServer]:
    with fork_server(tmp_path_factory.mktemp("publishers")) as running:
        yield running


@dataclass(frozen=True)
class Course:
    """A lake with one version, and how publishers reach it."""

    stage: Stage
    server: ForkServer
    publishers: int
    rounds: int
    environment: dict[str, str] = field(default_factory=dict)

    def race(self, drafts: list[str]) -> list[str]:
        """What each publisher said, in the order of the drafts."""
        url, environment = self.stage.lake.url, self.environment
        jobs = (Job(url, "publish", draft, environment=environment) for draft in drafts)
        ended = self.server.run(*jobs)
        assert {one.signal for one in ended} == {0}
        return [one.said for one in ended]


@pytest.fixture(params=["folder", "s3"])
def course(request, server, tmp_path, monkeypatch) -> Iterator[Course]:
    if request.param == "folder":
        yield Course(
            Folder(tmp_path / "lake", versions=1, seed="race"), server, IN_A_FOLDER, rounds=3
        )
        return
    with s3_server("bucket") as direct, interrupting_proxy(direct) as (proxied, _):
        use_s3(monkeypatch, direct)
        stage = Bucket(f"s3://bucket/{tmp_path.name}", versions=1, seed="race")
        environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": proxied}
        yield Course(stage, server, AT_A_STORE, rounds=1, environment=environment)


def test_of_many_publishers_of_as_many_contents_one_wins(course, tmp_path) -> None:
    golden = course.stage.golden
    for number in range(course.rounds):
        course.stage.reset()
        drafts = [
            drafted(golden, week=WEEKS[1], seed=f"round {number} publisher {one}")
            for one in range(course.publishers)
        ]
        said = course.race(saved(drafts, tmp_path))
        assert Counter(said) == {"created": 1, "conflict": course.publishers - 1}
        assert_one_version_came(course.stage, drafts[said.index("created")])


def test_of_many_publishers_of_one_content_one_creates_it_and_all_find_it(course, tmp_path) -> None:
    draft = drafted(course.stage.golden, week=WEEKS[1], seed="one for all")
    said = course.race(saved([draft], tmp_path) * course.publishers)
    assert Counter(said) == {"created": 1, "standing": course.publishers - 1}
    assert_one_version_came(course.stage, draft)


def saved(drafts: list[Draft], folder) -> list[str]:
    return [draft.saved_to(folder / f"draft-{number}") for number, draft in enumerate(drafts)]


def assert_one_version_came(stage: Stage, winner: Draft) -> None:
    assert stage.golden.numbers() == [1, 2]
    assert stage.golden.items(2).equals(winner.composition.items)
    assert problems(stage.lake) == []
    state = state_of(stage.lake)
    assert state.files == state.named
    if state.catalogue is not None:  # an object store has none
        assert [row[0] for row in state.catalogue.versions] == [1, 2]
    left = stage.everything() - state.files.keys()
    assert left <= {CATALOGUE, MARKER, "golden", "golden/000001", "golden/000002"}
