"""One deployment of several machines, on loopback: each a folder and processes of its own.

The machines share PostgreSQL (Dagster's storage and the store), an S3 (the lake and the logs) and
nothing on disk. `east` and `west` serve the code and run its jobs; the control plane is a third:
Dagster's webserver and daemon.
"""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import sqlalchemy as sa
from ruamel.yaml import YAML

from tests.scenario import ROOT, World

REPOSITORY: Final = "__repository__"
STARTS_WITHIN: Final = 180.0
RUNS_WITHIN: Final = 400.0
DAGSTER_DATABASE: Final = "EVAL_PIPELINE_DAGSTER_DATABASE"
_PID: Final = re.compile(r"\(pid: (\d+)\)")
ENDED: Final = frozenset({"SUCCESS", "FAILURE", "CANCELED"})
LAUNCH: Final = """
mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message stack }
} }"""
OPEN: Final = """
mutation Open($selector: RepositorySelector!, $name: String!) { addDynamicPartition(
  repositorySelector: $selector, partitionsDefName: "candidates", partitionKey: $name
) { __typename ... on PythonError { message } } }"""
STATE: Final = """
query State($run: ID!) { runOrError(runId: $run) {
  ... on Run { status tags { key value } }
} }"""
LOCATIONS: Final = """
query { workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } }
} } } }"""


