"""The run on real public data: eight weeks of conversations, and one real silent model change."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl
from rich.rule import Rule
from rich.table import Table as RichTable

from eval_pipeline.cli.run_folder import RunFolder
from eval_pipeline.cli.scripted_review import Desk
from eval_pipeline.cli.session import Session, out, shipped_file
from eval_pipeline.cli.story import tell_week, tell_weeks_header
from eval_pipeline.cli.week_run import facts_of, refresh_and_publish, rerun_old_versions
from eval_pipeline.demo import heuristic_reviewers, reviewers
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.errors import JobFailedError, SettingsError
from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import page_path
from eval_pipeline.reports.terminal import decision_table
from eval_pipeline.tables import ADJUDICATIONS, REGRESSION_REPORT

DATA_VARIABLE: Final = "EVAL_PIPELINE_REAL_DATA"
DEFAULT_DATA: Final = Path("../shared/data")
DATA_PLACE: Final = "__REAL_DATA__"
PORT_PLACE: Final = "__PORT__"
LATENCY_SECONDS: Final = 0.002

CONVERSATIONS: Final = "conversations"
MODEL_CHANGE: Final = "model-change"
EXAMPLES: Final = {CONVERSATIONS: "real_log", MODEL_CHANGE: "llmdrift"}

NAIVE: Final = "naive"
MARCH_WEEK: Final = "2023-03-20"
MARCH: Final = "2023-03-20"
JUNE: Final = "2023-06-12"


def tell(directory: Path, *, part: str | None) -> None:
    """Runs one part in this process, or both, each in a process of its own."""
    data = _data_folder()
    if part is None:
        for each in (CONVERSATIONS, MODEL_CHANGE):
            _in_own_process(directory, part=each)
        return
    started = time.monotonic()
    run = _prepare(directory / part, example=EXAMPLES[part], data=data)
    arguments = ("--replay", str(run.path / "replay.yaml"), "--epoch", MARCH)
    os.environ[DATA_VARIABLE] = str(data)
    with ProviderProcess(
        models="none", latency_median_seconds=LATENCY_SECONDS, arguments=arguments
    ) as provider:
        text = run.config.read_text(encoding="utf-8")
        port = provider.base_url.rsplit(":", 1)[1].removesuffix("/v1")
        run.config.write_text(text.replace(PORT_PLACE, port), encoding="utf-8")
        session = run.session()
        if part == CONVERSATIONS:
            _conversations(session)
        else:
            _model_change(session, provider)
        session.pipeline.close()
    out.print(f"{part}: {time.monotonic() - started:.0f} s, everything in {run.path}\n")


def _data_folder() -> Path:
    folder = Path(os.environ.get(DATA_VARIABLE) or DEFAULT_DATA).absolute()
    needed = [folder / "real_log", folder / "llmdrift" / "answers.parquet"]
    missing = [str(path) for path in needed if not path.exists()]
    if missing:
        raise SettingsError(
            f"The public data are not here: {', '.join(missing)}. "
            f"Set {DATA_VARIABLE} to the folder that holds real_log and llmdrift."
        )
    return folder


def _in_own_process(directory: Path, *, part: str) -> None:
    """Each part has its own configuration, which Dagster's partitions are read from once."""
    command = [
        sys.executable,
        "-m",
        "eval_pipeline",
        "demo",
        "real",
        "--directory",
        str(directory),
        "--part",
        part,
    ]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own module
    if code != 0:
        raise JobFailedError(f"The part '{part}' ended with exit code {code}; see above.")


def _prepare(directory: Path, *, example: str, data: Path) -> RunFolder:
    run = RunFolder.fresh(directory)
    with shipped_file(f"examples/{example}") as folder:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            copy = run.path / file.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8")
            copy.write_text(text.replace(DATA_PLACE, str(data)), encoding="utf-8")
    return run


def _conversations(session: Session) -> None:
    out.print(Rule("Eight weeks of real conversations"))
    desk = Desk(
        annotators=reviewers.ANNOTATORS,
        adjudicator=reviewers.ADJUDICATOR,
        label=heuristic_reviewers.label,
    )
    desk.staff(session.pipeline)
    tell_weeks_header()
    for monday in session.pipeline.logs.weeks_available():
        week = monday.isoformat()
        refresh_and_publish(session, desk, week=week)
        rerun_old_versions(session, week=week)
        tell_week(facts_of(session, week=week))
    _tell_label_sources(session)
    with session.progress.shown(f"evaluating {NAIVE}"):
        session.launcher.tick("candidate_file_sensor")
    _tell_decision(session, NAIVE)


def _model_change(session: Session, provider: ProviderProcess) -> None:
    out.print(Rule("A real silent model change: GPT-4, March to June 2023"))
    desk = Desk(
        annotators=reviewers.ANNOTATORS,
        adjudicator=reviewers.ADJUDICATOR,
        label=heuristic_reviewers.label_benchmark,
    )
    desk.staff(session.pipeline)
    provider.set_epoch(MARCH)
    tell_weeks_header()
    refresh_and_publish(session, desk, week=MARCH_WEEK)
    rerun_old_versions(session, week=MARCH_WEEK)
    tell_week(facts_of(session, week=MARCH_WEEK))
    _tell_label_sources(session)
    session.launcher.tick("provider_change_sensor")
    provider.set_epoch(JUNE)
    out.print("\nThe provider now serves June's model under the same name.")
    with session.progress.shown("watching the provider"):
        told = session.launcher.tick("provider_change_sensor")
    opened = [name for name in told.split(", ") if name.startswith("provider-change-")]
    if not opened:
        raise JobFailedError(f"The sensor did not see the change; it said: {told}.")
    out.print(f"The sensor saw it and opened the candidate {opened[0]}.\n")
    _tell_decision(session, opened[0])
    _tell_figures(session, opened[0])


def _tell_decision(session: Session, candidate_id: str) -> None:
    decision = load_decision(session.pipeline, candidate_id)
    report = session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate_id)
    out.print()
    out.print(decision_table(decision.model_dump(mode="json"), report))
    out.print(f"Page: {page_path(session.pipeline, candidate_id)}", soft_wrap=True)


def _tell_label_sources(session: Session) -> None:
    """Says where the labels come from: the data, or scripts in place of people."""
    labels = session.pipeline.lake.read_all(ADJUDICATIONS)
    sources = dict(labels.group_by("annotator_kind").len().sort("annotator_kind").rows())
    out.print(
        f"Labels: {sources.get('recorded', 0):,} from the data itself, "
        f"{sources.get('scripted', 0):,} by scripted reviewers standing in for people; "
        "the rest of each golden version is the panel's."
    )


def _tell_figures(session: Session, candidate_id: str) -> None:
    """The last table: what the two models scored, task by task."""
    report = session.pipeline.lake.read(REGRESSION_REPORT, partition=candidate_id)
    table = RichTable("task", "n", "March", "June", "difference", "95 % interval", "gate")
    for row in report.filter(pl.col("subset") != "all").iter_rows(named=True):
        table.add_row(*_figures(row))
    out.print()
    out.print(table)


def _figures(row: dict[str, object]) -> Sequence[str]:
    def share(name: str) -> str:
        value = row[name]
        return "-" if value is None else f"{value:.3f}"

    return (
        str(row["subset"]),
        f"{row['items']:,}",
        share("baseline_mean"),
        share("candidate_mean"),
        share("difference"),
        f"{share('lower')} to {share('upper')}",
        str(row["state"]),
    )
