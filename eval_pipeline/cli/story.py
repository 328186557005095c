"""The demo: eight weeks of an online pharmacy's assistant, told in a terminal."""

import datetime as dt
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule

from eval_pipeline.cli.run_folder import RunFolder
from eval_pipeline.cli.scripted_review import Desk
from eval_pipeline.cli.session import Session, out, shipped_file
from eval_pipeline.cli.week_run import (
    WeekFacts,
    audit_the_gate,
    facts_of,
    pin_reference,
    refresh_and_publish,
    rerun_old_versions,
)
from eval_pipeline.demo import reviewers
from eval_pipeline.demo.logs import write_logs
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.flows.candidates import candidates_folder
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import page_path
from eval_pipeline.flows.weekly_page import read_week, week_path
from eval_pipeline.reports.terminal import decision_table
from eval_pipeline.settings_file import DEFAULT_CONFIG
from eval_pipeline.tables import REGRESSION_REPORT

SEED: Final = 20261121
FIRST_WEEK: Final = dt.date(2026, 9, 7)
WEEKS: Final = tuple(FIRST_WEEK + dt.timedelta(weeks=number) for number in range(8))
AUDITED: Final = WEEKS[-2:]
"""Weeks in which the gate is held against planted faults; before, the golden set still grows."""
CANDIDATES: Final = ("sharper-on-average", "steady")
LATENCY_SECONDS: Final = 0.004

DESK: Final = Desk(
    annotators=reviewers.ANNOTATORS, adjudicator=reviewers.ADJUDICATOR, label=reviewers.label
)


def tell(directory: Path) -> None:
    """Runs the whole story into `directory`, which is emptied first if a demo made it."""
    started = time.monotonic()
    run = RunFolder.fresh(directory)
    out.print(Rule("eval-pipeline: eight weeks of an online pharmacy's assistant"))
    logs = write_logs(run.source_logs, weeks=WEEKS, seed=SEED)
    out.print(
        f"Production logs: {logs.interactions:,} interactions with {len(logs.canaries):,} planted "
        f"personal strings, in {_short(run.source_logs)}"
    )
    with provider_at(0) as provider, shipped_file(DEFAULT_CONFIG) as config:
        run.configure(config.read_text(encoding="utf-8"), provider_url=provider.base_url)
        out.print(f"Model provider:  {provider.base_url} (loopback, its own process)\n")
        session = run.session()
        DESK.staff(session.pipeline)
        _weeks(session, provider)
        _candidates(session)
        _last_week(session)
        _farewell(session, run, seconds=time.monotonic() - started)
        session.pipeline.close()


@contextmanager
def provider_at(port: int) -> Iterator[ProviderProcess]:
    """The demo's provider in its own process; port 0 takes any free one."""
    with ProviderProcess(
        models="pharmacy",
        latency_median_seconds=LATENCY_SECONDS,
        arguments=("--port", str(port)),
    ) as process:
        yield process


def _weeks(session: Session, provider: ProviderProcess) -> None:
    tell_weeks_header()
    for monday in WEEKS:
        week = monday.isoformat()
        provider.set_epoch(week)
        opened = _watch(session)
        refresh_and_publish(session, DESK, week=week)
        rerun_old_versions(session, week=week)
        if monday == WEEKS[0]:
            pin_reference(session, week=week)
        if monday in AUDITED:
            audit_the_gate(session, week=week)
        tell_week(facts_of(session, week=week))
        for candidate_id in opened:
            _tell_change(session, candidate_id)


def _watch(session: Session) -> list[str]:
    """What the hourly sensor does: asks canary prompts; a change opens and runs a candidate."""
    with session.progress.shown("watching the provider"):
        told = session.launcher.tick("provider_change_sensor")
    return [name for name in told.split(", ") if name.startswith("provider-change-")]


def _tell_change(session: Session, candidate_id: str) -> None:
    decision = load_decision(session.pipeline, candidate_id)
    out.print(
        Panel(
            f"The provider changed the model behind [bold]{decision.baseline}[/] without a word. "
            f"The sensor saw it and opened [bold]{candidate_id}[/]; the gate says "
            f"[bold]{decision.verdict}[/].\n{decision.reasons[0]}",
            title="a candidate nobody asked for",
            border_style="yellow",
            width=100,
        )
    )


def tell_weeks_header() -> None:
    """The heading over `tell_week`'s lines."""
    out.print(
        "[bold]week         traffic  judged  disputed  labelled  alpha   golden set"
        "         drift[/]"
    )


def tell_week(facts: WeekFacts) -> None:
    """One week as one line."""
    alpha = "   -" if facts.alpha is None else f"{facts.alpha:.2f}"
    drift = f"[bold yellow]{facts.drift[0]}[/]" if facts.drift else "within noise"
    out.print(
        f"{facts.week}  {facts.interactions:>8,}  {facts.judged:>6}  {facts.disputed:>8}  "
        f"{facts.settled:>8}   {alpha}   v{facts.golden_version} · {facts.items:>3} items   {drift}"
    )
    for alarm in facts.alarms:
        told = f"[bold yellow]drift alarm[/]  {alarm}"
        out.print(Padding(told, (0, 0, 0, len(facts.week) + 2)))


def _candidates(session: Session) -> None:
    folder = candidates_folder(session.project)
    folder.mkdir(parents=True, exist_ok=True)
    for candidate_id in CANDIDATES:
        with shipped_file(f"examples/candidates/{candidate_id}.yaml") as file:
            shutil.copyfile(file, folder / file.name)
    out.print("\nTwo candidates arrive as files; the sensor evaluates both.")
    with session.progress.shown("evaluating candidates"):
        session.launcher.tick("candidate_file_sensor")
    for candidate_id in CANDIDATES:
        decision = load_decision(session.pipeline, candidate_id)
        report = session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate_id)
        out.print()
        out.print(decision_table(decision.model_dump(mode="json"), report))
        out.print(f"Page: {_short(Path(page_path(session.pipeline, candidate_id)))}")


def _last_week(session: Session) -> None:
    """The page that a product owner reads, of the week in which the candidates came."""
    week = WEEKS[-1].isoformat()
    with session.progress.shown(f"{week}: the week's page"):
        session.launcher.launch("report", partition=week)
    told = json.loads(read_week(session.pipeline, week=week, suffix="json"))
    out.print(f"\nThe week of {week} for the product owner: {told['headline']}", markup=False)
    page = Path(session.pipeline.lake.describe(week_path(week, "html")))
    out.print(f"Page: {_short(page)}")


def _farewell(session: Session, run: RunFolder, *, seconds: float) -> None:
    out.print()
    out.print(Rule())
    out.print(f"Done in {seconds:.0f} s. Everything is in {_short(run.path)}:")
    out.print(f"  lake, catalogue  {_short(Path(session.project.lake_url))}")
    out.print(f"  any command      source {_short(run.path)}/demo.env; eval-pipeline golden list")
    out.print("  Dagster UI       make ui")
    out.print(
        "  planted strings  eval-pipeline demo canaries   # none got in; Parquet is compressed"
    )


def _short(path: Path) -> str:
    """The path from here if it lies below here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
