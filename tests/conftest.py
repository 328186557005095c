"""Fixtures that several test files share: the small world, built once for all workers."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

# A worker has one processor: more threads for linear algebra would wait for each other. The
# libraries read this when they are imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from eval_pipeline.demo.pharmacy_models import FIRST_WEEK
from eval_pipeline.demo.provider_process import ProviderProcess
from tests.databases import fresh_database, running_server
from tests.fault_ledger import (
    pytest_addoption,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from tests.scenario import NEXT_WEEK, World, new_world, tell_story
from tests.sharing import alone
from tests.sizes import sized

__all__ = (
    "pytest_addoption",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
)

# Workers share the processors: how long one example takes says nothing of the code.
settings.register_profile("shared", deadline=None, max_examples=sized(50, full=100))
settings.load_profile("shared")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the finished world waits for the whole run: making it takes a minute."""
    for item in items:
        if isinstance(item, pytest.Function) and "finished_world" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _umask_of_its_own() -> Iterator[None]:
    """Commands close what they write to others, for their process: here that is every test's."""
    umask = os.umask(0o022)
    yield
    os.umask(umask)


@pytest.fixture(scope="session")
def provider_process() -> Iterator[ProviderProcess]:
    """This worker's model provider."""
    with ProviderProcess(latency_median_seconds=0.0) as process:
        yield process


@pytest.fixture
def provider(provider_process: ProviderProcess) -> Iterator[ProviderProcess]:
    """The provider at the beginning of its story, and back there afterwards."""
    provider_process.set_epoch(FIRST_WEEK.isoformat())
    yield provider_process
    provider_process.set_epoch(FIRST_WEEK.isoformat())


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this test run see."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def postgres_server(shared_folder: Path) -> Iterator[str]:
    """The address of PostgreSQL, one for all workers; skips where it is not installed."""
    with running_server(shared_folder / "postgres") as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database of this test's own."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def blank_world(shared_folder: Path, provider_process: ProviderProcess) -> World:
    """The small world before its first job; copy it, never change it."""
    folder = shared_folder / "blank-world"
    with alone(shared_folder / "blank-world.lock"):
        if not folder.exists():
            new_world(folder, provider_url=provider_process.base_url)
    return World(folder)


@pytest.fixture(scope="session")
def finished_world(
    shared_folder: Path, blank_world: World, provider_process: ProviderProcess
) -> World:
    """The small world after all its jobs; copy it, never change it."""
    folder, making = shared_folder / "world", shared_folder / "world-in-the-making"
    with alone(shared_folder / "world.lock"):
        if not folder.exists():
            provider_process.set_epoch(FIRST_WEEK.isoformat())
            tell_story(blank_world.copied_to(making, provider_url=provider_process.base_url))
            making.rename(folder)
    return World(folder)


@pytest.fixture(scope="session")
def refreshed_world(
    shared_folder: Path, finished_world: World, provider_process: ProviderProcess
) -> World:
    """The finished world after one more refresh, `NEXT_WEEK`'s; copy it, never change it."""
    folder, making = shared_folder / "refreshed-world", shared_folder / "refreshed-in-the-making"
    with alone(shared_folder / "refreshed-world.lock"):
        if not folder.exists():
            provider_process.set_epoch(FIRST_WEEK.isoformat())
            world = finished_world.copied_to(making, provider_url=provider_process.base_url)
            refreshed = world.run("refresh", "--week", NEXT_WEEK)
            assert refreshed.code == 0, refreshed.err
            making.rename(folder)
    return World(folder)


@pytest.fixture
def queued_world(refreshed_world: World, provider: ProviderProcess, tmp_path: Path) -> World:
    """A copy of the refreshed world, `NEXT_WEEK`'s tasks in its queue, for one test to change."""
    return refreshed_world.copied_to(tmp_path / "queued-world", provider_url=provider.base_url)


@pytest.fixture
def world(finished_world: World, provider: ProviderProcess, tmp_path: Path) -> World:
    """A copy of the finished world for one test to change."""
    return finished_world.copied_to(tmp_path / "world", provider_url=provider.base_url)


@pytest.fixture
def fresh_world(blank_world: World, provider: ProviderProcess, tmp_path: Path) -> World:
    """A copy of the world before its first job, for one test to change."""
    return blank_world.copied_to(tmp_path / "fresh-world", provider_url=provider.base_url)


@pytest.fixture(scope="session")
def definitions(blank_world: World) -> ModuleType:
    """The code location, imported under the small world's configuration."""
    with blank_world.entered():
        return importlib.import_module("assets.definitions")
