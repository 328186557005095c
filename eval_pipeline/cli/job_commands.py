"""The jobs as commands: refresh, publish, judge-checks, drift, watch, evaluate, gate."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from eval_pipeline.cli.options import (
    CandidateOption,
    ConfigOption,
    JsonOption,
    WeekOption,
    checked_week,
)
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.decision import load_decision, page_path, read_page
from eval_pipeline.reports import formats
from eval_pipeline.reports.judge_checks import warnings
from eval_pipeline.reports.terminal import decision_table
from eval_pipeline.tables import (
    ADJUDICATIONS,
    DISPUTES,
    DRIFT_REPORT,
    JUDGE_BIASES,
    JUDGE_PROBES,
    REGRESSION_REPORT,
    SAMPLED_INTERACTIONS,
    VERDICTS,
)

COULD_NOT_EVALUATE = 3


class DecisionFormat(StrEnum):
    """How a decision is told."""

    text = "text"
    json = "json"
    junit = "junit"
    markdown = "markdown"
    html = "html"


def register(app: typer.Typer) -> None:
    """Adds the job commands to the application."""
    app.command()(refresh)
    app.command()(publish)
    app.command("judge-checks")(judge_checks)
    app.command()(drift)
    app.command()(watch)
    app.command()(evaluate)
    app.command()(gate)


def refresh(week: WeekOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Draw, mask, stratify and judge one week, and queue what people must see."""
    session, week = Session(config), checked_week(week)
    run_id = _launch(session, "refresh", week)
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
    run_id = _launch(session, "publish", week)
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
    run_id = _launch(session, "judge_checks", week)
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


def drift(week: WeekOption, config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Re-run old golden versions on the pinned systems and say what has drifted."""
    session, week = Session(config), checked_week(week)
    run_id = _launch(session, "drift", week)
    report = session.pipeline.lake.read(DRIFT_REPORT, partition=week)
    found = report.filter(pl.col("finding") == "drift")
    _tell(
        {
            "week": week,
            "run_id": run_id,
            "drift": [
                {
                    key: row[key]
                    for key in (
                        "system_id",
                        "subset",
                        "component",
                        "difference",
                        "lower",
                        "upper",
                        "reference_week",
                    )
                }
                for row in found.iter_rows(named=True)
            ],
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
    run_id = _launch(session, "evaluate", candidate)
    report = session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate)
    out.print(f"run {run_id}: {report.height} subsets compared; decide with `eval-pipeline gate`.")


def gate(
    candidate: CandidateOption,
    config: ConfigOption = None,
    output_format: Annotated[
        DecisionFormat, typer.Option("--format", help="How to tell the decision.")
    ] = DecisionFormat.text,
    output: Annotated[
        Path | None, typer.Option("--out", help="Write it to this file instead.")
    ] = None,
) -> None:
    """Decide on a candidate. Exit 0 pass, 1 block, 2 inconclusive, 3 could not be evaluated."""
    try:
        session = Session(config)
        resolve_candidate(session.project, candidate)
        _launch(session, "gate", candidate)
        decision = load_decision(session.pipeline, candidate)
    except Exception as error:
        # A defect must not pass for a verdict either: Python's own exit code is 1, which is block.
        error.exit_code = COULD_NOT_EVALUATE  # type: ignore[attr-defined]
        raise
    report = session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate)
    told = decision.model_dump(mode="json")
    match output_format:
        case DecisionFormat.text if output is None:
            out.print(decision_table(told, report))
            out.print(f"Page: {page_path(session.pipeline, candidate)}", soft_wrap=True)
            raise typer.Exit(decision.exit_code)
        case DecisionFormat.text:
            text = formats.as_text(told)
        case DecisionFormat.json:
            text = formats.as_json(told)
        case DecisionFormat.junit:
            text = formats.as_junit(told)
        case DecisionFormat.markdown:
            text = formats.as_markdown(told)
        case DecisionFormat.html:
            text = read_page(session.pipeline, candidate)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text, encoding="utf-8")
        err.print(f"{decision.verdict}: written to {output}")
    raise typer.Exit(decision.exit_code)


def _launch(session: Session, job: str, partition: str) -> str:
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
