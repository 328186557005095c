"""Where a page's snippets run: a copy of the small world, and what the pages' words mean there.

The pages speak of the week 2026-11-16, of a candidate NAME, of a decision 3f9c1a. A sandbox
gives each of these a meaning, so that a command runs as it stands on the page.
"""

import datetime as dt
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from ruamel.yaml import YAML

from eval_pipeline.demo.logs import write_logs
from tests.doc_pages import ROOT
from tests.doc_shell import Shell
from tests.scenario import CANDIDATE, KEY, MONDAYS, NEXT_WEEK, SEED, WEEKS, World

BIN: Final = Path(sys.executable).parent
LOST: Final = "sharper-on-average"
PEOPLE: Final = ("ada", "ben")
DEFAULT: Final = "demo"
OWN_CONVERSATIONS: Final = 600
OWN_ROUTES: Final = ("order_status", "refunds")
"""Enough for the first golden version of `init`'s configuration, of which no question loses its
sense where days and names of branches are masked."""
FILES: Final[Mapping[str, str]] = {
    "baseline.jsonl": '{"item_id": "a", "score": 1}\n{"item_id": "b", "score": 1}\n',
    "candidate.jsonl": '{"item_id": "a", "score": 1}\n{"item_id": "b", "score": 0}\n',
    "policy.yaml": "gate: {confidence: 0.95}\n",
    "customers.txt": "Jane Elizabeth Roe\n",
}
"""What every project has lying about, besides `log.jsonl`."""


@dataclass(frozen=True)
class Past:
    """What sandboxes are copied from, made once for all workers."""

    blank: World
    finished: World
    open_week: World
    programs: Path
    provider_url: str


@dataclass
class Sandbox:
    """A folder for snippets, a shell in it, and the words of the pages."""

    folder: Path
    world: World | None
    words: dict[str, str]
    shell: Shell

    def worded(self, text: str, more: Mapping[str, str] | None = None) -> str:
        """The text with every word of the pages as what it stands for here, longest first."""
        words = {**self.words, **(more or {})}
        if not words:
            return text
        names = sorted(words, key=len, reverse=True)
        pattern = "|".join(re.escape(name) for name in names)
        text = re.sub(rf"(?<![\w-])(?:{pattern})(?![\w-])", lambda found: words[found[0]], text)
        return re.sub(r"(?<![\w/])\.venv/bin/", f"{BIN}/", text)

    def close(self) -> None:
        self.shell.close()


def prepare(world: World) -> None:
    """What a project's pages speak of beyond the small world: people, a second candidate."""
    world.configure(
        lambda tree: tree["gate"].update(
            may_waive=list(PEOPLE), continuation={"share": 0.2, "weekly_items": 20}
        )
    )
    example = ROOT / "examples" / "candidates" / f"{LOST}.yaml"
    shutil.copyfile(example, world.folder / "candidates" / example.name)
    for name in (CANDIDATE, LOST):
        ended = world.run("gate", "--candidate", name)
        assert ended.code in (0, 1, 2), ended.err
    # Small as this world is, nothing passes in it; what is waived can be promoted.
    waived = world.run(
        *("waive", CANDIDATE, "--by", PEOPLE[0], "--until", _in_a_month(), "--reason", "small")
    )
    assert waived.code == 0, waived.err
    assert world.run("gate", "--candidate", CANDIDATE).code == 0
    for person in ("ana", "ben"):
        assert world.run("review", "add-reviewer", person).code == 0
    assert world.run("review", "add-reviewer", "cleo", "--adjudicator").code == 0
    for name, text in FILES.items():
        (world.folder / name).write_text(text, encoding="utf-8")
    logged = pl.read_parquet(world.logs / f"week={WEEKS[0]}" / "*.parquet")
    logged.write_ndjson(world.folder / "log.jsonl")
    (world.folder / ".eval-pipeline-demo").touch()
    (world.logs / "pseudonym.key").write_text(KEY, encoding="utf-8")


def sandbox(setup: str, folder: Path, *, past: Past, scratch: Path) -> Sandbox:
    """A fresh sandbox by the name that a page's `setup` directive gives."""
    return _SETUPS[setup](folder, past, scratch)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _demo(folder: Path, past: Past, scratch: Path) -> Sandbox:
    """A project whose last week, 2026-11-16, is finished, with two candidates decided."""
    world = past.finished.copied_to(folder, provider_url=past.provider_url)
    return _in_world(world, WEEKS[-1], past=past, scratch=scratch)


def _open_week(folder: Path, past: Past, scratch: Path) -> Sandbox:
    """The same, and 2026-11-16 is a week after it that waits for its labels."""
    world = past.open_week.copied_to(folder, provider_url=past.provider_url)
    return _in_world(world, NEXT_WEEK, past=past, scratch=scratch)


def _new_week(folder: Path, past: Past, scratch: Path) -> Sandbox:
    """The same, and 2026-11-16 is a week after it on which no job has run."""
    world = past.finished.copied_to(folder, provider_url=past.provider_url)
    return _in_world(world, NEXT_WEEK, past=past, scratch=scratch)


