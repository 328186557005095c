"""Is a planted change named by its own component, and by no other?

    python benchmarks/decision_attribution.py [--runs 300]

Prints the confusion matrix of what was planted against what `decompose` named as drift, and exits
with 1 where a bar is missed.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from attribution_worlds import CAUSES, PLANTED, named_in, two_weeks

from eval_pipeline.statistics.proportions import wilson

SEED: Final = 82
BAR: Final = 0.95
MOST: Final = 400
CONFIDENCE: Final = 0.95
SMALL: Final = -0.1
"""Half of what is planted otherwise: one week often cannot tell it, but must blame no other."""
Matrix = dict[str, Counter[frozenset[str]]]


def measure(runs: int) -> list[dict[str, Any]]:
    """One row per cause: the share of runs that named it and nothing else, against its bar.

    `lower` and `upper` are Wilson's at 95 %. For half the change the share of runs that blamed
    anything else, and, without a bar, that named the cause alone. At most MOST runs are taken.
    """
    runs = min(runs, MOST)
    return _rows(confusion(runs, size=PLANTED), _small(runs), runs)


def _small(runs: int) -> Matrix:
    return confusion(runs, size=SMALL, causes=("truth", "judge", "provider"))


def _rows(matrix: Matrix, small: Matrix, runs: int) -> list[dict[str, Any]]:
    rows = []
    for cause in CAUSES:
        wanted = frozenset() if cause == "nothing" else frozenset({cause})
        right = matrix[cause][wanted]
        claim = f"planted {cause}: named by its own component, no other (200 items, 400 a week)"
        rows.append(_row(claim, right / runs, runs, at_least=BAR))
    diagonal = sum(
        matrix[cause][frozenset() if cause == "nothing" else frozenset({cause})] for cause in CAUSES
    )
    claim = "attribution: right over all planted shifts"
    rows.append(_row(claim, diagonal / (runs * len(CAUSES)), runs * len(CAUSES), at_least=BAR))
    for cause in small:
        blamed = sum(times for named, times in small[cause].items() if named - {cause})
        claim = f"planted {cause} of 10 points: another component is blamed"
        rows.append(_row(claim, blamed / runs, runs, at_most=1 - BAR))
        found = small[cause][frozenset({cause})]
        rows.append(_row(f"planted {cause} of 10 points: named in one week", found / runs, runs))
    return rows


def _row(
    claim: str,
    value: float,
    runs: int,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> dict[str, Any]:
    lower, upper = wilson(value, runs, confidence=CONFIDENCE)
    bar, met = None, None
    if at_least is not None:
        bar, met = f">= {at_least:g}", value >= at_least
    elif at_most is not None:
        bar, met = f"<= {at_most:g}", value <= at_most
    return {"claim": claim, "bar": bar, "value": value, "lower": lower, "upper": upper, "met": met}


def confusion(runs: int, *, size: float, causes: Sequence[str] = CAUSES) -> Matrix:
    """Per planted cause, how often each set of components was named."""
    return {
        cause: Counter(
            named_in(two_weeks(_generator(cause, run), cause=cause, size=size))
            for run in range(runs)
        )
        for cause in causes
    }


def _generator(cause: str, run: int) -> np.random.Generator:
    return np.random.default_rng([SEED, CAUSES.index(cause), run])


def main() -> int:
    """Runs the benchmark; 0 if every bar holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    runs = parser.parse_args().runs
    matrix = confusion(runs, size=PLANTED)
    for cause, found in matrix.items():
        told = ", ".join(
            f"{' + '.join(sorted(named)) or 'nothing'} {times / runs:.3f}"
            for named, times in found.most_common()
        )
        print(f"planted {cause:9} named {told}")
    rows = _rows(matrix, _small(runs), runs)
    for row in rows:
        mark = {True: "met", False: "MISSED", None: ""}[row["met"]]
        print(
            f"{mark:6} {row['value']:.3f} ({row['lower']:.3f} to {row['upper']:.3f}), "
            f"bar {row['bar'] or 'none'}: {row['claim']}"
        )
    return int(any(row["met"] is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
