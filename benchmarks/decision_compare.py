"""What `compare` takes for a million rows of our own files, read and decided on.

    python benchmarks/decision_compare.py [--rows 1000000] [--rounds 3]

Both files together hold the rows; each item stands in one of twelve subsets and bears latency and
cost. The bar is on the processor's seconds, summed over all threads: on an idle machine the clock
shows less, and on a busy one what other programs take is not ours. The clock is told beside it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.adapters.result_files.contract import Asked
from eval_pipeline.adapters.result_files.recognising import read_scored
from eval_pipeline.flows.compare_files import compare_files
from eval_pipeline.settings import GateSettings

BAR_SECONDS: Final = 10.0
ROWS: Final = 1_000_000
SUBSETS: Final = 12
PASS_RATE: Final = 0.84
SEED: Final = 3


def main() -> int:
    """Runs the benchmark; 0 if the bar holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    rows = measured(chosen.rows, rounds=chosen.rounds)
    for row in rows:
        print("{claim}: {value:.2f} s ({lower:.2f} to {upper:.2f})".format_map(row))
    return int(any(row["met"] is False for row in rows))


def measure(runs: int) -> list[dict[str, Any]]:
    """A row per format and kind of second; at most three rounds, as each costs seconds."""
    return measured(ROWS, rounds=max(1, min(3, runs)))


def measured(count: int, *, rounds: int) -> list[dict[str, Any]]:
    """The median over the rounds, with the shortest and the longest as lower and upper."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = {arm: _write(Path(folder), arm, count // 2) for arm in ("baseline", "candidate")}
        for kind in ("parquet", "jsonl"):
            both = [files[arm].with_suffix(f".{kind}") for arm in files]
            taken = [_compare(*both) for _ in range(rounds)]
            for name, seconds in zip(("clock", "processor"), zip(*taken, strict=True), strict=True):
                median = statistics.median(seconds)
                rows.append(
                    {
                        "claim": f"{count:,} rows of {kind}, seconds of the {name}",
                        "bar": f"<= {BAR_SECONDS:g}" if name == "processor" else None,
                        "value": median,
                        "lower": min(seconds),
                        "upper": max(seconds),
                        "met": median <= BAR_SECONDS if name == "processor" else None,
                    }
                )
    return rows


def _compare(baseline: Path, candidate: Path) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    files = [read_scored(file, Asked(), result_format=None) for file in (baseline, candidate)]
    done = compare_files(*files, policy=GateSettings(), names=("baseline", "candidate"))
    assert len(done.decision.subsets) == SUBSETS
    return time.perf_counter() - clock, time.process_time() - processor


def _write(folder: Path, arm: str, items: int) -> Path:
    """The arm as Parquet and as JSON Lines; the path is of the first."""
    generator = np.random.default_rng([SEED, len(arm)])
    rows = pl.DataFrame(
        {
            "item_id": [f"item-{place:07d}" for place in range(items)],
            "score": (generator.random(items) < PASS_RATE).astype(float),
            "subsets": [[f"s{place % SUBSETS:02d}"] for place in range(items)],
            "latency_seconds": generator.gamma(2.0, 0.5, items),
            "cost_usd": generator.random(items) / 1000,
        }
    )
    file = folder / f"{arm}.parquet"
    rows.write_parquet(file)
    rows.write_ndjson(file.with_suffix(".jsonl"))
    return file


if __name__ == "__main__":
    sys.exit(main())
