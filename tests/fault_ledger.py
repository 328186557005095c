"""The ledger of the fault suite: every fault that a test injects is counted, and told at the end.

`tests/conftest.py` takes the hooks below as its own; tests get at it by the fixture
`fault_ledger` of `tests/faults`, and count with `fault_ledger.injected(kind, where)`. Under xdist
each worker hands its faults to the process that tells.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

SEED = os.environ.get("EVAL_PIPELINE_FAULT_SEED", "1")
"""Chooses the points at which faults strike; the same seed chooses the same points."""


@dataclass
class FaultLedger:
    """The faults that were injected, in their order."""

    faults: list[tuple[str, str]] = field(default_factory=list)
    """What was done, and where: `("kill", "publish, before rename (17)")`."""

    def injected(self, kind: str, where: str) -> None:
        """Counts one fault, once it has struck; what comes of it is the test's to judge."""
        self.faults.append((kind, where))

    def table(self) -> list[str]:
        """Lines for people: faults and places by kind, and how many in all."""
        kinds = Counter(kind for kind, _ in self.faults)
        places = {kind: len({where for one, where in self.faults if one == kind}) for kind in kinds}
        width = max(map(len, [*kinds, "in all"]))
        lines = [f"{'fault':<{width}}  injected  places"]
        lines += [
            f"{kind:<{width}}  {count:>8}  {places[kind]:>6}"
            for kind, count in sorted(kinds.items())
        ]
        return [*lines, f"{'in all':<{width}}  {len(self.faults):>8}  {sum(places.values()):>6}"]


LEDGER = pytest.StashKey[FaultLedger]()


def ledger_of(config: pytest.Config) -> FaultLedger:
    """This process's ledger."""
    return config.stash.setdefault(LEDGER, FaultLedger())


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make test-faults` asks for."""
    parser.addoption(
        "--least-faults",
        type=int,
        default=0,
        metavar="N",
        help="fail the run when its tests injected fewer than N faults in all",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes over what a worker's tests injected."""
    told: Sequence[Sequence[str]] = getattr(node, "workeroutput", {}).get("faults", ())
    ledger_of(node.config).faults.extend((kind, where) for kind, where in told)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the faults on, or fails a run that injected too few."""
    config, ledger = session.config, ledger_of(session.config)
    if hasattr(config, "workeroutput"):
        config.workeroutput["faults"] = ledger.faults
    elif len(ledger.faults) < config.getoption("--least-faults"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The table, where any fault was injected or should have been."""
    ledger, least = ledger_of(config), int(config.getoption("--least-faults"))
    if not ledger.faults and not least:
        return
    terminalreporter.section(f"injected faults (EVAL_PIPELINE_FAULT_SEED={SEED})")
    for line in ledger.table():
        terminalreporter.write_line(line)
    if len(ledger.faults) < least:
        terminalreporter.write_line(f"These are too few: at least {least} were asked for.")
