"""What comparing a candidate with the baseline takes, by default on twelve subsets of 5,000 pairs.

    python benchmarks/comparison.py [--subsets 12] [--pairs 5000] [--rounds 5]

Both arms pass 84 % of the items, item by item apart. Prints the median and range over the rounds,
and the median of the processor's time, which tells how busy the machine was with other things.
Exits with 1 if the median is longer than the bar.
"""

import argparse
import statistics
import sys
import time
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import REGRESSION_TRIALS

BAR_SECONDS: Final = 2.0
PASS_RATE: Final = 0.84
SEED: Final = 3


def main() -> int:
    """Runs the benchmark; 0 if the bar holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--subsets", type=int, default=12)
    parser.add_argument("--pairs", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    trials = _trials(chosen.subsets, chosen.pairs)
    rounds = [_measured(trials) for _ in range(chosen.rounds)]
    seconds = [wall for wall, _ in rounds]
    median = statistics.median(seconds)
    print(
        f"{chosen.subsets} subsets of {chosen.pairs} pairs: {median:.2f} s "
        f"({min(seconds):.2f} to {max(seconds):.2f}), "
        f"processor {statistics.median(cpu for _, cpu in rounds):.2f} s (bar {BAR_SECONDS:g} s)"
    )
    return int(median > BAR_SECONDS)


def _measured(trials: pl.DataFrame) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    compare(trials, policy=GateSettings(looks=(), aggregate_tolerance=0.05))
    return time.perf_counter() - clock, time.process_time() - processor


def _trials(subsets: int, pairs: int) -> pl.DataFrame:
    """REGRESSION_TRIALS of two arms on the same items, each item in one subset."""
    generator = np.random.default_rng(SEED)
    names = [f"s{number:02d}" for number in range(subsets) for _ in range(pairs)]
    ids = [f"{name}-{place:06d}" for place, name in enumerate(names)]
    own = {
        "item_id": ids,
        "cluster_id": ids,
        "subsets": [[name] for name in names],
    }
    constants = {
        "system_id": "s", "trial": 1, "source": "golden", "look": 1, "golden_version": 1,
        "scorer": "exact", "status": "answered", "attempts": 1,
    }  # fmt: skip
    arms = [
        pl.DataFrame(
            {**own, "score": (generator.random(len(ids)) < PASS_RATE).astype(float)}
        ).with_columns(arm=pl.lit(arm))
        for arm in ("baseline", "candidate")
    ]
    rows = pl.concat(arms)
    return rows.with_columns(
        pl.lit(constants.get(name), dtype=dtype).alias(name)
        for name, dtype in REGRESSION_TRIALS.schema.items()
        if name not in rows.columns
    ).select(list(REGRESSION_TRIALS.schema))


if __name__ == "__main__":
    sys.exit(main())