@dataclass
class Deployment:
    """What a test does to it: asks the webserver, stops a process by its id, starts it again."""

    folder: Path
    world: World
    environment: Mapping[str, str]
    dagster_url: str
    ports: Mapping[str, int]
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    @property
    def logs(self) -> list[Path]:
        return sorted(self.folder.glob("*.log"))

    def serve_code(self, name: str) -> None:
        """A machine that serves the code: its own checkout of the project's folder."""
        port = str(self.ports[name])
        self._start(
            name,
            "-m", "dagster", "api", "grpc", "--module-name", "assets.definitions",
            "--host", "127.0.0.1", "--port", port, "--location-name", name,
            "--use-python-environment-entry-point",
            EVAL_PIPELINE_CONFIG=str(self.folder / name / "eval_pipeline.yaml"),
        )  # fmt: skip
        self._until(lambda: _listens(self.ports[name]), f"{name} serves its code")

    def serve_control(self) -> None:
        """The webserver and the daemon; returns once both code locations are loaded."""
        workspace = ("-w", str(self.folder / "control" / "workspace.yaml"))
        address = ("-h", "127.0.0.1", "-p", str(self.ports["webserver"]))
        self._start("webserver", "-m", "dagster_webserver", *address, *workspace)
        self._start("daemon", "-m", "dagster._daemon", "run", *workspace)
        self._until(lambda: _listens(self.ports["webserver"]), "the webserver listens")
        self._until(lambda: self._loaded() == {"east", "west"}, "both code locations are loaded")

    def launch(self, location: str, job: str, *, partition: str, **config: Any) -> str:
        """Queues a run like the UI does; the daemon starts it on that location."""
        told = self._ask(
            LAUNCH,
            params={
                "selector": {
                    "repositoryLocationName": location,
                    "repositoryName": REPOSITORY,
                    "jobName": job,
                },
                "runConfigData": {"ops": {op: {"config": given} for op, given in config.items()}},
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
            },
        )["launchRun"]
        assert told["__typename"] == "LaunchRunSuccess", told
        return str(told["run"]["runId"])

    def ended(self, *runs: str) -> list[str]:
        """How the runs ended, once the last of them has."""
        self._until(
            lambda: all(self.status(run) in ENDED for run in runs),
            "the runs have ended",
            within=RUNS_WITHIN,
        )
        return [self.status(run) for run in runs]

    def status(self, run: str) -> str:
        return str(self._ask(STATE, run=run)["runOrError"]["status"])

    def worker(self, run: str) -> int:
        """The process that executes the run, as its own events say."""
        engine = sa.create_engine(self.dagster_url, poolclass=sa.NullPool)
        query = sa.text(
            "SELECT event FROM event_logs WHERE run_id = :run AND event LIKE '%(pid: %'"
            " ORDER BY id LIMIT 1"
        )
        found: list[str] = []

        def told() -> bool:
            with engine.connect() as connection:
                events = connection.execute(query, {"run": run}).scalars()
                found.extend(pid for event in events for pid in _PID.findall(event))
            return bool(found)

        self._until(told, f"run {run} has a process")
        return int(found[0])

    def open_candidate(self, location: str, name: str) -> None:
        """Adds the candidate's partition, as its file's sensor does."""
        selector = {"repositoryLocationName": location, "repositoryName": REPOSITORY}
        told = self._ask(OPEN, selector=selector, name=name)["addDynamicPartition"]
        assert told["__typename"] == "AddDynamicPartitionSuccess", told

    def parents(self, pid: int) -> set[str]:
        """The deployment's processes above this one."""
        named = {process.pid: name for name, process in self.processes.items()}
        found = set()
        while pid > 1:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            found |= {named[pid]} if pid in named else set()
        return found

    def stop(self, name: str) -> None:
        """Ends one process as an operator would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def _loaded(self) -> set[str]:
        entries = self._ask(LOCATIONS)["workspaceOrError"].get("locationEntries", [])
        failed = [
            entry
            for entry in entries
            if (entry["locationOrLoadError"] or {}).get("__typename") == "PythonError"
        ]
        assert not failed, failed
        return {entry["name"] for entry in entries if entry["loadStatus"] == "LOADED"}

    def _ask(self, query: str, **variables: Any) -> Any:
        reply = httpx.post(
            f"http://127.0.0.1:{self.ports['webserver']}/graphql",
            json={"query": query, "variables": variables},
            timeout=120,
        ).json()
        assert "errors" not in reply, reply["errors"]
        return reply["data"]

    def _start(self, name: str, *arguments: str, **variables: str) -> None:
        home = self.folder / ("control" if name in ("webserver", "daemon") else name)
        environment = {**self.environment, "DAGSTER_HOME": str(home / "dagster"), **variables}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                env=environment, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _until(
        self, condition: Callable[[], bool], what: str, *, within: float = STARTS_WITHIN
    ) -> None:
        deadline = time.monotonic() + within
        while not condition():
            gone = [name for name, one in self.processes.items() if one.poll() is not None]
            told = {name: (self.folder / f"{name}.log").read_text()[-3000:] for name in gone}
            assert not gone, told
            assert time.monotonic() < deadline, f"Not within {within:.0f} s: {what}."
            time.sleep(0.5)


@contextlib.contextmanager
def deployed(
    folder: Path,
    world: World,
    *,
    dagster_url: str,
    bucket: str,
    environment: Mapping[str, str],
) -> Iterator[Deployment]:
    """`world`, which has run no job yet, over `bucket` (s3://…) and the store that the variable
    EVAL_PIPELINE_STORE of `environment` names."""
    ports = dict(zip(("east", "west", "webserver"), _free_ports(3), strict=True))

    def share(tree: Any) -> None:
        tree["storage"] = {"lake": f"{bucket}/lake", "store": "env:EVAL_PIPELINE_STORE"}
        tree["logs"]["path"] = f"{bucket}/logs/week={{week}}/*.parquet"

    world.configure(share)
    for name in ("east", "west", "control"):
        _write_instance(folder / name / "dagster")
        shutil.copyfile(world.config, folder / name / "eval_pipeline.yaml")
        shutil.copytree(world.folder / "candidates", folder / name / "candidates")
    servers = [
        {"grpc_server": {"host": "127.0.0.1", "port": ports[name], "location_name": name}}
        for name in ("east", "west")
    ]
    with (folder / "control" / "workspace.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump({"load_from": servers}, file)
    shared = {
        **world.environment(),
        **environment,
        DAGSTER_DATABASE: _for_dagster(dagster_url),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    here = Deployment(folder, world, shared, dagster_url, ports)
    try:
        for name in ("east", "west"):
            here.serve_code(name)
        here.serve_control()
        yield here
    finally:
        for name in list(here.processes):
            here.stop(name)


def _deployed_instance() -> Any:
    """What `deploy/dagster.yaml` says of Dagster's instance."""
    text = (ROOT / "deploy" / "dagster.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe", pure=True).load(text)


def _for_dagster(url: str) -> str:
    """The address with the driver that the deployment names."""
    scheme = _deployed_instance()["storage"]["postgres"]["postgres_db"]["scheme"]
    return sa.make_url(url).set(drivername=scheme).render_as_string(hide_password=False)


def _write_instance(home: Path) -> None:
    """The deployment's own instance, but for where its database and its folders are.

    The tests' server is reached by a socket of the file system, which has no port.
    """
    tree = _deployed_instance()
    tree["storage"]["postgres"] = {"postgres_url": {"env": DAGSTER_DATABASE}}
    for place in ("compute_logs", "local_artifact_storage"):
        tree[place]["config"]["base_dir"] = str(home / "logs")
    tree["run_monitoring"]["poll_interval_seconds"] = 2
    home.mkdir(parents=True)
    with (home / "dagster.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(tree, file)


def _free_ports(count: int) -> Sequence[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
