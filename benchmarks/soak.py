"""A simulated year of weeks on one project: what grows, and whether it stays bounded.

    python -m benchmarks.soak [--weeks 52] [--folder soak-run] [--out FOLDER]

Each week logs arrive, and a process of its own refreshes, labels with scripted reviewers,
publishes, checks the judges, measures drift, holds the baseline against itself, watches the
provider, evaluates the candidate that arrived (every fifth week), makes the week's page, digest
and alerts. Webserver, code server, daemon and review desk are real processes that live through
all weeks and are asked after each. Ends with 1 if a bar is missed or a planted string is found
outside the logs. Interrupted, it goes on in the same folder.
"""

import argparse
import contextlib
import csv
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.soak_bars import Bar, Week, judge, seconds_of
from benchmarks.soak_plot import growth
from benchmarks.soak_project import SECRETS, Size, SoakProject
from benchmarks.soak_residents import (
    DRY_RUN,
    QUERIES,
    SCHEDULES,
    Residents,
    Webhook,
    nobody,
    residents,
)
from benchmarks.soak_search import planted_in
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import load_project

AREAS: Final = {
    "golden": ("lake/golden",),
    "reports": ("lake/gate_decision", "lake/weekly_report"),
    "decision records": ("lake/decision_records",),
    "lake": ("lake",),
    "store": ("store.sqlite", "store.sqlite-wal", "store.sqlite-shm"),
    "Dagster": ("dagster",),
    "logs of residents": ("code-server.log", "webserver.log", "daemon.log", "desk.log"),
}
"""Bytes are told by area; each file counts in the first that holds it."""

INTERRUPTED: Final = 130
VISITOR: Final = "soak-visitor"
UNASKED: Final[Mapping[str, Any]] = {"queries": {}, "ticks": {}, "desk": {}}
PAGES: Final = ("/label", "/mine", "/overview")


def run(project: SoakProject, *, weeks: int, served: bool = True) -> list[Week]:
    """Lives through the weeks that are not finished yet; all finished ones, in order.

    `served`: with the residents; without them only the weeks' own processes are measured.
    """
    finished = read_weeks(project.measured)
    if len(finished) >= weeks:
        return finished[:weeks]
    with (
        Webhook().listening() as webhook,
        ProviderProcess(arguments=("--port", "0")) as provider,
    ):
        project.prepare(provider_url=provider.base_url)
        environment = _environment(project, webhook=webhook)
        project.arrive(len(finished) + 1)
        with residents(project.folder, environment=environment) if served else nobody() as alive:
            if served:
                alive.sign_in(_token(project, environment))
                alive.warm_up()
            since = f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%dT%H:%M:%S}"
            for number in range(len(finished) + 1, weeks + 1):
                provider.set_epoch(project.epoch(number))
                measured = live(project, alive, number=number, environment=environment)
                measured.update(residents_since=since, messages=webhook.taken)
                with project.measured.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(measured) + "\n")
                finished.append(measured)
                print(_line(measured), flush=True)
    return finished


def live(
    project: SoakProject, alive: Residents, *, number: int, environment: Mapping[str, str]
) -> dict[str, Any]:
    """One week: logs arrive, its process runs, the residents are asked."""
    begun = project.folder / "week-begun"
    interrupted = begun.exists() and begun.read_text() == str(number)
    begun.write_text(str(number))
    project.arrive(number)
    result = project.folder / "week.json"
    began = time.monotonic()
    with (project.folder / "week.log").open("wb") as log:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.soak_week"),
                *("--week", project.week(number), "--result", str(result)),
            ],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            check=False,
        )
    if ended.returncode:
        raise SystemExit(f"Week {number} failed; see {project.folder / 'week.log'}.")
    measured: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    measured.update(number=number, week=project.week(number), interrupted=interrupted)
    measured["process_wall"] = time.monotonic() - began
    measured["candidate"] = project.candidate(number)
    monday = dt.datetime.combine(project.monday(number + 1), dt.time(3), tzinfo=dt.UTC)
    measured.update(_asked(alive, monday=monday.timestamp()) if alive.all else UNASKED)
    measured["memory"] = alive.memory()
    measured["residents_processor"] = alive.processor_seconds()
    measured["bytes"], measured["files"] = occupied(project.folder)
    begun.unlink()
    return measured


def _asked(alive: Residents, *, monday: float) -> dict[str, dict[str, float]]:
    """Seconds that the UI's queries, the sensors' ticks and the desk's pages took, each once."""
    newest = alive.newest_run()
    queries, ticks, desk = {}, {}, {}
    for name, query in QUERIES.items():
        variables = {"runId": newest} if "$runId" in query else {}
        with _seconds(queries, name):
            alive.ask(query, **variables)
    for name in DRY_RUN:
        with _seconds(ticks, name):
            alive.tick_sensor(name)
    for name in SCHEDULES:
        with _seconds(ticks, name):
            alive.tick_schedule(name, at=monday)
    for page in PAGES:
        with _seconds(desk, page):
            alive.visit(page)
    return {"queries": queries, "ticks": ticks, "desk": desk}


