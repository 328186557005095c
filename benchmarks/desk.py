"""How long "submit and next" takes at the review desk while fifty people label at once.

    python benchmarks/desk.py [--people 50] [--tasks 500] [--think 5] [--seconds 40] [--json]

Every row is a server of its own, `eval-pipeline review serve`, over a store with nothing in it but
the tasks and the people; each person is a thread of this process with one open connection. A submit
is one POST that stores the answer and brings the next task, by the page's script or by the JSON
API. "At work" people think between tasks for so many seconds on average (exponential); "no pause"
they answer at once, which shows how much the server does, and what waiting in line then costs.

Clients and server share the machine's cores: the client is raw sockets, and the CPU that each side
took for a submit stands beside the times. Other programs do too, so the load average is told.
For comparison: the round trips of `/healthz`, which reads one row, under the same clients without a
pause, and the same rows written to SQLite by bare transactions, without a server.

The bar: p95 under 150 ms at work on SQLite, by page and by API; else the exit code is 1.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, cast

import numpy as np
from desk_crowd import Annotator, Connection, Told, Way, crowd
from desk_server import DeskServer, furnish, postgres

BAR_MILLISECONDS: Final = 150
HEALTH_SECONDS: Final = 5


@dataclass(frozen=True)
class Row:
    """One crowd at one server; times in milliseconds, CPU in milliseconds a request."""

    store: str
    asked: str
    pace: str
    requests: int
    per_second: float
    p50: float
    p95: float
    p99: float
    server_cpu: float
    client_cpu: float
    load_average: float
    troubles: tuple[str, ...] = ()

    @property
    def barred(self) -> bool:
        return self.store == "sqlite" and self.pace.startswith("at work")


@dataclass
class Prober:
    """Someone who asks for `/healthz` only."""

    name: str
    port: int
    stop_at: float
    told: Told = field(default_factory=Told)

    def work(self) -> None:
        with Connection(self.port) as connection:
            while time.monotonic() < self.stop_at:
                started = time.perf_counter()
                connection.ask("GET", "/healthz", headers={})
                self.told.seconds.append(time.perf_counter() - started)


def main() -> int:
    options = arguments()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-desk-") as scratch:
        for number, store in enumerate(options.stores):
            with store_url(store, Path(scratch) / f"{number}") as url:
                rows += [*rows_of(store, url, Path(scratch) / f"{number}", options)]
        bare = bare_transactions(Path(scratch) / "bare.sqlite", answers=2 * options.tasks)
    passed = all(row.p95 < BAR_MILLISECONDS for row in rows if row.barred)
    tell(rows, bare=bare, options=options, passed=passed)
    troubled = any(row.troubles for row in rows)
    return 0 if passed and not troubled else 1


def rows_of(store: str, url: str, scratch: Path, options: argparse.Namespace) -> Iterator[Row]:
    for way in cast("Sequence[Way]", ("page", "api")):
        for think in (0.0, options.think):
            with fresh(url) as clean:
                pace = f"at work, {think:g} s" if think else "no pause"
                yield labelling(
                    store, clean, scratch, way=way, think=think, pace=pace, options=options
                )
    with fresh(url) as clean, DeskServer(scratch, clean) as server:
        ends = time.monotonic() + HEALTH_SECONDS
        probers = [Prober(f"{number}", server.port, ends) for number in range(options.people)]
        yield measured(store, "/healthz", "no pause", server, probers)


def labelling(
    store: str,
    url: str,
    scratch: Path,
    *,
    way: Way,
    think: float,
    pace: str,
    options: argparse.Namespace,
) -> Row:
    names = [f"annotator-{number:02d}" for number in range(options.people)]
    tokens = furnish(url, tasks=options.tasks, annotators=names)
    with DeskServer(scratch, url) as server:
        stop_at = time.monotonic() + options.seconds if think else None
        people = [
            Annotator(
                name, tokens[name], server.port, way=way, think_seconds=think, stop_at=stop_at
            )
            for name in names
        ]
        return measured(store, way, pace, server, people)


def measured(
    store: str, asked: str, pace: str, server: DeskServer, people: Sequence[Annotator | Prober]
) -> Row:
    client, serving = time.process_time(), server.cpu_seconds()
    took = crowd(people)
    client, serving = time.process_time() - client, server.cpu_seconds() - serving
    seconds = np.array([one for person in people for one in person.told.seconds])
    p50, p95, p99 = 1000 * np.percentile(seconds, [50, 95, 99])
    return Row(
        store=store,
        asked=asked,
        pace=pace,
        requests=seconds.size,
        per_second=seconds.size / took,
        p50=float(p50),
        p95=float(p95),
        p99=float(p99),
        server_cpu=1000 * serving / seconds.size,
        client_cpu=1000 * client / seconds.size,
        load_average=os.getloadavg()[0],
        troubles=tuple(trouble for person in people for trouble in person.told.troubles),
    )


def bare_transactions(file: Path, *, answers: int) -> float:
    """The rows of an answer and a lease by one writer, as the store sets SQLite; a second."""
    now = dt.datetime.now(tz=dt.UTC).isoformat()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = NORMAL",
            "CREATE TABLE leases (id TEXT PRIMARY KEY, task TEXT, ended_at TEXT)",
            "CREATE TABLE labels (id TEXT PRIMARY KEY, lease TEXT UNIQUE, rationale TEXT)",
            "CREATE TABLE trail (entry INTEGER PRIMARY KEY, at TEXT, what TEXT)",
        ):
            connection.execute(statement)
        started = time.perf_counter()
        for number in range(answers):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO leases VALUES (?, 'task', NULL)", [f"{number}"])
            connection.execute("INSERT INTO labels VALUES (?, ?, 'why')", [f"{number}"] * 2)
            connection.execute("UPDATE leases SET ended_at = ? WHERE id = ?", [now, f"{number}"])
            connection.execute("INSERT INTO trail (at, what) VALUES (?, 'label')", [now])
            connection.execute("COMMIT")
        return answers / (time.perf_counter() - started)


@contextlib.contextmanager
def store_url(store: str, folder: Path) -> Iterator[str]:
    if store == "postgresql":
        with postgres() as url:
            yield url
        return
    yield f"sqlite:///{folder / 'store.sqlite'}"


@contextlib.contextmanager
def fresh(url: str) -> Iterator[str]:
    """The same address with nothing behind it."""
    if url.startswith("sqlite"):
        for file in Path(url.removeprefix("sqlite:///")).parent.glob("store.sqlite*"):
            file.unlink()
    else:
        import sqlalchemy as sa  # noqa: PLC0415 - for one of the two stores alone

        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        engine.dispose()
    yield url


def tell(rows: Sequence[Row], *, bare: float, options: argparse.Namespace, passed: bool) -> None:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    if options.json:
        told = {"machine": machine, "bare_sqlite_per_second": bare, "passed": passed}
        print(json.dumps({**told, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    print(f"{options.people} people, {options.tasks} tasks; {machine}\n")
    names = "store       submit    pace             requests     /s    p50    p95    p99"
    print(f"{names}  CPU server  client  load")
    for row in rows:
        print(
            f"{row.store:<11} {row.asked:<9} {row.pace:<16} {row.requests:>8} "
            f"{row.per_second:>6.0f} {row.p50:>6.0f} {row.p95:>6.0f} {row.p99:>6.0f} "
            f" {row.server_cpu:>7.1f} ms {row.client_cpu:>6.1f}  {row.load_average:>4.1f}"
        )
        for trouble in row.troubles[:3]:
            print(f"    {trouble}")
    print(f"\nBare transactions on SQLite, one writer: {bare:,.0f} a second.")
    print(f"p95 at work on SQLite under {BAR_MILLISECONDS} ms: {'yes' if passed else 'NO'}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--think", type=float, default=5.0, help="mean seconds between tasks")
    parser.add_argument("--seconds", type=float, default=40.0, help="that people are at work")
    parser.add_argument("--stores", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