def _checkout(folder: Path, past: Past, scratch: Path) -> Sandbox:
    """The finished project, seen from the checkout of this program."""
    made = _demo(folder, past, scratch)
    made.shell.run(f"cd {ROOT}")
    return made


def _own_logs(folder: Path, past: Past, scratch: Path) -> Sandbox:
    """An empty folder with two weeks of logs, as Parquet here and as JSON lines in /logs."""
    (folder / "logs").mkdir(parents=True)
    logs = write_logs(
        scratch / "logs", weeks=MONDAYS[:2], seed=SEED, conversations_per_week=OWN_CONVERSATIONS
    )
    for file in logs.files:
        found = pl.read_parquet(file).filter(pl.col("route").is_in(OWN_ROUTES))
        found.write_parquet(folder / "logs" / f"{file.parent.name.removeprefix('week=')}.parquet")
        found.write_ndjson(file.with_suffix(".jsonl"))
    shutil.copyfile(logs.files[0].with_suffix(".jsonl"), folder / "log.jsonl")
    words = {
        "http://127.0.0.1:8089/v1": past.provider_url,
        "https://api.example.com/v1": past.provider_url,
        # `init` takes last week for the first one; these logs are older.
        "your-model": f"pharma-large --first-week {WEEKS[0]}",
        "family-a/judge-model": "aurora/arbiter-a",
        "family-b/judge-model": "borealis/arbiter-b",
        "/logs/week=2026-11-16": f"{scratch}/logs/week={WEEKS[0]}",
        "2026-11-16": WEEKS[0],
    }
    environment = _environment(past, {"PHARMACY_KEY": "none", "PROVIDER_KEY": "none"})
    shell = Shell(folder, scratch=scratch, environment=environment)
    return Sandbox(folder, None, words, shell)


def _tool_results(folder: Path, past: Past, scratch: Path) -> Sandbox:
    """The finished project, with files that other tools wrote beside it."""
    made = _demo(folder, past, scratch)
    shutil.copytree(ROOT / "tests" / "data" / "result_files", folder, dirs_exist_ok=True)
    return made


_SETUPS: Final[Mapping[str, Callable[[Path, Past, Path], Sandbox]]] = {
    "demo": _demo,
    "open week": _open_week,
    "new week": _new_week,
    "checkout": _checkout,
    "own logs": _own_logs,
    "results of other tools": _tool_results,
}


def _in_world(world: World, week: str, *, past: Past, scratch: Path) -> Sandbox:
    port, dagster = free_port(), free_port()
    options = (
        f"--no-print-directory -C {ROOT} -o .venv/.installed VENV={BIN.parent} "
        f"PORT={dagster} DEMO_DIR={world.folder}"
    )
    world.configure(lambda tree: tree.setdefault("desk", {}).update(port=port))
    words = {
        "2026-11-16": week,
        "2026-11-09": WEEKS[-1] if week == NEXT_WEEK else WEEKS[0],
        "8321": str(port),
        "dg dev": f"dg dev --port {dagster}",
        "make ui": f"make {options} ui",
        "http://127.0.0.1:8089/v1": past.provider_url,
        "/srv/my-evals": str(world.folder),
        "demo-run": str(world.folder),
        "2026-12-31": _in_a_month(),
        "NAME": CANDIDATE,
        "DECISION": LOST,
        "3f9c1a": _decision(world, LOST)[:6],
        "YOU": PEOPLE[0],
        "WHY": "'it passed'",
        "W": week,
        **_items(world),
    }
    shell = Shell(
        world.folder, scratch=scratch, environment=world.environment(**_environment(past, {}))
    )
    shell.run(f'make() {{ command make {options} "$@"; }}')
    return Sandbox(world.folder, world, words, shell)


def _environment(past: Past, more: Mapping[str, str]) -> dict[str, str]:
    unset = {"EVAL_PIPELINE_CONFIG", "EVAL_PIPELINE_KEY", "DAGSTER_HOME"}
    plain = {
        name: value
        for name, value in os.environ.items()
        if name not in unset and not name.startswith(("COV", "PYTEST"))
    }
    return {
        **plain,
        "PATH": os.pathsep.join([str(past.programs), str(BIN), plain["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "VIRTUAL_ENV": str(BIN.parent),
        **more,
    }


def _in_a_month() -> str:
    return (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()


def _decision(world: World, candidate: str) -> str:
    page = world.lake / "gate_decision" / f"candidate={candidate}" / "decision.json"
    return str(json.loads(page.read_text(encoding="utf-8"))["decision_id"])


def _items(world: World) -> dict[str, str]:
    """An item of the newest golden version, and one that the losing candidate was asked."""
    golden = max((world.lake / "golden").glob("*/*.parquet"))
    asked = pl.read_parquet(world.lake / "regression_trials" / f"candidate={LOST}" / "*.parquet")
    return {
        "item-0123456789abcdef": pl.read_parquet(golden)["item_id"][0],
        "item-09d9ffb0e8f6c1a2": asked["item_id"].sort()[0],
    }


def tree_of(text: str) -> Any:
    """YAML as plain Python."""
    return YAML(typ="safe", pure=True).load(text)
