"""WEEKLY_REPORT: the week's headline figures, each with its interval and a sentence."""

from collections.abc import Iterator
from dataclasses import asdict

import polars as pl

from eval_pipeline.monitoring.weekly.evidence import WeekEvidence
from eval_pipeline.monitoring.weekly.figure import Figure, ends, percent
from eval_pipeline.monitoring.weekly.panel import ALL
from eval_pipeline.monitoring.weekly.sample_figures import masking, panel, traffic
from eval_pipeline.monitoring.weekly.truth_figures import golden, judges, people
from eval_pipeline.statistics.proportions import normal_quantile
from eval_pipeline.tables import WEEKLY_REPORT


def weekly_report(known: WeekEvidence) -> pl.DataFrame:
    """The WEEKLY_REPORT of what is known of a week; what is not known has no row."""
    parts = (
        traffic, masking, panel, people, golden, judges, _drift, _production, _outcomes, _decisions,
    )  # fmt: skip
    rows = [asdict(figure) for part in parts for figure in part(known)]
    schema = WEEKLY_REPORT.schema
    return WEEKLY_REPORT.conform(pl.DataFrame(rows, schema=schema).select(list(schema)))


def _drift(known: WeekEvidence) -> Iterator[Figure]:
    report, signals = known.of_week(known.drift), known.of_week(known.signals)
    if report is not None:
        newest = pl.col("golden_version") == pl.col("golden_version").max().over("system_id")
        rows = report.filter(pl.col("subset") == ALL, pl.col("component") == "total", newest)
        for row in rows.drop_nulls("difference").sort("system_id").iter_rows(named=True):
            yield Figure(
                "live_score_change",
                row["system_id"],
                row["difference"],
                f"The live score of '{row['system_id']}' moved by {100 * row['difference']:+.1f} "
                f"points ({ends(row['lower'], row['upper'])}) since {row['reference_week']}.",
                row["lower"],
                row["upper"],
            )
    if signals is not None:
        yield from _alarms(signals, normal_quantile(known.confidence))


def _alarms(signals: pl.DataFrame, reach: float) -> Iterator[Figure]:
    """The deviation of the alarmed re-run, give or take its noise floor; one figure a system."""
    rows = signals.filter(pl.col("alarm"), pl.col("subset") == ALL).sort("system_id", "stream")
    for row in rows.unique("system_id", keep="first", maintain_order=True).iter_rows(named=True):
        deviation, noise = row["value"] - row["mu0"], reach * row["sigma"]
        whose = row["attribution"] or "nobody"
        yield Figure(
            "drift_alarm",
            row["system_id"],
            deviation,
            f"'{row['system_id']}' deviates by {100 * deviation:+.1f} points from its reference "
            f"since {row['alarm_since']}; attributed to: {whose}.",
            deviation - noise,
            deviation + noise,
        )


def _production(known: WeekEvidence) -> Iterator[Figure]:
    monitor = known.of_week(known.monitor)
    if monitor is not None:
        unusual = monitor.filter(pl.col("finding") == "unusual").sort("route", "metric")
        for row in unusual.iter_rows(named=True):
            route = "" if row["route"] == ALL else f" on {row['route']}"
            yield Figure(
                "production_unusual",
                f"{row['metric']}/{row['route']}",
                row["value"],
                f"{row['metric'].replace('_', ' ')}{route} is {row['value']:.4g}; its own history "
                f"is around {row['baseline_median']:.4g}.",
                row["lower"],
                row["upper"],
            )


def _outcomes(known: WeekEvidence) -> Iterator[Figure]:
    if known.outcomes is not None:
        apart = known.outcomes.filter(pl.col("finding") == "disagrees").sort("subset")
        for row in apart.iter_rows(named=True):
            yield Figure(
                "outcome_gap",
                row["subset"],
                row["predicted"],
                f"On {row['subset']} labels foresee {percent(row['predicted'])} "
                f"({ends(row['predicted_lower'], row['predicted_upper'])}) and production shows "
                f"{percent(row['outcome'])} "
                f"({ends(row['outcome_lower'], row['outcome_upper'])}).",
                row["predicted_lower"],
                row["predicted_upper"],
            )


def _decisions(known: WeekEvidence) -> Iterator[Figure]:
    for one in known.decisions:
        whole = one.decision["aggregate"]
        yield Figure(
            "decision",
            one.candidate_id,
            whole["difference"],
            f"'{one.candidate_id}': {one.decision['verdict']}.",
            whole["lower"],
            whole["upper"],
        )
