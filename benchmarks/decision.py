"""Whether the gate decides at the rates that it states: every `decision_*.py` beside this file.

    python benchmarks/decision.py [--runs 1000] [--only NAME] [--out FILE] [--no-bars]

Each module's `measure(runs)` gives rows of `claim`, `bar` (such as `<= 0.01`, or None), `value`,
`lower`, `upper` (95 %, or None) and `met`. `--only` takes the name after `decision_` and may be
given several times; a module may choose fewer runs than it is asked for where one costs much.
Prints the tables in Markdown, writes them to `--out`, and exits with 1 if a bar is missed.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
HEADER: Final = ("claim", "bar", "measured", "95 % interval", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the simulations; 0 if no bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", action="append", choices=names(), default=[])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--no-bars", action="store_true", help="exit with 0 whatever was measured")
    chosen = parser.parse_args(arguments)
    parts, missed = [], 0
    for name in chosen.only or names():
        started = time.perf_counter()
        rows = importlib.import_module(f"decision_{name}").measure(chosen.runs)
        seconds = time.perf_counter() - started
        parts.append(f"### {name} ({chosen.runs} runs, {seconds:.0f} s)\n\n{table(rows)}\n")
        missed += sum(row["met"] is False for row in rows)
        print(parts[-1], flush=True)
    print(f"{missed} bars missed." if missed else "No bar missed.")
    if chosen.out is not None:
        chosen.out.write_text("\n".join(parts), encoding="utf-8")
    return 1 if missed and not chosen.no_bars else 0


def names() -> list[str]:
    """The simulations there are: modules with a function `measure`."""
    return sorted(
        path.stem.removeprefix("decision_")
        for path in HERE.glob("decision_*.py")
        if "\ndef measure(" in path.read_text(encoding="utf-8")
    )


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows in Markdown, aligned for a terminal."""
    cells = [HEADER, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    ruled = [cells[0], tuple("-" * width for width in widths), *cells[1:]]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in ruled)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    ends = [row["lower"], row["upper"]]
    interval = "" if None in ends else f"{ends[0]:.4g} to {ends[1]:.4g}"
    verdict = {True: "met", False: "**missed**", None: ""}[row["met"]]
    return (row["claim"], row["bar"] or "", f"{row['value']:.4g}", interval, verdict)


if __name__ == "__main__":
    sys.exit(main())