@contextlib.contextmanager
def _seconds(found: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    found[name] = time.perf_counter() - began


def occupied(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes and files by area; each file counts once."""
    sizes, counts, seen = dict.fromkeys(AREAS, 0), dict.fromkeys(AREAS, 0), set[Path]()
    for area, places in AREAS.items():
        for place in places:
            path = folder / place
            for file in [path, *path.rglob("*")] if path.exists() else ():
                if file in seen or not file.is_file():
                    continue
                seen.add(file)
                with contextlib.suppress(FileNotFoundError):
                    sizes[area] += file.stat().st_size
                    counts[area] += 1
    return sizes, counts


def read_weeks(file: Path) -> list[Week]:
    """The finished weeks; a last line that a kill cut short is not one."""
    if not file.exists():
        return []
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.write_text(whole, encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def report(
    project: SoakProject, weeks: Sequence[Week], *, out: Path
) -> tuple[list[Bar], list[str]]:
    """Judges, searches for what was planted, and writes soak.json, soak.csv and soak.svg."""
    bars = judge(weeks)
    found = planted_in(
        [path for path in sorted(project.folder.iterdir()) if path != project.source_logs],
        project.planted(len(weeks)),
    )
    out.mkdir(parents=True, exist_ok=True)
    summary = {
        "weeks": len(weeks),
        "planted": len(project.planted(len(weeks))),
        "planted_found_outside_the_logs": len(found),
        "bars": [{**vars(bar), "ratio": round(bar.ratio, 4), "missed": bar.missed} for bar in bars],
        "series": list(weeks),
    }
    (out / "soak.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    with (out / "soak.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [flat(week) for week in weeks]
        writer = csv.DictWriter(
            file, fieldnames=list(dict.fromkeys(k for row in rows for k in row))
        )
        writer.writeheader()
        writer.writerows(rows)
    (out / "soak.svg").write_text(growth(weeks), encoding="utf-8")
    return bars, found


def flat(week: Week) -> dict[str, Any]:
    """A week as one row: `wall.refresh`, `bytes.lake` and so on."""
    row: dict[str, Any] = {}
    for name, value in week.items():
        if isinstance(value, Mapping):
            row |= {f"{name}.{part}": one for part, one in value.items()}
        else:
            row[name] = value
    return row


def _environment(project: SoakProject, *, webhook: Webhook) -> dict[str, str]:
    return {
        "EVAL_PIPELINE_CONFIG": str(project.config.absolute()),
        "DAGSTER_HOME": str(project.home.absolute()),
        **{name: value for name, value in SECRETS.items() if name != "SOAK_WEBHOOK"},
        "SLACK_WEBHOOK": f"http://127.0.0.1:{webhook.port}/services/{SECRETS['SOAK_WEBHOOK']}",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }


def _token(project: SoakProject, environment: Mapping[str, str]) -> str:
    """Of a person who may see the whole desk, registered at the first start."""
    os.environ.update(environment)
    pipeline = Pipeline(load_project(project.config))
    with contextlib.closing(pipeline):
        now = pipeline.clock()
        pipeline.people.add(
            VISITOR, kind="person", may_adjudicate=True, may_administer=True, by="soak", at=now
        )
        issued = pipeline.sign_in.issue_token(
            VISITOR, by="soak", note="", lifetime=dt.timedelta(days=7), at=now
        )
        return issued.text


def _line(week: Week) -> str:
    memory = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in week["memory"].items())
    return (
        f"{week['number']:>3} {week['week']}  processor {seconds_of(week, 'processor'):6.1f} s  "
        f"wall {seconds_of(week, 'wall'):6.1f} s  peak {week['peak_memory'] / 1e6:4.0f} MB  "
        f"({memory} MB)  lake {week['bytes']['lake'] / 1e6:.1f} MB  "
        f"Dagster {week['bytes']['Dagster'] / 1e6:.1f} MB  {week['candidate'] or ''}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs or goes on with the soak; 1 if a bar is missed or a planted string is found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--folder", type=Path, default=Path("soak-run"))
    parser.add_argument("--out", type=Path, help="where results go; default: the soak's folder")
    parser.add_argument("--afresh", action="store_true", help="forget what the folder holds")
    asked = parser.parse_args(arguments)
    folder = asked.folder.absolute()
    project = SoakProject(folder, Size())
    made_here = project.marker.exists()
    if folder.exists() and any(folder.iterdir()) and not made_here:
        parser.error(f"{folder} is not empty and was not made by a soak. Name another folder.")
    if asked.afresh and made_here:
        shutil.rmtree(folder)
    # Whoever ends the soak ends its residents with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(INTERRUPTED))
    weeks = run(project, weeks=asked.weeks)
    try:
        bars, found = report(project, weeks, out=asked.out or folder)
    except ValueError as error:
        print(error)
        return 1
    for bar in bars:
        print(bar.sentence())
    print(f"planted strings outside the logs: {len(found)}, bar 0 {'MISSED' if found else 'kept'}")
    return 1 if found or any(bar.missed for bar in bars) else 0


if __name__ == "__main__":
    sys.exit(main())
