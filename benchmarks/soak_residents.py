"""What lives through the whole soak: Dagster's webserver, its daemon, the desk, a webhook."""

import contextlib
import datetime as dt
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 20.0
MODULE: Final = "assets.definitions"
LOCATION: Final = "eval_pipeline"
REPOSITORY: Final = {
    "repositoryLocationName": LOCATION,
    "repositoryName": "__repository__",
}
WATCHED: Final = ("run_failure_alert", "telemetry", "downstream_of_the_schedules")
"""Sensors that the daemon evaluates all along; they ask for no run that a week makes itself."""

DRY_RUN: Final = ("adjudications_complete_sensor", "candidate_file_sensor")
"""Sensors evaluated once a week in the code server, as the daemon would, without the runs."""

SCHEDULES: Final = ("weekly_refresh", "weekly_drift", "weekly_aa", "weekly_digest")

WARM_UP_ROUNDS: Final = 40
WARM_UP_AT: Final = dt.datetime(2025, 1, 13, 3, tzinfo=dt.UTC).timestamp()

QUERIES: Final[Mapping[str, str]] = {
    "asset graph": """query { assetNodes { assetKey { path } groupName
        dependencyKeys { path } partitionDefinition { description } } }""",
    "golden_set partitions": """query { assetNodeOrError(assetKey: {path: ["golden_set"]}) {
        ... on AssetNode { partitionStats { numMaterialized numFailed numPartitions }
        assetPartitionStatuses { ... on TimePartitionStatuses { ranges { status startKey endKey } }
        } } } }""",
    "runs": """query { runsOrError(limit: 25) { ... on Runs { results { runId jobName status
        startTime endTime tags { key value } assetSelection { path } } } } }""",
    "decision's asset": """query { assetOrError(assetKey: {path: ["gate_decision"]}) {
        ... on Asset { assetMaterializations(limit: 20) { partition timestamp metadataEntries {
        label ... on MarkdownMetadataEntry { mdStr } ... on TextMetadataEntry { text } } } } } }""",
    "run's events": """query($runId: ID!) { logsForRun(runId: $runId, limit: 1000) {
        ... on EventConnection { events { __typename ... on MessageEvent { message timestamp } }
        } } }""",
}
"""What the UI's own pages ask, in the fields that cost something."""

WORKSPACE: Final = """load_from:
  - grpc_server:
      host: 127.0.0.1
      port: {port}
      location_name: {name}
"""

TICK: Final = """mutation($selector: %s!) { %s(selectorData: $selector%s) {
    __typename ... on DryRunInstigationTick { evaluationResult { skipReason error { message }
    runRequests { runKey } } } ... on PythonError { message } } }"""


@dataclass
class Webhook:
    """Takes the channel's messages; `taken` counts them."""

    port: int = 0
    taken: int = 0

    @contextmanager
    def listening(self) -> Iterator["Webhook"]:
        """Listens inside the block."""
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                webhook.taken += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()


