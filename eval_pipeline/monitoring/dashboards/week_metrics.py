"""Metrics of the weeks: drift, production, agreement, the golden version, review, money, jobs."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.alerting.conditions import NO_LONGER_TRACKS, ReviewWeek
from eval_pipeline.monitoring.dashboards.metrics import Metric, counter, gauge

Row = Mapping[str, Any]
_DRIFT: Final = (
    ("drift_alarm", "alarm", "1 where the re-run raises an alarm."),
    ("drift_score_ratio", "value", "This week's mean score of the pinned system's items."),
    ("drift_reference_ratio", "mu0", "The reference's mean score of the same items."),
    ("drift_noise_ratio", "sigma", "The noise floor: standard deviation of one run's mean."),
    ("drift_shift_ratio", "shift", "Mean deviation since the change began."),
    ("drift_missing_scores", "missing", "Items with a reference and no usable score."),
)
_PRODUCTION: Final = (
    ("production_value", "value", "A number of the week's logs, in its own unit."),
    ("production_value_lower", "lower", "Lower bound of the number."),
    ("production_value_upper", "upper", "Upper bound of the number."),
    ("production_usual_value", "baseline_median", "Its median of earlier weeks."),
)
_ATTEMPTS: Final = (
    ("model_calls_total", "Attempts at model calls."),
    ("model_cost_usd_total", "Cost of model calls."),
    ("model_tokens_total", "Tokens, in and out."),
)


def drift_metrics(signals: pl.DataFrame, *, week: str) -> Iterator[Metric]:
    """DRIFT_SIGNALS of the newest week."""
    rows = signals.to_dicts()
    for name, column, documentation in _DRIFT:
        yield gauge(name, documentation, ((_drift_labels(row), row[column]) for row in rows))
    yield _week_of("drift", week)


def production_metrics(monitor: pl.DataFrame, *, week: str) -> Iterator[Metric]:
    """PRODUCTION_MONITOR of the newest week."""
    rows = [({"route": row["route"], "metric": row["metric"]}, row) for row in monitor.to_dicts()]
    for name, column, documentation in _PRODUCTION:
        yield gauge(name, documentation, ((labels, row[column]) for labels, row in rows))
    yield gauge(
        "production_unusual",
        "1 where the number is unusual against its own history, 0 where it is usual.",
        (
            (labels, row["finding"] == "unusual")
            for labels, row in rows
            if row["finding"] in {"usual", "unusual"}
        ),
    )
    yield _week_of("production", week)


def monitor_alert_metrics(alerts: pl.DataFrame) -> Iterator[Metric]:
    """MONITOR_ALERTS of the newest week."""
    names = ("source", "metric", "subset")
    yield gauge(
        "monitor_alert_weeks",
        "For how many weeks an alert of the monitors has lasted.",
        (({name: row[name] or "all" for name in names}, row["weeks"]) for row in alerts.to_dicts()),
    )


def outcome_metrics(tracking: pl.DataFrame) -> Iterator[Metric]:
    """OUTCOME_TRACKING of the newest week."""
    yield gauge(
        "outcome_tracks",
        "1 where the outcome goes with the labels, 0 where it no longer does.",
        (
            ({"subset": row["subset"]}, row["finding"] != NO_LONGER_TRACKS)
            for row in tracking.to_dicts()
            if row["finding"] in {"tracks", NO_LONGER_TRACKS}
        ),
    )


def agreement_metrics(agreement: pl.DataFrame) -> Iterator[Metric]:
    """Krippendorff's alpha of ANNOTATOR_AGREEMENT over its window of weeks."""
    rows = agreement.filter(
        (pl.col("span") == "window") & (pl.col("measure") == "alpha")
    ).to_dicts()
    for name, column, documentation in (
        ("agreement_alpha", "value", "Krippendorff's alpha between annotators."),
        ("agreement_alpha_lower", "lower", "Lower bound of alpha."),
        ("agreement_alpha_upper", "upper", "Upper bound of alpha."),
        ("agreement_tasks", "tasks", "Tasks that alpha rests on."),
    ):
        labelled = (
            ({"subset": row["subset"], "annotator_kind": row["annotator_kind"]}, row[column])
            for row in rows
        )
        yield gauge(name, documentation, labelled)


