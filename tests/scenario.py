"""One small world that the integration tests share: two weeks of a pharmacy's logs, run once.

A world is a folder; a copy of it works as well, because the configuration's paths are relative.
"""

import contextlib
import datetime as dt
import hashlib
import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from eval_pipeline.cli.app import app
from eval_pipeline.cli.session import Session
from eval_pipeline.cli.story import DESK
from eval_pipeline.demo.logs import write_logs
from eval_pipeline.demo.pharmacy_models import CHANGED_FROM
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.flows.wiring import Pipeline, utc_now
from eval_pipeline.settings_file import load_project

ROOT = Path(__file__).parents[1]
SEED = 7
CONVERSATIONS = 150
WEEKS = ("2026-09-07", "2026-09-14")
NEXT_WEEK = "2026-09-21"
"""Its logs are there and no job has run on it yet."""
EMPTY_WEEK = "2026-09-28"
MONDAYS = tuple(dt.date.fromisoformat(week) for week in (*WEEKS, NEXT_WEEK))
AFTER_THE_CHANGE = CHANGED_FROM.isoformat()
CANDIDATE = "steady"
BASELINE = "assistant"
SMALL_LOAD = {"load_profile": {"ramp": [1, 4], "rates": [60.0], "requests_per_step": 20}}
KEY = "a key that is long enough for tests"
NOBODY_LISTENS = "http://127.0.0.1:9/v1"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class World:
    """A project's folder, and environment variables that commands in it see (None: unset)."""

    folder: Path
    variables: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "eval_pipeline.yaml"

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def store(self) -> Path:
        return self.folder / "store.sqlite"

    @property
    def home(self) -> Path:
        return self.folder / "dagster"

    @property
    def logs(self) -> Path:
        return self.folder / "demo-logs"

    def copied_to(self, folder: Path, *, provider_url: str) -> "World":
        """An independent world with the same past, whose configuration names this provider."""
        shutil.copytree(self.folder, folder)
        world = World(folder, self.variables)
        world.configure(
            lambda tree: tree["providers"]["pharmacy-cloud"].update(base_url=provider_url)
        )
        return world

    def configure(self, change: Callable[[Any], object]) -> None:
        """Applies `change` to the configuration's tree."""
        yaml = YAML(typ="safe", pure=True)
        tree = yaml.load(self.config.read_text(encoding="utf-8"))
        change(tree)
        with self.config.open("w", encoding="utf-8") as file:
            yaml.dump(tree, file)

    def environment(self, **more: str | None) -> dict[str, str]:
        """The environment of a command in this world."""
        wanted: dict[str, str | None] = {
            **os.environ,
            "EVAL_PIPELINE_CONFIG": str(self.config),
            "EVAL_PIPELINE_KEY": KEY,
            "DAGSTER_HOME": str(self.home),
            **self.variables,
            **more,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    @contextlib.contextmanager
    def entered(self, **more: str | None) -> Iterator[None]:
        """This process with the world's environment, and with its own again afterwards."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environment(**more))
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session in this process."""
        with self.entered():
            session = Session(self.config)
            try:
                yield session
            finally:
                session.pipeline.close()

    @contextlib.contextmanager
    def pipeline(self, *, clock: Callable[[], dt.datetime] = utc_now) -> Iterator[Pipeline]:
        """The project's adapters in this process."""
        with self.entered():
            pipeline = Pipeline(load_project(self.config), clock=clock)
            try:
                yield pipeline
            finally:
                pipeline.close()

    def run(self, *arguments: str, **variables: str | None) -> Ended:
        """The command line in this process, ended as a shell would see it."""
        out, err = io.StringIO(), io.StringIO()
        code: Any = 0
        with (
            self.entered(**variables),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                app(arguments)
            except SystemExit as ended:
                code = ended.code
        return Ended(code or 0, out.getvalue(), err.getvalue())

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """The command line as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "eval_pipeline", *arguments],
            env=self.environment(),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def files(self) -> dict[str, str]:
        """Hash by path of every file in the lake, the catalogue included."""
        return {
            str(path.relative_to(self.lake)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.lake.rglob("*"))
            if path.is_file()
        }

    def count(self, table: str, where: str = "1") -> int:
        """Rows of a table of the operational store."""
        with contextlib.closing(sqlite3.connect(self.store)) as connection:
            query = f"SELECT count(*) FROM {table} WHERE {where}"
            return int(connection.execute(query).fetchone()[0])


def requests_seen(provider: ProviderProcess) -> int:
    """Chat requests that the provider has had so far, whatever it answered."""
    by_model = provider.stats()["requests"]
    return sum(sum(by_status.values()) for by_status in by_model.values())


def new_world(folder: Path, *, provider_url: str) -> World:
    """The world before its first job: configuration, candidate and three weeks of logs."""
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "eval_pipeline.yaml", folder / "eval_pipeline.yaml")
    world = World(folder)
    world.configure(lambda tree: _make_small(tree, provider_url=provider_url))
    write_logs(world.logs, weeks=MONDAYS, seed=SEED, conversations_per_week=CONVERSATIONS)
    (folder / "candidates").mkdir()
    example = ROOT / "examples" / "candidates" / f"{CANDIDATE}.yaml"
    shutil.copyfile(example, folder / "candidates" / example.name)
    return world


def tell_story(world: World) -> None:
    """Every job once: the weeks, a look at the provider, the candidate."""
    with world.session() as session:
        DESK.staff(session.pipeline)
        for week in WEEKS:
            session.launcher.launch("refresh", partition=week)
            DESK.work(session.pipeline, week=week)
            session.launcher.launch("publish", partition=week)
            session.launcher.launch("judge_checks", partition=week)
            session.launcher.launch("drift", partition=week)
            session.launcher.launch("audit_gate", partition=week)
            session.launcher.launch("report", partition=week)
        session.launcher.launch("aa", partition=WEEKS[0])
        session.launcher.tick("provider_change_sensor")
        session.launcher.launch("gate", partition=CANDIDATE)
        session.launcher.launch("triage", partition=CANDIDATE)
        asked = {"shadow_trials": {"maximum_items": 20}}
        session.launcher.launch("shadow", partition=CANDIDATE, config=asked)
        session.launcher.launch("load", partition=BASELINE, config=SMALL_LOAD)


def _make_small(tree: Any, *, provider_url: str) -> None:
    tree["contract"]["minimum_interactions"] = 100
    tree["sampling"].update(budget=40, reserve=40, minimum_per_stratum=5)
    tree["providers"]["pharmacy-cloud"].update(base_url=provider_url)
    tree["review"].update(weekly_budget=16, minimum_agreement=-1.0)
    tree["golden"].update(
        minimum_items=25, maximum_items=60, minimum_per_subset=0, minimum_fresh_share=0.0
    )
    tree["golden"]["mix"]["tolerance"] = 1.0
    tree["drift"].update(maximum_items=30)
    tree["judge_checks"] = {"retest_items": 10, "rationale_items": 10, "pairs": 5, "anchors": 12}
    tree["watch"] = {"prompts": 20}
    tree["gate"].update(looks=[20, 40], minimum_judge_agreement=0.01)
    tree["gate"]["audit"] = {"replications": 5, "sizes": [2.0], "drifts": [0.2], "drift_weeks": 2}
    # With three looks, 60 items without a loss certify no less than 7 points.
    tree["gate"]["tolerances"]["invented_drug_interactions"] = 0.08
    # Latency is really measured, and the machine that runs tests is busy with other tests.
    del tree["gate"]["maximum_latency_ratio"]


def planted_strings_in(
    paths: Iterable[Path], canaries: Iterable[str], *, scratch: Path
) -> list[str]:
    """The planted strings that stand in any file below `paths`, as bytes or inside Parquet."""
    patterns, decoded = scratch / "canaries.txt", scratch / "decoded"
    patterns.write_text("".join(f"{canary}\n" for canary in canaries), encoding="utf-8")
    decoded.mkdir()
    searched = [path for path in paths if path.exists()]
    for number, file in enumerate(
        file for path in searched for file in [path, *path.rglob("*.parquet")] if file.is_file()
    ):
        if file.suffix == ".parquet":
            rows = pl.read_parquet(file, hive_partitioning=False).rows()
            (decoded / f"{number}.txt").write_text("\n".join(map(_spoken, rows)), encoding="utf-8")
    found = subprocess.run(
        ["grep", "-rhoaF", "-f", str(patterns), str(decoded), *map(str, searched)],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=False,
    )
    # SQLite takes its side files away when the last connection goes, also in the middle of this.
    trouble = [
        line
        for line in found.stderr.decode().splitlines()
        if not line.endswith(": No such file or directory")
    ]
    assert not trouble, trouble
    assert found.returncode in ((0, 1, 2) if found.stderr else (0, 1))
    return sorted(set(found.stdout.decode(errors="replace").splitlines()))


def _spoken(value: object) -> str:
    """Every string inside a row, as it is."""
    if isinstance(value, dict):
        return "\n".join(map(_spoken, value.values()))
    if isinstance(value, tuple | list):
        return "\n".join(map(_spoken, value))
    return str(value)
