"""What the pages' snippets run on: one finished project, copied for each page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eval_pipeline.demo.provider_process import ProviderProcess
from tests.doc_sandbox import Past, prepare
from tests.doc_server import command_server
from tests.scenario import NEXT_WEEK, World
from tests.sharing import made_once


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a quick `eval-pipeline`."""
    with command_server(tmp_path_factory.mktemp("commands")) as folder:
        yield folder


@pytest.fixture(scope="session")
def past(
    shared_folder: Path,
    blank_world: World,
    finished_world: World,
    provider_process: ProviderProcess,
    programs: Path,
) -> Past:
    """The worlds that sandboxes are copied from."""
    url = provider_process.base_url

    def decided(folder: Path) -> None:
        prepare(finished_world.copied_to(folder / "world", provider_url=url))

    def refreshed(folder: Path) -> None:
        world = World(shared_folder / "docs-decided" / "world")
        ended = world.copied_to(folder / "world", provider_url=url).run(
            "refresh", "--week", NEXT_WEEK
        )
        assert ended.code == 0, ended.err

    finished = World(made_once(shared_folder / "docs-decided", decided) / "world")
    open_week = World(made_once(shared_folder / "docs-open-week", refreshed) / "world")
    return Past(blank_world, finished, open_week, programs, url)
