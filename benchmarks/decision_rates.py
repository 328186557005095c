"""How often the gate is wrong, beside rules that are in use elsewhere, in one simulation.

    python benchmarks/decision.py --only rates [--runs 1000]

Each cell is a candidate that is as it is said, tried `runs` times through comparison, top-ups and
decision at the default policy. The other rules see the first look of the same candidates:

- point: any subset's difference below minus the tolerance blocks, else pass;
- point, retried: as point, and what is red is tried once more from the start;
- aggregate: the overall difference below -2 points blocks, else pass;
- harm: Holm over the subsets' tests of any harm at 5 % blocks, else pass.
"""

import os
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # the runs share the processors

import scipy
from decision_worlds import BROKEN, SUBSETS, World, decided, first_look

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.paired_tests import holm
from eval_pipeline.settings import GateSettings

CONFIDENCE: Final = 0.95
CHUNK: Final = 25
POLICY: Final = GateSettings()
LENIENT: Final = GateSettings(aggregate_tolerance=0.05)
ONE_LOOK: Final = GateSettings(looks=(), block_fraction=0.0)
OVERALL: Final = -0.02
RULES: Final = ("gate", "point", "point, retried", "aggregate", "harm")


@dataclass(frozen=True)
class Cell:
    """A world, the policy it is tried at, and the bars of the gate: event to (sign, rate)."""

    world: World
    policy: GateSettings
    bars: Mapping[str, tuple[str, float]]


QUIET: Final = {"block": ("<=", 0.01), "pass": (">=", 0.95)}
HOLE: Final = {"pass": ("<=", 0.01), "block the right subset": (">=", 0.99)}
CELLS: Final = (
    Cell(World("no regression, the same model twice", 0.048, 0.048), POLICY, QUIET),
    Cell(World("no regression, another model", 0.075, 0.075), POLICY, QUIET),
    *(
        Cell(
            World(
                f"one subset at -10 points, n = {n}", 0.075, 0.075, broken_drop=0.10, broken_items=n
            ),
            POLICY,
            HOLE,
        )
        for n in (30, 50, 100, 200)
    ),
    *(
        Cell(
            World(
                f"one subset at -5 points, the tolerance, n = {n}",
                0.075,
                0.075,
                broken_drop=0.05,
                broken_items=n,
            ),
            POLICY,
            {"pass": ("<=", 0.05)},
        )
        for n in (30, 100)
    ),
    Cell(
        World("-2 points everywhere, tolerated", 0.065, 0.085),
        LENIENT,
        {"block": ("<=", 0.03)},
    ),
    Cell(World("-2 points everywhere, overall tolerance 2", 0.065, 0.085), POLICY, {}),
)
"""-2 points are tolerated where the overall tolerance is more than 2 points as well; the last cell
is what the default makes of it, which sits on its edge: it has no bar."""


def measure(runs: int, *, workers: int = 2) -> list[dict[str, Any]]:
    """Rows of claim, bar, value, lower, upper, met: the gate's bars, then all rules' rates."""
    barred, told = [], []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for cell in CELLS:
            starts = range(0, runs, CHUNK)
            jobs = [(cell, range(start, min(runs, start + CHUNK))) for start in starts]
            counts: Counter[tuple[str, str]] = Counter()
            for part in pool.map(_count, jobs):
                counts.update(part)
            barred += [
                _row(cell, "gate", event, counts["gate", event], runs, bar=bar)
                for event, bar in cell.bars.items()
            ]
            told += [
                _row(cell, rule, event, counts[rule, event], runs)
                for rule in RULES
                for event in _events(cell, rule)
                if rule != "gate" or event not in cell.bars
            ]
            print(f"  {cell.world.name}: {dict(sorted(counts.items()))}", file=sys.stderr)
    return barred + told


def _events(cell: Cell, rule: str) -> list[str]:
    named = ["block the right subset"] if cell.world.broken_drop and rule != "aggregate" else []
    return ["block", "pass", *named]


def _row(
    cell: Cell,
    rule: str,
    event: str,
    count: int,
    runs: int,
    *,
    bar: tuple[str, float] | None = None,
) -> dict[str, Any]:
    found = scipy.stats.binomtest(count, runs).proportion_ci(CONFIDENCE, method="exact")
    value = count / runs
    met = None
    if bar is not None:
        met = value <= bar[1] if bar[0] == "<=" else value >= bar[1]
    return {
        "claim": f"{cell.world.name}: {rule}, {event}",
        "bar": None if bar is None else f"{bar[0]} {bar[1]:g}",
        "value": value,
        "lower": float(found.low),
        "upper": float(found.high),
        "met": met,
    }


def _count(job: tuple[Cell, range]) -> Counter[tuple[str, str]]:
    cell, runs = job
    counts: Counter[tuple[str, str]] = Counter()
    for run in runs:
        for rule, blocked in _verdicts(cell, run).items():
            verdict = "pass" if blocked == () else "inconclusive" if blocked is None else "block"
            counts[rule, verdict] += 1
            counts[rule, "block the right subset"] += BROKEN in (blocked or ())
    return counts


def _verdicts(cell: Cell, run: int) -> dict[str, tuple[str, ...] | None]:
    """By rule: the subsets that block, empty for a pass, None for neither."""
    decision = decided(cell.world, run, policy=cell.policy)
    blocked = tuple(
        each.subset for each in (decision.aggregate, *decision.subsets) if each.state == "blocked"
    )
    first = _look(cell.world, run, attempt="first")
    point = _below(first, cell.policy)
    retried = _below(_look(cell.world, run, attempt="again"), cell.policy) if point else ()
    overall = first["all"]["difference"] < OVERALL
    harm = holm({name: row["p_harm"] for name, row in first.items() if name != "all"})
    return {
        "gate": blocked
        if decision.verdict == "block"
        else ()
        if decision.verdict == "pass"
        else None,
        "point": point,
        "point, retried": retried,
        "aggregate": ("all",) if overall else (),
        "harm": tuple(name for name, p_value in harm.items() if p_value <= 1 - CONFIDENCE),
    }


def _look(world: World, run: int, *, attempt: str) -> dict[str, dict[str, Any]]:
    trials = first_look(world, run, attempt=attempt)
    report = compare(trials, policy=ONE_LOOK, subsets=SUBSETS)
    return {row["subset"]: row for row in report.iter_rows(named=True)}


def _below(rows: Mapping[str, Mapping[str, Any]], policy: GateSettings) -> tuple[str, ...]:
    return tuple(
        name
        for name, row in rows.items()
        if name != "all" and row["difference"] < -policy.tolerance_of(name)
    )
