"""The ledger counts what was injected, and a run with too few faults fails."""

import pytest

from tests.fault_ledger import FaultLedger

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
from tests.fault_ledger import *
from tests.fault_ledger import ledger_of

@pytest.fixture
def fault_ledger(request):
    return ledger_of(request.config)
"""
TWO_FAULTS = """
def test_one(fault_ledger):
    fault_ledger.injected("kill", "publish, before rename")

def test_two(fault_ledger):
    fault_ledger.injected("kill", "publish, before link")
"""


def test_faults_are_counted_by_kind_and_place() -> None:
    ledger = FaultLedger()
    ledger.injected("kill", "here")
    ledger.injected("kill", "here")
    ledger.injected("disk full", "there")
    assert ledger.table() == [
        "fault      injected  places",
        "disk full         1       1",
        "kill              2       1",
        "in all            3       2",
    ]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
@pytest.mark.parametrize(("least", "code"), [(2, 0), (3, 1)])
def test_a_run_with_fewer_faults_than_asked_for_fails(pytester, workers, least, code) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TWO_FAULTS)
    ended = pytester.runpytest_inprocess(f"--least-faults={least}", *workers)
    assert ended.ret == code
    ended.stdout.fnmatch_lines(["kill* 2 * 2", "in all* 2 * 2"])
