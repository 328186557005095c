"""Fixtures of the fault suite."""

import pytest

from tests.fault_ledger import FaultLedger, ledger_of


@pytest.fixture(scope="session")
def fault_ledger(request: pytest.FixtureRequest) -> FaultLedger:
    """Counts every injected fault: `fault_ledger.injected(kind, where)`."""
    return ledger_of(request.config)
