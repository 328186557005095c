"""The runner beside its peers, on one loopback provider, each as a whole process.

    python benchmarks/runner.py [--peers FOLDER] [--only NAME ...] [--without-peers] [--repeats 3]

Steady load, realistic latency, a storm of 429 and 500, hangs and resets on top, a SIGKILL half-way,
and ten times the calls. What each client lost or asked for twice is the provider's own count.
"""

import argparse
import heapq
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner_clients import Client, Load, install_peers, ours, peers, versions
from runner_measure import Cost, provider, run
from runner_server import Behaviour

LIMIT_SECONDS = 240.0
HALF = 0.5
LONG_SECONDS = 30.0


@dataclass(frozen=True)
class Scenario:
    """A load on a provider that behaves as its options say; `ideal` is in seconds, if known."""

    name: str
    told: str
    load: Load
    options: tuple[str, ...]
    ideal: float | None = None
    kill: bool = False
    peers: bool = True


def lognormal_ideal(load: Load, *, median_ms: float) -> float:
    """Seconds that no client can beat: each call starts when one of the places is free."""
    behaviour = Behaviour(0, median_ms / 1000, 0.5, {}, None, None, 1)
    busy = [0.0] * load.concurrency
    for number in range(load.calls):
        free = heapq.heappop(busy)
        heapq.heappush(busy, free + behaviour.draw(str(number), 1)[1])
    return max(busy)


def scenarios() -> list[Scenario]:
    """What is measured, in the order of the table."""
    steady, storm = Load(2000, 128), Load(2000, 64)
    realistic = Load(20_000, 128)
    hanging, killed = Load(2000, 64, timeout=5.0), Load(2000, 32)
    throttled = ("--share-429", "0.3", "--share-500", "0.1")
    return [
        Scenario(
            "steady",
            "2,000 calls of 50 ms, 128 at once",
            steady,
            ("--latency-ms", "50"),
            ideal=2000 * 0.05 / 128,
        ),
        Scenario(
            "realistic",
            "20,000 calls, lognormal latency of median 400 ms, 128 at once",
            realistic,
            ("--lognormal-median-ms", "400"),
            ideal=lognormal_ideal(realistic, median_ms=400),
            peers=False,
        ),
        Scenario(
            "storm",
            "2,000 calls of 50 ms, 64 at once, 30 % 429 and 10 % 500",
            storm,
            ("--latency-ms", "50", *throttled),
        ),
        Scenario(
            "faults",
            "the storm, and 2 % hangs and 1 % resets, 5 s a try",
            hanging,
            ("--latency-ms", "50", *throttled, "--share-hang", "0.02", "--share-reset", "0.01"),
        ),
        Scenario(
            "kill",
            "2,000 calls of 50 ms, 32 at once, SIGKILL half-way, resumed",
            killed,
            ("--latency-ms", "50"),
            kill=True,
        ),
        Scenario(
            "many",
            "20,000 calls of 50 ms, 128 at once",
            Load(20_000, 128),
            ("--latency-ms", "50"),
            ideal=20_000 * 0.05 / 128,
            peers=False,
        ),
    ]


def measure(client: Client, scenario: Scenario) -> Cost:
    """One run of one client, on a fresh provider and in a folder of its own."""
    with tempfile.TemporaryDirectory() as name, provider(scenario.options) as port:
        folder = Path(name)

        def go(command: Sequence[str], *, kill_when_paid: int | None = None) -> Cost:
            return run(
                command,
                port=port,
                folder=folder,
                variables=client.variables(scenario.load),
                limit_seconds=LIMIT_SECONDS,
                kill_when_paid=kill_when_paid,
            )

        start = client.start(scenario.load, port, folder)
        if not scenario.kill:
            return go(start)
        go(start, kill_when_paid=int(scenario.load.calls * HALF))
        again = start if client.resume is None else client.resume(scenario.load, port, folder)
        return go(again)


def median_cost(costs: Sequence[Cost]) -> Cost:
    """The run of median duration: its figures belong together."""
    return sorted(costs, key=lambda cost: cost.seconds)[len(costs) // 2]


def row(client: Client, scenario: Scenario, cost: Cost) -> list[str]:
    """One line of the table."""
    seen = cost.counts
    calls = scenario.load.calls
    lost = calls - seen["ids"] + seen["never_paid"]
    share = "" if scenario.ideal is None else f"{scenario.ideal / cost.seconds:.1%}"
    return [
        scenario.name,
        client.name,
        f"{cost.seconds:.2f}" if cost.finished else f"over {LIMIT_SECONDS:.0f}",
        share,
        f"{1000 * cost.cpu_seconds / calls:.2f}",
        f"{cost.peak_mb:.0f}",
        str(lost),
        str(seen["paid_twice"]),
        str(seen["requests"]),
    ]


HEADINGS = (
    "scenario",
    "client",
    "seconds",
    "of ideal",
    "CPU ms a call",
    "peak MB",
    "unanswered",
    "paid twice",
    "requests",
)


def lines(
    chosen: Sequence[Scenario], clients: Sequence[Client], *, repeats: int
) -> Iterator[list[str]]:
    """The table's rows as they are measured; peers only where the scenario asks for them."""
    for scenario in chosen:
        for client in clients if scenario.peers else clients[:1]:
            print(f"{scenario.name}: {client.name} ...", file=sys.stderr, flush=True)
            once = (
                client is not clients[0] or scenario.ideal is None or scenario.ideal > LONG_SECONDS
            )
            times = 1 if once else repeats
            costs = [measure(client, scenario) for _ in range(times)]
            yield row(client, scenario, median_cost(costs))


def main() -> None:
    """Reads the command line, measures, prints Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, default=Path(".bench-peers"))
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="scenarios by name")
    parser.add_argument("--repeats", type=int, default=3, help="of ours; the median is shown")
    asked = parser.parse_args()
    chosen = [each for each in scenarios() if not asked.only or each.name in asked.only]
    clients = [ours()]
    if not asked.without_peers:
        asked.peers.mkdir(exist_ok=True)
        installed = install_peers(asked.peers.resolve())
        clients += peers(installed)
        print(", ".join(f"{name} {version}" for name, version in versions(installed).items()))
    start_up = statistics.median(measure(clients[0], idle()).cpu_seconds for _ in range(3))
    print(f"Start-up of ours, one call: {start_up:.2f} s of processor time.\n")
    for scenario in chosen:
        print(f"- {scenario.name}: {scenario.told}")
    print(f"\n| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
    for cells in lines(chosen, clients, repeats=asked.repeats):
        print(f"| {' | '.join(cells)} |", flush=True)


def idle() -> Scenario:
    """One call: what starting costs."""
    return Scenario("idle", "one call", Load(1, 1), ("--latency-ms", "1"))


if __name__ == "__main__":
    main()
