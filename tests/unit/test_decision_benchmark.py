"""What `make bench-decision` runs and prints, without the simulations."""

import sys
from types import ModuleType
from typing import Any

import pytest

from benchmarks import decision

ROWS: list[dict[str, Any]] = [
    {"claim": "block", "bar": "<= 0.01", "value": 0.002, "lower": 0.0, "upper": 0.01, "met": True},
    {"claim": "passes", "bar": ">= 0.95", "value": 0.9, "lower": 0.88, "upper": 0.92, "met": False},
    {"claim": "told", "bar": None, "value": 0.4, "lower": None, "upper": None, "met": None},
]  # fmt: skip


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("decision_rates")
    module.measure = lambda _runs: ROWS  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "decision_rates", module)


def test_every_module_that_measures_is_run_and_worlds_are_none() -> None:
    assert {"coverage", "rates", "speed"} <= set(decision.names())
    assert "worlds" not in decision.names()


def test_a_missed_bar_is_told_in_the_table_and_rows_without_bar_are_only_told() -> None:
    lines = decision.table(ROWS).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "0 to 0.01" in lines[2]
    assert lines[2].rstrip(" |").endswith("met")
    assert "**missed**" in lines[3]
    assert "met" not in lines[4]


@pytest.mark.usefixtures("simulated")
def test_a_missed_bar_fails_unless_bars_are_left_out(tmp_path, capsys) -> None:
    out = tmp_path / "rates.md"
    assert decision.main(["--only", "rates", "--out", str(out)]) == 1
    assert "1 bars missed" in capsys.readouterr().out
    assert out.read_text(encoding="utf-8").startswith("### rates (1000 runs")
    assert decision.main(["--only", "rates", "--no-bars"]) == 0
