"""How long a comparison takes: twelve large subsets on one processor, and a million rows.

    python benchmarks/decision.py --only speed

Twelve subsets of 5,000 paired items in clusters of three with unequal weights, every test and
interval, on one processor with one thread. Then a million rows, 500,000 items in both arms, from a
Parquet file and from JSON Lines, reading included. Each in a process of its own, three times; the
median counts. The bars are held against the seconds of all processors together, which a machine
that is busy with other things does not lengthen and several threads do not shorten.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.settings import GateSettings

ROUNDS: Final = 3
SUBSETS: Final = 12
PAIRS: Final = 5_000
MILLION: Final = 500_000
POLICY: Final = GateSettings(looks=())
Seconds = tuple[float, float]


def measure(runs: int) -> list[dict[str, Any]]:
    """Rows of claim, bar, value, lower, upper, met, in seconds; `runs` changes nothing."""
    del runs
    with tempfile.TemporaryDirectory() as folder:
        large = _trials(MILLION // SUBSETS * SUBSETS, clustered=False)
        parquet, lines = Path(folder, "trials.parquet"), Path(folder, "trials.jsonl")
        large.write_parquet(parquet)
        large.write_ndjson(lines)
        del large
        return [
            *_rows("12 subsets of 5,000 pairs, clusters and weights, one processor", 2.0, _small),
            *_rows("a million rows of Parquet, reading included", 10.0, _parquet, parquet),
            *_rows("a million rows of JSON Lines, reading included", 10.0, _json_lines, lines),
        ]


def _rows(
    claim: str, bar: float, task: Callable[..., Seconds], *arguments: Path
) -> list[dict[str, Any]]:
    taken = []
    for _ in range(ROUNDS):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            taken.append(pool.submit(task, *arguments).result())
    rows = []
    for unit, seconds, limit in (
        ("processor seconds", [processor for _, processor in taken], bar),
        ("seconds on the clock", [clock for clock, _ in taken], None),
    ):
        value = statistics.median(seconds)
        rows.append(
            {
                "claim": f"{claim}: {unit}",
                "bar": None if limit is None else f"<= {limit:g}",
                "value": value,
                "lower": min(seconds),
                "upper": max(seconds),
                "met": None if limit is None else value <= limit,
            }
        )
    return rows


def _timed(task: Callable[[], object]) -> Seconds:
    clock, processor = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - clock, time.process_time() - processor


def _small() -> Seconds:
    """One processor and one thread, where the system lets a process choose."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    trials = _trials(SUBSETS * PAIRS, clustered=True)
    return _timed(lambda: compare(trials, policy=POLICY))


def _parquet(path: Path) -> Seconds:
    return _timed(lambda: compare(pl.read_parquet(path), policy=POLICY))


def _json_lines(path: Path) -> Seconds:
    return _timed(lambda: compare(pl.read_ndjson(path), policy=POLICY))


def _trials(items: int, *, clustered: bool) -> pl.DataFrame:
    """Two arms on the same items, each item in one of the subsets."""
    generator = np.random.default_rng(3)
    number = np.arange(items)
    named = pl.Series(number).cast(pl.String)
    shared = pl.DataFrame(
        {
            "item_id": "item-" + named,
            "cluster_id": "c-" + (pl.Series(number // 3).cast(pl.String) if clustered else named),
            "subsets": ("s" + pl.Series(number % SUBSETS).cast(pl.String))
            .reshape((-1, 1))
            .arr.to_list(),
        }
    ).with_columns(
        trial=pl.lit(1, pl.Int64),
        look=pl.lit(1, pl.Int64),
        source=pl.lit("golden"),
        score_error=pl.lit("", pl.String),
    )
    if clustered:
        shared = shared.with_columns(weight=pl.Series(generator.uniform(0.5, 4, items)))
    return pl.concat(
        shared.with_columns(
            pl.lit(arm).alias("arm"),
            pl.Series("score", (generator.random(items) < 0.84).astype(float)),
        )
        for arm in ("baseline", "candidate")
    )
