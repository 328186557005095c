"""The jobs as commands: refresh, publish, judge-checks, watch, evaluate."""

import json

import typer

from eval_pipeline.cli.options import (
    CandidateOption,
    ConfigOption,
    JsonOption,
    WeekOption,
    checked_week,
)
from eval_pipeline.cli.session import Session, out
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.reports.judge_checks import warnings
from eval_pipeline.tables import (
    ADJUDICATIONS,
    DISPUTES,
    JUDGE_BIASES,
    JUDGE_PROBES,
    REGRESSION_REPORT,
    SAMPLED_INTERACTIONS,
    VERDICTS,
)


def register(app: typer.Typer) -> None:
    """Adds the job commands to the application."""
    app.command()(refresh)
    app.command()(publish)
    app.command("judge-checks")(judge_checks)
    app.command()(watch)
    app.command()(evaluate)


def refresh(week: WeekOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Draw, mask, stratify and judge one week, and queue what people must see."""
    session, week = Session(config), checked_week(week)
    run_id = launch(session, "refresh", week)
    lake = session.pipeline.lake
    _tell(
        {
            "week": week,
            "run_id": run_id,
            "sampled": lake.read(SAMPLED_INTERACTIONS, partition=week).height,
            "verdicts": lake.read(VERDICTS, partition=week).height,
            "queued": lake.read(DISPUTES, partition=week).height,
            "next": f"eval-pipeline review export --week {week}",
        },
        as_json=as_json,
    )


def publish(week: WeekOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Settle a week's labels, calibrate the judges and publish the golden version."""
    session, week = Session(config), checked_week(week)
    run_id = launch(session, "publish", week)
    _tell(
        {
            "week": week,
            "run_id": run_id,
            "labels": session.pipeline.lake.read(ADJUDICATIONS, partition=week).height,
            "golden_version": session.pipeline.golden.for_week(week),
        },
        as_json=as_json,
    )


def judge_checks(
    week: WeekOption,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Ask the judges again and say which of them is biased, shaky or drifting."""
    session, week = Session(config), checked_week(week)
    run_id = launch(session, "judge_checks", week)
    lake = session.pipeline.lake
    probes = lake.read(JUDGE_PROBES, partition=week)
    _tell(
        {
            "week": week,
            "run_id": run_id,
            "probes": probes.height,
            "cost_usd": float(probes["cost_usd"].sum()),
            "beyond_limits": list(warnings(lake.read(JUDGE_BIASES, partition=week))),
        },
        as_json=as_json,
    )


def watch(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Ask the pinned systems canary prompts once; a changed model is evaluated as a candidate."""
    session = Session(config)
    with session.progress.shown("watching providers"):
        told = session.launcher.tick("provider_change_sensor")
    _tell({"watch": told}, as_json=as_json)


def evaluate(candidate: CandidateOption, config: ConfigOption = None) -> None:
    """Run a candidate and the baseline on the golden set and the reserve; no decision yet."""
    session = Session(config)
    resolve_candidate(session.project, candidate)
    run_id = launch(session, "evaluate", candidate)
    report = session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate)
    out.print(f"run {run_id}: {report.height} subsets compared; decide with `eval-pipeline gate`.")


def launch(session: Session, job: str, partition: str) -> str:
    """Runs a job through the launcher, its progress shown; returns the run's id."""
    with session.progress.shown(f"{job} {partition}", plans=True):
        return session.launcher.launch(job, partition=partition)


def _tell(facts: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=2, default=str))
        return
    for name, value in facts.items():
        out.print(f"{name:>16}  {_shown(value)}", soft_wrap=True)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "none" if not value else "; ".join(str(entry) for entry in value)
    return str(value)
