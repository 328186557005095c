"""One week of a demo: refresh, scripted labels, publish, and what to tell of it."""

from dataclasses import dataclass

import polars as pl

from eval_pipeline.cli.scripted_review import Desk
from eval_pipeline.cli.session import Session
from eval_pipeline.reports.drift_plots import signal_sentence
from eval_pipeline.tables import (
    ADJUDICATIONS,
    DISPUTES,
    DRIFT_REPORT,
    DRIFT_SIGNALS,
    JUDGE_CALIBRATION,
    PRODUCTION_MONITOR,
    SAMPLED_INTERACTIONS,
)


@dataclass(frozen=True)
class WeekFacts:
    """What a week came to; null where it was not measured."""

    week: str
    interactions: int
    judged: int
    queued: int
    disputed: int
    settled: int
    alpha: float | None
    golden_version: int | None
    items: int
    drift: tuple[str, ...]
    alarms: tuple[str, ...]


def refresh_and_publish(session: Session, desk: Desk, *, week: str) -> None:
    """The week's jobs up to its version, the scripted reviewers in between; then the judges'."""
    with session.progress.shown(f"{week}: refresh"):
        session.launcher.launch("refresh", partition=week)
    desk.work(session.pipeline, week=week)
    with session.progress.shown(f"{week}: publish"):
        session.launcher.launch("publish", partition=week)
    with session.progress.shown(f"{week}: checks of the judges"):
        session.launcher.launch("judge_checks", partition=week)


def rerun_old_versions(session: Session, *, week: str) -> None:
    """The week's drift job."""
    with session.progress.shown(f"{week}: old versions again"):
        session.launcher.launch("drift", partition=week)


def audit_the_gate(session: Session, *, week: str) -> None:
    """Faults planted in copies of the week's evidence, and what the gate makes of them."""
    with session.progress.shown(f"{week}: planted faults"):
        session.launcher.launch("audit_gate", partition=week)


def pin_reference(session: Session, *, week: str) -> None:
    """Reference runs of the pinned systems, which later weeks are held against."""
    with session.progress.shown(f"{week}: reference runs"):
        asked = {"drift_reference": {"pin": True}}
        session.launcher.launch("drift_pin", partition=week, config=asked)


def facts_of(session: Session, *, week: str) -> WeekFacts:
    """Reads back from the lake what the week's jobs wrote."""
    lake, golden = session.pipeline.lake, session.pipeline.golden
    sampled = lake.read(SAMPLED_INTERACTIONS, partition=week)
    queued = lake.read(DISPUTES, partition=week)
    monitored = lake.read(PRODUCTION_MONITOR, partition=week)
    version = golden.for_week(week)
    return WeekFacts(
        week=week,
        interactions=int(monitored.filter(pl.col("route") == "all")["interactions"].max() or 0),  # type: ignore[arg-type]
        judged=sampled.filter(pl.col("selection") == "sample").height,
        queued=queued.height,
        disputed=queued.filter(pl.col("selection") == "dispute").height,
        settled=lake.read(ADJUDICATIONS, partition=week).height,
        alpha=_alpha(lake.read(JUDGE_CALIBRATION, partition=week)),
        golden_version=version,
        items=0 if version is None else golden.items(version).height,
        drift=drift_named(session, week=week),
        alarms=alarms_raised(session, week=week),
    )


def drift_named(session: Session, *, week: str) -> tuple[str, ...]:
    """The week's drift findings as short phrases, the overall ones first; empty if none."""
    if not session.pipeline.lake.has(DRIFT_REPORT, partition=week):
        return ()
    report = session.pipeline.lake.read(DRIFT_REPORT, partition=week)
    newest = report.filter(
        (pl.col("finding") == "drift")
        & (pl.col("component") != "total")
        & (pl.col("golden_version") == pl.col("golden_version").max().over("system_id"))
    )
    ordered = newest.sort(pl.col("subset") != "all", pl.col("difference"))
    return tuple(
        f"{row['component']} {row['difference'] * 100:+.1f} pt on {row['subset']}"
        for row in ordered.iter_rows(named=True)
    )


def alarms_raised(session: Session, *, week: str) -> tuple[str, ...]:
    """What the drift detector raised this week on all items, a sentence each; empty if nothing."""
    if not session.pipeline.lake.has(DRIFT_SIGNALS, partition=week):
        return ()
    signals = session.pipeline.lake.read(DRIFT_SIGNALS, partition=week)
    raised = signals.filter(pl.col("alarm_since") == week, pl.col("subset") == "all")
    return tuple(signal_sentence(row) for row in raised.iter_rows(named=True))


def _alpha(calibration: pl.DataFrame) -> float | None:
    row = calibration.filter((pl.col("judge_id") == "people") & (pl.col("measure") == "alpha"))
    return None if row.is_empty() else row.row(0, named=True)["value"]