@dataclass
class Resident:
    """A process that lives through the soak, with the children it has of its own."""

    name: str
    process: "subprocess.Popen[bytes]"

    def memory(self) -> int:
        """Resident bytes of the process and its children now; raises if it ended."""
        if self.process.poll() is not None:
            raise SystemExit(f"{self.name} ended with {self.process.returncode}; see its log.")
        return sum(each.memory_info().rss for each in self._family())

    def processor_seconds(self) -> float:
        """So far, of the process and its living children."""
        return sum(sum(each.cpu_times()[:2]) for each in self._family())

    def stop(self) -> None:
        """Ends it, and whatever it started."""
        family = self._family()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS / 4)
        for each in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()

    def _family(self) -> list[psutil.Process]:
        try:
            head = psutil.Process(self.process.pid)
            return [head, *head.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


@dataclass
class Residents:
    """All of them, and how they are asked."""

    url: str
    desk_url: str
    all: list[Resident] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=120, trust_env=False))

    def memory(self) -> dict[str, int]:
        """Resident bytes by name."""
        return {each.name: each.memory() for each in self.all}

    def processor_seconds(self) -> dict[str, float]:
        return {each.name: each.processor_seconds() for each in self.all}

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL answer; an error in it stops the soak."""
        response = self.client.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}
        )
        response.raise_for_status()
        answer = response.json()
        if "errors" in answer:
            raise SystemExit(f"The UI could not answer: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data

    def newest_run(self) -> str:
        """The id of the newest run of `refresh`."""
        found = self.ask(
            """query { runsOrError(limit: 1, filter: {pipelineName: "refresh"}) {
            ... on Runs { results { runId } } } }"""
        )
        return str(found["runsOrError"]["results"][0]["runId"])

    def tick_sensor(self, name: str) -> None:
        """Evaluates it in the code server, without the runs; an error in it stops the soak."""
        selector = {**REPOSITORY, "sensorName": name}
        self._tick(
            name, TICK % ("SensorSelector", "sensorDryRun", ", cursor: null"), selector=selector
        )

    def tick_schedule(self, name: str, *, at: float) -> None:
        """As `tick_sensor`, at a time in Unix seconds."""
        selector = {**REPOSITORY, "scheduleName": name}
        told = TICK % ("ScheduleSelector", "scheduleDryRun", f", timestamp: {at:.1f}")
        self._tick(name, told, selector=selector)

    def _tick(self, name: str, mutation: str, *, selector: Mapping[str, str]) -> None:
        (told,) = self.ask(mutation, selector=selector).values()
        failed = told.get("message") or (told.get("evaluationResult") or {}).get("error")
        if told["__typename"] != "DryRunInstigationTick" or failed:
            raise SystemExit(f"{name} could not be evaluated: {failed or told['__typename']}")

    def warm_up(self) -> None:
        """As many ticks as production has in a few hours, before anything is measured.

        Worker threads take their memory when they first work; a year of weeks that take a minute
        each would count it as growth.
        """
        for _ in range(WARM_UP_ROUNDS):
            for name in DRY_RUN:
                self.tick_sensor(name)
            for name in SCHEDULES:
                self.tick_schedule(name, at=WARM_UP_AT)

    def sign_in(self, token: str) -> None:
        """At the desk, by its form."""
        answer = self.client.post(f"{self.desk_url}/sign-in", data={"token": token})
        if answer.status_code not in {200, 303}:
            raise SystemExit(f"The desk did not let the soak in: {answer.status_code}.")

    def visit(self, page: str) -> None:
        """A page of the desk."""
        answer = self.client.get(f"{self.desk_url}{page}")
        if answer.status_code != 200:
            raise SystemExit(f"The desk's {page} answered {answer.status_code}.")

    def switch_on(self) -> None:
        """The sensors that the daemon evaluates all along."""
        for name in WATCHED:
            told = self.ask(
                """mutation($selector: SensorSelector!) { startSensor(sensorSelector: $selector) {
                __typename ... on PythonError { message } } }""",
                selector={**REPOSITORY, "sensorName": name},
            )
            if told["startSensor"]["__typename"] != "Sensor":
                raise SystemExit(f"{name} could not be switched on: {told['startSensor']}")


@contextmanager
def residents(folder: Path, *, environment: Mapping[str, str]) -> Iterator[Residents]:
    """One code server, the webserver and the daemon over it, and the desk, all on loopback."""
    port, desk_port, code_port = _free_port(), _free_port(), _free_port()
    workspace = folder / "workspace.yaml"
    workspace.write_text(WORKSPACE.format(port=code_port, name=LOCATION), encoding="utf-8")
    at = ("-w", str(workspace))
    found = Residents(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{desk_port}")
    commands = {
        "code server": (
            *("dagster", "api", "grpc", "-m", MODULE, "-h", "127.0.0.1"),
            *("-p", str(code_port), "--location-name", LOCATION),
        ),
        "webserver": ("dagster_webserver", *at, "-h", "127.0.0.1", "-p", str(port)),
        "daemon": ("dagster._daemon", "run", *at),
        "desk": ("eval_pipeline", "review", "serve", "--port", str(desk_port)),
    }
    try:
        for name, command in commands.items():
            log = folder / f"{name.replace(' ', '-')}.log"
            found.all.append(Resident(name, _start(command, log=log, environment=environment)))
            if name == "code server":
                _wait_for_port(code_port, found)
        _wait(found)
        found.switch_on()
        yield found
    finally:
        for each in found.all:
            each.stop()


@contextmanager
def nobody() -> Iterator[Residents]:
    """No resident at all, for a soak of the weeks alone."""
    yield Residents("", "")


def _start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


def _wait(found: Residents) -> None:
    deadline = time.monotonic() + START_SECONDS
    waiting = {f"{found.url}/server_info", f"{found.desk_url}/sign-in"}
    while waiting:
        for url in sorted(waiting):
            with contextlib.suppress(httpx.HTTPError):
                found.client.get(url)
                waiting.discard(url)
        found.memory()
        if time.monotonic() > deadline:
            raise SystemExit(f"Nobody answered at {', '.join(sorted(waiting))} in time.")
        time.sleep(0.5)


def _wait_for_port(port: int, found: Residents) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        found.memory()
        if time.monotonic() > deadline:
            raise SystemExit("The code server did not listen in time.")
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
