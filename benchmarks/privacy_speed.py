"""How fast personal data is found: documents a second, each engine in processes of its own."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
from privacy_engines import PRESIDIO
from privacy_rates import DOCUMENTS, RATES, WHOLE
from privacy_tables import Table
from privacy_texts import texts

TWO_PROCESSES: Final = "whole engine, two processes"
TEXTS: Final = ("plain", "dense")


def measured(name: str, *, dense: bool, seconds: float) -> dict[str, Any]:
    """One engine in a fresh process, or in two at once, whose rates and memory add up."""
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("privacy_rates.py")),
                WHOLE if name == TWO_PROCESSES else name,
                str(seconds),
                "dense" if dense else "plain",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2 if name == TWO_PROCESSES else 1)
    ]
    told = []
    for process in processes:
        output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"measuring '{name}' ended with exit code {process.returncode}")
        told.append(json.loads(output.splitlines()[-1]))
    if any("unavailable" in one for one in told):
        return told[0]
    summed = {key: sum(one[key] for one in told) for key in told[0]}
    return {**summed, "processor": summed["processor"] / len(told)}


def speed(kinds: Sequence[str], *, rounds: int, seconds: float) -> list[Table]:
    """A table for each of these `TEXTS`; engines take turns, so that noise meets all."""
    return [_table(dense=kind == "dense", rounds=rounds, seconds=seconds) for kind in kinds]


def _table(*, dense: bool, rounds: int, seconds: float) -> Table:
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name in (*RATES, TWO_PROCESSES):
            if not (name in runs and "unavailable" in runs[name][0]):
                told = measured(name, dense=dense, seconds=seconds)
                runs.setdefault(name, []).append(told)
    skipped = [
        f"{name}: skipped, {taken[0]['unavailable']}."
        for name, taken in runs.items()
        if "unavailable" in taken[0]
    ]
    present = {name: taken for name, taken in runs.items() if "unavailable" not in taken[0]}
    base = PRESIDIO if PRESIDIO in present else WHOLE
    mean = statistics.mean(map(len, texts(DOCUMENTS, dense=dense)))
    about = (
        f"Medians, in brackets the range, of {rounds} runs of {seconds:g} s in fresh processes; "
        f"one thread each. {os.cpu_count()} processors, Python {platform.python_version()}, DuckDB "
        f"{duckdb.__version__}. Where the two rates of an engine part, the machine was busy with "
        "something else. DuckDB replaces patterns, without validators, context or names."
    )
    return Table(
        f"Speed, {'dense' if dense else 'plain'} texts of {mean:.0f} characters in the mean",
        [
            "engine",
            "documents a second",
            "documents a processor second",
            f"times {base}, by the clock",
            "by the processor",
            "peak, MB",
        ],
        [_row(name, taken, base=present[base]) for name, taken in present.items()],
        [about, *skipped],
    )


def _row(
    name: str, taken: Sequence[dict[str, Any]], *, base: Sequence[dict[str, Any]]
) -> list[str]:
    """Ratios are of runs of the same round."""
    ratios = {
        clock: [one[clock] / of[clock] for one, of in zip(taken, base, strict=True)]
        for clock in ("rate", "processor")
    }
    return [
        name,
        _median([one["rate"] for one in taken]),
        _median([one["processor"] for one in taken]),
        _median(ratios["rate"], decimals=2),
        _median(ratios["processor"], decimals=2),
        _median([one["megabytes"] for one in taken]),
    ]


def _median(values: Sequence[float], *, decimals: int = 0) -> str:
    median = statistics.median(values)
    return f"{median:,.{decimals}f} [{min(values):,.{decimals}f}, {max(values):,.{decimals}f}]"
