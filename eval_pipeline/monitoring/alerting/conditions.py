"""Events of what lasts: drift, production's numbers, outcomes, the review desk."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.monitoring.alerting.figures import (
    counted,
    listed,
    measured,
    points,
)
from eval_pipeline.tables import DISPUTES, DRIFT_SIGNALS

NO_LONGER_TRACKS: Final = "no_longer_tracks"
PERSISTS_FROM: Final = 2
"""Weeks from which on an unusual number of production is no chance of one week."""

_WHOSE: Final = {
    "provider": "the provider's model",
    "judge": "a judge",
    "unattributed": "not attributed",
}


def drift_events(signals: pl.DataFrame, *, week: str) -> Iterator[AlertEvent]:
    """One event per pinned system and week in which alarms of DRIFT_SIGNALS began."""
    alarms = signals.filter(pl.col("alarm")).sort("system_id", "alarm_since", "stream", "subset")
    for key, group in alarms.group_by("system_id", "alarm_since", maintain_order=True):
        system, since = str(key[0]), key[1]
        rows = group.to_dicts()
        whose = sorted({_WHOSE.get(row["attribution"], "not attributed") for row in rows})
        yield AlertEvent(
            "drift_alarm",
            "page",
            system,
            f"'{system}' has drifted: {listed(whose)}",
            lines=tuple(_drift_line(row) for row in rows),
            since=since or week,
            next_step="Compare with the decision on the provider's change, or check the judges.",
            table=DRIFT_SIGNALS.name,
            partition=week,
        )


def _drift_line(row: Mapping[str, Any]) -> str:
    missing = f", {row['missing']} missing" if row["missing"] else ""
    noise = "not known" if row["sigma"] is None else f"{100 * row['sigma']:.1f}"
    return (
        f"{row['subset']} ({row['stream']}): {points(row['shift'])} points since "
        f"{row['alarm_since']}, noise floor {noise} points, "
        f"{counted(row['items'], 'item')}{missing}"
    )


def monitor_events(alerts: pl.DataFrame, *, week: str, table: str) -> Iterator[AlertEvent]:
    """One event per row of MONITOR_ALERTS; it pages once it has lasted two weeks.

    Read: source, metric, subset, value, lower, upper, baseline_median, change, since_week, weeks,
    next_step.
    """
    for row in alerts.iter_rows(named=True):
        weeks = row["weeks"] or 1
        where = "" if row["subset"] in {None, "", "all"} else f" on '{row['subset']}'"
        since = str(row["since_week"] or week)
        yield AlertEvent(
            "monitor_alert",
            "page" if weeks >= PERSISTS_FROM else "warn",
            "/".join(str(row[name] or "all") for name in ("source", "metric", "subset")),
            f"{row['metric']}{where} is unusual since {since}",
            lines=(
                _unusual(row),
                f"for {counted(weeks, 'week')}",
            ),
            since=since,
            next_step=row["next_step"] or "",
            table=table,
            partition=week,
        )


def outcome_events(tracking: pl.DataFrame, *, week: str, table: str) -> Iterator[AlertEvent]:
    """One event per subset of OUTCOME_TRACKING whose labels no longer go with the outcome.

    Read: subset, weeks, inside, coverage, finding, since_week.
    """
    gone = tracking.filter(pl.col("finding") == NO_LONGER_TRACKS).sort("subset")
    for row in gone.iter_rows(named=True):
        name = "all traffic" if row["subset"] == "all" else f"'{row['subset']}'"
        since = str(row["since_week"] or week)
        yield AlertEvent(
            "outcome_no_longer_tracks",
            "page",
            row["subset"],
            f"What we measure no longer goes with the outcome on {name}",
            lines=(
                _tracked(row),
                f"since {since}",
            ),
            since=since,
            next_step="Ask whether rubric and golden set still say what customers mind.",
            table=table,
            partition=week,
        )


def audit_events(
    problems: Sequence[str], *, made: bool, week: str, table: str
) -> Iterator[AlertEvent]:
    """One event where the newest audit of the gate found it wanting, or could not be `made`."""
    if problems:
        failed = f"The gate failed its own audit of {week}"
        yield AlertEvent(
            "gate_audit_failed",
            "page" if made else "warn",
            "gate",
            failed if made else f"The gate could not be audited on {week}",
            lines=tuple(problems),
            since=week,
            next_step=f"See `eval-pipeline audit --week {week}`; until then no pass is sure.",
            table=table,
            partition=week,
        )


def _unusual(row: Mapping[str, Any]) -> str:
    now = measured(row["value"], row["lower"], row["upper"])
    return f"{row['source']}: {now}, usually {measured(row['baseline_median'], None, None)}"


def _tracked(row: Mapping[str, Any]) -> str:
    covered = "" if row["coverage"] is None else f"; {row['coverage']:.0%} are promised"
    weeks = f"{row['inside']} of {counted(row['weeks'], 'week')}"
    return f"the outcome was inside what the labels predicted in {weeks}{covered}"


@dataclass(frozen=True)
class ReviewWeek:
    """How far one week's tasks are; `waiting` still need a label or an adjudication.

    `reason` says why the week cannot be published; null where it is, or can be.
    """

    week: str
    tasks: int
    waiting: int
    deadline: dt.date
    reason: str | None


def review_events(
    weeks: tuple[ReviewWeek, ...], *, as_of: dt.date, backlog: int
) -> Iterator[AlertEvent]:
    """An event per week that its deadline has passed unpublished, and one for a long queue."""
    for one in weeks:
        if one.reason is None or as_of < one.deadline:
            continue
        yield AlertEvent(
            "review_deadline",
            "warn",
            one.week,
            f"The labels of {one.week} are overdue since {one.deadline}",
            lines=(one.reason, f"{one.waiting} of {counted(one.tasks, 'task')} wait for people"),
            since=one.deadline.isoformat(),
            next_step=f"See `eval-pipeline review status --week {one.week}`.",
            table=DISPUTES.name,
            partition=one.week,
        )
    waiting = sum(one.waiting for one in weeks)
    if waiting >= backlog:
        yield AlertEvent(
            "review_backlog",
            "warn",
            "desk",
            f"{waiting} review tasks wait for people",
            lines=tuple(f"{one.week}: {one.waiting} of {one.tasks}" for one in weeks),
            next_step="Ask more people to the desk, or lower `review.weekly_budget`.",
            table=DISPUTES.name,
            partition=weeks[0].week if weeks else None,
        )
