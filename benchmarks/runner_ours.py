"""Asks a loopback provider through the product's own runner, everything on; prints what it cost.

    python benchmarks/runner_ours.py --port N [--calls 2000] [--concurrency 128]
        [--first-concurrency N] [--attempt-timeout 60] [--maximum-attempts 6] [--store FILE]

Journal in SQLite, typed outcomes, cost, retries, pace: as in a pipeline. Only the masking of
answers is left out (identity), because it is not the runner's. Prints one line of JSON: `seconds`
and `cpu_seconds` of the asking alone, `process_cpu_seconds` with start-up and imports,
`peak_memory_mb`, and the outcomes by status. The ideal wall time is calls x latency / concurrency;
the slow start is part of the cost, so of 2,000 calls at 128 at once it takes a seventh with 8 to
begin with, and a fortieth with 64.
"""

import argparse
import datetime as dt
import json
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.store import Store
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings


def planned(count: int) -> list[ModelCall]:
    """Calls whose last message ends in `request N`."""
    spec = ModelSpec("bench", "bench", (("temperature", 0),), 1.0, 2.0)
    return [
        ModelCall(
            "2026-11-16",
            "assistant",
            f"item-{number:06d}",
            spec,
            (
                Message("system", "You are a careful assistant. Answer in one sentence."),
                Message("user", f"Is this all right? This is request {number}"),
            ),
        )
        for number in range(count)
    ]


def ask(arguments: argparse.Namespace, store: Path) -> dict[str, object]:
    """Runs the calls; what they cost."""
    opened = Store.open(f"sqlite:///{store}")
    settings = ProviderSettings(
        base_url=f"http://127.0.0.1:{arguments.port}/v1",
        concurrency=arguments.concurrency,
        first_concurrency=arguments.first_concurrency,
        total_timeout_seconds=arguments.total_timeout,
        attempt_timeout_seconds=arguments.attempt_timeout,
        maximum_attempts=arguments.maximum_attempts,
    )
    runner = HttpModelRunner(
        {"bench": settings},
        journal=CallJournal(opened.engine),
        redact=lambda texts: [text for text, _ in texts],
        secret=str,
        clock=lambda: dt.datetime.now(dt.UTC),
    )
    calls = planned(arguments.calls)
    started, spent = time.perf_counter(), time.process_time()
    outcomes = runner.run(calls, purpose="the benchmark")
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - spent
    statuses = Counter(outcome.error_code or outcome.status for outcome in outcomes)
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "cpu_ms_a_call": round(1000 * cpu_seconds / len(calls), 3),
        "process_cpu_seconds": round(time.process_time(), 3),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "attempts": sum(outcome.attempts for outcome in outcomes),
        "outcomes": dict(sorted(statuses.items())),
    }


def main() -> None:
    """Reads the command line, asks, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--first-concurrency", type=int)
    parser.add_argument("--total-timeout", type=float, default=600.0)
    parser.add_argument("--attempt-timeout", type=float, default=60.0)
    parser.add_argument("--maximum-attempts", type=int, default=6)
    parser.add_argument("--store", type=Path, help="the journal's file; none: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = arguments.store or Path(folder) / "store.sqlite"
        print(json.dumps(ask(arguments, store)))


if __name__ == "__main__":
    main()