def golden_metrics(*, version: int, week: str, items: int, now: dt.datetime) -> Iterator[Metric]:
    """The newest golden version; its age is from the end of the week whose labels it holds."""
    ended = week_start(week) + dt.timedelta(days=7)
    yield gauge("golden_version", "The newest golden version.", [({}, version)])
    yield gauge("golden_items", "Items of the newest golden version.", [({}, items)])
    age = max(0.0, (now - ended).total_seconds())
    yield gauge("golden_age_seconds", "Since the end of the version's week.", [({}, age)])


def review_metrics(weeks: Sequence[ReviewWeek], *, as_of: dt.date) -> Iterator[Metric]:
    """The weeks whose tasks people are still asked."""
    yield gauge(
        "review_waiting_tasks",
        "Tasks that wait for a label or an adjudication.",
        [({}, sum(one.waiting for one in weeks))],
    )
    yield gauge(
        "review_tasks", "Tasks of the weeks still asked.", [({}, sum(one.tasks for one in weeks))]
    )
    late = sum(one.reason is not None and as_of >= one.deadline for one in weeks)
    yield gauge("review_overdue_weeks", "Weeks unpublished past their deadline.", [({}, late)])


def cost_metrics(
    week: str | None,
    costs: Mapping[str, float],
    attempts: Iterable[tuple[str, str, int, float, int]],
) -> Iterator[Metric]:
    """Money: `costs` of the newest week by kind of work; `attempts` ever, which only grow.

    Each of `attempts` is spender, status, calls, dollars and tokens.
    """
    if week is not None:
        by_spender = (({"spender": name}, usd) for name, usd in costs.items())
        yield gauge("week_cost_usd", "Cost of the newest week's model calls.", by_spender)
        yield _week_of("cost", week)
    rows = [
        ({"spender": spender, "status": status}, (calls, usd, tokens))
        for spender, status, calls, usd, tokens in attempts
    ]
    for place, (name, documentation) in enumerate(_ATTEMPTS):
        yield counter(name, documentation, ((labels, taken[place]) for labels, taken in rows))


def job_metrics(successes: Mapping[str, dt.datetime]) -> Iterator[Metric]:
    """When each job last succeeded, on any partition."""
    yield gauge(
        "job_last_success_timestamp_seconds",
        "When the job last succeeded, in seconds since 1970.",
        (({"job": job}, at.timestamp()) for job, at in sorted(successes.items())),
    )


def alert_metrics(deliveries: Iterable[tuple[str, str]]) -> Iterator[Metric]:
    """What was told: channel and status of each delivery on record."""
    counts: dict[tuple[str, str], int] = {}
    for key in deliveries:
        counts[key] = counts.get(key, 0) + 1
    yield gauge(
        "alert_deliveries",
        "Alerts on record by channel and by what became of them.",
        (
            ({"channel": channel, "status": status}, count)
            for (channel, status), count in sorted(counts.items())
        ),
    )


def week_start(week: str) -> dt.datetime:
    """The first instant of the week."""
    return dt.datetime.combine(dt.date.fromisoformat(week), dt.time(), tzinfo=dt.UTC)


def _week_of(what: str, week: str) -> Metric:
    return gauge(
        f"{what}_week_timestamp_seconds",
        f"The Monday of the week that the {what} figures are of.",
        [({}, week_start(week).timestamp())],
    )


def _drift_labels(row: Row) -> dict[str, object]:
    return {"system": row["system_id"], "stream": row["stream"], "subset": row["subset"]}
