"""Fixtures of the fault suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alert_world import Receiver, receiving
from tests.command_server import command_server
from tests.command_worlds import Course, calm_provider
from tests.fault_ledger import FaultLedger, ledger_of
from tests.scenario import World
from tests.store_fixtures import migrated_database, migrated_file, store

__all__ = ("migrated_database", "migrated_file", "store")


@pytest.fixture(scope="session")
def fault_ledger(request: pytest.FixtureRequest) -> FaultLedger:
    """Counts every injected fault: `fault_ledger.injected(kind, where)`."""
    return ledger_of(request.config)


@pytest.fixture(scope="session")
def course(
    finished_world: World, shared_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Course]:
    """Worlds for commands to be disturbed in, and a server that runs them."""
    folder = tmp_path_factory.mktemp("course")
    with (
        calm_provider() as provider,
        receiving(Receiver()) as receiver,
        command_server(folder / "temporary", finished_world) as server,
    ):
        yield Course(finished_world, shared_folder, folder / "world", server, provider, receiver)
